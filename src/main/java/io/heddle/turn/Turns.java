package io.heddle.turn;

import io.heddle.base.ByteBudget;
import io.heddle.base.Detached;
import io.heddle.base.IdSource;
import io.heddle.base.Position;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.limit.TokenLimits;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.Outcome;
import io.heddle.session.ReadContext;
import io.heddle.session.Turn;
import io.heddle.session.Turn.Cancel;
import io.heddle.session.Write;
import io.heddle.session.WriteContext;
import io.heddle.session.WriteResult;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** Turns: ordered, looked at, followed, cancelled. Refusals are {@code ProblemException}s. */
public final class Turns implements AutoCloseable {

  /** Counting tokens is work, and the first time it reads a file. */
  private static final int COUNTING_THREADS = 2;

  private static final int COUNTING_QUEUE = 10;

  /** How often who waits for a turn looks where it runs, when this replica stops. */
  private static final Duration STOP_LOOK = Duration.ofMillis(500);

  private final TurnStore store;
  private final InstantSource clock;
  private final TurnProperties properties;
  private final FairWork counting;
  private final Timers ticks;
  private final TurnCounts counts = new TurnCounts();
  private final TurnFollowers followers;
  private final TurnRunRegistry runners;
  private final TurnQueue queue;
  private final Reaper reaper;
  private final TurnSubmitter orders;
  private final Compactor compactor;
  private final StatelessCalls direct;

  public Turns(
      TurnStore store,
      Upstream upstream,
      TokenLimits limits,
      IdSource ids,
      InstantSource clock,
      TurnProperties properties,
      ByteBudget budget) {
    this(
        store,
        upstream,
        limits,
        ids,
        clock,
        properties,
        new Timers(Schedulers.parallel(), System::nanoTime),
        Schedulers.newBoundedElastic(COUNTING_THREADS, COUNTING_QUEUE, "heddle-tokens"),
        budget);
  }

  Turns(
      TurnStore store,
      Upstream upstream,
      TokenLimits limits,
      IdSource ids,
      InstantSource clock,
      TurnProperties properties,
      Timers ticks,
      Scheduler counting,
      ByteBudget budget) {
    this.store = store;
    this.clock = clock;
    this.ticks = ticks;
    this.counting = new FairWork(counting, COUNTING_THREADS);
    this.properties = properties;
    History history = new History(store.reader(), new Tokens(), this.counting, properties);
    followers = new TurnFollowers(store, properties, ticks, counts);
    CompletionCache cache = new CompletionCache(store.answers(), upstream);
    compactor = new Compactor(store, history.summaries(), properties);
    direct = new StatelessCalls(upstream, limits, properties, budget);
    TurnCompaction compaction =
        new TurnCompaction(compactor, history, upstream, properties, ticks, counts);
    runners =
        new TurnRunRegistry(
            store,
            upstream,
            cache,
            history,
            compaction,
            limits,
            properties,
            ticks,
            counts,
            followers,
            budget);
    queue = new TurnQueue(store, runners, properties, ticks);
    reaper = new Reaper(store, runners, queue, properties, ticks);
    orders = new TurnSubmitter(store, limits, ids, properties, ticks, history, runners, queue);
    runners.whenEnded(queue::ended);
    followers.start(runners::of, queue::heard, this::lost);
    reaper.start();
  }

  /** Begins no more, and leaves what still runs to the other replicas. */
  @Override
  public void close() {
    reaper.close();
    queue.close();
    followers.close();
    runners.close();
    direct.close();
    counting.close();
  }

  /**
   * Starts a turn here, or lets it wait. The call belongs to this replica from then on: cancelling
   * the answer, or whoever follows it, does not stop it. With an idempotency key the repetition
   * gets the same turn, as it is now.
   */
  public Mono<WriteResult<Turn>> begin(WriteContext request, TurnSpec order) {
    return orders.begin(request, order);
  }

  /**
   * Adds a summary to a thread, which stands for its older messages in what models are told from
   * then on. Refused as {@code version-conflict} when the thread was compacted by somebody else, or
   * something of it deleted, while the model wrote; messages that came meanwhile are told after the
   * summary. Ends when its caller hangs up, as long as the model writes.
   */
  public Mono<WriteResult<Compaction>> compact(WriteContext request, Compaction.Order order) {
    IdempotentRequest retry = request.requested().retry();
    Mono<Compactor.Done> fresh = runners.starting(Mono.defer(() -> compacted(request, order)));
    Mono<Compactor.Done> done =
        retry == null
            ? fresh
            : store
                .records()
                .find(request.key(), retry)
                .flatMap(said -> repeated(request, said))
                .switchIfEmpty(fresh);
    return done.map(it -> new WriteResult<>(it.compaction(), it.position(), it.replayed(), false));
  }

  private Mono<Compactor.Done> compacted(WriteContext request, Compaction.Order order) {
    Compactor.Task task =
        new Compactor.Task(
            request.key(),
            request.view(),
            Set.of(),
            order.keep(),
            0,
            false,
            order.instructions(),
            request.preconditions(),
            request.waitFor());
    return compactor
        .compact(
            task,
            page ->
                order.model() != null
                    ? Optional.of(order.model())
                    : properties.compactModelOr(page.session().description().model()),
            call -> direct.summarise(request.caller(), call))
        .doOnNext(done -> {
          if (done.compaction().message() != null) {
            counts.compacted.increment();
          }
        });
  }

  private Mono<Compactor.Done> repeated(WriteContext request, Outcome said) {
    return switch (said) {
      case Outcome.Replayed(Position position, List<String> ids) ->
          compactor.replayed(request.key(), request.view(), position, ids);
      case Outcome.Refused refused -> Mono.error(refused.problem().toException());
      case Outcome.Applied _ -> Mono.error(new IllegalStateException("a record is no outcome"));
    };
  }

  /** Calls of a model that belong to no turn; closed with this. */
  public StatelessCalls direct() {
    return direct;
  }

  public Mono<Turn> get(SessionKey key, ReadContext view, String turn) {
    return store.turn(key, view.owner(), turn);
  }

  /**
   * Whether a follower that has this seq has been told all of the turn: it has ended, and its end
   * counts as the event after the last one of its log.
   */
  public Mono<Boolean> isTold(SessionKey key, ReadContext view, String turn, long seq) {
    return store
        .log()
        .read(key, view.owner(), turn, 0, 0)
        .map(recorded -> recorded.turn().status().isEnd() && seq > recorded.last());
  }

  /** The running one, those that wait, then ended ones, newest first. */
  public Mono<List<Turn>> list(SessionKey key, ReadContext view, Turn.@Nullable Status status) {
    Mono<List<Turn>> all = store.log().list(key, view.owner());
    return status == null
        ? all
        : all.map(turns -> turns.stream().filter(turn -> turn.status() == status).toList());
  }

  /** Asks that it ends, whichever replica runs it; the turn as it is then. {@code turn-ended}. */
  public Mono<Turn> cancel(WriteContext request, String turn) {
    SessionKey key = request.key();
    return Detached.of(
        store
            .services()
            .write(
                key,
                new Write.CancelTurn(turn, Cancel.KEEP, TurnEnding.CANCELLED.toJson()),
                request.preconditions(),
                request.waitFor())
            // It is done: whoever is told that the store is away would not know.
            .flatMap(_ -> get(key, request.view(), turn).retryWhen(ticks.whileAway()))
            .doOnNext(now -> {
              TurnRun runner = runners.of(turn);
              if (runner != null) {
                runner.wake();
              }
              if (now.status() == Turn.Status.CANCELLED && now.startedAt() == null) {
                queue.noLongerWaits(turn);
                counts.countEnd(Turn.Status.CANCELLED);
                runners.settle(now, 0);
              }
            }));
  }

  /**
   * What happens in a turn, from any replica, running or ended, while its log lives. Ends after
   * {@link TurnEvent.Ended}. Nothing is told twice and nothing is left out. Fails with {@code
   * store-unavailable} when the store could tell nothing of the turn for about ten seconds: the
   * turn goes on, and can be followed again.
   *
   * @param after the last seq the follower has: it is told what comes after, without {@link
   *     TurnEvent.SoFar}; 0 for all from the beginning, -1 to begin with what was said so far
   */
  public Flux<TurnEvent> follow(SessionKey key, ReadContext view, String turn, long after) {
    return Flux.defer(() -> {
      TurnRun runner = followers.runner(key, turn);
      return runner != null && runner.isVisibleTo(view.owner())
          ? followers.follow(key, turn, after)
          : get(key, view, turn).flatMapMany(_ -> followers.follow(key, turn, after));
    });
  }

  /** Whether that is how following fails when the store was silent for so long. */
  public static boolean isSilence(Throwable error) {
    return TurnFollowers.isSilence(error);
  }

  /** The end of a turn, when it comes. */
  public Mono<TurnEvent.Ended> await(SessionKey key, ReadContext view, String turn) {
    return follow(key, view, turn, Long.MAX_VALUE).ofType(TurnEvent.Ended.class).next();
  }

  /**
   * The same for a caller who can only wait as long as this replica lives: empty once it stops and
   * the turn does not run here, so that its end will not come in time.
   */
  public Mono<TurnEvent.Ended> awaitHere(SessionKey key, ReadContext view, String turn) {
    return await(key, view, turn)
        .takeUntilOther(
            runners
                .stopping()
                .thenMany(Flux.interval(Duration.ZERO, STOP_LOOK, ticks.scheduler()))
                .filter(_ -> !runsHere(key, turn))
                // Its end may be on the way here when it has just ended.
                .skip(1));
  }

  /** Whether this replica runs it. */
  public boolean runsHere(SessionKey key, String turn) {
    return followers.runner(key, turn) != null;
  }

  /**
   * The turn that an earlier try of a request began, or empty: the newest in the session that was
   * ordered with this {@link TurnSpec#fingerprint()}, while it has not ended, however long it
   * takes. One that has ended is it only for so long, and while no turn was ordered after it: then
   * the client has gone on, and says the same once more. For clients that repeat a request and have
   * no key for it.
   */
  public Mono<Turn> reattach(
      SessionKey key, ReadContext view, String fingerprint, Duration within) {
    return list(key, view, null)
        .flatMap(turns ->
            Mono.justOrEmpty(
                turns.stream()
                    .filter(turn -> fingerprint.equals(TurnRequest.of(turn).fingerprint()))
                    .max((one, other) -> one.createdAt().compareTo(other.createdAt()))
                    .filter(turn -> mayBeTriedAgain(turn, turns, within))))
        .onErrorResume(
            error -> ProblemException.is(error, ProblemCode.SESSION_NOT_FOUND), _ -> Mono.empty());
  }

  private boolean mayBeTriedAgain(Turn turn, List<Turn> all, Duration within) {
    Instant endedAt = turn.endedAt();
    return endedAt == null
        || (endedAt.plus(within).isAfter(clock.instant())
            && all.stream().noneMatch(other -> other.createdAt().isAfter(turn.createdAt())));
  }

  /**
   * Takes no more turns, lets those that run here go on for that long, and then ends them as they
   * are. Completes when none runs here any more.
   */
  public Mono<Void> drain(Duration grace) {
    return runners.drain(grace);
  }

  /** The most tokens of output that a turn may ask for. */
  public long maxOutput() {
    return properties.maxOutput();
  }

  /** Turns that run here now. */
  public int running() {
    return runners.size();
  }

  /** Turns that were ordered here and wait, as far as this replica knows. */
  public int waiting() {
    return queue.size();
  }

  public TurnCounts counts() {
    return counts;
  }

  /** Changes of a partition were lost, and with them perhaps that a turn began to wait. */
  private void lost(int partition) {
    for (SessionKey key : runners.sessions()) {
      if (key.partition() == partition) {
        queue.missed(key);
      }
    }
  }
}
