package io.heddle.turn;

import io.heddle.base.Detached;
import io.heddle.base.IdSource;
import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.limit.Quotas;
import io.heddle.limit.TokenLimits;
import io.heddle.limit.TokenReservation;
import io.heddle.session.Head;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.NewMessage;
import io.heddle.session.NewTurn;
import io.heddle.session.Outcome;
import io.heddle.session.Turn;
import io.heddle.session.TurnId;
import io.heddle.session.Write;
import io.heddle.session.WriteContext;
import io.heddle.session.WriteResult;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import reactor.core.publisher.Mono;

/** Begins turns: once each, whatever becomes of their caller or of an answer of the store. */
final class TurnSubmitter {

  /** How often a turn whose beginning was not answered is sent again. */
  private static final int SENDINGS = 5;

  /**
   * And for how long. A store that is silent takes longer to fail once; asking it again and again
   * would keep the caller from an answer that all others have by then.
   */
  private static final Duration SENDING = Duration.ofMillis(900);

  private final TurnStore store;
  private final TokenLimits limits;
  private final IdSource ids;
  private final TurnProperties properties;
  private final Timers ticks;
  private final History history;
  private final TurnRunRegistry runners;
  private final TurnQueue queue;

  TurnSubmitter(
      TurnStore store,
      TokenLimits limits,
      IdSource ids,
      TurnProperties properties,
      Timers ticks,
      History history,
      TurnRunRegistry runners,
      TurnQueue queue) {
    this.store = store;
    this.limits = limits;
    this.ids = ids;
    this.properties = properties;
    this.ticks = ticks;
    this.history = history;
    this.runners = runners;
    this.queue = queue;
  }

  /** See {@link Turns#begin}. */
  Mono<WriteResult<Turn>> begin(WriteContext request, TurnSpec order) {
    Parameters.check(order.parameters(), properties.maxOutput(), name -> name);
    Mono<WriteResult<Turn>> fresh = Detached.of(Mono.defer(() -> reserve(request, order)));
    IdempotentRequest retry = request.requested().retry();
    // Before the limits: whoever repeats a request has paid for it.
    return retry == null
        ? fresh
        : store
            .records()
            .find(request.key(), retry)
            .flatMap(said -> replayed(request, said))
            .switchIfEmpty(fresh);
  }

  private Mono<Turn> get(WriteContext request, String turn) {
    return store.turn(request.key(), request.view().owner(), turn);
  }

  private Mono<WriteResult<Turn>> replayed(WriteContext request, Outcome said) {
    return switch (said) {
      case Outcome.Replayed(var position, var names) when !names.isEmpty() ->
          get(request, names.getFirst())
              .map(turn -> new WriteResult<>(turn, position, true, false));
      case Outcome.Refused refused -> Mono.error(refused.problem().toException());
      default ->
          Mono.error(
              Problem.of(ProblemCode.KEY_REUSED, "the key was used for something else")
                  .toException());
    };
  }

  private Mono<WriteResult<Turn>> reserve(WriteContext request, TurnSpec order) {
    Mono<Void> known = runners.quotas().turnsKnown(request.caller());
    return known == Quotas.KNOWN
        ? reserved(request, order)
        : known.then(Mono.defer(() -> reserved(request, order)));
  }

  private Mono<WriteResult<Turn>> reserved(WriteContext request, TurnSpec order) {
    if (runners.isDraining()) {
      return Mono.error(TurnRunRegistry.restarting());
    }
    if (runners.isFull()) {
      return Mono.error(
          Problem.of(
                  ProblemCode.TURNS_FULL,
                  "this replica runs " + properties.maxRunning() + " turns already")
              .with("retryAfter", 1)
              .toException());
    }
    Problem tooMany = runners.quotas().refusesTurn(request.caller());
    if (tooMany != null) {
      return Mono.error(tooMany.toException());
    }
    TurnRequest bare = TurnRequest.of(order, null, 0);
    if (!limits.areCounted()) {
      return write(request, order, bare);
    }
    return limits
        .reserve(
            request.caller(),
            outputOf(order),
            weight(order),
            enough ->
                history.estimate(
                    request.key(),
                    request.caller().owner(),
                    bare,
                    order.input(),
                    StatelessCalls.lane(request.caller()),
                    enough))
        .flatMap(estimated -> {
          TokenReservation said = estimated.reservation();
          Problem refusal = said.refusal();
          if (refusal != null) {
            return Mono.error(refusal.toException());
          }
          Json reserved = said.reservation() == null ? null : said.toJson();
          return write(request, order, TurnRequest.of(order, reserved, estimated.input()));
        });
  }

  private long outputOf(TurnSpec order) {
    long most = Parameters.maxOutput(order.parameters());
    return most > 0 ? most : properties.reserveOutput();
  }

  /** Of what the request itself adds. */
  private static long weight(TurnSpec order) {
    long bytes = order.parameters().length();
    for (NewMessage message : order.input()) {
      bytes += message.body().length();
    }
    return bytes;
  }

  private Mono<WriteResult<Turn>> write(WriteContext request, TurnSpec order, TurnRequest kept) {
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
    long began = ticks.now();
    Mono<Outcome> written =
        store
            .services()
            .write(
                key,
                new Write.BeginTurn(turn, order.onBusy(), properties.maxQueue()),
                request.preconditions(),
                request.waitFor())
            .doOnError(error -> unsure.compareAndSet(false, isUnknown(error)))
            // The same again: the turn's id decides whether it was begun before.
            .retryWhen(
                reactor.util.retry.Retry.backoff(SENDINGS, Duration.ofMillis(100))
                    .scheduler(ticks.scheduler())
                    .filter(error ->
                        unsure.get()
                            && StoreErrors.isAway(error)
                            && ticks.now() - began < SENDING.toNanos())
                    .onRetryExhaustedThrow((_, last) -> last.failure()))
            .onErrorMap(error -> unsure.get() && StoreErrors.isAway(error), _ -> unknown());
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

  private Mono<WriteResult<Turn>> begun(WriteContext request, NewTurn turn, Outcome outcome) {
    return switch (outcome) {
      case Outcome.Applied applied -> begun(request, turn, applied);
      // It was begun by a sending that was not answered, so it is this replica's.
      case Outcome.Replayed(Position position, List<String> names)
          when names.equals(List.of(turn.id())) ->
          store
              .turn(request.key(), null, turn.id())
              .retryWhen(ticks.whileAway())
              .map(found -> {
                if (isStartOf(found)) {
                  runners.run(found, request.caller().user(), request.caller().address());
                } else if (found.status() == Turn.Status.QUEUED) {
                  queue.taken(
                      request.key(),
                      found.id(),
                      TurnRequest.of(found).reserved(),
                      request.caller().user());
                }
                return new WriteResult<>(found, position, false, false);
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

  private Mono<WriteResult<Turn>> begun(
      WriteContext request, NewTurn turn, Outcome.Applied applied) {
    Head head = applied.head();
    if (turn.id().equals(head.activeTurn())) {
      Turn running = Records.begun(request.key(), turn, head);
      runners.run(running, applied.user(), request.caller().address());
      return Mono.just(new WriteResult<>(running, head.position(), false, false));
    }
    queue.taken(
        request.key(),
        turn.id(),
        TurnRequest.parse(turn.request()).reserved(),
        request.caller().user());
    return get(request, turn.id())
        .retryWhen(ticks.whileAway())
        .map(queued -> new WriteResult<>(queued, head.position(), false, false));
  }

  private static boolean isUnknown(Throwable error) {
    return ProblemException.is(error, ProblemCode.OUTCOME_UNKNOWN);
  }

  private static ProblemException unknown() {
    return Problem.of(
            ProblemCode.OUTCOME_UNKNOWN,
            "the turn was sent to the store and not answered; if it was begun, it runs")
        .toException();
  }
}
