package io.heddle.redis;

import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A script that Redis runs, by its file under {@code src/main/resources/redis}. */
enum RedisScript {
  APPEND("thread/append"),
  CREATE("session/create"),
  FILL("session/fill"),
  OPEN("session/open"),
  UPDATE("session/update"),
  STATE("state/save"),
  CUT("thread/cut"),
  CUT_COPY("thread/copy"),
  DELETE("session/delete"),
  EXPIRE("session/expire"),
  TURN_BEGIN("turn/begin"),
  TURN_NEXT("turn/next"),
  TURN_RETAKE("turn/retake"),
  TURN_CANCEL("turn/cancel"),
  TURN_END("turn/end"),
  TURN_FLUSH("turn/flush"),
  TURN_READ("turn/read"),
  TURN_LIST("turn/list"),
  KEEP("session/keep"),
  DUE("deadline/due"),
  PUT_OFF("deadline/put_off"),
  SEQS("feed/seqs"),
  PROBE("schema/probe"),
  RECORD_FIND("idempotency/find"),
  RECORD_DROP("idempotency/drop"),
  LOAD("thread/load"),
  MESSAGE("thread/message"),
  STATE_READ("state/read"),
  PIECE("split/piece"),
  LOG("feed/log"),
  CLAIM("lock/claim"),
  UNLOCK("lock/unlock"),
  LOCK("lock/take"),
  RENEW("lock/renew"),
  RELEASE("lock/release"),
  HOLDER("lock/holder"),
  CURRENT("index/current"),
  FORGET("index/forget"),
  LIMIT("limit/count"),
  LIMIT_MANY("limit/count_many"),
  LIMIT_RETURN("limit/give_back"),
  LIMIT_RESERVE("limit/reserve"),
  LIMIT_SETTLE("limit/settle"),
  USAGE("usage/add"),
  ANSWER("answer/read"),
  ANSWER_PUT("answer/put"),
  ANSWER_REMOVE("answer/remove"),
  ANSWER_CLAIM("answer/claim"),
  ANSWER_RELEASE("answer/release"),
  SCHEMA("schema/write");

  private static final Map<RedisScript, ScriptText> PIECES = new EnumMap<>(RedisScript.class);

  static {
    for (RedisScript script : EnumSet.of(LOAD, MESSAGE, STATE_READ, LOG, TURN_READ, TURN_LIST)) {
      String source = new String(script.source(), StandardCharsets.UTF_8);
      PIECES.put(script, ScriptText.of(ScriptSource.inPieces(source)));
    }
  }

  private final String path;
  private final ScriptText text;

  RedisScript(String path) {
    this.path = path;
    this.text = ScriptText.of(ScriptSource.read(path));
  }

  /** On this thread, if it was not done before. */
  static void readAll() {
    // The class is initialized by the call, and has read them then.
  }

  /** Its file without the ending. */
  String path() {
    return path;
  }

  ScriptText text() {
    return text;
  }

  byte[] source() {
    return text.source();
  }

  /** What EVALSHA calls it. */
  String sha() {
    return text.sha();
  }

  /** The same script for a {@link SplitRead}; null for one that does more than to read. */
  @Nullable ScriptText inPieces() {
    return PIECES.get(this);
  }
}
