package io.heddle.base;

import org.jspecify.annotations.Nullable;

/** Carries a {@link Problem} through a reactive chain. Expected, so it has no stack trace. */
public final class ProblemException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final transient Problem problem;

  public ProblemException(Problem problem) {
    super(problem.code().code() + ": " + problem.detail(), null, false, false);
    this.problem = problem;
  }

  public Problem problem() {
    return problem;
  }

  /** The code of the problem that an error tells; null for any other error. */
  public static @Nullable ProblemCode codeOf(Throwable error) {
    return error instanceof ProblemException e ? e.problem.code() : null;
  }

  /** Whether an error is a problem with this code. */
  public static boolean is(Throwable error, ProblemCode code) {
    return codeOf(error) == code;
  }
}
