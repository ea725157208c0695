package io.heddle.turn;

import io.heddle.base.DrainLoop;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;

/**
 * Lets only so much of what is large be on its way to the store at a time; the rest waits here. A
 * store that is asked has a second to answer: of a hundred long answers that are sent at once over
 * a line that carries ten in that second most would be sent again, and again, and none would ever
 * arrive in time. What is small passes.
 */
final class LargeWrites {

  /** From so many bytes on a write is large. */
  private static final int LARGE = 64 * 1024;

  /** So many bytes are on their way at a time, or one write that has more. */
  private static final long MOST = 1L << 20;

  /** Nobody waits longer than this for one that is never answered. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final Timers ticks;

  /** Not one within the other: while the store is away each fails at once. */
  private final DrainLoop sending = new DrainLoop(this::sendWaiting);

  // Guarded by this.
  private final ArrayDeque<Waiting> queue = new ArrayDeque<>();
  private long onTheirWay;

  private record Waiting(long bytes, MonoSink<Permit> sink) {}

  LargeWrites(Timers ticks) {
    this.ticks = ticks;
  }

  /** Sends it when it is its turn, and tells what became of it. */
  <T> Mono<T> send(long bytes, Mono<T> write) {
    if (bytes < LARGE) {
      return write;
    }
    return Mono.<Permit>create(
            sink -> {
              synchronized (this) {
                queue.add(new Waiting(bytes, sink));
              }
              sending.signal();
            })
        .flatMap(permit -> write.doFinally(_ -> permit.free()));
  }

  private synchronized @Nullable Waiting next() {
    Waiting first = queue.peek();
    if (first == null || (onTheirWay > 0 && onTheirWay + first.bytes > MOST)) {
      return null;
    }
    onTheirWay += first.bytes;
    return queue.remove();
  }

  private void sendWaiting() {
    for (Waiting next = next(); next != null; next = next()) {
      next.sink.success(new Permit(next.bytes));
    }
  }

  private final class Permit {
    private final long bytes;
    private final AtomicBoolean free = new AtomicBoolean();
    private final Disposable deadline = ticks.after(PATIENCE, this::freed);

    Permit(long bytes) {
      this.bytes = bytes;
    }

    void free() {
      deadline.dispose();
      freed();
    }

    private void freed() {
      if (free.compareAndSet(false, true)) {
        synchronized (LargeWrites.this) {
          onTheirWay -= bytes;
        }
        sending.signal();
      }
    }
  }
}
