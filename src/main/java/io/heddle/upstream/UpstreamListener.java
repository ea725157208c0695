package io.heddle.upstream;

import io.heddle.turn.Usage;
import java.time.Duration;

/** Is told how calls go, on their threads: it must not block. */
public interface UpstreamListener {

  /** How a call ended. */
  enum Outcome {
    FINISHED,
    CANCELLED,
    /** The server found the request wrong. */
    REFUSED,
    /** The server could not be reached, or had no room. */
    UNAVAILABLE,
    /** Not sent, because the server's breaker is open. */
    REJECTED,
    FAILED,
    TIMEOUT
  }

  default void started(String upstream) {}

  default void firstPiece(String upstream, Duration after) {}

  default void retried(String upstream) {}

  /** Once for each {@link #started}. */
  default void ended(String upstream, Outcome outcome, Duration after) {}

  /** What a call took, where the server said it; at most once a call. */
  default void used(String upstream, String model, Usage usage) {}

  /** Another model is asked, because the upstream could not be. */
  default void fellBack(String upstream) {}
}
