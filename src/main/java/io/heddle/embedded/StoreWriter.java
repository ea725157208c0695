package io.heddle.embedded;

import io.heddle.base.IdSource;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * The one thread that changes the store. It takes what waits in the queue, decides and writes each
 * piece of work, commits them as a group, and only then shows them to readers, publishes their
 * changes and gives their answers. While it commits the next group gathers, so nobody waits for a
 * timer.
 */
final class StoreWriter implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(StoreWriter.class);

  /** Bounds what is unsaved in RAM when a group is large. */
  private static final int LARGEST_GROUP = 512;

  private static final int LARGEST_GROUP_BYTES = 4 << 20;

  private static final long GATHER_NANOS = 50_000;

  private final StoreFile store;
  private final InstantSource clock;
  private final IdSource ids;
  private final EmbeddedFeed feed;
  private final EmbeddedLiveChannel liveChannel;
  private final Workers answers;
  private final Upkeep upkeep;
  private final Heartbeat heartbeat;
  private final Numbers numbers;
  private final long groupNanos;
  private final int bound;

  private int lastGroup;
  private long lastCommit;

  private final Queue<Queued<?>> queue = new ConcurrentLinkedQueue<>();
  private final AtomicInteger size = new AtomicInteger();
  private final Thread thread;
  private volatile boolean asleep;
  private volatile boolean closed;
  private volatile @Nullable Throwable failure;
  private volatile Snapshot committed;

  StoreWriter(
      StoreFile store,
      InstantSource clock,
      IdSource ids,
      EmbeddedFeed feed,
      EmbeddedLiveChannel liveChannel,
      Workers answers,
      Upkeep upkeep,
      Heartbeat heartbeat,
      Duration commitDelay,
      int bound) {
    this.store = store;
    this.clock = clock;
    this.ids = ids;
    this.feed = feed;
    this.liveChannel = liveChannel;
    this.answers = answers;
    this.upkeep = upkeep;
    this.heartbeat = heartbeat;
    this.numbers = new Numbers(store);
    this.groupNanos = commitDelay.toNanos();
    this.bound = bound;
    this.committed = store.snapshot();
    this.thread = Thread.ofPlatform().daemon().name("heddle-embedded-writer").unstarted(this::run);
  }

  void start() {
    thread.start();
  }

  /** One piece of work: its result, or null for none. */
  interface Work<T> extends Function<Tx, @Nullable T> {}

  /**
   * Runs the work on the writer's thread and answers after the commit that holds it. What it throws
   * is the answer, and it has written nothing then. {@code store-unavailable} when the queue is
   * full; {@code outcome-unknown} when the commit failed.
   */
  <T> Mono<T> submit(Work<T> work) {
    return Mono.create(sink -> {
      if (closed || failure != null) {
        sink.error(unavailable("The session store is closed.", 5));
      } else if (size.incrementAndGet() > bound) {
        size.decrementAndGet();
        sink.error(unavailable("Too many writes are waiting for the session store.", 1));
      } else {
        enqueue(new Queued<>(work, sink, size));
      }
    });
  }

  /** Like {@link #submit}, but also when the queue is full: for what ends something. */
  <T> Mono<T> submitAnyway(Work<T> work) {
    return Mono.create(sink -> {
      if (closed || failure != null) {
        sink.error(unavailable("The session store is closed.", 5));
      } else {
        size.incrementAndGet();
        enqueue(new Queued<>(work, sink, size));
      }
    });
  }

  /** The tables as of the last commit; whoever gets it must {@link Snapshot#leave} it. */
  Snapshot enterCommitted() {
    while (true) {
      Snapshot newest = committed;
      if (newest.enter()) {
        return newest;
      }
      if (closed) {
        throw unavailable("The session store is closed.", 5);
      }
    }
  }

  /** Why the store does not work any more, or null. */
  @Nullable Throwable failure() {
    return failure;
  }

  static ProblemException unavailable(String detail, int retryAfter) {
    return Problem.of(ProblemCode.STORE_UNAVAILABLE, detail)
        .with("retryAfter", retryAfter)
        .toException();
  }

  private void enqueue(Queued<?> entry) {
    queue.add(entry);
    if (asleep) {
      LockSupport.unpark(thread);
    }
  }

  private void run() {
    try {
      while (!closed || !queue.isEmpty()) {
        heartbeat.beat();
        if (queue.isEmpty()) {
          idle();
        } else {
          group();
        }
        // After the group was answered, which is safe in the journal.
        if (store.isFarBehind()) {
          checkpoint();
        }
        upkeep();
      }
    } catch (Throwable e) {
      fail(e);
    } finally {
      refuseQueued();
    }
  }

  private void idle() {
    asleep = true;
    // Between the look and the flag somebody may have handed in work and seen no sleeper.
    if (queue.isEmpty() && !closed) {
      LockSupport.parkNanos(Math.min(upkeep.nanosToNext(), Heartbeat.EVERY_NANOS));
    }
    asleep = false;
  }

  private void group() {
    List<Queued<?>> group = new ArrayList<>();
    boolean written = false;
    long start = System.nanoTime();
    for (Queued<?> entry = queue.poll(); entry != null; entry = next(group.size(), start)) {
      group.add(entry);
      numbers.refill(store);
      try {
        written |= entry.run(new Tx(store, numbers, ids, clock.millis()));
      } catch (Throwable e) {
        // The tables may hold a part of it now. Nothing of this group may be committed.
        group.forEach(each -> each.refuse(unknown()));
        throw e;
      }
    }
    if (written) {
      try {
        commit();
      } catch (Throwable e) {
        group.forEach(each -> each.refuse(unknown()));
        throw e;
      }
    }
    lastGroup = group.size();
    for (Queued<?> each : group) {
      feed.publish(each.changes());
      liveChannel.tell(each.told());
    }
    answers.add(() -> group.forEach(Queued::answer));
  }

  /**
   * The next of the group. Whoever was answered with the last group may be about to come again, so
   * as many are waited for as that group had, but for no longer than the last commit took: a client
   * that is alone never waits, and many do not end up in many small groups.
   */
  private @Nullable Queued<?> next(int size, long start) {
    long end = start + Math.min(groupNanos, lastCommit);
    while (size < LARGEST_GROUP && store.uncommitted() < LARGEST_GROUP_BYTES) {
      long now = System.nanoTime();
      if (now - start > groupNanos) {
        return null;
      }
      Queued<?> entry = queue.poll();
      if (entry != null) {
        return entry;
      }
      if (size >= lastGroup || now - end >= 0) {
        return null;
      }
      LockSupport.parkNanos(GATHER_NANOS);
    }
    return null;
  }

  private void commit() {
    long start = System.nanoTime();
    store.commit();
    lastCommit = System.nanoTime() - start;
    show();
  }

  private void checkpoint() {
    store.checkpoint();
    show();
  }

  private void show() {
    Snapshot before = committed;
    committed = store.snapshot();
    before.leave();
  }

  private void upkeep() {
    if (upkeep.isDue()) {
      numbers.refill(store);
      Tx tx = new Tx(store, numbers, ids, clock.millis());
      upkeep.sweep(tx);
      if (!tx.isEmpty()) {
        tx.write();
        commit();
        feed.publish(tx.changes());
      }
      if (store.isBehind() && queue.isEmpty()) {
        checkpoint();
      }
      upkeep.compact(store, queue.isEmpty(), this::checkpoint);
    }
  }

  private void fail(Throwable e) {
    failure = e;
    log.error(
        "The session store {} failed; Heddle answers 503 until it is started again",
        store.file() == null ? "in RAM" : store.file(),
        e);
  }

  private void refuseQueued() {
    for (Queued<?> entry = queue.poll(); entry != null; entry = queue.poll()) {
      entry.refuse(unavailable("The session store is closed.", 5));
    }
  }

  private static ProblemException unknown() {
    return Problem.of(
            ProblemCode.OUTCOME_UNKNOWN, "The session store failed while it took the write.")
        .toException();
  }

  /** Finishes what is queued, commits, and closes the store. */
  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(thread);
    Workers.join(thread);
    refuseQueued();
    committed.leave();
    if (failure == null) {
      store.close();
    } else {
      store.abandon();
    }
  }
}
