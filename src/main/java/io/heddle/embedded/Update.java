package io.heddle.embedded;

import io.heddle.base.SessionKey;
import io.heddle.session.LockWait;
import io.heddle.session.SessionLocks.Held;
import java.time.Duration;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;

/**
 * One update of several steps: waits in the session's line, claims the session, works, gives it
 * back, answers. From its turn on nobody can cancel it, so no claim is left behind; its lease ends
 * the turn if the work does not.
 */
final class Update<T> {

  private final EmbeddedLocks locks;
  private final SessionKey key;
  private final @Nullable String owner;
  private final @Nullable String token;
  private final Duration lease;
  private final Function<String, Mono<T>> work;
  private final MonoSink<T> sink;
  private final long waitEnds;

  private final LockWait lockWait;
  private final Disposable.Swap waitTimer = Disposables.swap();
  private final Disposable.Swap leaseTimer = Disposables.swap();
  private volatile SessionQueues.@Nullable Place place;
  private volatile boolean cancelled;

  Update(
      EmbeddedLocks locks,
      SessionKey key,
      @Nullable String owner,
      @Nullable String token,
      Duration wait,
      Duration lease,
      Function<String, Mono<T>> work,
      MonoSink<T> sink) {
    this.locks = locks;
    this.key = key;
    this.owner = owner;
    this.token = token;
    this.lease = lease;
    this.work = work;
    this.sink = sink;
    this.waitEnds = System.nanoTime() + wait.toNanos();
    this.lockWait = new LockWait(locks, key, wait);
  }

  void start() {
    sink.onCancel(this::cancel);
    sink.onDispose(lockWait);
    enterQueue();
  }

  private void enterQueue() {
    SessionQueues.Place entered = locks.lines().enter(key, this::turn);
    place = entered;
    if (cancelled) {
      locks.lines().giveUp(entered);
      return;
    }
    locks.lines().start(entered);
    // Looked at only now: who need not wait is not late, however short the wait.
    long left = waitEnds - System.nanoTime();
    if (!entered.isWaiting()) {
      return;
    }
    if (left <= 0) {
      refuseLate(entered);
      return;
    }
    waitTimer.update(locks.later(() -> refuseLate(entered), left));
    if (!entered.isWaiting()) {
      waitTimer.update(Disposables.disposed());
    }
  }

  private void cancel() {
    cancelled = true;
    SessionQueues.Place waiting = place;
    if (waiting == null || locks.lines().giveUp(waiting)) {
      waitTimer.dispose();
    }
  }

  private void refuseLate(SessionQueues.Place waiting) {
    if (locks.lines().giveUp(waiting)) {
      locks.refusal(key, owner).subscribe(sink::error, sink::error);
    }
  }

  private void turn() {
    waitTimer.update(Disposables.disposed());
    leaseTimer.update(locks.later(this::leave, lease.toNanos()));
    if (token == null) {
      locks.claim(key, owner, lease).subscribe(this::claimed, this::notClaimed);
    } else {
      locks.look(key, owner).subscribe(null, this::notClaimed, () -> work(token, Mono.empty()));
    }
  }

  private void claimed(Held held) {
    String mine = held.token();
    if (mine == null) {
      throw new IllegalStateException("a claim has a token");
    }
    work(mine, locks.unclaim(key, mine));
  }

  /** A client holds the session. Its own updates stand in the same line, so wait outside of it. */
  private void notClaimed(Throwable refusal) {
    leave();
    if (cancelled) {
      sink.error(refusal);
    } else {
      lockWait.pause(refusal).subscribe(_ -> {}, sink::error, this::enterQueue);
    }
  }

  private void work(String holder, Mono<Void> release) {
    Mono.defer(() -> work.apply(holder))
        .contextWrite(sink.contextView())
        .singleOptional()
        .subscribe(
            value -> end(release, () -> sink.success(value.orElse(null))),
            error -> end(release, () -> sink.error(error)));
  }

  /** Gives the session back and only then answers: the caller's next write must not meet it. */
  private void end(Mono<Void> release, Runnable answer) {
    Runnable done =
        () -> {
          leave();
          answer.run();
        };
    release.subscribe(_ -> {}, _ -> done.run(), done);
  }

  private void leave() {
    leaseTimer.update(Disposables.disposed());
    SessionQueues.Place mine = place;
    if (mine != null) {
      locks.lines().leave(mine);
    }
  }
}
