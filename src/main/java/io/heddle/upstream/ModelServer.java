package io.heddle.upstream;

import io.heddle.turn.ModelCall;
import io.heddle.turn.Piece;
import reactor.core.publisher.Flux;

/** What answers to some models' names. */
interface ModelServer extends AutoCloseable {

  /** The upstream's name in settings, problems and meters. */
  String name();

  /**
   * As {@link io.heddle.turn.Upstream#call}, with {@link CallFailure} as the only error.
   *
   * @param model the one to ask, whatever the call says
   */
  Flux<Piece> call(String model, ModelCall call);

  /** What its breaker does now. */
  BreakerState breaker();

  @Override
  void close();
}
