package io.heddle.live;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Who watches one session here: a {@link LoopFanout} for each thread that serves connections of
 * theirs. All groups are told the same frames in the same order. Once closed, because the last one
 * has left or the session has ended, it stays so.
 *
 * <p>Its hub's lock guards it.
 */
final class Watchers {

  private final LiveCounters counts;
  private final List<LoopFanout> groups = new ArrayList<>(1);
  private int members;
  private boolean closed;

  Watchers(LiveCounters counts) {
    this.counts = counts;
  }

  /** True when that was the first. */
  boolean join(Executor loop) {
    LoopFanout group = find(loop);
    if (group == null) {
      group = new LoopFanout(loop, counts);
      groups.add(group);
    }
    group.members++;
    return members++ == 0;
  }

  /** True when that was the last. */
  boolean leave(Executor loop) {
    LoopFanout group = group(loop);
    if (--group.members == 0) {
      groups.remove(group);
    }
    return --members == 0;
  }

  LoopFanout group(Executor loop) {
    LoopFanout group = find(loop);
    if (group == null) {
      throw new IllegalStateException("the watch has not joined");
    }
    return group;
  }

  private @Nullable LoopFanout find(Executor loop) {
    for (LoopFanout group : groups) {
      if (group.loop() == loop) {
        return group;
      }
    }
    return null;
  }

  void tell(Frame frame) {
    for (LoopFanout group : groups) {
      group.offer(frame);
    }
  }

  void close() {
    closed = true;
  }

  boolean areClosed() {
    return closed;
  }
}
