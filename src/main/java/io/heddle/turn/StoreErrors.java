package io.heddle.turn;

import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/** What errors of the ports mean here. */
final class StoreErrors {

  private static final long FIRST_PAUSE_MILLIS = 50;
  private static final long LONGEST_PAUSE_MILLIS = 1000;

  private StoreErrors() {}

  static @Nullable ProblemCode codeOf(Throwable error) {
    return error instanceof ProblemException e ? e.problem().code() : null;
  }

  static boolean is(Throwable error, ProblemCode code) {
    return codeOf(error) == code;
  }

  /** Whether the store may answer when it is asked again. */
  static boolean isAway(Throwable error) {
    ProblemCode code = codeOf(error);
    return code == ProblemCode.STORE_UNAVAILABLE || code == ProblemCode.OUTCOME_UNKNOWN;
  }

  /** Whether the store has no room for what is added: it may last, so nobody waits for it long. */
  static boolean isFull(Throwable error) {
    return is(error, ProblemCode.STORE_FULL);
  }

  /** Whether there is no such session, or no such turn in it. */
  static boolean isGone(Throwable error) {
    ProblemCode code = codeOf(error);
    return code == ProblemCode.SESSION_NOT_FOUND
        || code == ProblemCode.SESSION_DELETED
        || code == ProblemCode.SESSION_EXPIRED
        || code == ProblemCode.TURN_NOT_FOUND;
  }

  /** How long to wait before something is tried again: longer each time, and never for long. */
  static Duration pause(int failures) {
    long most =
        Math.min(LONGEST_PAUSE_MILLIS, FIRST_PAUSE_MILLIS << Math.clamp(failures - 1L, 0, 5));
    return Duration.ofMillis(ThreadLocalRandom.current().nextLong(most / 2, most + 1));
  }
}
