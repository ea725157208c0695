package io.heddle.base;

import io.heddle.testing.Interleavings;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/** Over every way in which those who signal can overtake each other: nothing is left undone. */
@Isolated("The model checker rewrites classes of the whole JVM.")
class DrainLoopInterleavingsTest {

  @Test
  void stepsNeverOverlapAndNothingIsLeftUndone() {
    Interleavings.check(Model.class, Spec.class);
  }

  /** Work that only the loop's step takes, without a lock. */
  public static final class Model {
    private final Queue<Integer> handed = new ConcurrentLinkedQueue<>();
    private final DrainLoop loop = new DrainLoop(this::step);
    private int atWork;
    private volatile boolean overlapped;

    private void step() {
      overlapped |= ++atWork != 1;
      while (handed.poll() != null) {
        // What is taken out is done.
      }
      atWork--;
    }

    @Operation
    public boolean add() {
      handed.add(1);
      loop.signal();
      return overlapped;
    }

    @Validate
    public void nothingIsLeftUndone() {
      if (!handed.isEmpty()) {
        throw new AssertionError(handed.size() + " are left");
      }
    }
  }

  /** No step overlaps another. */
  public static final class Spec {
    public boolean add() {
      return false;
    }
  }
}
