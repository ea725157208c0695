package io.heddle.live;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The watches of one hub whose connections are served by one thread. However many frames arrive
 * while that thread is busy, it takes them in one go and flushes each connection once.
 */
final class LoopFanout {

  private final Executor loop;
  private final LiveCounters counts;
  private final Queue<Frame> queue = new ConcurrentLinkedQueue<>();
  private final AtomicInteger queued = new AtomicInteger();

  /** Of the loop's thread. */
  private final List<Watch> watches = new ArrayList<>(1);

  /** Guarded by the hub's lock: how many watches there are, or will be at once. */
  int members;

  LoopFanout(Executor loop, LiveCounters counts) {
    this.loop = loop;
    this.counts = counts;
  }

  Executor loop() {
    return loop;
  }

  /** From any thread; the caller sees to the order. */
  void offer(Frame frame) {
    queue.add(frame);
    if (queued.getAndIncrement() == 0) {
      try {
        loop.execute(this::deliver);
      } catch (RejectedExecutionException _) {
        // The server has stopped, and with it every connection of this thread.
        queue.clear();
      }
    }
  }

  private void deliver() {
    int taken = queued.get();
    long delivered = 0;
    do {
      for (int i = 0; i < taken; i++) {
        Frame frame = queue.poll();
        if (frame != null) {
          delivered += deliver(frame);
        }
      }
      taken = queued.addAndGet(-taken);
    } while (taken > 0);
    for (int i = watches.size() - 1; i >= 0; i--) {
      watches.get(i).flush();
    }
    counts.delivered.add(delivered);
  }

  /** From the last to the first, because a watch that ends has the last one put in its place. */
  private int deliver(Frame frame) {
    int delivered = 0;
    for (int i = watches.size() - 1; i >= 0; i--) {
      if (watches.get(i).take(frame)) {
        delivered++;
      }
    }
    return delivered;
  }

  /** Only on the loop. */
  void add(Watch watch) {
    watch.index = watches.size();
    watches.add(watch);
  }

  /** Only on the loop. */
  void remove(Watch watch) {
    Watch last = watches.removeLast();
    if (last != watch) {
      watches.set(watch.index, last);
      last.index = watch.index;
    }
  }
}
