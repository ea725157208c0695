package io.heddle.turn;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs what several threads hand in one after the other, in the order of their coming. Whoever
 * finds nobody at work does the work of all: nobody waits, and nothing overtakes. What is touched
 * only within such work needs no lock.
 */
final class SerialExecutor {

  private static final Logger log = LoggerFactory.getLogger(SerialExecutor.class);

  private final Queue<Runnable> work = new ConcurrentLinkedQueue<>();
  private final AtomicInteger waiting = new AtomicInteger();

  /** Runs it now, or leaves it to the thread that is at work. */
  void run(Runnable task) {
    work.add(task);
    if (waiting.getAndIncrement() != 0) {
      return;
    }
    do {
      try {
        work.remove().run();
      } catch (RuntimeException | Error e) {
        // It must not leave this method: nobody would say any more that the work has stopped, and
        // all that is handed in later would wait for ever.
        log.error("A step of a turn failed", e);
      }
    } while (waiting.decrementAndGet() != 0);
  }
}
