package io.heddle.turn;

import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;

/** What errors of the ports mean here. */
final class StoreErrors {

  private StoreErrors() {}

  /** Whether the store may answer when it is asked again. */
  static boolean isAway(Throwable error) {
    ProblemCode code = ProblemException.codeOf(error);
    return code == ProblemCode.STORE_UNAVAILABLE || code == ProblemCode.OUTCOME_UNKNOWN;
  }

  /** Whether the store has no room for what is added: it may last, so nobody waits for it long. */
  static boolean isFull(Throwable error) {
    return ProblemException.is(error, ProblemCode.STORE_FULL);
  }

  /** Whether there is no such session, or no such turn in it. */
  static boolean isGone(Throwable error) {
    ProblemCode code = ProblemException.codeOf(error);
    return code == ProblemCode.SESSION_NOT_FOUND
        || code == ProblemCode.SESSION_DELETED
        || code == ProblemCode.SESSION_EXPIRED
        || code == ProblemCode.TURN_NOT_FOUND;
  }
}
