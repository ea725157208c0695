package io.heddle.web;

import java.util.concurrent.ThreadLocalRandom;

/**
 * After what time a client should come back. Another one for each: those that were sent away
 * together would otherwise come back together, in the same tenth of a second.
 */
final class RetryDelay {

  private static final int LEAST_MILLIS = 1000;
  private static final int MOST_MILLIS = 4000;

  private RetryDelay() {}

  static long millis() {
    return ThreadLocalRandom.current().nextLong(LEAST_MILLIS, MOST_MILLIS + 1);
  }

  /** A line of an event stream. */
  static String line() {
    return "retry: " + millis() + "\n";
  }
}
