package io.heddle.embedded;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * For how long the writer's thread has been at work without a break. Where the process is stopped,
 * or its file does not take what it writes, for as long as a lease, the lease's owner in the same
 * process could not renew it either, and must be given the time to.
 */
final class Heartbeat {

  /** How often it beats at least, while there is no break. */
  static final long EVERY_NANOS = Duration.ofMillis(500).toNanos();

  private static final long BREAK_NANOS = Duration.ofSeconds(1).toNanos();

  private final LongSupplier nanoTime;
  private volatile long since;
  private volatile long last;

  Heartbeat(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.since = nanoTime.getAsLong();
    this.last = since;
  }

  /** Only on one thread. */
  void beat() {
    long now = nanoTime.getAsLong();
    if (now - last > BREAK_NANOS) {
      since = now;
    }
    last = now;
  }

  boolean isSteadyFor(Duration time) {
    // In this order: who sees the beat after a break sees when it ended, too.
    long beat = last;
    long began = since;
    long now = nanoTime.getAsLong();
    return now - beat <= BREAK_NANOS && now - began >= time.toNanos();
  }
}
