package io.heddle.turn;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.NewMessage;
import io.heddle.session.Outcome;
import io.heddle.session.Turn;
import io.heddle.session.Turn.Cancel;
import io.heddle.session.TurnAttempt;
import io.heddle.session.TurnId;
import io.heddle.session.TurnLog.Open;
import io.heddle.session.Write;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Looks after turns whose replica died, and after waiting ones that nobody started. Every replica
 * has one; that two do the same at once is decided in the store, which compares the attempt and
 * refuses while its owner's lease has not ended.
 */
final class Reaper {

  private static final Logger log = LoggerFactory.getLogger(Reaper.class);
  private static final int CONCURRENCY = 8;
  private static final int PAGE = 1000;

  /** So many questions in the time of a lease, at least, prove the link. */
  private static final int PARTS = 3;

  /** A round that takes longer is left, so that one session cannot hold up all others. */
  private static final Duration ROUND = Duration.ofSeconds(30);

  private final TurnStore store;
  private final TurnRunRegistry runners;
  private final TurnQueue queue;
  private final TurnProperties properties;
  private final AtomicBoolean atWork = new AtomicBoolean();
  private final Timers ticks;
  private Disposable ticker = () -> {};

  Reaper(
      TurnStore store,
      TurnRunRegistry runners,
      TurnQueue queue,
      TurnProperties properties,
      Timers ticks) {
    this.store = store;
    this.runners = runners;
    this.queue = queue;
    this.properties = properties;
    this.ticks = ticks;
  }

  void start() {
    ticker = ticks.every(properties.reapEvery(), this::round);
  }

  void close() {
    ticker.dispose();
  }

  private void round() {
    if (runners.isDraining() || !atWork.compareAndSet(false, true)) {
      return;
    }
    Duration between = properties.lease().dividedBy(PARTS);
    boolean seldom = properties.reapEvery().compareTo(between) > 0;
    Flux.fromIterable(runners.sessions())
        .filter(queue::mayBeLate)
        .concatWith(seldom ? dueAfterProof(between) : store.log().due(properties.lease()))
        .flatMap(
            key -> Mono.defer(() -> look(key)).onErrorResume(error -> notNow(key, error)),
            CONCURRENCY)
        .then()
        .timeout(seldom ? ROUND.plus(properties.lease().multipliedBy(2)) : ROUND, ticks.scheduler())
        .doFinally(_ -> atWork.set(false))
        .subscribe(
            _ -> {}, error -> log.debug("due turns could not be looked at: {}", error.toString()));
  }

  /**
   * Questions that are further apart than this prove nothing: an outage between two of them, in
   * which no owner could renew, would not be seen. So whoever looks seldom proves the link each
   * time, by asking for a whole lease.
   */
  private Flux<SessionKey> dueAfterProof(Duration between) {
    return Flux.interval(Duration.ZERO, between, ticks.scheduler())
        .take(PARTS + 2L)
        .onBackpressureDrop()
        .concatMap(_ -> store.log().due(properties.lease()), 1);
  }

  private Mono<Void> notNow(SessionKey key, Throwable error) {
    // A refusal is no failure: another replica was first, or the store is away or full for now.
    ProblemCode refusal = ProblemException.codeOf(error);
    if ((refusal == null || refusal == ProblemCode.INTERNAL)
        && runners.counts.lookFailures.happened()) {
      log.warn(
          "{}: its turns could not be looked after, which is tried again; {} failed since the"
              + " start: {}",
          key,
          runners.counts.lookFailures(),
          error.toString());
    }
    return Mono.empty();
  }

  /** What there is to do in a session. */
  Mono<Void> look(SessionKey key) {
    return store
        .log()
        .open(key)
        .flatMap(open -> queue.inTime(key, open).flatMap(waiting -> look(key, open, waiting)));
  }

  private Mono<Void> look(SessionKey key, Open open, List<Turn> waiting) {
    Turn running = open.running();
    if (running != null) {
      return lookAfter(running, open.now());
    }
    return waiting.isEmpty() ? touch(key) : queue.next(key, null, waiting).then();
  }

  private Mono<Void> lookAfter(Turn turn, Instant now) {
    TurnRun runner = runners.of(turn.id());
    if (runner != null && runner.turn().attempt() == turn.attempt()) {
      // Alive, whatever the lease says.
      runner.wake();
      return isHealthy(turn, now) ? touch(turn) : Mono.empty();
    }
    if (turn.cancel() != Cancel.NONE || turn.attempt() >= properties.attempts()) {
      return end(turn);
    }
    // It decides by the store's clock whether the owner is dead, and by the log whether somebody
    // may have seen a word of it.
    return retake(turn)
        .onErrorResume(
            // A full store would not keep what a model says.
            error ->
                ProblemException.is(error, ProblemCode.TURN_ENDED) || StoreErrors.isFull(error),
            _ -> end(turn));
  }

  private Mono<Void> retake(Turn turn) {
    return runners.starting(
        store
            .write(turn.session(), new Write.RetakeTurn(attempt(turn), properties.lease()))
            .flatMap(
                outcome -> outcome instanceof Outcome.Applied a ? rerun(turn, a) : Mono.empty()));
  }

  private Mono<Void> rerun(Turn dead, Outcome.Applied applied) {
    log.info("{}: its replica died before the first token; it is begun again here", dead.id());
    runners.counts.retaken.increment();
    return store
        .turn(dead.session(), null, dead.id())
        .retryWhen(ticks.whileAway())
        .doOnNext(turn -> {
          if (turn.attempt() == dead.attempt() + 1) {
            runners.run(turn, applied.user());
          }
        })
        .then();
  }

  /** Ends a dead attempt with what its log has. */
  private Mono<Void> end(Turn turn) {
    AnswerBuilder said = new AnswerBuilder();
    return readAll(turn, 0, said).then(Mono.defer(() -> end(turn, said)));
  }

  private Mono<Void> readAll(Turn turn, long after, AnswerBuilder said) {
    return store
        .log()
        .read(turn.session(), null, turn.id(), after, PAGE)
        .flatMap(recorded -> {
          said.addAll(ModelEventCodec.decodeAll(recorded.events()));
          long last = after + recorded.events().size();
          return last < recorded.last() && !recorded.events().isEmpty()
              ? readAll(turn, last, said)
              : Mono.empty();
        });
  }

  private Mono<Void> end(Turn turn, AnswerBuilder said) {
    boolean asked = turn.cancel() != Cancel.NONE;
    boolean rollback = turn.cancel() == Cancel.ROLLBACK;
    TurnEnding ending =
        asked
            ? rollback ? TurnEnding.ROLLED_BACK : TurnEnding.CANCELLED
            : new TurnEnding(
                Turn.Status.INCOMPLETE,
                null,
                Problem.of(ProblemCode.RESTARTING, "the replica that ran the turn died"));
    List<NewMessage> output = rollback ? new ArrayList<>() : said.cutShort(turn.id(), ending.why());
    return runners
        .history
        .tokensOf(said.counted(), turn.session().path())
        .flatMap(tokens -> Mono.zip(Mono.just(tokens), inputTokens(turn, tokens)))
        .flatMap(counted -> {
          long tokens = counted.getT1();
          long input = counted.getT2();
          Usage usage = tokens == 0 ? null : new Usage(input, tokens, 0, 0);
          Json end = ending.toJson(usage, null, false, null);
          List<String> remove = rollback ? turn.input() : List.of();
          Write.EndTurn whole =
              new Write.EndTurn(attempt(turn), ending.status(), output, end, remove, true);
          AtomicReference<Write.EndTurn> sent = new AtomicReference<>(whole);
          return store
              .write(turn.session(), whole)
              .onErrorResume(
                  StoreErrors::isFull,
                  _ -> {
                    sent.set(TurnEnding.withoutRoom(whole, usage));
                    return store.write(turn.session(), sent.get());
                  })
              .flatMap(outcome -> {
                if (outcome instanceof Outcome.Applied) {
                  Turn.Status status = sent.get().status();
                  log.info("{}: its replica died; ended as {}", turn.id(), status.text());
                  runners.counts.reaped.increment();
                  runners.counts.countEnd(status);
                  runners.settle(turn, input + tokens);
                }
                return queue.next(turn.session()).then();
              });
        })
        .onErrorResume(
            error ->
                ProblemException.is(error, ProblemCode.TURN_RUNNING)
                    || ProblemException.is(error, ProblemCode.TURN_ENDED),
            _ -> Mono.empty());
  }

  /**
   * As the dead replica estimated it; or as it is estimated now, with what was added since, for a
   * turn that said something and so has a usage to tell.
   */
  private Mono<Long> inputTokens(Turn turn, long output) {
    TurnRequest request = TurnRequest.of(turn);
    History history = runners.history;
    return request.inputTokens() > 0 || output == 0
        ? Mono.just(request.inputTokens())
        : history
            .prompt(turn.session(), request, turn.input(), turn.id(), turn.session().path())
            .flatMap(prompt -> history.tokensOf(prompt.call(), turn.session().path()))
            .onErrorReturn(0L);
  }

  private boolean isHealthy(Turn turn, Instant now) {
    Instant until = turn.leaseUntil();
    return until != null && until.isAfter(now.plus(properties.lease().dividedBy(4)));
  }

  /** The same for a turn that lives. */
  private Mono<Void> touch(Turn turn) {
    return retake(turn).onErrorResume(_ -> Mono.empty());
  }

  /** Nothing to do there: a write that is refused moves the session to its true time. */
  private Mono<Void> touch(SessionKey key) {
    String none = new TurnId("0".repeat(16), key.id()).toString();
    return store
        .write(key, new Write.NextTurn(none, properties.lease()))
        .then()
        .onErrorResume(_ -> Mono.empty());
  }

  private static TurnAttempt attempt(Turn turn) {
    return new TurnAttempt(turn.id(), turn.attempt());
  }
}
