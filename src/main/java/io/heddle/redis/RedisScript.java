package io.heddle.redis;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One script of {@code src/main/resources/redis}, with its parts put in where it says {@code --
 * #include}. Comments do not go to Redis.
 */
enum RedisScript {
  APPEND,
  CREATE,
  FILL,
  OPEN,
  UPDATE,
  STATE,
  CUT,
  CUT_COPY,
  DELETE,
  EXPIRE,
  TURN_BEGIN,
  TURN_NEXT,
  TURN_RETAKE,
  TURN_CANCEL,
  TURN_END,
  TURN_FLUSH,
  TURN_READ,
  TURN_LIST,
  KEEP,
  DUE,
  PUT_OFF,
  SEQS,
  PROBE,
  RECORD_FIND,
  RECORD_DROP,
  LOAD,
  MESSAGE,
  STATE_READ,
  PIECE,
  LOG,
  CLAIM,
  UNLOCK,
  LOCK,
  RENEW,
  RELEASE,
  HOLDER,
  CURRENT,
  FORGET,
  LIMIT,
  LIMIT_MANY,
  LIMIT_RETURN,
  LIMIT_RESERVE,
  LIMIT_SETTLE,
  USAGE,
  ANSWER,
  ANSWER_PUT,
  ANSWER_REMOVE,
  ANSWER_CLAIM,
  ANSWER_RELEASE,
  SCHEMA;

  private static final String INCLUDE = "-- #include ";

  /** Where the script stands in what runs it in pieces. */
  private static final String SCRIPT = "@script\n";

  private static final EnumSet<RedisScript> READS =
      EnumSet.of(LOAD, MESSAGE, STATE_READ, LOG, TURN_READ, TURN_LIST);

  private static final Map<RedisScript, ScriptText> PIECES = pieces();

  private final ScriptText text;

  RedisScript() {
    this.text = ScriptText.of(read(name().toLowerCase(Locale.ROOT).replace('_', '-')));
  }

  /** On this thread, if it was not done before. */
  static void readAll() {
    // The class is initialized by the call, and has read them then.
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

  private static Map<RedisScript, ScriptText> pieces() {
    String around = read("pieces");
    int at = around.indexOf(SCRIPT);
    Map<RedisScript, ScriptText> all = new EnumMap<>(RedisScript.class);
    for (RedisScript script : READS) {
      // Each piece is a request, so it is as large here as a page may have messages.
      String source =
          new String(script.source(), StandardCharsets.UTF_8)
              .replace("redis.call", "ask")
              .replaceAll("local few = \\d+", "local few = 250");
      all.put(
          script,
          ScriptText.of(
              around.substring(0, at) + source + "\n" + around.substring(at + SCRIPT.length())));
    }
    return all;
  }

  private static String read(String name) {
    String file = "/redis/" + name + ".lua";
    try (InputStream in = RedisScript.class.getResourceAsStream(file)) {
      if (in == null) {
        throw new IllegalStateException("there is no " + file);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .map(String::stripLeading)
          .filter(line -> line.startsWith(INCLUDE) || !line.startsWith("--"))
          .map(line -> line.startsWith(INCLUDE) ? read(line.substring(INCLUDE.length())) : line)
          .collect(Collectors.joining("\n"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
