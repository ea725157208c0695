package io.heddle.embedded;

import io.heddle.base.IdSource;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
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
  private static final long STUCK_NANOS = 250_000_000;

  private final StoreFile store;
  private final InstantSource clock;
  private final IdSource ids;
  private final EmbeddedFeed feed;
  private final EmbeddedLiveChannel liveChannel;
  private final Workers answers;
  private final Upkeep upkeep;
  private final Heartbeat heartbeat;
  private final SequenceAllocator numbers;
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
  private volatile @Nullable Trouble trouble;
  private volatile Runnable whenFailed = () -> {};

  /** The file does not take what is written to it, which may pass. */
  private record Trouble(String why, long sinceNanos) {}

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
    this.numbers = new SequenceAllocator(store);
    this.groupNanos = commitDelay.toNanos();
    this.bound = bound;
    this.committed = store.snapshot();
    this.thread = Thread.ofPlatform().daemon().name("heddle-embedded-writer").unstarted(this::run);
  }

  void start() {
    store.whenStuck(this::again);
    thread.start();
  }

  /**
   * @param told when the store failed and only a restart can help
   */
  void whenFailed(Runnable told) {
    whenFailed = told;
  }

  /** One piece of work: its result, or null for none. */
  interface Work<T> extends Function<Tx, @Nullable T> {}

  /**
   * Runs the work on the writer's thread and answers after the commit that holds it. What it throws
   * is the answer, and it has written nothing then. {@code store-unavailable} when the queue is
   * full; {@code outcome-unknown} when the commit failed.
   */
  <T> Mono<T> submit(Work<T> work) {
    return submit(work, bound);
  }

  /** Like {@link #submit}, but also when the queue is full: for what ends something. */
  <T> Mono<T> submitAnyway(Work<T> work) {
    return submit(work, Integer.MAX_VALUE);
  }

  private <T> Mono<T> submit(Work<T> work, int most) {
    return Mono.create(sink -> {
      if (closed || failure != null) {
        sink.error(unavailable("The session store is closed.", 5));
      } else if (size.incrementAndGet() > most) {
        size.decrementAndGet();
        sink.error(unavailable("Too many writes are waiting for the session store.", 1));
      } else {
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

  /** Why the store does not work any more, until a restart, or null. */
  @Nullable Throwable failure() {
    return failure;
  }

  /** What is wrong with the store, or null. */
  @Nullable String fault() {
    Trouble now = trouble;
    return failure != null
        ? "the store failed, and Heddle must be started again; see the log"
        : now != null ? "the session file cannot be written: " + now.why() : null;
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
        if (store.isFarBehind() && trouble == null) {
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
      } catch (Journal.NotWritten e) {
        ProblemException refused = e.isClean() ? notNow() : unknown();
        undo(e);
        group.forEach(each -> each.refuse(refused));
        return;
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
    recovered();
    show();
  }

  private void checkpoint() {
    store.checkpoint();
    recovered();
    show();
  }

  /** Readers never saw it, and a restart will not find it. */
  private void undo(Journal.NotWritten why) {
    store.undo();
    numbers.forget(store);
    troubled(why);
  }

  /** Asked while the file of the tables does not take a write, in which this thread is. */
  private boolean again(RuntimeException why) {
    if (closed || why.getCause() instanceof ClosedChannelException) {
      return false;
    }
    troubled(why);
    for (Queued<?> entry = queue.poll(); entry != null; entry = queue.poll()) {
      entry.refuse(notNow());
    }
    LockSupport.parkNanos(STUCK_NANOS);
    return true;
  }

  private void troubled(RuntimeException why) {
    if (trouble == null) {
      Throwable cause = why.getCause() == null ? why : why.getCause();
      trouble = new Trouble(String.valueOf(cause.getMessage()), System.nanoTime());
      log.error(
          "The session file {} cannot be written: {}. Writes are refused until it can",
          store.file(),
          cause.getMessage());
    }
  }

  private void recovered() {
    Trouble before = trouble;
    if (before != null) {
      trouble = null;
      log.info(
          "The session file {} is written again, after {} s",
          store.file(),
          TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - before.sinceNanos()));
    }
  }

  /** Whether the file can be written, as far as is known; looks if it could not. */
  private boolean isWell() {
    if (trouble != null) {
      try {
        store.probe();
        recovered();
      } catch (Journal.NotWritten still) {
        log.debug("The session file cannot be written: {}", still.getMessage());
        return false;
      }
    }
    return true;
  }

  private void show() {
    Snapshot before = committed;
    committed = store.snapshot();
    before.leave();
  }

  private void upkeep() {
    if (upkeep.isDue()) {
      if (!isWell()) {
        upkeep.postpone();
        return;
      }
      numbers.refill(store);
      Tx tx = new Tx(store, numbers, ids, clock.millis());
      upkeep.sweep(tx);
      if (!tx.isEmpty()) {
        tx.write();
        try {
          commit();
        } catch (Journal.NotWritten e) {
          undo(e);
          upkeep.postpone();
          return;
        }
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
    whenFailed.run();
  }

  private void refuseQueued() {
    for (Queued<?> entry = queue.poll(); entry != null; entry = queue.poll()) {
      entry.refuse(unavailable("The session store is closed.", 5));
    }
  }

  private static ProblemException notNow() {
    return unavailable("The session file cannot be written; nothing was changed.", 1);
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
      try {
        store.close();
        return;
      } catch (RuntimeException e) {
        // What was answered stands in the journal, from which the next start goes on.
        log.warn(
            "The session file {} could not be written at the end: {}",
            store.file(),
            e.getMessage());
      }
    }
    store.abandon();
  }
}
