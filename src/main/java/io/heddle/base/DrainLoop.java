package io.heddle.base;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * Serialises the signals of an operator. The thread that finds nobody at work does all the work
 * there is, also what others signal meanwhile, and what its own step signals: steps never overlap
 * and never nest. It is the drain loop that Reactor's own operators have.
 */
public final class DrainLoop {

  private final AtomicInteger signals = new AtomicInteger();
  private final Runnable step;

  /**
   * @param step does what there is to do; what it reads must be written before {@link #signal}
   */
  public DrainLoop(Runnable step) {
    this.step = step;
  }

  /** There is something to do. Returns at once when another thread is at work. */
  public void signal() {
    if (signals.getAndIncrement() != 0) {
      return;
    }
    int seen = 1;
    do {
      step.run();
      seen = signals.addAndGet(-seen);
    } while (seen != 0);
  }
}
