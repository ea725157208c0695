package io.heddle.upstream;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.upstream.UpstreamListener.Outcome;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Why a call came to nothing, and what follows from it inside this room. No stack trace. */
final class CallFailure extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** Whom a failure speaks against, for the breaker. */
  enum Blame {
    /** Nothing of a request can have arrived: the server, or the way to it, is ill. */
    LINK,
    /** The server failed on it: it is ill, or the request is such that it fails. */
    SERVER,
    /** The server works: it understood the request and refused it. */
    REQUEST,
    /** It says nothing about the server. */
    NOBODY
  }

  private final transient Problem problem;
  private final Blame blame;
  private final boolean rejected;
  private final transient @Nullable Duration again;

  private CallFailure(Problem problem, Blame blame, boolean rejected, @Nullable Duration again) {
    super(problem.code().code() + ": " + problem.detail(), null, false, false);
    this.problem = problem;
    this.blame = blame;
    this.rejected = rejected;
    this.again = again;
  }

  CallFailure(Problem problem, Blame blame) {
    this(problem, blame, false, null);
  }

  CallFailure(ProblemCode code, String detail, Blame blame) {
    this(Problem.of(code, detail), blame);
  }

  /** The same, of a request that may safely be sent again. */
  CallFailure again(Duration wait) {
    return new CallFailure(problem, blame, rejected, wait);
  }

  /** Nothing was sent, because the breaker is open. */
  static CallFailure rejected(String upstream) {
    return new CallFailure(
        Problem.of(
            ProblemCode.MODEL_UNAVAILABLE,
            "The upstream " + upstream + " has failed too often; nothing is sent to it for now"),
        Blame.NOBODY,
        true,
        null);
  }

  /** The same, telling also why another server was asked before: that one may be the one meant. */
  CallFailure after(CallFailure first) {
    String detail = first.problem.detail() + "; its fallback: " + problem.detail();
    return new CallFailure(
        new Problem(problem.code(), detail, problem.members()), blame, rejected, again);
  }

  Problem problem() {
    return problem;
  }

  Blame blame() {
    return blame;
  }

  /** How long to wait before the request is sent again, 0 for as long as usual; null: never. */
  @Nullable Duration again() {
    return again;
  }

  boolean isUnavailable() {
    return problem.code() == ProblemCode.MODEL_UNAVAILABLE;
  }

  Outcome outcome() {
    if (rejected) {
      return Outcome.REJECTED;
    }
    return switch (problem.code()) {
      case MODEL_REFUSED -> Outcome.REFUSED;
      case MODEL_UNAVAILABLE -> Outcome.UNAVAILABLE;
      case MODEL_TIMEOUT -> Outcome.TIMEOUT;
      default -> Outcome.FAILED;
    };
  }
}
