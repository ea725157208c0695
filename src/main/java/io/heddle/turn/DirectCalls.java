package io.heddle.turn;

import io.heddle.base.Caller;
import io.heddle.base.Json;
import io.heddle.limit.TokenLimits;
import io.heddle.limit.TokenReservation;
import java.util.concurrent.atomic.AtomicBoolean;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * Model calls that no turn stands behind: in no session, kept nowhere, ended when their caller
 * hangs up. Their tokens are counted like those of turns.
 */
public final class DirectCalls implements AutoCloseable {

  private static final int COUNTING_QUEUE = 10_000;

  private final Upstream upstream;
  private final TokenLimits limits;
  private final TurnProperties properties;
  private final Tokens tokens = new Tokens();
  private final Scheduler counting =
      Schedulers.newBoundedElastic(1, COUNTING_QUEUE, "heddle-direct-tokens");

  public DirectCalls(Upstream upstream, TokenLimits limits, TurnProperties properties) {
    this.upstream = upstream;
    this.limits = limits;
    this.properties = properties;
  }

  @Override
  public void close() {
    counting.dispose();
  }

  /**
   * Refusals are {@code ProblemException}s, as {@link Upstream} tells them, and {@code
   * rate-limited}.
   */
  public Flux<Piece> call(Caller caller, ModelCall call) {
    if (!limits.areCounted()) {
      return upstream.call(call);
    }
    return count(call)
        .flatMapMany(input ->
            limits
                .reserve(caller, input + outputOf(call))
                .flatMapMany(reserved ->
                    reserved.refusal() == null
                        ? counted(call, reserved, input)
                        : Flux.error(reserved.refusal().toException())));
  }

  /** About how many tokens a model is told by this. */
  public Mono<Long> count(ModelCall call) {
    return Mono.fromSupplier(
            () -> {
              long sum = call.system() == null ? 0 : tokens.of(call.system());
              for (Json message : call.messages()) {
                sum += tokens.of(message);
              }
              return sum;
            })
        .subscribeOn(counting);
  }

  private long outputOf(ModelCall call) {
    long most = TurnRequest.maxOutput(call.parameters());
    return most > 0 ? most : properties.reserveOutput();
  }

  /**
   * Settles once, whatever the call comes to: what was said before it broke off was paid for too.
   */
  private Flux<Piece> counted(ModelCall call, TokenReservation reserved, long input) {
    return Flux.defer(() -> {
      Answer answer = new Answer();
      AtomicBoolean settled = new AtomicBoolean();
      return upstream
          .call(call)
          .doOnNext(piece -> {
            answer.add(piece);
            if (piece instanceof Piece.Finish finish
                && finish.usage() != null
                && settled.compareAndSet(false, true)) {
              limits.settle(reserved, finish.usage().total()).subscribe();
            }
          })
          .doFinally(_ -> {
            if (settled.compareAndSet(false, true)) {
              settle(reserved, answer, input);
            }
          });
    });
  }

  private void settle(TokenReservation reserved, Answer answer, long input) {
    if (answer.isEmpty()) {
      limits.settle(reserved, 0).subscribe();
      return;
    }
    String said = answer.counted();
    Mono.fromSupplier(() -> input + tokens.of(said))
        .subscribeOn(counting)
        .flatMap(used -> limits.settle(reserved, used))
        .subscribe();
  }
}
