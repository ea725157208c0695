package io.heddle.turn;

import io.heddle.base.Backoff;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import reactor.core.Disposable;
import reactor.core.scheduler.Scheduler;
import reactor.util.retry.Retry;

/**
 * Time as it passes here.
 *
 * @param nanos the monotonic clock
 */
record Timers(Scheduler scheduler, LongSupplier nanos) {

  /** Between the tries of what failed because the store was away. */
  static final Backoff AWAY = new Backoff(Duration.ofMillis(50), Duration.ofSeconds(1));

  long now() {
    return nanos.getAsLong();
  }

  Disposable after(Duration delay, Runnable task) {
    return scheduler.schedule(task, delay.toNanos(), TimeUnit.NANOSECONDS);
  }

  Disposable every(Duration period, Runnable task) {
    return scheduler.schedulePeriodically(
        task, period.toNanos(), period.toNanos(), TimeUnit.NANOSECONDS);
  }

  /** Tries again, with pauses, what failed because the store was away. */
  Retry whileAway() {
    return Retry.backoff(Long.MAX_VALUE, AWAY.first())
        .maxBackoff(AWAY.longest())
        .scheduler(scheduler)
        .filter(StoreErrors::isAway);
  }
}
