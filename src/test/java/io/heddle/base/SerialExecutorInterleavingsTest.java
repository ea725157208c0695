package io.heddle.base;

import io.heddle.testing.Interleavings;
import java.util.concurrent.atomic.AtomicInteger;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/**
 * Over every way in which those who hand in tasks can overtake each other: tasks run one at a time
 * and none is left.
 */
@Isolated("The model checker rewrites classes of the whole JVM.")
class SerialExecutorInterleavingsTest {

  @Test
  void tasksNeverOverlapAndNoneIsLeft() {
    Interleavings.check(Model.class, Spec.class);
  }

  /** Counters that only tasks change, without a lock. */
  public static final class Model {
    private final SerialExecutor serial = new SerialExecutor();
    private final AtomicInteger handedIn = new AtomicInteger();
    private int done;
    private int atWork;
    private volatile boolean overlapped;

    @Operation
    public boolean add() {
      handedIn.incrementAndGet();
      serial.execute(() -> {
        overlapped |= ++atWork != 1;
        done++;
        atWork--;
      });
      return overlapped;
    }

    @Validate
    public void nothingIsLeftUndone() {
      if (done != handedIn.get()) {
        throw new AssertionError(done + " of " + handedIn + " are done");
      }
    }
  }

  /** No task overlaps another. */
  public static final class Spec {
    public boolean add() {
      return false;
    }
  }
}
