package io.heddle.session;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.heddle.base.Problem;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.scheduler.Schedulers;

/**
 * Those of one replica who wait for one session's lock. The store is asked for the first of them
 * only: soon twice, because most that stands in the way is a short update; then when the release is
 * told, when the lock's time is over, and once a second, because what is told may be lost. Forty
 * who wait would otherwise ask eight hundred times a second.
 */
final class LockLine {

  private static final Map<Place, LockLine> LINES = new ConcurrentHashMap<>();

  private static final int[] SOON_MILLIS = {20, 100};
  private static final int SELDOM_MILLIS = 1_000;

  /** After the end that the store has told, for the way of the answer and its rounding. */
  private static final int AFTER_END_MILLIS = 5;

  /** A session of one engine. */
  private record Place(SessionLocks locks, SessionKey key) {}

  private final Place place;
  private final Set<LockWait> waiting = new LinkedHashSet<>();
  private final Disposable.Swap listening = Disposables.swap();
  private final Disposable.Swap timer = Disposables.swap();
  private boolean listens;
  private @Nullable LockWait asking;
  private boolean told;
  private int refusals;
  private boolean closed;

  private LockLine(Place place) {
    this.place = place;
  }

  /** Stands at the end of the session's line. */
  static LockLine enter(SessionLocks locks, SessionKey key, LockWait who, Throwable refusal) {
    Place place = new Place(locks, key);
    while (true) {
      LockLine line = LINES.computeIfAbsent(place, LockLine::new);
      synchronized (line) {
        if (!line.closed) {
          line.waiting.add(who);
          if (line.waiting.size() == 1) {
            line.later(refusal);
          }
          return line;
        }
      }
    }
  }

  /** The lock, or an update's hold on the session, has ended. */
  static void ended(SessionLocks locks, SessionKey key) {
    LockLine line = LINES.get(new Place(locks, key));
    if (line != null) {
      line.ended();
    }
  }

  /** Its turn was in vain; it keeps its place. */
  synchronized void refused(LockWait who, Throwable refusal) {
    if (asking == who) {
      asking = null;
    }
    if (who.isLong() && !listens && !closed) {
      listens = true;
      listening.update(place.locks.onRelease(place.key, this::ended));
    }
    if (asking != null) {
      return;
    }
    if (told) {
      // Told while it asked: the news may have overtaken the refusal.
      next();
    } else {
      later(refusal);
    }
  }

  /** Served, or it waits no more. */
  synchronized void leave(LockWait who) {
    waiting.remove(who);
    boolean asked = asking == who;
    if (asked) {
      asking = null;
    }
    if (waiting.isEmpty()) {
      if (!closed) {
        closed = true;
        LINES.remove(place, this);
        listening.dispose();
        timer.dispose();
      }
    } else if (asked) {
      // What let it pass lets the next one pass too, mostly.
      refusals = 0;
      next();
    }
  }

  private synchronized void ended() {
    told = true;
    if (asking == null) {
      next();
    }
  }

  private synchronized void elapsed() {
    if (asking == null) {
      next();
    }
  }

  private void next() {
    if (waiting.isEmpty()) {
      return;
    }
    told = false;
    asking = waiting.iterator().next();
    asking.wake();
  }

  private void later(Throwable refusal) {
    int step = refusals++;
    long least = step < SOON_MILLIS.length ? SOON_MILLIS[step] : SELDOM_MILLIS;
    // Several replicas wait for one lock.
    long pause = least + ThreadLocalRandom.current().nextLong(least / 5 + 1);
    long end = left(refusal) + AFTER_END_MILLIS;
    timer.update(Schedulers.parallel().schedule(this::elapsed, Math.min(pause, end), MILLISECONDS));
  }

  /**
   * Milliseconds that the lock still has, as the refusal tells; the time of day is the store's, so
   * it is believed only within the whole seconds that are told too.
   */
  private static long left(Throwable refusal) {
    if (!(refusal instanceof ProblemException told)) {
      return SELDOM_MILLIS;
    }
    Problem problem = told.problem();
    Object seconds = problem.members().get("retryAfter");
    Object at = problem.members().get("expiresAt");
    if (!(seconds instanceof Number most) || !(at instanceof String time)) {
      return 2 * SELDOM_MILLIS;
    }
    try {
      long left = Instant.parse(time).toEpochMilli() - System.currentTimeMillis();
      return Math.clamp(left, (most.longValue() - 1) * 1_000, most.longValue() * 1_000);
    } catch (DateTimeException e) {
      return 2 * SELDOM_MILLIS;
    }
  }
}
