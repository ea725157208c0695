package io.heddle.session;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.json.Times;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** The refusals of a store that tell more than their code, alike whichever engine refuses. */
public final class StoreProblems {

  private StoreProblems() {}

  /**
   * @param until when the holder's lock ends
   * @param millisLeft until then, in the store's clock
   */
  public static Problem locked(Instant until, long millisLeft) {
    return Problem.of(ProblemCode.SESSION_LOCKED)
        .with("expiresAt", Times.rfc3339(until))
        .with("retryAfter", Math.max(1, (millisLeft + 999) / 1000));
  }

  /**
   * @param current where the session is; null when there is none, or it is not to be told
   */
  public static Problem conflict(@Nullable String current) {
    Problem conflict =
        Problem.of(ProblemCode.VERSION_CONFLICT, "The session is at another position");
    return current == null ? conflict : conflict.with("position", current);
  }

  public static Problem messageExists(String id) {
    return Problem.of(ProblemCode.MESSAGE_EXISTS).with("message", id);
  }

  /**
   * @param turn which one, if that is known
   */
  public static Problem turnRunning(@Nullable String turn) {
    Problem running = Problem.of(ProblemCode.TURN_RUNNING, "A turn runs or waits in the session");
    return turn == null ? running : running.with("turn", turn);
  }

  public static Problem keyInProgress() {
    return Problem.of(ProblemCode.KEY_IN_PROGRESS).with("retryAfter", 1);
  }

  public static Problem invalidCursor(String field) {
    return Problem.field(ProblemCode.INVALID_CURSOR, field, ProblemCode.INVALID_CURSOR.title());
  }
}
