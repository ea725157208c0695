package io.heddle.answercache;

import io.heddle.answercache.AnswerStore.Answer;
import io.heddle.base.IdSource;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.core.scheduler.Schedulers;

/**
 * Those who want an answer that is not there. All who want the same one in this replica ask the
 * store together: whether it is there by now, and if not, for the claim, which the store gives to
 * one of all replicas. Who gets the claim is the first in line here.
 *
 * <p>They ask when one comes, when this replica keeps the answer, and else at most {@link #LONGEST}
 * apart: other replicas tell nothing.
 */
final class Flights {

  private static final Duration SHORTEST = Duration.ofMillis(50);
  private static final Duration LONGEST = Duration.ofMillis(300);

  private final AnswerStore store;
  private final IdSource ids;
  private final ConcurrentHashMap<AnswerKey, Line> lines = new ConcurrentHashMap<>();
  private volatile boolean closed;

  Flights(AnswerStore store, IdSource ids) {
    this.store = store;
    this.ids = ids;
  }

  /**
   * Waits for an answer, or to be the one who computes it. Errors are the store's, and {@code
   * restarting}.
   *
   * @param maxAge an older answer is none
   * @param wait at most, for somebody else
   * @param lease how long the claim lasts, if it is the caller's
   */
  Mono<Flight> join(AnswerKey key, Duration maxAge, Duration wait, Duration lease) {
    return Mono.create(sink -> {
      Caller caller = new Caller(sink, maxAge, System.nanoTime() + wait.toNanos(), lease);
      Line[] joined = new Line[1];
      lines.compute(
          key,
          (_, line) -> {
            joined[0] = line == null ? new Line(key) : line;
            joined[0].add(caller);
            return joined[0];
          });
      sink.onCancel(() -> joined[0].remove(caller));
      if (closed) {
        joined[0].failed(restarting());
      }
      joined[0].look();
    });
  }

  /** Something has become of the key in this replica: those who wait look at once. */
  void wake(AnswerKey key) {
    Line line = lines.get(key);
    if (line != null) {
      line.look();
    }
  }

  /** Nobody waits here any more. */
  void close() {
    closed = true;
    lines.values().forEach(line -> line.failed(restarting()));
  }

  private static Throwable restarting() {
    return Problem.of(
            ProblemCode.RESTARTING, "This replica stops and waits for no answer of others")
        .with("retryAfter", 1)
        .toException();
  }

  /** Equal to itself only: the sink is. */
  private record Caller(MonoSink<Flight> sink, Duration maxAge, long deadline, Duration lease) {}

  /** Those of one key. One question is under way at a time; nobody is answered under the lock. */
  private final class Line {
    private final AnswerKey key;

    // Guarded by this.
    private final List<Caller> waiting = new ArrayList<>();
    private boolean asking;
    private boolean again;
    private Duration pause = SHORTEST;
    private @Nullable Disposable timer;

    Line(AnswerKey key) {
      this.key = key;
    }

    synchronized void add(Caller caller) {
      waiting.add(caller);
    }

    /** Whether it was there. */
    synchronized boolean remove(Caller caller) {
      return waiting.remove(caller);
    }

    void look() {
      synchronized (this) {
        if (asking) {
          again = true;
          return;
        }
        asking = true;
        if (timer != null) {
          timer.dispose();
        }
      }
      ask()
          .subscribe(
              _ -> {},
              error -> {
                failed(error);
                next();
              },
              this::next);
    }

    void failed(Throwable error) {
      List<Caller> all;
      synchronized (this) {
        all = List.copyOf(waiting);
        waiting.clear();
      }
      all.forEach(caller -> caller.sink.error(error));
    }

    private Mono<Void> ask() {
      if (isEmpty()) {
        return Mono.empty();
      }
      return read()
          .flatMap(found -> {
            Caller first = serve(found.answer);
            return first == null ? Mono.empty() : claim(first);
          });
    }

    private Mono<Void> claim(Caller first) {
      String owner = ids.token();
      return store
          .claim(key.tenant(), key.stored(), owner, first.lease)
          .flatMap(mine -> mine ? claimed(first, owner) : Mono.empty());
    }

    /**
     * Between the look and the claim the one before may have kept its answer and ended its claim.
     */
    private Mono<Void> claimed(Caller first, String owner) {
      Mono<Void> release = store.release(key.tenant(), key.stored(), owner);
      return read()
          .onErrorResume(error -> release.onErrorComplete().then(Mono.error(error)))
          .flatMap(found -> {
            Caller still = serve(found.answer);
            if (first.equals(still) && remove(first)) {
              first.sink.success(new Flight.Compute(owner));
              return Mono.empty();
            }
            synchronized (this) {
              again |= still != null;
            }
            return release;
          });
    }

    private Mono<Seen> read() {
      return store.get(key.tenant(), key.stored()).map(Seen::new).defaultIfEmpty(new Seen(null));
    }

    /** Answers those who take this one; the first of those who still want another, or null. */
    private @Nullable Caller serve(@Nullable Answer answer) {
      List<Caller> served = new ArrayList<>();
      Caller first;
      synchronized (this) {
        if (answer != null) {
          for (Caller caller : waiting) {
            if (answer.isAllowedBy(caller.maxAge)) {
              served.add(caller);
            }
          }
          waiting.removeAll(served);
        }
        first = waiting.isEmpty() ? null : waiting.getFirst();
      }
      if (answer != null) {
        served.forEach(caller -> caller.sink.success(new Flight.Found(answer)));
      }
      return first;
    }

    /** Sends those away whose time is over, and looks again later for those who are left. */
    private void next() {
      List<Caller> late = new ArrayList<>();
      boolean now;
      boolean over;
      synchronized (this) {
        long time = System.nanoTime();
        for (Caller caller : waiting) {
          if (caller.deadline - time <= 0) {
            late.add(caller);
          }
        }
        waiting.removeAll(late);
        asking = false;
        now = again;
        again = false;
        over = waiting.isEmpty();
        if (!over && !now) {
          timer = Mono.delay(delay(time), Schedulers.parallel()).subscribe(_ -> look());
        }
      }
      late.forEach(caller -> caller.sink.success(new Flight.Busy()));
      if (over) {
        lines.computeIfPresent(key, (_, line) -> line == this && isEmpty() ? null : line);
      } else if (now) {
        look();
      }
    }

    /** Spread, so that replicas do not ask in step; and no later than somebody's time is over. */
    private Duration delay(long time) {
      long nanos = (long) (pause.toNanos() * ThreadLocalRandom.current().nextDouble(0.75, 1.25));
      for (Caller caller : waiting) {
        nanos = Math.min(nanos, caller.deadline - time);
      }
      Duration longer = pause.multipliedBy(3).dividedBy(2);
      pause = longer.compareTo(LONGEST) < 0 ? longer : LONGEST;
      return Duration.ofNanos(Math.max(nanos, TimeUnit.MILLISECONDS.toNanos(1)));
    }

    private synchronized boolean isEmpty() {
      return waiting.isEmpty();
    }
  }

  /** An answer, or that there is none. */
  private record Seen(@Nullable Answer answer) {}
}
