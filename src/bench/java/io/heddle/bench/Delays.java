package io.heddle.bench;

import java.util.concurrent.TimeUnit;

/** Counts delays by the microsecond; those over a second fall together. */
final class Delays {

  private final int[] counts = new int[1_000_001];
  private long count;

  void add(long nanos) {
    int micros = (int) Math.min(counts.length - 1L, TimeUnit.NANOSECONDS.toMicros(nanos));
    counts[micros]++;
    count++;
  }

  /** The delay in microseconds that this share of all, between 0 and 1, does not exceed. */
  int at(double share) {
    long below = 0;
    for (int micros = 0; micros < counts.length; micros++) {
      below += counts[micros];
      if (below >= count * share) {
        return micros;
      }
    }
    return counts.length - 1;
  }
}
