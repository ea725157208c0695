package io.heddle.web;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.EventLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Connections by their event loop, each of which looks at its own again and again: one timer for
 * each connection would cost more than the connection.
 */
final class LoopMembers<T extends LoopMembers.Member> {

  private final long period;
  private final Map<EventLoop, OfLoop> loops = new ConcurrentHashMap<>();

  /** What an event loop looks at; everything is on that loop. */
  abstract static class Member extends ChannelDuplexHandler {
    private int index;

    abstract void tick(long now);
  }

  /**
   * @param period in milliseconds
   */
  LoopMembers(long period) {
    this.period = period;
  }

  /** Only on the loop. */
  void add(T member, EventLoop loop) {
    loops.computeIfAbsent(loop, OfLoop::new).add(member);
  }

  /** Only on the loop. */
  void remove(T member, EventLoop loop) {
    OfLoop mine = loops.get(loop);
    if (mine != null) {
      mine.remove(member);
    }
  }

  /** Calls with each member, on its loop. */
  void forEach(Consumer<T> each) {
    loops.forEach((loop, mine) -> {
      if (!loop.isShuttingDown()) {
        loop.execute(() -> List.copyOf(mine.members).forEach(each));
      }
    });
  }

  private final class OfLoop {
    private final EventLoop loop;
    private final List<T> members = new ArrayList<>();
    private boolean ticking;

    OfLoop(EventLoop loop) {
      this.loop = loop;
    }

    void add(T member) {
      ((Member) member).index = members.size();
      members.add(member);
      if (!ticking) {
        ticking = true;
        later();
      }
    }

    void remove(Member member) {
      T last = members.removeLast();
      if (last != member) {
        members.set(member.index, last);
        ((Member) last).index = member.index;
      }
    }

    private void later() {
      if (!loop.isShuttingDown()) {
        loop.schedule(this::tick, period, TimeUnit.MILLISECONDS);
      }
    }

    private void tick() {
      ticking = !members.isEmpty();
      if (ticking) {
        long now = System.nanoTime();
        // From the end: closing one takes it out of the list.
        for (int i = members.size() - 1; i >= 0; i--) {
          if (i < members.size()) {
            members.get(i).tick(now);
          }
        }
        later();
      }
    }
  }
}
