package io.heddle.turn;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.session.Outcome;
import io.heddle.session.Turn;
import io.heddle.session.TurnLog.Open;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Turns that wait. The store keeps them, with all that is needed to run them; whoever ends a turn
 * starts the next one, and what nobody starts the {@link Reaper} finds within a second.
 */
final class TurnQueue {

  private static final Logger log = LoggerFactory.getLogger(TurnQueue.class);

  /**
   * How long the start of a turn waits for somebody's lock, at the end of the one before it. The
   * reaper does not wait, which would keep all that is due from it: it comes again each second.
   */
  private static final Duration LOCK_WAIT = Duration.ofSeconds(2);

  /** The store's clock counts whole milliseconds, and not quite as fast as this one. */
  private static final Duration GRAIN = Duration.ofMillis(100);

  /** A head that cannot start is dropped, and the one behind it is tried, so often at once. */
  private static final int TRIES = 20;

  private final TurnStore store;
  private final TurnRunRegistry runners;
  private final TurnProperties properties;
  private final Timers ticks;

  /**
   * Sessions in which a turn was told to wait, each with when the first of them may have waited too
   * long; at the end of another one it is worth a look.
   */
  private final Cache<SessionKey, Long> mayWait;

  /** Sessions in which a turn ended here a moment ago. */
  private final Cache<SessionKey, Boolean> endedLately;

  /** Turns that were taken here and wait, each with what ends it when it has waited too long. */
  private final Map<String, Waits> deadlines = new ConcurrentHashMap<>();

  /**
   * @param user whom it counts for, or null
   */
  private record Waits(Disposable deadline, Tenant tenant, @Nullable String user) {}

  TurnQueue(TurnStore store, TurnRunRegistry runners, TurnProperties properties, Timers ticks) {
    this.store = store;
    this.runners = runners;
    this.properties = properties;
    this.ticks = ticks;
    this.mayWait = remembering(properties.queueDeadline().plusMinutes(1));
    this.endedLately = remembering(properties.reapEvery());
  }

  private <T> Cache<SessionKey, T> remembering(Duration life) {
    return Caffeine.newBuilder()
        .maximumSize(100_000)
        .expireAfterWrite(life)
        .ticker(ticks::now)
        .build();
  }

  /** A turn began to wait there. */
  void heard(SessionKey key) {
    mayWait.asMap().merge(key, whenLate(properties.queueDeadline()), Math::min);
    if (endedLately.getIfPresent(key) != null) {
      // It was heard of after the end of the one before it, which looked for it too early.
      lookForNext(key);
    }
  }

  /**
   * A turn that was ordered here waits.
   *
   * @param reserved its tokens, or null
   * @param user who ordered it, or null
   */
  void taken(SessionKey key, String turn, @Nullable Json reserved, @Nullable String user) {
    heard(key);
    Disposable deadline =
        ticks.after(properties.queueDeadline(), () -> expire(key, turn, reserved));
    runners.quotas().waiting(key.tenant(), user, 1);
    if (deadlines.put(turn, new Waits(deadline, key.tenant(), user)) != null) {
      runners.quotas().waiting(key.tenant(), user, -1);
    }
  }

  private long whenLate(Duration left) {
    // No earlier: a look that finds it in time is one for nothing.
    return ticks.now() + left.plus(GRAIN).toNanos();
  }

  /**
   * Whether a turn may have waited too long behind one that runs here. Whoever took it watches it
   * too, but may have died; this replica lives, or another one would run that turn.
   */
  boolean mayBeLate(SessionKey key) {
    Long when = mayWait.getIfPresent(key);
    return when != null && when - ticks.now() <= 0;
  }

  /** What changed there, this replica was not told: it must look for itself. */
  void missed(SessionKey key) {
    mayWait.put(key, ticks.now());
  }

  /** How many turns that were ordered here wait, as far as is known. */
  int size() {
    return deadlines.size();
  }

  /** A turn was started or ended, perhaps one that was ordered here. */
  void noLongerWaits(String turn) {
    Waits waits = deadlines.remove(turn);
    if (waits != null) {
      waits.deadline().dispose();
      runners.quotas().waiting(waits.tenant(), waits.user(), -1);
    }
  }

  /** Leaves all that waits to the other replicas. */
  void close() {
    deadlines.values().forEach(waits -> waits.deadline().dispose());
    deadlines.clear();
  }

  /** After the end of a turn that ran here: starts the next one, if one may wait. */
  void ended(SessionKey key) {
    endedLately.put(key, true);
    if (mayWait.getIfPresent(key) != null) {
      lookForNext(key);
    }
  }

  private void lookForNext(SessionKey key) {
    if (!runners.isDraining()) {
      next(key, LOCK_WAIT, TRIES)
          .subscribe(
              _ -> {},
              error -> log.debug("{}: the next turn was not started: {}", key, error.toString()));
    }
  }

  /** Starts the turn at the head of the queue, if none runs and one waits; whether it did. */
  Mono<Boolean> next(SessionKey key) {
    return next(key, Duration.ZERO, TRIES);
  }

  private Mono<Boolean> next(SessionKey key, Duration wait, int tries) {
    return store
        .log()
        .open(key)
        .flatMap(open ->
            inTime(key, open).flatMap(waiting -> next(key, open.running(), waiting, wait, tries)));
  }

  /** Those that may wait on; the others are told that they have waited too long. */
  Mono<List<Turn>> inTime(SessionKey key, Open open) {
    Instant since = open.now().minus(properties.queueDeadline());
    List<Turn> waiting = new ArrayList<>();
    List<Turn> late = new ArrayList<>();
    for (Turn turn : open.waiting()) {
      (turn.createdAt().isBefore(since) ? late : waiting).add(turn);
    }
    if (waiting.isEmpty()) {
      mayWait.invalidate(key);
    } else {
      Instant first = waiting.stream().map(Turn::createdAt).min(Instant::compareTo).orElseThrow();
      mayWait.put(key, whenLate(Duration.between(since, first)));
    }
    return Flux.fromIterable(late)
        .concatMap(turn -> drop(turn, tooLate()))
        .then(Mono.just(waiting));
  }

  /**
   * @param waiting those that may start, in their order
   */
  Mono<Boolean> next(SessionKey key, @Nullable Turn running, List<Turn> waiting) {
    return next(key, running, waiting, Duration.ZERO, TRIES);
  }

  private Mono<Boolean> next(
      SessionKey key, @Nullable Turn running, List<Turn> waiting, Duration wait, int tries) {
    if (running != null || waiting.isEmpty() || runners.isFull() || tries == 0) {
      return Mono.just(false);
    }
    Turn first = waiting.getFirst();
    Write next = new Write.NextTurn(first.id(), properties.lease());
    return runners
        .starting(
            store
                .services()
                .write(key, next, WritePreconditions.NONE, wait)
                .flatMap(outcome -> run(first, outcome)))
        .onErrorResume(error -> refused(key, first, error, wait, tries));
  }

  private Mono<Boolean> run(Turn waiting, Outcome outcome) {
    noLongerWaits(waiting.id());
    String user = outcome instanceof Outcome.Applied applied ? applied.user() : null;
    return store
        .turn(waiting.session(), null, waiting.id())
        .retryWhen(ticks.whileAway())
        .map(turn -> {
          // A later attempt is of whoever took it over while this was not read yet.
          if (turn.status() == Turn.Status.RUNNING
              && turn.attempt() == 1
              && runners.of(turn.id()) == null) {
            runners.run(turn, user);
          }
          return true;
        });
  }

  private Mono<Boolean> refused(
      SessionKey key, Turn head, Throwable error, Duration wait, int tries) {
    ProblemCode code = ProblemException.codeOf(error);
    if (code == null) {
      return Mono.error(error);
    }
    return switch (code) {
      // Somebody was faster, or the head was cancelled.
      case TURN_NOT_FOUND, TURN_ENDED -> next(key, wait, tries - 1);
      // It will not become better by waiting, and those behind it wait too.
      // A full store refuses new turns at once, so those that wait are told the same.
      case SESSION_COMPLETE, SESSION_TOO_LARGE, MESSAGE_EXISTS, STORE_FULL ->
          drop(head, Problem.of(code, "the turn could not start: " + code.title()))
              .then(Mono.defer(() -> next(key, wait, tries - 1)));
      case TURN_RUNNING -> Mono.just(false);
      default -> Mono.error(error);
    };
  }

  private Problem tooLate() {
    return Problem.of(
        ProblemCode.TURN_QUEUE_TIMEOUT,
        "the turn waited longer than " + properties.queueDeadline().toSeconds() + " s");
  }

  private void expire(SessionKey key, String turn, @Nullable Json reserved) {
    noLongerWaits(turn);
    store
        .turn(key, null, turn)
        .filter(found -> found.status() == Turn.Status.QUEUED)
        .flatMap(found -> drop(found, tooLate()))
        .retryWhen(ticks.whileAway())
        // With its session it went without an end, and nobody settles it.
        .doOnError(StoreErrors::isGone, _ -> runners.settle(reserved, 0))
        .subscribe(
            _ -> {},
            error -> log.debug("{}: a late turn was not ended: {}", turn, error.toString()));
  }

  /** Ends a waiting turn; that it has started or ended meanwhile is as good. */
  private Mono<Void> drop(Turn turn, Problem why) {
    noLongerWaits(turn.id());
    TurnEnding ending = TurnEnding.failed(why);
    return store
        .write(turn.session(), new Write.DropTurn(turn.id(), ending.toJson()))
        .doOnNext(outcome -> {
          if (outcome instanceof Outcome.Applied) {
            runners.counts.countEnd(Turn.Status.FAILED);
            runners.settle(turn, 0);
          }
        })
        .then()
        .onErrorResume(
            error ->
                ProblemException.is(error, ProblemCode.TURN_ENDED)
                    || ProblemException.is(error, ProblemCode.TURN_RUNNING)
                    || ProblemException.is(error, ProblemCode.TURN_NOT_FOUND),
            _ -> Mono.empty());
  }
}
