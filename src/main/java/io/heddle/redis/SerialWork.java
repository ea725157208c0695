package io.heddle.redis;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs what several threads hand in one after the other, in the order of their coming. Whoever
 * finds nobody at work does the work of all: nobody waits, and nothing overtakes. What is done
 * within a turn needs no lock.
 */
final class SerialWork implements Executor {

  private static final Logger LOG = LoggerFactory.getLogger(SerialWork.class);

  private final Queue<Runnable> turns = new ConcurrentLinkedQueue<>();
  private final AtomicInteger waiting = new AtomicInteger();
  private final Runnable failed;

  /**
   * @param failed runs in turn too, after a turn that threw
   */
  SerialWork(Runnable failed) {
    this.failed = failed;
  }

  /** Runs it now, or leaves it to the thread that is at work. */
  @Override
  public void execute(Runnable turn) {
    turns.add(turn);
    if (waiting.getAndIncrement() != 0) {
      return;
    }
    do {
      // An error must not leave this method either: whoever is at work would never say that he has
      // stopped, and every later turn would wait for ever.
      if (!ran(turns.remove())) {
        ran(failed);
      }
    } while (waiting.decrementAndGet() != 0);
  }

  private static boolean ran(Runnable turn) {
    try {
      turn.run();
      return true;
    } catch (RuntimeException | Error e) {
      LOG.error("A turn of the feed failed", e);
      return false;
    }
  }
}
