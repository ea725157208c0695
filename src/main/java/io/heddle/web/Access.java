package io.heddle.web;

/** What the handler of a route does, by which its requests are counted. */
public enum Access {
  READ,
  /** Opens a stream. */
  WATCH,
  WRITE,
  /** Writes what no idempotency key is recorded for. */
  WRITE_ONCE,
  /** Begins a turn. */
  TURN,
  /** Calls a model: a write, but by a permit that was counted ahead where there is one. */
  MODEL;

  boolean writes() {
    return this != READ && this != WATCH;
  }

  boolean isRepeatable() {
    return writes() && this != WRITE_ONCE;
  }

  boolean takesTokens() {
    return this == TURN || this == MODEL;
  }
}
