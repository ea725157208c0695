package io.heddle.embedded;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * For how long the writer's thread has been at work without a break. Where the process is stopped,
 * or starved, for longer than the lease of something, its owner in the same process could not renew
 * it either, and must be given the time to.
 */
final class Heartbeat {

  /** A pause above this is a break, or above twice the time between two beats. */
  private static final long PAUSE_NANOS = Duration.ofSeconds(1).toNanos();

  private final LongSupplier nanoTime;
  private final long pause;
  private volatile long since;
  private volatile long last;

  Heartbeat(LongSupplier nanoTime, Duration every) {
    this.nanoTime = nanoTime;
    this.pause = Math.max(PAUSE_NANOS, 2 * every.toNanos());
    this.since = nanoTime.getAsLong();
    this.last = since;
  }

  /** Only on one thread. */
  void beat() {
    long now = nanoTime.getAsLong();
    if (now - last > pause) {
      since = now;
    }
    last = now;
  }

  boolean isSteadyFor(Duration time) {
    long now = nanoTime.getAsLong();
    return now - last <= pause && now - since >= time.toNanos();
  }
}
