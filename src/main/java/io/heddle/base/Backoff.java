package io.heddle.base;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/**
 * How long to wait before something that failed is tried again: twice as long each time, up to a
 * bound, and half of it by chance, since many fail at once.
 */
public record Backoff(Duration first, Duration longest) {

  /**
   * @param failures in a row, 1 or more
   */
  public Duration pause(int failures) {
    long grown = first.toMillis() << Math.clamp(failures - 1L, 0, 16);
    long most = Math.min(longest.toMillis(), grown);
    return Duration.ofMillis(ThreadLocalRandom.current().nextLong(most / 2, most + 1));
  }
}
