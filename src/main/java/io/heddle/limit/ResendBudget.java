package io.heddle.limit;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;

/**
 * How often a subject that is over its limits may say that it sends something again. Such a request
 * is not counted under the limits, since it was when it was first sent, but it must be read to be
 * known; so what is read for it is bounded by itself: in a minute some dozens of small ones, or a
 * few large ones. On this replica.
 */
final class ResendBudget {

  /** So many bytes are one unit. */
  static final long UNIT = 256 * 1024;

  static final int UNITS = 60;
  static final int LOOKS = 600;

  private static final Duration WINDOW = Duration.ofMinutes(1);
  private static final int REMEMBERED = 10_000;

  private final Cache<Subject, Left> left;

  ResendBudget(LongSupplier nanoTime) {
    left =
        Caffeine.newBuilder()
            .maximumSize(REMEMBERED)
            .ticker(nanoTime::getAsLong)
            .expireAfter(Expiry.<Subject, Left>creating((_, _) -> WINDOW))
            .build();
  }

  /** Whether its record may be looked for, which costs a question to the store. */
  boolean look(Subject subject) {
    return of(subject).looks.getAndDecrement() > 0;
  }

  /**
   * Whether it may be read.
   *
   * @param bytes of its body
   */
  boolean read(Subject subject, long bytes) {
    int units = (int) Math.min(UNITS, 1 + bytes / UNIT);
    AtomicInteger all = of(subject).units;
    int before = all.get();
    while (before >= units) {
      if (all.compareAndSet(before, before - units)) {
        return true;
      }
      before = all.get();
    }
    return false;
  }

  private Left of(Subject subject) {
    return left.get(subject, _ -> new Left(new AtomicInteger(LOOKS), new AtomicInteger(UNITS)));
  }

  private record Left(AtomicInteger looks, AtomicInteger units) {}
}
