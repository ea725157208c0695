package io.heddle.base;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/**
 * Something that may happen many times a second and is worth a line in the log: one a minute says
 * enough, with how often it happened since the start.
 */
public final class Seldom {

  private static final long EVERY = Duration.ofMinutes(1).toNanos();

  private final AtomicLong told = new AtomicLong(System.nanoTime() - EVERY);
  private final LongAdder count = new LongAdder();

  /** It has happened; whether it is time to tell it. */
  public boolean happened() {
    count.increment();
    long last = told.get();
    long now = System.nanoTime();
    return now - last >= EVERY && told.compareAndSet(last, now);
  }

  /** How often it has happened since the start. */
  public long count() {
    return count.sum();
  }
}
