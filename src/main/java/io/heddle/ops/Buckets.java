package io.heddle.ops;

import java.time.Duration;
import java.util.stream.LongStream;

/** Where the buckets of histograms end. */
final class Buckets {

  /** Of what Heddle and its store do by themselves. */
  static final Duration[] OWN = millis(1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000);

  /** Of what waits for a model. */
  static final Duration[] MODELS =
      millis(50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 120_000, 300_000);

  private Buckets() {}

  private static Duration[] millis(long... ends) {
    return LongStream.of(ends).mapToObj(Duration::ofMillis).toArray(Duration[]::new);
  }
}
