package io.heddle.turn;

import java.util.List;
import reactor.core.publisher.Flux;

/** What calls models. */
public interface Upstream {

  /**
   * Calls a model once subscribed; cancelling ends the call. Pieces come as they are generated,
   * those that are there at once in one list, which is never empty, on any thread that must not be
   * blocked; the last one is a {@link Piece.Finish}, and nothing follows it. At most one request
   * reaches the model that produced a piece: what is tried again is tried before the first piece.
   *
   * <p>Errors are {@code ProblemException}s: {@code model-not-found}, {@code model-refused} (the
   * server found the request wrong; member {@code upstreamStatus}), {@code model-unavailable},
   * {@code model-failed} (also when the stream breaks off before its end), {@code model-timeout}.
   */
  Flux<List<Piece>> call(ModelCall call);

  /** Models that can be asked for by name. */
  List<Model> models();

  /**
   * @param owner the name of the upstream that has it
   */
  record Model(String id, String owner) {}
}
