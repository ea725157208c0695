package io.heddle.turn;

import io.heddle.base.SerialExecutor;
import io.heddle.turn.TurnEvent.Delta;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.FluxSink;

/**
 * One subscriber to a turn's events. What it has no demand for waits in a short queue; once that is
 * full it is given no more, and when it has taken what waits it is fed from the log. So a slow one
 * costs no memory and harms nobody.
 *
 * <pre>
 *   JOINING ── the turn is known ─────────▶ LIVE
 *   LIVE ───── the queue is full ─────────▶ LAGGING
 *   LAGGING ── it has taken what waited ──▶ READING
 *   READING ── the log has answered ──────▶ LAGGING
 *   LAGGING ── it has the newest ─────────▶ LIVE
 *   any ────── it has the end, or fails ──▶ OVER
 * </pre>
 *
 * <p>The seqs are touched only within the turn's {@link SerialExecutor}; the queue is anybody's.
 */
final class TurnFollower {

  /** Events that may wait here. */
  static final int ROOM = 256;

  /** From so many missed events on, all of the answer is less to send than its bits. */
  private static final int FAR = 512;

  private final FluxSink<TurnEvent> sink;
  private final boolean wantsSoFar;
  private final Runnable hungry;
  private final Queue<TurnEvent> queue = new ConcurrentLinkedQueue<>();
  private final AtomicInteger queued = new AtomicInteger();
  private final AtomicInteger work = new AtomicInteger();

  /** Seq of the last event it was given. */
  private long at;

  /** Changed within the serial only. */
  private volatile State state = State.JOINING;

  private volatile @Nullable Throwable failure;
  private boolean told;

  private enum State {
    /** The turn is not known yet. */
    JOINING,
    /** It is given each event as it comes. */
    LIVE,
    /** It lacks some that the log has, and is given no others. */
    LAGGING,
    /** The log is read for it. */
    READING,
    /** It has all that it will be given; what waits for demand goes out yet. */
    OVER
  }

  /**
   * @param after see {@link Turns#follow}
   * @param hungry is run, on any thread, when it was behind and has taken all it was given
   */
  TurnFollower(FluxSink<TurnEvent> sink, long after, Runnable hungry) {
    this.sink = sink;
    this.wantsSoFar = after < 0;
    this.at = Math.max(0, after);
    this.hungry = hungry;
    sink.onRequest(_ -> drain());
  }

  // ---- within the serial

  boolean hasBegun() {
    return state != State.JOINING;
  }

  void begin() {
    state = State.LIVE;
  }

  /** Whether it knows nothing of the turn yet. */
  boolean isNew() {
    return at == 0;
  }

  long at() {
    return at;
  }

  /** Whether it lacks events, and is fed from the log. */
  boolean isBehind() {
    return state == State.LAGGING || state == State.READING;
  }

  /** Whether it has all up to this seq now, or is to be fed. */
  void compare(long last) {
    if (state != State.OVER) {
      state = at < last ? State.LAGGING : State.LIVE;
    }
  }

  /** What it lacks is lost: it goes on with the end. */
  void skip() {
    compare(at);
  }

  void beginRead() {
    state = State.READING;
  }

  /** The log has answered. */
  void endRead() {
    if (state == State.READING) {
      state = State.LAGGING;
    }
  }

  /** Whether it is time to feed it from the log. */
  boolean isHungry() {
    return state == State.LAGGING && queued.get() == 0 && sink.requestedFromDownstream() > 0;
  }

  /** Whether it is better given the whole answer so far than all that it misses. */
  boolean isFarFrom(long seq) {
    return wantsSoFar && (at == 0 ? seq > 0 : seq - at > FAR);
  }

  /** News of the turn itself. */
  void tell(TurnEvent event) {
    if (state != State.OVER) {
      queued.incrementAndGet();
      queue.add(event);
    }
  }

  void soFar(TurnEvent.SoFar event) {
    at = event.seq();
    tell(event);
  }

  /** Takes it if it is the next one; one that it has, or never wanted, is passed over. */
  void take(Delta delta) {
    if (delta.seq() <= at) {
      return;
    }
    if (delta.seq() > at + 1 || (state == State.LIVE && queued.get() >= ROOM)) {
      state = state == State.LIVE ? State.LAGGING : state;
      return;
    }
    at = delta.seq();
    tell(delta);
  }

  /** How many more it can be given. */
  int room() {
    return Math.max(0, ROOM - queued.get());
  }

  void end(TurnEvent.Ended event) {
    tell(event);
    state = State.OVER;
  }

  void fail(Throwable error) {
    failure = error;
    state = State.OVER;
  }

  boolean isOver() {
    return state == State.OVER;
  }

  // ---- from any thread

  /** Gives what waits, as far as it is wanted. */
  void drain() {
    if (work.getAndIncrement() != 0) {
      return;
    }
    int missed = 1;
    do {
      while (sink.requestedFromDownstream() > 0 && !sink.isCancelled()) {
        TurnEvent next = queue.poll();
        if (next == null) {
          break;
        }
        queued.decrementAndGet();
        sink.next(next);
      }
      if (queue.isEmpty()) {
        if (isOver()) {
          complete();
        } else if (isBehind() && sink.requestedFromDownstream() > 0) {
          hungry.run();
        }
      }
      missed = work.addAndGet(-missed);
    } while (missed != 0);
  }

  private void complete() {
    // Set before it was over, and that was read before the queue was found empty or is found so
    // again.
    if (told || !queue.isEmpty()) {
      return;
    }
    told = true;
    Throwable error = failure;
    if (error == null) {
      sink.complete();
    } else {
      sink.error(error);
    }
  }
}
