package io.heddle.turn;

import io.heddle.answercache.AnswerProperties;
import io.heddle.answercache.AnswerStore;
import io.heddle.answercache.Answers;
import io.heddle.base.ByteBudget;
import io.heddle.base.IdSource;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.RandomIds;
import io.heddle.base.SessionKey;
import io.heddle.embedded.EmbeddedEngine;
import io.heddle.embedded.EmbeddedProperties;
import io.heddle.limit.LimitProperties;
import io.heddle.limit.RateLimiter;
import io.heddle.limit.TokenLimits;
import io.heddle.redis.RedisEngine;
import io.heddle.session.ChangeFeed;
import io.heddle.session.IdempotencyRecords;
import io.heddle.session.LiveChannel;
import io.heddle.session.Outcome;
import io.heddle.session.SessionIndex;
import io.heddle.session.SessionLocks;
import io.heddle.session.SessionProperties;
import io.heddle.session.SessionReader;
import io.heddle.session.SessionWriter;
import io.heddle.session.Turn;
import io.heddle.session.TurnAttempt;
import io.heddle.session.TurnLog;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import io.heddle.session.service.SessionServices;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The turns of one replica over a real engine, with a store that may be away, lose answers, or hear
 * nothing of the replica any more, as if it had been killed.
 */
final class Replica implements AutoCloseable {

  static final IdSource IDS = new RandomIds(InstantSource.system());
  static final SessionProperties SESSIONS =
      bind("heddle.session", SessionProperties.class, Map.of());

  /** What an engine has. */
  record Ports(
      SessionReader reader,
      SessionWriter writer,
      SessionIndex index,
      SessionLocks locks,
      IdempotencyRecords records,
      ChangeFeed feed,
      LiveChannel channel,
      TurnLog log,
      RateLimiter limiter,
      AnswerStore answers) {

    static Ports of(RedisEngine engine) {
      return new Ports(
          engine.reader(),
          engine.writer(),
          engine.index(),
          engine.locks(),
          engine.records(),
          engine.feed(),
          engine.liveChannel(),
          engine.turnLog(),
          engine.limiter(),
          engine.answers());
    }

    static Ports of(EmbeddedEngine engine) {
      return new Ports(
          engine.reader(),
          engine.writer(),
          engine.index(),
          engine.locks(),
          engine.records(),
          engine.feed(),
          engine.liveChannel(),
          engine.turnLog(),
          engine.limiter(),
          engine.answers());
    }
  }

  /** An engine in memory. */
  static EmbeddedEngine embedded() {
    return EmbeddedEngine.open(
        EmbeddedProperties.at(""), SESSIONS.storeLimits(), InstantSource.system(), IDS);
  }

  final SessionServices services;
  final Turns turns;
  final TokenLimits limits;

  /** Calls of the store fail from now on. */
  volatile boolean away;

  /** So many writes of these are done and not answered. */
  final AtomicInteger unanswered = new AtomicInteger();

  volatile Class<? extends Write> unansweredWrite = Write.EndTurn.class;

  /** Until then, orders of turns are done and their answers are on the way. */
  volatile Mono<Void> orderAnswers = Mono.empty();

  /** Until then, ends of turns do not leave; how many have come so far. */
  volatile Mono<Void> ends = Mono.empty();

  final AtomicInteger endsWaiting = new AtomicInteger();

  private volatile boolean dead;

  Replica(Ports ports, Upstream model, Map<String, String> settings) {
    this(ports, model, settings, Map.of("heddle.limits.enabled", "false"));
  }

  Replica(
      Ports ports,
      Upstream model,
      Map<String, String> settings,
      Map<String, String> limitSettings) {
    this(ports, model, settings, limitSettings, ByteBudget.unbounded());
  }

  Replica(
      Ports ports,
      Upstream model,
      Map<String, String> settings,
      Map<String, String> limitSettings,
      ByteBudget budget) {
    services =
        new SessionServices(
            ports.reader(),
            writer(ports.writer()),
            ports.index(),
            ports.locks(),
            ports.records(),
            IDS,
            InstantSource.system(),
            SESSIONS);
    limits =
        new TokenLimits(
            ports.limiter(), bind("heddle.limits", LimitProperties.class, limitSettings), IDS);
    TurnStore store =
        new TurnStore(
            services,
            ports.reader(),
            ports.records(),
            log(ports.log()),
            ports.channel(),
            ports.feed(),
            new Answers(
                ports.answers(),
                bind("heddle.answers", AnswerProperties.class, Map.of()),
                IDS,
                InstantSource.system()));
    turns =
        new Turns(
            store,
            model,
            limits,
            IDS,
            InstantSource.system(),
            bind("heddle.turns", TurnProperties.class, settings),
            budget);
  }

  static <T> T bind(String prefix, Class<T> type, Map<String, String> settings) {
    return new Binder(new MapConfigurationPropertySource(settings))
        .bindOrCreate(prefix, Bindable.of(type));
  }

  /** Nothing of it reaches the store any more, nor anything of the store it. */
  void kill() {
    dead = true;
    turns.close();
  }

  @Override
  public void close() {
    kill();
    limits.close();
  }

  private <T> Mono<T> asIs(Mono<T> call) {
    return Mono.defer(() -> {
      if (dead) {
        return Mono.never();
      }
      return away ? Mono.error(unavailable()) : call.filter(_ -> !dead).switchIfEmpty(whenDead());
    });
  }

  private <T> Mono<T> whenDead() {
    return Mono.defer(() -> dead ? Mono.never() : Mono.empty());
  }

  private static RuntimeException unavailable() {
    return Problem.of(ProblemCode.STORE_UNAVAILABLE, "away").toException();
  }

  private SessionWriter writer(SessionWriter engine) {
    return (SessionKey key, Write write, WritePreconditions conditions) ->
        asIs(leaving(write).then(Mono.defer(() -> engine.apply(key, write, conditions))))
            .delayUntil(_ -> write instanceof Write.BeginTurn ? orderAnswers : Mono.empty())
            .flatMap(outcome ->
                unansweredWrite.isInstance(write) && unanswered.getAndUpdate(Replica::less) > 0
                    ? Mono.<Outcome>error(
                        Problem.of(ProblemCode.OUTCOME_UNKNOWN, "not answered").toException())
                    : Mono.just(outcome));
  }

  private Mono<Void> leaving(Write write) {
    if (write instanceof Write.EndTurn) {
      endsWaiting.incrementAndGet();
      return ends;
    }
    return Mono.empty();
  }

  private static int less(int n) {
    return Math.max(0, n - 1);
  }

  private TurnLog log(TurnLog engine) {
    return new TurnLog() {
      @Override
      public Mono<Flushed> flush(
          SessionKey key,
          TurnAttempt attempt,
          long after,
          List<io.heddle.json.Json> events,
          Duration lease) {
        return asIs(engine.flush(key, attempt, after, events, lease));
      }

      @Override
      public Mono<Recorded> read(
          SessionKey key, @Nullable String owner, String turn, long after, int most) {
        return asIs(engine.read(key, owner, turn, after, most));
      }

      @Override
      public Mono<List<Turn>> list(SessionKey key, @Nullable String owner) {
        return asIs(engine.list(key, owner));
      }

      @Override
      public Mono<Open> open(SessionKey key) {
        return asIs(engine.open(key));
      }

      @Override
      public Flux<SessionKey> due(Duration proven) {
        return Flux.defer(() -> {
          if (dead) {
            return Flux.never();
          }
          return away ? Flux.error(unavailable()) : engine.due(proven);
        });
      }
    };
  }
}
