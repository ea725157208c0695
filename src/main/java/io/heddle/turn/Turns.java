package io.heddle.turn;

import io.heddle.base.Detached;
import io.heddle.base.IdSource;
import io.heddle.base.Json;
import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.limit.TokenLimits;
import io.heddle.session.Head;
import io.heddle.session.NewTurn;
import io.heddle.session.Outcome;
import io.heddle.session.Request;
import io.heddle.session.Retry;
import io.heddle.session.Turn;
import io.heddle.session.Turn.Cancel;
import io.heddle.session.TurnId;
import io.heddle.session.View;
import io.heddle.session.Write;
import io.heddle.session.Written;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** Turns: ordered, looked at, followed, cancelled. Refusals are {@code ProblemException}s. */
public final class Turns implements AutoCloseable {

  /** Counting tokens is work, and the first time it reads a file. */
  private static final int COUNTING_THREADS = 2;

  private static final int COUNTING_QUEUE = 10_000;

  /** How often a turn whose beginning was not answered is sent again. */
  private static final int SENDINGS = 5;

  /** How often who waits for a turn looks where it runs, when this replica stops. */
  private static final Duration STOP_LOOK = Duration.ofMillis(500);

  private final TurnStore store;
  private final TokenLimits limits;
  private final IdSource ids;
  private final InstantSource clock;
  private final TurnProperties properties;
  private final Scheduler counting;
  private final Ticks ticks;
  private final TurnCounts counts = new TurnCounts();
  private final History history;
  private final Followers followers;
  private final Runners runners;
  private final Queue queue;
  private final Reaper reaper;

  public Turns(
      TurnStore store,
      Upstream upstream,
      TokenLimits limits,
      IdSource ids,
      InstantSource clock,
      TurnProperties properties) {
    this(
        store,
        upstream,
        limits,
        ids,
        clock,
        properties,
        new Ticks(Schedulers.parallel(), System::nanoTime),
        Schedulers.newBoundedElastic(COUNTING_THREADS, COUNTING_QUEUE, "heddle-tokens"));
  }

  Turns(
      TurnStore store,
      Upstream upstream,
      TokenLimits limits,
      IdSource ids,
      InstantSource clock,
      TurnProperties properties,
      Ticks ticks,
      Scheduler counting) {
    this.store = store;
    this.limits = limits;
    this.ids = ids;
    this.clock = clock;
    this.properties = properties;
    this.ticks = ticks;
    this.counting = counting;
    history = new History(store.reader(), new Tokens(), counting, properties);
    followers = new Followers(store, ticks, counts);
    AnswerCache cache = new AnswerCache(store.answers(), upstream);
    runners =
        new Runners(store, upstream, cache, history, limits, properties, ticks, counts, followers);
    queue = new Queue(store, runners, properties, ticks);
    reaper = new Reaper(store, runners, queue, properties, ticks);
    runners.whenEnded(queue::ended);
    followers.start(runners::of, queue::heard, this::lost);
    reaper.start();
  }

  /** Changes of a partition were lost, and with them perhaps that a turn began to wait. */
  private void lost(int partition) {
    for (SessionKey key : runners.sessions()) {
      if (key.partition() == partition) {
        queue.missed(key);
      }
    }
  }

  /** Begins no more, and leaves what still runs to the other replicas. */
  @Override
  public void close() {
    reaper.close();
    followers.close();
    runners.close();
    counting.dispose();
  }

  /**
   * Starts a turn here, or lets it wait. The call belongs to this replica from then on: cancelling
   * the answer, or whoever follows it, does not stop it. With an idempotency key the repetition
   * gets the same turn, as it is now.
   */
  public Mono<Written<Turn>> begin(Request request, TurnOrder order) {
    Mono<Written<Turn>> fresh = Detached.of(Mono.defer(() -> reserve(request, order)));
    Retry retry = request.conditions().retry();
    // Before the limits: whoever repeats a request has paid for it.
    return retry == null
        ? fresh
        : store
            .records()
            .find(request.key(), retry)
            .flatMap(said -> replayed(request, said))
            .switchIfEmpty(fresh);
  }

  public Mono<Turn> get(SessionKey key, View view, String turn) {
    return store.log().read(key, view.owner(), turn, 0, 0).map(recorded -> recorded.turn());
  }

  /** The running one, those that wait, then ended ones, newest first. */
  public Mono<List<Turn>> list(SessionKey key, View view, Turn.@Nullable Status status) {
    Mono<List<Turn>> all = store.log().list(key, view.owner());
    return status == null
        ? all
        : all.map(turns -> turns.stream().filter(turn -> turn.status() == status).toList());
  }

  /** Asks that it ends, whichever replica runs it; the turn as it is then. {@code turn-ended}. */
  public Mono<Turn> cancel(Request request, String turn) {
    SessionKey key = request.key();
    return Detached.of(
        store
            .services()
            .write(
                key,
                new Write.CancelTurn(turn, Cancel.KEEP, Ending.CANCELLED.toJson()),
                request.terms(),
                request.waitFor())
            .flatMap(_ -> get(key, request.view(), turn))
            .doOnNext(now -> {
              Runner runner = runners.of(turn);
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
   * {@link TurnEvent.Ended}. Nothing is told twice and nothing is left out.
   *
   * @param after the last seq the follower has: it is told what comes after, without {@link
   *     TurnEvent.SoFar}; 0 for all from the beginning, -1 to begin with what was said so far
   */
  public Flux<TurnEvent> follow(SessionKey key, View view, String turn, long after) {
    return Flux.defer(() -> {
      Runner runner = followers.runner(key, turn);
      return runner != null && runner.isVisibleTo(view.owner())
          ? followers.follow(key, turn, after)
          : get(key, view, turn).flatMapMany(_ -> followers.follow(key, turn, after));
    });
  }

  /** The end of a turn, when it comes. */
  public Mono<TurnEvent.Ended> await(SessionKey key, View view, String turn) {
    return follow(key, view, turn, Long.MAX_VALUE).ofType(TurnEvent.Ended.class).next();
  }

  /**
   * The same for a caller who can only wait as long as this replica lives: empty once it stops and
   * the turn does not run here, so that its end will not come in time.
   */
  public Mono<TurnEvent.Ended> awaitHere(SessionKey key, View view, String turn) {
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
   * ordered with this {@link TurnOrder#fingerprint()}, while it has not ended, however long it
   * takes. One that has ended is it only for so long, and while no turn was ordered after it: then
   * the client has gone on, and says the same once more. For clients that repeat a request and have
   * no key for it.
   */
  public Mono<Turn> reattach(SessionKey key, View view, String fingerprint, Duration within) {
    return list(key, view, null)
        .flatMap(turns ->
            Mono.justOrEmpty(
                turns.stream()
                    .filter(turn -> fingerprint.equals(TurnRequest.of(turn).fingerprint()))
                    .max((one, other) -> one.createdAt().compareTo(other.createdAt()))
                    .filter(turn -> mayBeTriedAgain(turn, turns, within))))
        .onErrorResume(
            error -> Problems.is(error, ProblemCode.SESSION_NOT_FOUND), _ -> Mono.empty());
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

  private Mono<Written<Turn>> replayed(Request request, Outcome said) {
    return switch (said) {
      case Outcome.Replayed(var position, var names) when !names.isEmpty() ->
          get(request.key(), request.view(), names.getFirst())
              .map(turn -> new Written<>(turn, position, true, false));
      case Outcome.Refused refused -> Mono.error(refused.problem().toException());
      default ->
          Mono.error(
              Problem.of(ProblemCode.KEY_REUSED, "the key was used for something else")
                  .toException());
    };
  }

  private Mono<Written<Turn>> reserve(Request request, TurnOrder order) {
    if (runners.isDraining()) {
      return Mono.error(Runners.restarting());
    }
    if (runners.isFull()) {
      return Mono.error(
          Problem.of(
                  ProblemCode.TURNS_FULL,
                  "this replica runs " + properties.maxRunning() + " turns already")
              .with("retryAfter", 1)
              .toException());
    }
    TurnRequest bare = TurnRequest.of(order, null, 0);
    if (!limits.areCounted()) {
      return write(request, order, bare);
    }
    return history
        .estimate(request.key(), request.caller().owner(), bare, order.input())
        .flatMap(input ->
            limits
                .reserve(request.caller(), Math.max(1, input + outputOf(order)))
                .flatMap(said -> {
                  Problem refusal = said.refusal();
                  if (refusal != null) {
                    return Mono.error(refusal.toException());
                  }
                  Json reserved = said.reservation() == null ? null : said.toJson();
                  return write(request, order, TurnRequest.of(order, reserved, input));
                }));
  }

  private long outputOf(TurnOrder order) {
    long most = TurnRequest.maxOutput(order.parameters());
    return most > 0 ? most : properties.reserveOutput();
  }

  private Mono<Written<Turn>> write(Request request, TurnOrder order, TurnRequest kept) {
    SessionKey key = request.key();
    NewTurn turn =
        new NewTurn(
            TurnId.next(ids, key).toString(),
            order.model(),
            kept.toJson(),
            order.input(),
            properties.lease(),
            properties.keep());
    AtomicBoolean unsure = new AtomicBoolean();
    Mono<Outcome> written =
        store
            .services()
            .write(
                key,
                new Write.BeginTurn(turn, order.onBusy(), properties.maxQueue()),
                request.terms(),
                request.waitFor())
            .doOnError(error -> unsure.compareAndSet(false, isUnknown(error)))
            // The same again: the turn's id decides whether it was begun before.
            .retryWhen(
                reactor.util.retry.Retry.backoff(SENDINGS, Duration.ofMillis(100))
                    .scheduler(ticks.scheduler())
                    .filter(error -> unsure.get() && Problems.isAway(error))
                    .onRetryExhaustedThrow((_, last) -> last.failure()))
            .onErrorMap(error -> unsure.get() && Problems.isAway(error), _ -> unknown());
    return runners
        .starting(written.flatMap(outcome -> begun(request, turn, outcome)))
        .doOnSuccess(begun -> {
          if (begun != null && !begun.value().id().equals(turn.id())) {
            runners.settle(kept.reserved(), 0);
          }
        })
        .doOnError(error -> {
          // Of a turn that may be there after all the reservation stays, for whoever ends it.
          if (!isUnknown(error)) {
            runners.settle(kept.reserved(), 0);
          }
        });
  }

  private Mono<Written<Turn>> begun(Request request, NewTurn turn, Outcome outcome) {
    return switch (outcome) {
      case Outcome.Applied applied -> begun(request, turn, applied);
      // It was begun by a sending that was not answered, so it is this replica's.
      case Outcome.Replayed(Position position, List<String> names)
          when names.equals(List.of(turn.id())) ->
          store
              .log()
              .read(request.key(), null, turn.id(), 0, 0)
              .retryWhen(ticks.whileAway())
              .map(recorded -> {
                Turn found = recorded.turn();
                if (isStartOf(found)) {
                  runners.run(found, request.caller().user());
                } else if (found.status() == Turn.Status.QUEUED) {
                  queue.taken(request.key(), found.id(), TurnRequest.of(found).reserved());
                }
                return new Written<>(found, position, false, false);
              });
      default -> replayed(request, outcome);
    };
  }

  /**
   * Whether what took it in also started it. One that waited, and was started since, runs for
   * whoever started it, with the same attempt.
   */
  private static boolean isStartOf(Turn found) {
    return found.status() == Turn.Status.RUNNING
        && found.attempt() == 1
        && found.createdAt().equals(found.startedAt());
  }

  private Mono<Written<Turn>> begun(Request request, NewTurn turn, Outcome.Applied applied) {
    Head head = applied.head();
    if (turn.id().equals(head.activeTurn())) {
      Turn running = Records.begun(request.key(), turn, head);
      runners.run(running, applied.user());
      return Mono.just(new Written<>(running, head.position(), false, false));
    }
    queue.taken(request.key(), turn.id(), TurnRequest.parse(turn.request()).reserved());
    return get(request.key(), request.view(), turn.id())
        .retryWhen(ticks.whileAway())
        .map(queued -> new Written<>(queued, head.position(), false, false));
  }

  private static boolean isUnknown(Throwable error) {
    return Problems.is(error, ProblemCode.OUTCOME_UNKNOWN);
  }

  private static ProblemException unknown() {
    return Problem.of(
            ProblemCode.OUTCOME_UNKNOWN,
            "the turn was sent to the store and not answered; if it was begun, it runs")
        .toException();
  }
}
