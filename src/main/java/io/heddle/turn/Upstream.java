package io.heddle.turn;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;

/** What calls models. */
public interface Upstream {

  /**
   * Calls a model once subscribed; cancelling ends the call. Pieces come as they are generated,
   * those that are there at once in one list, which is never empty, on any thread that must not be
   * blocked; the last one is a {@link ModelEvent.Finish}, and nothing follows it. At most one
   * request reaches the model that produced a piece: what is tried again is tried before the first
   * piece.
   *
   * <p>Errors are {@code ProblemException}s: {@code model-not-found}, {@code model-refused} (the
   * server found the request wrong; member {@code upstreamStatus}), {@code model-unavailable},
   * {@code model-failed} (also when the stream breaks off before its end), {@code model-timeout}.
   */
  Flux<List<ModelEvent>> call(ModelCall call);

  /** Models that can be asked for by name. */
  List<Model> models();

  /** Whether there is such a model; it need not be one of {@link #models}. */
  boolean has(String model);

  /**
   * Refuses a call of a model that nobody has, before anything is written for it.
   *
   * @param model null for the default
   * @throws ProblemException {@code model-not-found}
   */
  default void refuseUnknown(@Nullable String model) {
    if (model != null && !has(model)) {
      throw notFound(model).toException();
    }
  }

  static Problem notFound(String model) {
    String shown = model.length() <= 200 ? model : model.substring(0, 200) + "…";
    return Problem.of(ProblemCode.MODEL_NOT_FOUND, "There is no model " + shown)
        .with("model", shown);
  }

  /**
   * @param owner the name of the upstream that has it
   */
  record Model(String id, String owner) {}
}
