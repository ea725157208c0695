package io.heddle.turn;

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

  private boolean begun;
  private boolean reading;
  private volatile boolean behind;
  private volatile boolean over;
  private volatile @Nullable Throwable failure;
  private boolean told;

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
    return begun;
  }

  void begin() {
    begun = true;
  }

  /** Whether it knows nothing of the turn yet. */
  boolean isNew() {
    return at == 0;
  }

  long at() {
    return at;
  }

  /** Whether it is fed from the log now. */
  boolean isBehind() {
    return behind;
  }

  void setBehind(boolean now) {
    behind = now;
  }

  void setReading(boolean now) {
    reading = now;
  }

  /** Whether it is time to feed it from the log. */
  boolean isHungry() {
    return behind
        && begun
        && !over
        && !reading
        && queued.get() == 0
        && sink.requestedFromDownstream() > 0;
  }

  /** Whether it is better given the whole answer so far than all that it misses. */
  boolean isFarFrom(long seq) {
    return wantsSoFar && (at == 0 ? seq > 0 : seq - at > FAR);
  }

  /** News of the turn itself. */
  void tell(TurnEvent event) {
    if (!over) {
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
    if (delta.seq() > at + 1 || (!behind && queued.get() >= ROOM)) {
      behind = true;
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
    over = true;
  }

  void fail(Throwable error) {
    failure = error;
    over = true;
  }

  boolean isOver() {
    return over;
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
        if (over) {
          complete();
        } else if (behind && sink.requestedFromDownstream() > 0) {
          hungry.run();
        }
      }
      missed = work.addAndGet(-missed);
    } while (missed != 0);
  }

  private void complete() {
    // Set before over was, and over was read before the queue was found empty or is found so again.
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
