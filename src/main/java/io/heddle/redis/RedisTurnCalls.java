package io.heddle.redis;

import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.json.JsonWriter;
import io.heddle.session.Change;
import io.heddle.session.NewMessage;
import io.heddle.session.NewTurn;
import io.heddle.session.OnBusy;
import io.heddle.session.StoreLimits;
import io.heddle.session.Turn;
import io.heddle.session.TurnId;
import io.heddle.session.Write;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Makes the script calls of the writes of turns. */
final class RedisTurnCalls {

  private static final String REMOVED = "\"removed\":[";

  private final ScriptCallFactory calls;
  private final SessionKey key;
  private final RedisKeys k;
  private final StoreLimits limits;
  private final int database;

  RedisTurnCalls(ScriptCallFactory calls, SessionKey key, StoreLimits limits, int database) {
    this.calls = calls;
    this.key = key;
    this.k = RedisKeys.of(key);
    this.limits = limits;
    this.database = database;
  }

  ScriptCall begin(Write.BeginTurn begin) {
    NewTurn turn = begin.turn();
    List<NewMessage> input = turn.input();
    String queued = new Change.TurnQueued(turn.id(), 0).toJson().toString();
    Json started = new Change.TurnStarted(turn.id(), List.of()).head();
    String part = part(key, turn.id());
    ScriptArgs args = common(turn.id(), part);
    args.number(limits.sessionBytes()).number(ScriptCallFactory.bytes(input));
    args.text(turn.model()).bytes(turn.request().utf8());
    args.number(turn.lease().toMillis()).number(turn.keep().toMillis());
    args.text(busy(begin.onBusy())).number(begin.maxQueue());
    // Its place in the queue is the script's to say.
    args.text(queued.substring(0, queued.length() - "0}".length()));
    args.bytes(started.utf8()).bytes(live());
    ScriptCallFactory.addMessages(args, input);
    return call(RedisScript.TURN_BEGIN, part, args);
  }

  ScriptCall next(Write.NextTurn next) {
    String part = part(key, next.turn());
    ScriptArgs args = common(next.turn(), part);
    args.number(limits.sessionBytes()).number(next.lease().toMillis());
    return call(RedisScript.TURN_NEXT, part, args);
  }

  ScriptCall retake(Write.RetakeTurn retake) {
    String part = part(key, retake.dead().turn());
    ScriptArgs args = common(retake.dead().turn(), part);
    args.number(retake.dead().attempt()).number(retake.lease().toMillis());
    return call(RedisScript.TURN_RETAKE, part, args);
  }

  ScriptCall cancel(Write.CancelTurn cancel) {
    return leave(cancel.turn(), cancel(cancel.cancel()), Turn.Status.CANCELLED, cancel.end());
  }

  ScriptCall drop(Write.DropTurn drop) {
    return leave(drop.turn(), null, Turn.Status.FAILED, drop.end());
  }

  private ScriptCall leave(String turn, @Nullable String cancel, Turn.Status status, Json end) {
    String part = part(key, turn);
    Json head = new Change.TurnEnded(turn, status, end, List.of(), List.of()).head();
    ScriptArgs args = common(turn, part).text(cancel).text(status.text()).bytes(end.utf8());
    args.bytes(head.utf8()).bytes(live());
    return call(RedisScript.TURN_CANCEL, part, args);
  }

  ScriptCall end(Write.EndTurn end) {
    String turn = end.attempt().turn();
    String part = part(key, turn);
    List<NewMessage> output = end.output();
    String head =
        new Change.TurnEnded(turn, end.status(), end.end(), List.of(), List.of()).head().toString();
    // Which ones were there to be removed is the script's to say.
    int removed = head.indexOf(REMOVED) + REMOVED.length();
    ScriptArgs args = common(turn, part);
    args.number(end.attempt().attempt()).text(end.status().text()).bytes(end.end().utf8());
    args.text(head.substring(0, removed)).text(head.substring(removed));
    args.text(end.reap() ? "1" : "").number(end.remove().size());
    for (String message : end.remove()) {
      ScriptCallFactory.place(args, key, message);
      args.text(message).bytes(new JsonWriter(64).string(message).toBytes());
    }
    ScriptCallFactory.addMessages(args, output);
    return call(RedisScript.TURN_END, part, args);
  }

  private static String busy(OnBusy onBusy) {
    return switch (onBusy) {
      case ENQUEUE -> "e";
      case REJECT -> "x";
      case INTERRUPT -> cancel(Turn.Cancel.KEEP);
      case ROLLBACK -> cancel(Turn.Cancel.ROLLBACK);
    };
  }

  private static String cancel(Turn.Cancel cancel) {
    return switch (cancel) {
      case KEEP -> "k";
      case ROLLBACK -> "r";
      case NONE -> throw new IllegalArgumentException("nothing is asked of the turn");
    };
  }

  /** The random part of an id; null when it is no turn's of this session. */
  static @Nullable String part(SessionKey key, String turn) {
    TurnId id = TurnId.parse(turn);
    return id == null || !id.session().equals(key.id()) ? null : id.random();
  }

  private byte[] live() {
    return RedisKeys.ascii(k.liveChannel(database));
  }

  private ScriptArgs common(String turn, @Nullable String part) {
    return calls.common().text(turn).text(part);
  }

  /**
   * All exist while the turn does: a Cluster slot that moves must not keep it from its end. What is
   * no turn's id has no part, and no record: the script says so, after all that comes first.
   */
  private ScriptCall call(RedisScript script, @Nullable String part, ScriptArgs args) {
    String known = part == null ? "" : part;
    return calls.threadCall(script, args, k.turnRecord(known), k.turnLog(known), k.turnsDue());
  }
}
