package io.heddle.web;

import io.heddle.base.ProblemException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.Exceptions;

/** Errors that are expected, and told to whoever asks. */
final class Refusals {

  private Refusals() {}

  /**
   * The refusal that an error is. A call that asks for many things at once may be refused several
   * of them at the same moment: then Reactor makes one error of all, and the first one is told.
   */
  static @Nullable ProblemException of(Throwable error) {
    if (error instanceof ProblemException refusal) {
      return refusal;
    }
    if (!Exceptions.isMultiple(error)) {
      return null;
    }
    List<Throwable> all = Exceptions.unwrapMultipleExcludingTracebacks(error);
    return !all.isEmpty()
            && all.stream().allMatch(ProblemException.class::isInstance)
            && all.getFirst() instanceof ProblemException first
        ? first
        : null;
  }
}
