package io.heddle.embedded;

import java.time.Duration;

/** What the writer's thread does by itself from time to time: sweeping and compacting. */
final class Upkeep {

  private final Sweep sweep;
  private final Compaction compaction;
  private final long every;
  private long next;

  Upkeep(Sweep sweep, Compaction compaction, Duration every) {
    this.sweep = sweep;
    this.compaction = compaction;
    this.every = every.toNanos();
    this.next = System.nanoTime() + this.every;
  }

  boolean isDue() {
    return nanosToNext() <= 0;
  }

  long nanosToNext() {
    return next - System.nanoTime();
  }

  /** Notes what has to go, as much as fits between two groups; the rest is due at once again. */
  void sweep(Tx tx) {
    boolean more = sweep.run(tx);
    next = System.nanoTime() + (more ? 0 : every);
  }

  /** Not now. */
  void postpone() {
    next = System.nanoTime() + every;
  }

  void compact(StoreFile store, boolean idle, Runnable commit) {
    compaction.run(store, idle, commit);
  }
}
