package io.heddle.turn;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.core.scheduler.Scheduler;

/**
 * Work for processors, done in short steps on a few threads, in turns by caller: whoever has much
 * to do waits for himself, and somebody's small question waits for one step of each of the others
 * at most. One step of a caller is done at a time.
 *
 * <p>What waits is bounded for each caller and in all; what is already paid for is taken in any
 * case.
 */
final class FairWork implements AutoCloseable {

  /** Something that is done step by step. */
  interface Steps<T> {

    /** Does a little, some milliseconds at most; whether that was the last of it. */
    boolean step();

    /** What it came to, after the last step. */
    T result();

    /** About how many bytes it keeps from being freed. */
    long weight();
  }

  private static final int MOST_OF_A_CALLER = 64;
  private static final int MOST = 10_000;
  private static final long MOST_BYTES_OF_A_CALLER = 16L << 20;
  private static final long MOST_BYTES = 64L << 20;

  private final Scheduler scheduler;
  private final int threads;

  // Guarded by this.
  private final Map<String, Lane> lanes = new HashMap<>();
  private final ArrayDeque<Lane> ready = new ArrayDeque<>();
  private int running;
  private int waiting;
  private long bytes;

  /**
   * @param scheduler of that many threads
   */
  FairWork(Scheduler scheduler, int threads) {
    this.scheduler = scheduler;
    this.threads = threads;
  }

  @Override
  public void close() {
    scheduler.dispose();
  }

  /**
   * Does it, or refuses it where too much waits already: {@code quota-exceeded} when it is the
   * caller's own, else {@code overloaded}.
   */
  <T> Mono<T> ask(String caller, Supplier<Steps<T>> work) {
    return submit(caller, work, false);
  }

  /** Does it, however much waits. */
  <T> Mono<T> must(String caller, Supplier<Steps<T>> work) {
    return submit(caller, work, true);
  }

  /** How much waits, or is being done. */
  synchronized int size() {
    return waiting;
  }

  private <T> Mono<T> submit(String caller, Supplier<Steps<T>> work, boolean must) {
    return Mono.create(sink -> {
      Job<T> job = new Job<>(work.get(), sink);
      sink.onCancel(() -> job.cancelled = true);
      boolean start;
      synchronized (this) {
        Lane lane = lanes.computeIfAbsent(caller, Lane::new);
        if (!must) {
          boolean full = waiting >= MOST || (waiting > 0 && bytes + job.weight > MOST_BYTES);
          boolean own =
              lane.jobs.size() >= MOST_OF_A_CALLER
                  || (!lane.jobs.isEmpty() && lane.bytes + job.weight > MOST_BYTES_OF_A_CALLER);
          if (full || own) {
            forgetIfEmpty(lane);
            sink.error(refusal(own).toException());
            return;
          }
        }
        waiting++;
        bytes += job.weight;
        lane.bytes += job.weight;
        lane.jobs.add(job);
        if (!lane.stands) {
          lane.stands = true;
          ready.add(lane);
        }
        start = running < threads;
        running += start ? 1 : 0;
      }
      if (start) {
        try {
          scheduler.schedule(this::work);
        } catch (RuntimeException closed) {
          synchronized (this) {
            running--;
          }
          sink.error(closed);
        }
      }
    });
  }

  private static Problem refusal(boolean own) {
    return own
        ? Problem.of(
                ProblemCode.QUOTA_EXCEEDED, "the caller has too much text waiting to be counted")
            .with("quota", "counting")
            .with("retryAfter", 1)
        : Problem.of(ProblemCode.OVERLOADED, "too much text waits to be counted")
            .with("retryAfter", 1);
  }

  private void work() {
    while (true) {
      Lane lane;
      Job<?> job;
      synchronized (this) {
        lane = ready.poll();
        if (lane == null) {
          running--;
          return;
        }
        job = lane.jobs.element();
      }
      boolean over = job.step();
      synchronized (this) {
        lane.jobs.remove();
        if (over) {
          waiting--;
          bytes -= job.weight;
          lane.bytes -= job.weight;
        } else {
          // Behind the caller's other ones: of his too the small ones come first.
          lane.jobs.add(job);
        }
        if (lane.jobs.isEmpty()) {
          lane.stands = false;
          forgetIfEmpty(lane);
        } else {
          ready.add(lane);
        }
      }
      if (over) {
        job.tell();
      }
    }
  }

  private void forgetIfEmpty(Lane lane) {
    if (lane.jobs.isEmpty() && !lane.stands) {
      lanes.remove(lane.caller, lane);
    }
  }

  /** What one caller has to do. */
  private static final class Lane {
    final String caller;
    final ArrayDeque<Job<?>> jobs = new ArrayDeque<>();
    long bytes;

    /** Whether it waits for its turn, or has it. */
    boolean stands;

    Lane(String caller) {
      this.caller = caller;
    }
  }

  private static final class Job<T> {
    final Steps<T> steps;
    final MonoSink<T> sink;
    final long weight;
    volatile boolean cancelled;
    private @Nullable Throwable failure;

    Job(Steps<T> steps, MonoSink<T> sink) {
      this.steps = steps;
      this.sink = sink;
      this.weight = steps.weight();
    }

    boolean step() {
      if (cancelled) {
        return true;
      }
      try {
        return steps.step();
      } catch (RuntimeException | StackOverflowError e) {
        failure = e;
        return true;
      }
    }

    void tell() {
      Throwable why = failure;
      if (cancelled) {
        return;
      }
      if (why != null) {
        sink.error(why);
      } else {
        sink.success(steps.result());
      }
    }
  }
}
