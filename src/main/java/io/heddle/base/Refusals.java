package io.heddle.base;

import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;

/** How often this process has told each problem, over every wire. */
public final class Refusals {

  private static final LongAdder[] TOLD =
      Stream.generate(LongAdder::new).limit(ProblemCode.values().length).toArray(LongAdder[]::new);

  private Refusals() {}

  public static void count(ProblemCode code) {
    TOLD[code.ordinal()].increment();
  }

  public static long told(ProblemCode code) {
    return TOLD[code.ordinal()].sum();
  }
}
