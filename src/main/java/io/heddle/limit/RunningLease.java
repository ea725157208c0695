package io.heddle.limit;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** The permits of one lease, while it lasts. */
final class RunningLease {

  static final long NONE = -1;

  private static final long ENDED = Long.MIN_VALUE;

  /** The store tells what is left of a window in whole milliseconds, and its clock is not ours. */
  private static final long MARGIN = Duration.ofMillis(2).toNanos();

  private final PermitPool holder;
  private final List<Decision> decisions;
  private final long askedAt;
  private final long size;
  private final long life;
  private final AtomicLong left;

  /**
   * @param askedAt before the question was sent: the windows end no earlier than what is left of
   *     them from there
   */
  RunningLease(PermitPool holder, Lease lease, long askedAt) {
    this.holder = holder;
    this.decisions = lease.decisions();
    this.askedAt = askedAt;
    this.size = lease.permits();
    this.left = new AtomicLong(size);
    long shortest = Leases.LIFE.toNanos();
    for (Decision decision : decisions) {
      shortest = Math.min(shortest, decision.resetAfter().toNanos() - MARGIN);
    }
    this.life = shortest;
  }

  Subject subject() {
    return holder.subject();
  }

  long askedAt() {
    return askedAt;
  }

  boolean runs(long now) {
    return now - askedAt < life;
  }

  /** Uses one permit: how many are left then, or {@link #NONE} when there was none. */
  long use(long now) {
    return runs(now) ? use() : NONE;
  }

  /** The same for whoever asked for the lease: his was counted for him, whenever it arrives. */
  long use() {
    long before = left.get();
    while (before > 0) {
      if (left.compareAndSet(before, before - 1)) {
        return before - 1;
      }
      before = left.get();
    }
    return NONE;
  }

  /** Ends the lease: how many permits nobody can use any more; 0 the second time. */
  long end() {
    long unused = left.getAndSet(ENDED);
    if (unused == ENDED) {
      return 0;
    }
    holder.ended(this, size - unused);
    return unused;
  }

  /** What to give back, of windows that still run. */
  List<Refund> permits(long unused, long now) {
    List<Refund> permits = new ArrayList<>();
    for (Decision decision : decisions) {
      Duration rest = decision.resetAfter().minusNanos(now - askedAt);
      if (unused > 0 && rest.toMillis() > 0) {
        permits.add(new Refund(decision.rule(), unused, rest));
      }
    }
    return permits;
  }

  /** What the rules say of one that was admitted when this many permits were left. */
  List<Decision> decisions(long unused, long now) {
    return since(decisions, unused, now - askedAt);
  }

  /** Decisions as they are some time later, with what is counted and not used yet. */
  static List<Decision> since(List<Decision> decisions, long unused, long nanos) {
    if (decisions.size() == 1) {
      return List.of(since(decisions.getFirst(), unused, nanos));
    }
    List<Decision> later = new ArrayList<>(decisions.size());
    for (Decision decision : decisions) {
      later.add(since(decision, unused, nanos));
    }
    return later;
  }

  private static Decision since(Decision decision, long unused, long nanos) {
    Duration rest = decision.resetAfter().minusNanos(nanos);
    return new Decision(
        decision.rule(),
        decision.allowed(),
        decision.remaining() + unused,
        rest.isNegative() ? Duration.ZERO : rest);
  }
}
