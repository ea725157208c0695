package io.heddle.upstream;

import io.heddle.turn.ModelCall;
import io.heddle.turn.ModelEvent;
import java.util.List;
import reactor.core.publisher.Flux;

/** What answers to some models' names. */
interface ModelServer extends AutoCloseable {

  /** The upstream's name in settings, problems and meters. */
  String name();

  /**
   * As {@link io.heddle.turn.Upstream#call}, with {@link CallFailure} as the only error. What was
   * said at once stands in one list: it passes the operators on its way once and not piece by
   * piece. No list is empty.
   *
   * @param model the one to ask, whatever the call says
   */
  Flux<List<ModelEvent>> call(String model, ModelCall call);

  /** What its breaker does now. */
  BreakerState breaker();

  @Override
  void close();
}
