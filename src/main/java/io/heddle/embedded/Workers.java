package io.heddle.embedded;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Threads with a bounded queue that an event loop may fill: handing in takes no lock. The threads
 * are never interrupted, because an interrupt closes the file under every other reader.
 */
final class Workers implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Workers.class);

  private final Queue<Runnable> queue = new ConcurrentLinkedQueue<>();
  private final AtomicInteger size = new AtomicInteger();
  private final Semaphore waiting = new Semaphore(0);
  private final List<Thread> threads = new ArrayList<>();
  private final int bound;
  private volatile boolean closed;

  Workers(String name, int count, int bound) {
    this.bound = bound;
    for (int i = 1; i <= count; i++) {
      threads.add(
          Thread.ofPlatform().daemon().name(count == 1 ? name : name + "-" + i).start(this::run));
    }
  }

  /** False when the queue is full or the workers are closed. */
  boolean offer(Runnable work) {
    if (closed || size.incrementAndGet() > bound) {
      size.decrementAndGet();
      return false;
    }
    add(() -> {
      size.decrementAndGet();
      work.run();
    });
    return true;
  }

  /** Hands in what must not be refused: whoever calls bounds it. */
  void add(Runnable work) {
    queue.add(work);
    waiting.release();
  }

  private void run() {
    while (true) {
      waiting.acquireUninterruptibly();
      Runnable work = queue.poll();
      if (work == null) {
        return;
      }
      try {
        work.run();
      } catch (RuntimeException e) {
        log.error("Work in {} failed", Thread.currentThread().getName(), e);
      }
    }
  }

  /** Does what is queued, then ends the threads. */
  @Override
  public void close() {
    closed = true;
    waiting.release(threads.size());
    threads.forEach(Workers::join);
    for (Runnable late = queue.poll(); late != null; late = queue.poll()) {
      late.run();
    }
  }

  static void join(Thread thread) {
    boolean interrupted = false;
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (thread != Thread.currentThread() && thread.isAlive() && System.nanoTime() < end) {
      try {
        thread.join(TimeUnit.SECONDS.toMillis(1));
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
