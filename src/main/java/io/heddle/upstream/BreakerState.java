package io.heddle.upstream;

/** Whether calls are sent to a server. */
public enum BreakerState {
  /** All are. */
  CLOSED,
  /** Some, on trial. */
  HALF_OPEN,
  /** None. */
  OPEN
}
