package io.heddle.web;

import io.heddle.base.ByteBudget;
import io.heddle.base.ByteBudget.Hold;
import io.heddle.base.ByteBudget.Holder;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOutboundBuffer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * What waits in a connection to be written: counted for whoever it is held by, and watched for a
 * client that takes nothing. Everything but what is said otherwise is on the event loop.
 */
final class UnsentBytes {

  /** So much may wait without being counted; counting each byte would cost more than it holds. */
  private static final int GRAIN = 4096;

  private final ByteBudget budget;

  /** Bytes on their way into the channel that a hold of their own counts. Of any thread. */
  private final AtomicLong covered = new AtomicLong();

  private volatile Holder holder;
  private @Nullable Hold hold;
  private @Nullable Holder heldBy;
  private boolean closed;

  private long pending;
  private boolean over;
  private long overSince;
  private @Nullable Object current;
  private long currentProgress;
  private long movedAt = System.nanoTime();

  UnsentBytes(ByteBudget budget, Holder holder) {
    this.budget = budget;
    this.holder = holder;
  }

  /** From any thread. */
  void holdFor(Holder other) {
    holder = other;
  }

  /** Counts so many bytes elsewhere, until it is called with the negative. From any thread. */
  void cover(long bytes) {
    covered.addAndGet(bytes);
  }

  boolean isEmpty() {
    return pending == 0;
  }

  boolean isOver() {
    return over;
  }

  boolean isOverFor(Duration time, long now) {
    return over && now - overSince > time.toNanos();
  }

  /**
   * Counts what the socket did not take. Most answers it takes at once, and they cost nothing.
   *
   * @return whether it is over the budget, and was not before
   */
  boolean weigh(Channel channel) {
    ChannelOutboundBuffer out = channel.unsafe().outboundBuffer();
    pending = out == null ? 0 : out.totalPendingWriteBytes();
    long own = pending <= GRAIN ? 0 : Math.max(0, pending - covered.get());
    Hold mine = hold;
    Holder of = holder;
    if (mine != null && (own == 0 || !of.equals(heldBy))) {
      mine.close();
      mine = null;
      hold = null;
    }
    if (own == 0 || closed) {
      over = false;
      return false;
    }
    if (mine == null) {
      mine = budget.hold(of);
      hold = mine;
      heldBy = of;
    }
    if (Math.abs(own - mine.bytes()) < GRAIN || mine.tryResize(own)) {
      over = false;
      return false;
    }
    boolean first = !over;
    if (first) {
      over = true;
      overSince = System.nanoTime();
    }
    return first;
  }

  /** Whether the client has taken nothing of it for longer than this. */
  boolean isStuck(Channel channel, Duration time, long now) {
    ChannelOutboundBuffer out = channel.unsafe().outboundBuffer();
    if (pending == 0 || out == null) {
      current = null;
      movedAt = now;
      return false;
    }
    Object first = out.current();
    long progress = out.currentProgress();
    if (first != current || progress != currentProgress) {
      current = first;
      currentProgress = progress;
      movedAt = now;
    }
    return now - movedAt > time.toNanos();
  }

  void close() {
    closed = true;
    if (hold != null) {
      hold.close();
      hold = null;
    }
  }
}
