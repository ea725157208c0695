package io.heddle.testing;

import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;

/** Runs a small model of concurrent code over its interleavings, by Lincheck's model checker. */
public final class Interleavings {

  private Interleavings() {}

  /**
   * Fails with the interleaving, step by step, when an operation of the model answers what no order
   * of the specification's operations would.
   */
  public static void check(Class<?> model, Class<?> specification) {
    new ModelCheckingOptions()
        .threads(2)
        .actorsPerThread(2)
        .actorsBefore(1)
        .actorsAfter(1)
        .iterations(6)
        .invocationsPerIteration(150)
        .sequentialSpecification(specification)
        .check(model);
  }
}
