package io.heddle.redis;

import io.heddle.base.IdSource;
import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.session.MessagePlace;
import io.heddle.session.Outcome;
import io.heddle.session.SessionAttributes;
import io.heddle.session.SessionWriter;
import io.heddle.session.StoreLimits;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import io.lettuce.core.RedisException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/** Writes sessions: each write is one script, and one request to Redis. */
final class RedisWriter implements SessionWriter {

  /** How a record names a message whose id is Heddle's, and one that a client called just that. */
  private static final String OURS = "-";

  private static final String CALLED_LIKE_OURS = "~-";

  private static final Duration SEND_AGAIN = Duration.ofMillis(100);
  private static final int SENDS = 5;
  private static final int MOST_KEPT_AT_ONCE = 1000;
  private static final Retry KEEP_AGAIN =
      Retry.backoff(30, Duration.ofSeconds(1)).maxBackoff(Duration.ofMinutes(1));

  /** Sessions whose keys' expiry is being moved. */
  private final Set<SessionKey> keeping = ConcurrentHashMap.newKeySet();

  /** Of what a cut leaves; each time something was deleted meanwhile. */
  private static final int COPIES = 5;

  private final RedisLink link;
  private final RedisIndex index;
  private final IdSource ids;
  private final StoreLimits limits;

  RedisWriter(RedisLink link, RedisIndex index, IdSource ids, StoreLimits limits) {
    this.link = link;
    this.index = index;
    this.ids = ids;
    this.limits = limits;
  }

  @Override
  public Mono<Outcome> apply(SessionKey key, Write write, WritePreconditions conditions) {
    return Mono.defer(() -> applyOnce(key, write, conditions));
  }

  private Mono<Outcome> applyOnce(SessionKey key, Write write, WritePreconditions conditions) {
    String tag = ids.tag();
    ScriptCallFactory calls =
        new ScriptCallFactory(key, write, conditions, tag, limits, link.publish(), link.database());
    Problem refused = calls.refused();
    if (refused != null) {
      return Mono.just(new Outcome.Refused(refused));
    }
    ScriptCall call = calls.call();
    return send(call, SENDS)
        .flatMap(reply ->
            reply.kind() == ScriptReply.SWEEP_FIRST
                ? sweep(key).then(send(call, SENDS))
                : reply.kind() == ScriptReply.COPY_FIRST
                    ? cut(calls, new RedisCut(link, key, tag), reply, COPIES)
                    : Mono.just(reply))
        .map(reply -> outcome(call, reply));
  }

  /** Copies what stays, and puts it in the place of the thread; anew when anything moved. */
  private Mono<ScriptReply> cut(
      ScriptCallFactory calls, RedisCut cut, ScriptReply asked, int copies) {
    return cut.make(asked.text(1), asked.text(2))
        .flatMap(copy -> send(calls.cutTo(copy), SENDS))
        .flatMap(reply ->
            reply.kind() == ScriptReply.COPY_FIRST && copies > 1
                ? cut(calls, cut, reply, copies - 1)
                : Mono.just(reply));
  }

  /**
   * A write that was sent and not answered is sent again only when what it left tells whether the
   * first one happened: the record of an idempotency key, or the turn with the call's tag. Not to a
   * Redis that is silent: that would keep the caller waiting for one timeout after the other, and
   * the storm would be there when it wakes.
   */
  private Mono<ScriptReply> send(ScriptCall call, int sends) {
    Mono<ScriptReply> sent = link.write(call.script(), call.keys(), call.args());
    if (!call.isSafeTwice() || sends <= 1) {
      return sent;
    }
    long sentAt = System.nanoTime();
    return sent.onErrorResume(
        error -> RedisErrors.isUnknown(error) && link.wasCutOff(sentAt),
        unknown -> Mono.delay(SEND_AGAIN).then(Mono.defer(() -> sendAgain(call, sends - 1))));
  }

  /**
   * What was sent before may have happened, so being refused now says nothing about it. The link is
   * often not there again by the first time.
   */
  private Mono<ScriptReply> sendAgain(ScriptCall call, int sends) {
    return send(call, sends)
        .onErrorResume(
            error -> sends > 1 && RedisErrors.isAway(error),
            away -> Mono.delay(SEND_AGAIN).then(Mono.defer(() -> sendAgain(call, sends - 1))))
        .onErrorMap(
            error -> !RedisErrors.isUnknown(error),
            error ->
                RedisErrors.translate(new RedisException("sent before and not answered"), true));
  }

  private Mono<Void> sweep(SessionKey key) {
    return applyOnce(key, new Write.Expire(), WritePreconditions.NONE).then();
  }

  private Outcome outcome(ScriptCall call, ScriptReply reply) {
    if (reply.kind() == ScriptReply.DONE) {
      return applied(call, reply);
    }
    if (reply.kind() == ScriptReply.REPLAYED) {
      return replayed(call.key(), reply.text(1));
    }
    if (reply.kind() == ScriptReply.REFUSED) {
      Problem problem = reply.problem();
      return new Outcome.Refused(
          problem.code() == ProblemCode.SESSION_TOO_LARGE
              ? problem.with("limit", limits.sessionBytes())
              : problem);
    }
    return new Outcome.Refused(
        reply.kind() == ScriptReply.COPY_FIRST
            ? Problem.of(
                    ProblemCode.SESSION_LOCKED,
                    "messages kept being deleted while what stays was copied")
                .with("retryAfter", 1)
            : Problem.of(
                ProblemCode.SESSION_EXISTS, "The session id is being taken by another call"));
  }

  private Outcome applied(ScriptCall call, ScriptReply reply) {
    StoredState state = StoredState.parse(reply.bytes(0));
    if (state.mustBeKept()) {
      keep(call.key());
    }
    SessionAttributes description =
        switch (call.write()) {
          case Write.Create _, Write.StartBuild _, Write.Update _, Write.PublishBuild _ ->
              SessionAttributes.parse(reply.bytes(1));
          default -> null;
        };
    String user = state.owner();
    if (call.write() instanceof Write.Delete || call.write() instanceof Write.Expire) {
      if (user != null) {
        index.forgetInBackground(call.key(), user);
      }
      if (reply.size() > 1) {
        forgetTurns(call.key(), reply.text(1));
      }
    }
    return new Outcome.Applied(user, description, state.head(activeTurn(call, reply)));
  }

  private static @Nullable String activeTurn(ScriptCall call, ScriptReply reply) {
    String turn =
        switch (call.write()) {
          case Write.BeginTurn _,
              Write.NextTurn _,
              Write.RetakeTurn _,
              Write.CancelTurn _,
              Write.DropTurn _ ->
              reply.text(1);
          case Write.Update _ -> reply.text(2);
          case Write.Append _,
              Write.SaveState _,
              Write.RestoreState _,
              Write.DeleteMessage _,
              Write.TruncateThread _ ->
              reply.size() > 1 ? reply.text(1) : "";
          default -> "";
        };
    return turn.isEmpty() ? null : turn;
  }

  /**
   * Records and logs of turns of a session that has just ended; else their own expiry ends them.
   */
  private void forgetTurns(SessionKey key, String parts) {
    if (parts.isEmpty()) {
      return;
    }
    RedisKeys k = RedisKeys.of(key);
    byte[][] keys =
        Stream.of(parts.split(" "))
            .flatMap(part -> Stream.of(k.turnRecord(part), k.turnLog(part)))
            .toArray(byte[][]::new);
    link.command(commands -> commands.unlink(keys)).onErrorComplete().subscribe();
  }

  static Outcome.Replayed replayed(SessionKey key, String record) {
    String[] words = record.split(" ", -1);
    Position position = ScriptReply.position(words[0]);
    List<String> messages = new ArrayList<>(words.length - 1);
    for (int i = 1; i < words.length; i++) {
      messages.add(
          switch (words[i]) {
            case OURS -> MessagePlace.of(key, position, i - 1).id();
            case CALLED_LIKE_OURS -> OURS;
            default -> words[i];
          });
    }
    return new Outcome.Replayed(position, messages);
  }

  /**
   * Only for what the write could not do itself, because a Cluster slot is moving. It is tried
   * again for as long as that usually takes; after that the session's next write asks for it, and
   * before the keys end the sweeper does it.
   */
  private void keep(SessionKey key) {
    if (keeping.size() >= MOST_KEPT_AT_ONCE || !keeping.add(key)) {
      return;
    }
    RedisKeys k = RedisKeys.of(key);
    byte[][] keys = {
      k.session(), k.thread(), k.clientIds(), k.changes(), k.state(), k.checkpoints()
    };
    link.write(RedisScript.KEEP, keys, new byte[0][])
        .retryWhen(KEEP_AGAIN)
        .onErrorComplete()
        .doFinally(_ -> keeping.remove(key))
        .subscribe();
  }
}
