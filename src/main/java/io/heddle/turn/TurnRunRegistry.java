package io.heddle.turn;

import io.heddle.base.ByteBudget;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.limit.Quotas;
import io.heddle.limit.TokenLimits;
import io.heddle.limit.TokenReservation;
import io.heddle.session.Turn;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** The turns that run on this replica, and what they share. */
final class TurnRunRegistry {

  private static final Logger log = LoggerFactory.getLogger(TurnRunRegistry.class);

  /** How much longer than the grace a stop waits for the store to take the ends. */
  private static final Duration LAST_WORDS = Duration.ofSeconds(5);

  final TurnStore store;
  final Upstream upstream;
  final CompletionCache cache;
  final History history;
  final TurnCompaction compaction;
  final TurnProperties properties;
  final Timers ticks;
  final TurnCounts counts;
  final TurnFollowers followers;
  final ByteBudget budget;
  final LargeWrites largeWrites;

  private final TokenLimits limits;
  private final Map<String, TurnRun> running = new ConcurrentHashMap<>();
  private final AtomicInteger starting = new AtomicInteger();
  private final Sinks.Empty<Void> stopping = Sinks.empty();
  private final Sinks.Empty<Void> empty = Sinks.empty();
  private final Disposable ticker;
  private volatile boolean draining;
  private volatile boolean graceIsOver;
  private Consumer<SessionKey> next = _ -> {};

  TurnRunRegistry(
      TurnStore store,
      Upstream upstream,
      CompletionCache cache,
      History history,
      TurnCompaction compaction,
      TokenLimits limits,
      TurnProperties properties,
      Timers ticks,
      TurnCounts counts,
      TurnFollowers followers,
      ByteBudget budget) {
    this.store = store;
    this.upstream = upstream;
    this.cache = cache;
    this.history = history;
    this.compaction = compaction;
    this.limits = limits;
    this.properties = properties;
    this.ticks = ticks;
    this.counts = counts;
    this.followers = followers;
    this.budget = budget;
    this.largeWrites = new LargeWrites(ticks);
    // Often enough that a silence is never much longer than it may be.
    this.ticker =
        ticks.every(
            properties.renewEvery().dividedBy(4), () -> running.values().forEach(TurnRun::tick));
  }

  /**
   * @param next looks for a turn that waits in the session, after one has ended here
   */
  void whenEnded(Consumer<SessionKey> next) {
    this.next = next;
  }

  /**
   * Work that may start a turn here, and then runs it. A replica that stops does not begin such
   * work, {@code restarting}; what was begun before it waits for, and gives all of its grace.
   */
  <T> Mono<T> starting(Mono<T> work) {
    return Mono.defer(() -> {
      // Counted first: a stop either finds it here, or is found here.
      starting.incrementAndGet();
      if (draining) {
        started();
        return Mono.error(restarting());
      }
      return work.doFinally(_ -> started());
    });
  }

  private void started() {
    starting.decrementAndGet();
    tellWhenEmpty();
  }

  static ProblemException restarting() {
    return Problem.of(ProblemCode.RESTARTING, "this replica begins no more turns")
        .with("retryAfter", 1)
        .toException();
  }

  /**
   * Runs a turn that was just started, or taken over, in the name of this replica. Only within
   * {@link #starting}.
   */
  void run(Turn turn, @Nullable String user) {
    run(turn, user, null);
  }

  /**
   * @param address of the caller who ordered it
   */
  void run(Turn turn, @Nullable String user, @Nullable String address) {
    TurnRun runner = new TurnRun(this, turn, user, address);
    running.put(turn.id(), runner);
    limits.quotas().running(turn.session().tenant(), user, 1);
    counts.started.increment();
    runner.start();
    if (graceIsOver) {
      runner.interrupt();
    }
  }

  Quotas quotas() {
    return limits.quotas();
  }

  @Nullable TurnRun of(String turn) {
    return running.get(turn);
  }

  /** Those of the turns that run here. */
  List<SessionKey> sessions() {
    return running.values().stream().map(TurnRun::session).toList();
  }

  /** Whether this replica takes no more turns now. */
  boolean isFull() {
    int most = properties.maxRunning();
    return draining || (most > 0 && running.size() >= most);
  }

  /** Completes when this replica begins to stop. */
  Mono<Void> stopping() {
    return stopping.asMono();
  }

  boolean isDraining() {
    return draining;
  }

  int size() {
    return running.size();
  }

  void over(TurnRun runner) {
    if (running.remove(runner.turn().id(), runner)) {
      limits.quotas().running(runner.session().tenant(), runner.user(), -1);
    }
    tellWhenEmpty();
  }

  private boolean isEmpty() {
    // In this order: what is being started is in one of the two.
    return starting.get() == 0 && running.isEmpty();
  }

  private void tellWhenEmpty() {
    if (draining && isEmpty()) {
      empty.tryEmitEmpty();
    }
  }

  void next(SessionKey key) {
    if (!draining) {
      next.accept(key);
    }
  }

  /** Settles what was reserved for a turn; once, however many think that they ended it. */
  void settle(Turn turn, long used) {
    settle(TurnRequest.of(turn).reserved(), used);
  }

  void settle(@Nullable Json reserved, long used) {
    if (reserved == null) {
      return;
    }
    try {
      limits.settle(TokenReservation.parse(reserved), used).subscribe();
    } catch (IllegalArgumentException e) {
      log.warn("What was reserved for a turn cannot be read, and is not settled", e);
    }
  }

  /**
   * Takes no more turns, lets those that run go on for that long, and then ends them as they are.
   * Completes when none runs here any more.
   */
  Mono<Void> drain(Duration grace) {
    return Mono.defer(() -> {
      draining = true;
      stopping.tryEmitEmpty();
      if (isEmpty()) {
        return Mono.empty();
      }
      Disposable interruption =
          ticks.after(
              grace,
              () -> {
                graceIsOver = true;
                running.values().forEach(TurnRun::interrupt);
              });
      return empty
          .asMono()
          .timeout(grace.plus(LAST_WORDS), Mono.empty(), ticks.scheduler())
          .doFinally(_ -> interruption.dispose());
    });
  }

  void close() {
    ticker.dispose();
    draining = true;
    graceIsOver = true;
    running.values().forEach(TurnRun::abandon);
  }
}
