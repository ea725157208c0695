package io.heddle.upstream;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.core.scheduler.Schedulers;

/**
 * How long one request is waited for: its first token, each one after, and the whole. The time in
 * which nobody asked for more does not count: a slow reader is not the server's fault.
 *
 * <p>One timer a request, which is set anew when it runs out and not with every token.
 */
final class Patience {

  /** For what may still come behind the reason of the end: usage, and the mark of the end. */
  private static final Duration FOR_USAGE = Duration.ofSeconds(2);

  /** For the end of the answer's bytes, so that the connection can be used again. */
  private static final Duration FOR_THE_BYTES = Duration.ofMillis(200);

  private final UpstreamProperties.Server limits;
  private final Faults faults;
  private final long deadline;
  private final Disposable.Swap timer = Disposables.swap();
  private @Nullable MonoSink<Void> watcher;

  private boolean waiting = true;
  private long waitingSince = System.nanoTime();
  private long waited;
  private boolean spoken;
  private @Nullable Duration forTheRest;
  private long restSince;
  private @Nullable CallFailure verdict;

  /**
   * @param deadline of the whole call, by {@link System#nanoTime}
   */
  Patience(UpstreamProperties.Server limits, Faults faults, long deadline) {
    this.limits = limits;
    this.faults = faults;
    this.deadline = deadline;
  }

  /**
   * Is empty when it is over: because something took too long, which {@link #verdict} says, or
   * because the answer has ended and its bytes do not. Never an error: with one {@code
   * takeUntilOther} would leave the request running. To be subscribed once.
   */
  Mono<Void> over() {
    return Mono.create(sink -> {
      sink.onDispose(timer);
      synchronized (this) {
        watcher = sink;
      }
      look();
    });
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
  void hears(boolean said) {
    boolean first;
    synchronized (this) {
      first = said && !spoken;
      if (said) {
        spoken = true;
        waited = 0;
      } else if (waiting) {
        waited += System.nanoTime() - waitingSince;
      }
      waiting = false;
    }
    if (first) {
      // From now on another limit holds, and the timer runs to the old one.
      look();
    }
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

  private void rest(Duration time, boolean anew) {
    synchronized (this) {
      if (time.equals(forTheRest)) {
        restSince = anew ? System.nanoTime() : restSince;
        return;
      }
      forTheRest = time;
      restSince = System.nanoTime();
    }
    look();
  }

  private void look() {
    MonoSink<Void> sink;
    long left;
    synchronized (this) {
      sink = watcher;
      left = left(System.nanoTime());
      if (sink != null && left <= 0 && forTheRest == null && verdict == null) {
        verdict = judge();
      }
    }
    if (sink == null) {
      return;
    }
    if (left > 0) {
      timer.update(Schedulers.parallel().schedule(this::look, left, TimeUnit.NANOSECONDS));
    } else {
      sink.success();
    }
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
    return spoken ? limits.betweenTokensTimeout() : limits.firstTokenTimeout();
  }

  private long waitedUntil(long now) {
    return waited + (waiting ? now - waitingSince : 0);
  }
}
