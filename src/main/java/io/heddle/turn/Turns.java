package io.heddle.turn;

import io.heddle.base.Detached;
import io.heddle.base.IdSource;
import io.heddle.base.Json;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
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
import java.time.InstantSource;
import java.util.List;
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

  /** A turn whose beginning was not answered is looked for in the store so often. */
  private static final int LOOKS = 5;

  private final TurnStore store;
  private final TokenBudget budget;
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
      TokenBudget budget,
      IdSource ids,
      InstantSource clock,
      TurnProperties properties) {
    this(
        store,
        upstream,
        budget,
        ids,
        clock,
        properties,
        new Ticks(Schedulers.parallel(), System::nanoTime),
        Schedulers.newBoundedElastic(COUNTING_THREADS, COUNTING_QUEUE, "heddle-tokens"));
  }

  Turns(
      TurnStore store,
      Upstream upstream,
      TokenBudget budget,
      IdSource ids,
      InstantSource clock,
      TurnProperties properties,
      Ticks ticks,
      Scheduler counting) {
    this.store = store;
    this.budget = budget;
    this.ids = ids;
    this.clock = clock;
    this.properties = properties;
    this.ticks = ticks;
    this.counting = counting;
    history = new History(store.reader(), new Tokens(), counting, properties);
    followers = new Followers(store, ticks, counts);
    AnswerCache cache = new AnswerCache(store.answers(), upstream, ticks, clock);
    runners =
        new Runners(store, upstream, cache, history, budget, properties, ticks, counts, followers);
    queue = new Queue(store, runners, properties, ticks, clock);
    reaper = new Reaper(store, runners, queue, properties, ticks);
    runners.whenEnded(queue::ended);
    followers.start(runners::of, queue::heard);
    reaper.start();
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
   * The newest turn that was ordered with this {@link TurnOrder#fingerprint()} in the session, and
   * not longer ago than that; or empty. For clients that repeat a request and have no key for it:
   * they are given the turn that the first try began.
   */
  public Mono<Turn> reattach(SessionKey key, View view, String fingerprint, Duration within) {
    return list(key, view, null)
        .flatMap(turns ->
            Mono.justOrEmpty(
                turns.stream()
                    .filter(turn -> turn.createdAt().plus(within).isAfter(clock.instant()))
                    .filter(turn -> fingerprint.equals(TurnRequest.of(turn).fingerprint()))
                    .max((one, other) -> one.createdAt().compareTo(other.createdAt()))))
        .onErrorResume(
            error -> Problems.is(error, ProblemCode.SESSION_NOT_FOUND), _ -> Mono.empty());
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
      return Mono.error(
          Problem.of(ProblemCode.RESTARTING, "this replica begins no more turns")
              .with("retryAfter", 1)
              .toException());
    }
    if (runners.isFull()) {
      return Mono.error(
          Problem.of(
                  ProblemCode.TURNS_FULL,
                  "this replica runs " + properties.maxRunning() + " turns already")
              .with("retryAfter", 1)
              .toException());
    }
    if (!budget.limits(request.caller())) {
      return write(request, order, TurnRequest.of(order, null, 0));
    }
    TurnRequest unreserved = TurnRequest.of(order, null, 0);
    String owner = request.caller().owner();
    return history
        .estimate(request.key(), owner, unreserved, order.input())
        .flatMap(input ->
            budget
                .reserve(request.caller(), input + outputOf(order))
                .map(reserved -> TurnRequest.of(order, reserved, input))
                .defaultIfEmpty(unreserved))
        .flatMap(reserved -> write(request, order, reserved));
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
    return store
        .services()
        .write(
            key,
            new Write.BeginTurn(turn, order.onBusy(), properties.maxQueue()),
            request.terms(),
            request.waitFor())
        .flatMap(outcome -> begun(request, turn, outcome))
        .onErrorResume(
            error -> Problems.is(error, ProblemCode.OUTCOME_UNKNOWN),
            error -> lookFor(request, turn, error))
        .onErrorResume(error -> {
          // Of a turn that may be there after all the reservation stays, until somebody ends it.
          if (!Problems.is(error, ProblemCode.OUTCOME_UNKNOWN)) {
            giveBack(kept.reserved());
          }
          return Mono.error(error);
        })
        .doOnNext(written -> {
          if (!written.value().id().equals(turn.id())) {
            giveBack(kept.reserved());
          }
        });
  }

  private Mono<Written<Turn>> begun(Request request, NewTurn turn, Outcome outcome) {
    if (!(outcome instanceof Outcome.Applied applied)) {
      return replayed(request, outcome);
    }
    Head head = applied.head();
    if (turn.id().equals(head.activeTurn())) {
      Turn running = Records.begun(request.key(), turn, head);
      runners.run(running, applied.user());
      return Mono.just(new Written<>(running, head.position(), false, false));
    }
    queue.taken(request.key(), turn.id());
    return get(request.key(), request.view(), turn.id())
        .retryWhen(ticks.whileAway())
        .map(queued -> new Written<>(queued, head.position(), false, false));
  }

  /**
   * Nobody said whether the turn was begun. Its id is known to this replica only: if it is there,
   * it is this one's to run; if nobody finds it now and it was begun all the same, a reaper will.
   */
  private Mono<Written<Turn>> lookFor(Request request, NewTurn turn, Throwable unknown) {
    return store
        .log()
        .read(request.key(), null, turn.id(), 0, 0)
        .retryWhen(
            reactor.util.retry.Retry.backoff(LOOKS, Duration.ofMillis(100))
                .scheduler(ticks.scheduler())
                .filter(Problems::isAway)
                .onRetryExhaustedThrow((_, _) -> unknown))
        .onErrorMap(Problems::isGone, _ -> unknown)
        .flatMap(recorded ->
            store
                .reader()
                .load(request.key(), request.view(), io.heddle.session.PageRequest.NONE)
                .map(page -> {
                  Turn found = recorded.turn();
                  if (found.status() == Turn.Status.RUNNING && runners.of(found.id()) == null) {
                    runners.run(found, page.session().description().user());
                  } else if (found.status() == Turn.Status.QUEUED) {
                    queue.taken(request.key(), found.id());
                  }
                  return new Written<>(found, page.session().position(), false, false);
                }));
  }

  private void giveBack(@Nullable Json reserved) {
    if (reserved != null) {
      budget.settle(reserved, 0).subscribe(_ -> {}, _ -> {});
    }
  }
}
