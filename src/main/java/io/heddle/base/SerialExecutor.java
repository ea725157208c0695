package io.heddle.base;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs what several threads hand in one after the other, in the order of their coming. Whoever
 * finds nobody at work does the work of all: nobody waits, and nothing overtakes. What is touched
 * only within such work needs no lock.
 */
public final class SerialExecutor implements Executor {

  private static final Logger log = LoggerFactory.getLogger(SerialExecutor.class);

  private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
  private final AtomicInteger waiting = new AtomicInteger();
  private final Runnable failed;

  public SerialExecutor() {
    this(() -> {});
  }

  /**
   * @param failed runs in its turn too, right after a task that threw
   */
  public SerialExecutor(Runnable failed) {
    this.failed = failed;
  }

  /** Runs it now, or leaves it to the thread that is at work. */
  @Override
  public void execute(Runnable task) {
    tasks.add(task);
    if (waiting.getAndIncrement() != 0) {
      return;
    }
    do {
      if (!completes(tasks.remove())) {
        completes(failed);
      }
    } while (waiting.decrementAndGet() != 0);
  }

  private static boolean completes(Runnable task) {
    try {
      task.run();
      return true;
    } catch (RuntimeException | Error e) {
      // It must not leave this class: nobody would say any more that the work has stopped, and
      // all that is handed in later would wait for ever.
      log.error("A serial task failed", e);
      return false;
    }
  }
}
