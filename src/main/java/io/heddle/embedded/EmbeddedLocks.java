package io.heddle.embedded;

import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.embedded.SessionRecord.Holder;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.LiveChannel;
import io.heddle.session.LockWait;
import io.heddle.session.SessionLocks;
import io.heddle.session.StoreProblems;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** The session's lock, and the line of the updates that wait for it. */
final class EmbeddedLocks implements SessionLocks, AutoCloseable {

  private final StoreWriter writer;
  private final SnapshotReads reads;
  private final Locking locking;
  private final InstantSource clock;
  private final LiveChannel live;
  private final SessionQueues lines = new SessionQueues();
  private final Scheduler timer = Schedulers.newSingle("heddle-embedded-timer", true);

  EmbeddedLocks(
      StoreWriter writer,
      SnapshotReads reads,
      Locking locking,
      InstantSource clock,
      LiveChannel live) {
    this.writer = writer;
    this.reads = reads;
    this.locking = locking;
    this.clock = clock;
    this.live = live;
  }

  @Override
  public <T> Mono<T> inLine(
      SessionKey key,
      @Nullable String owner,
      @Nullable String token,
      Duration wait,
      Duration lease,
      Function<String, Mono<T>> work) {
    return Mono.create(
        sink -> new Update<>(this, key, owner, token, wait, lease, work, sink).start());
  }

  @Override
  public Mono<Done> apply(
      SessionKey key, @Nullable String owner, Call call, @Nullable IdempotentRequest retry) {
    return writer.submit(tx -> locking.apply(tx, key, owner, call, retry));
  }

  @Override
  public Disposable onRelease(SessionKey key, Runnable listener) {
    return live.onRelease(key, listener);
  }

  @Override
  public Mono<Held> holder(SessionKey key, @Nullable String owner) {
    return reads.read(rows -> {
      long now = clock.millis();
      SessionRecord session = Access.require(rows, key, owner, now);
      Holder holder = locking.live(session.holder(), now);
      return holder == null ? null : Locking.held(session.fence(), holder, null);
    });
  }

  SessionQueues lines() {
    return lines;
  }

  Disposable later(Runnable what, long nanos) {
    return timer.schedule(what, nanos, TimeUnit.NANOSECONDS);
  }

  Mono<Held> claim(SessionKey key, @Nullable String owner, Duration lease) {
    return writer.submit(tx -> locking.claim(tx, key, owner, lease));
  }

  /** Empty when the session is there for the owner. */
  Mono<Void> look(SessionKey key, @Nullable String owner) {
    return reads.read(rows -> {
      Access.require(rows, key, owner, clock.millis());
      return null;
    });
  }

  /** Never refused for a full queue: a claim that stays would lock everybody out. */
  Mono<Void> unclaim(SessionKey key, String token) {
    return writer
        .<Void>submitAnyway(tx -> {
          locking.unclaim(tx, key, token);
          return null;
        })
        .then()
        .doOnSuccess(_ -> LockWait.ended(this, key));
  }

  /** Why somebody who waited in line is turned away. */
  Mono<ProblemException> refusal(SessionKey key, @Nullable String owner) {
    return reads.<ProblemException>read(rows -> {
      long now = clock.millis();
      SessionRecord session = Access.require(rows, key, owner, now);
      Holder holder = locking.live(session.holder(), now);
      // Others stand before the caller in the line, and nobody holds the lock right now.
      return holder == null
          ? StoreProblems.locked(Instant.ofEpochMilli(now + 1000), 1000).toException()
          : holder.locked(now);
    });
  }

  @Override
  public void close() {
    timer.dispose();
  }
}
