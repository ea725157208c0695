package io.heddle.upstream;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How long one request is waited for: its first token, each one after, and the whole. The time in
 * which nobody asked for more does not count: a slow reader is not the server's fault.
 *
 * <p>It has no timer: a {@link Watchdog} looks at it every few milliseconds.
 */
final class ResponseTimeouts {

  /** For what may still come behind the reason of the end: usage, and the mark of the end. */
  private static final Duration FOR_USAGE = Duration.ofSeconds(2);

  /** For the end of the answer's bytes, so that the connection can be used again. */
  private static final Duration FOR_THE_BYTES = Duration.ofMillis(200);

  private final UpstreamProperties.Server limits;
  private final FailureMapper faults;
  private final long deadline;
  private final boolean stream;
  private @Nullable Runnable watcher;

  private boolean waiting = true;
  private long waitingSince = System.nanoTime();
  private long waited;
  private boolean spoken;
  private @Nullable Duration forTheRest;
  private long restSince;
  private @Nullable CallFailure verdict;

  /**
   * @param deadline of the whole call, by {@link System#nanoTime}
   * @param stream whether something is to be heard before the end
   */
  ResponseTimeouts(
      UpstreamProperties.Server limits, FailureMapper faults, long deadline, boolean stream) {
    this.limits = limits;
    this.faults = faults;
    this.deadline = deadline;
    this.stream = stream;
  }

  /**
   * Who is told when it is over: because something took too long, which {@link #verdict} says, or
   * because the answer has ended and its bytes do not.
   *
   * @param watcher called on the {@link Watchdog}'s thread, perhaps several times
   */
  synchronized void watchedBy(Runnable watcher) {
    this.watcher = watcher;
  }

  /** What took too long, or null. */
  synchronized @Nullable CallFailure verdict() {
    return verdict;
  }

  /** More is asked of the connection. */
  synchronized void asks() {
    if (!waiting) {
      waiting = true;
      waitingSince = System.nanoTime();
    }
  }

  /**
   * Something came.
   *
   * @param said whether any of it is said on
   */
  synchronized void hears(boolean said) {
    if (said) {
      spoken = true;
      waited = 0;
    } else if (waiting) {
      waited += System.nanoTime() - waitingSince;
    }
    waiting = false;
  }

  /**
   * The server has said why it ends: little may follow.
   *
   * @param said whether something was said with it: some servers give a reason with every word
   */
  void hearsReason(boolean said) {
    rest(FOR_USAGE, said);
  }

  /** The end was told on: nothing may follow. */
  void hearsEnd() {
    rest(FOR_THE_BYTES, false);
  }

  private synchronized void rest(Duration time, boolean anew) {
    if (!time.equals(forTheRest)) {
      forTheRest = time;
      restSince = System.nanoTime();
    } else if (anew) {
      restSince = System.nanoTime();
    }
  }

  /** Ends the request if it has taken too long. */
  void look() {
    Runnable told;
    synchronized (this) {
      told = watcher;
      if (told == null || left(System.nanoTime()) > 0) {
        return;
      }
      if (forTheRest == null && verdict == null) {
        verdict = judge();
      }
    }
    told.run();
  }

  private long left(long now) {
    if (forTheRest != null) {
      return Math.min(deadline - now, forTheRest.toNanos() - (now - restSince));
    }
    return Math.min(deadline - now, limit().toNanos() - waitedUntil(now));
  }

  private CallFailure judge() {
    if (deadline - System.nanoTime() <= 0) {
      return faults.tooSlow("did not end its answer", limits.wholeTimeout());
    }
    return spoken
        ? faults.tooSlow("said nothing more", limits.betweenTokensTimeout())
        : faults.tooSlow("said nothing", limits.firstTokenTimeout());
  }

  private Duration limit() {
    if (!stream) {
      return limits.wholeTimeout();
    }
    return spoken ? limits.betweenTokensTimeout() : limits.firstTokenTimeout();
  }

  private long waitedUntil(long now) {
    return waited + (waiting ? now - waitingSince : 0);
  }
}
