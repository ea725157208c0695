package io.heddle.session;

import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.util.retry.Retry;

/**
 * One call that waits while somebody else holds its session. It tries again after a pause, a random
 * one because everybody who waits for the same lock was refused at about the same moment, and at
 * once when the lock's release is told.
 */
public final class LockWait implements Disposable {

  private static final int MIN_PAUSE_MILLIS = 20;
  private static final int MAX_PAUSE_MILLIS = 250;

  /**
   * Whoever was refused once was mostly in the way of a short update, and has its turn before a
   * subscription would stand.
   */
  private static final int LISTEN_FROM = 2;

  private final SessionLocks locks;
  private final SessionKey key;
  private final long end;
  private final Disposable.Swap listening = Disposables.swap();
  private int refusals;
  private volatile CompletableFuture<@Nullable Void> released = new CompletableFuture<>();

  public LockWait(SessionLocks locks, SessionKey key, Duration wait) {
    this.locks = locks;
    this.key = key;
    this.end = System.nanoTime() + wait.toNanos();
  }

  /** Sends what may be refused as {@code session-locked} until it is not, or the wait is over. */
  public static <T> Mono<T> whileLocked(
      SessionLocks locks, SessionKey key, Duration wait, Mono<T> attempt) {
    return Mono.defer(() -> {
      LockWait waiting = new LockWait(locks, key, wait);
      // Few are refused, so only those pay for what tries again.
      return attempt.onErrorResume(
          LockWait::isLocked,
          refusal -> Mono.using(() -> waiting, w -> w.again(refusal, attempt), LockWait::dispose));
    });
  }

  private <T> Mono<T> again(Throwable refusal, Mono<T> attempt) {
    Mono<T> next =
        Mono.defer(() -> {
          trying();
          return attempt;
        });
    return pause(refusal)
        .then(
            next.retryWhen(
                Retry.from(failures ->
                    failures.concatMap(
                        failure -> pause(failure.failure()).thenReturn(failure.totalRetries())))));
  }

  /** An attempt begins: what is told from now on it may not have met. */
  public void trying() {
    if (released.isDone()) {
      released = new CompletableFuture<>();
    }
  }

  /**
   * Completes, not on the caller's thread, when it is time for the next attempt. Fails with the
   * refusal when it is not {@code session-locked} or the wait is over.
   */
  public Mono<Void> pause(Throwable refusal) {
    long left = (end - System.nanoTime()) / 1_000_000;
    if (left <= 0 || !isLocked(refusal)) {
      return Mono.error(refusal);
    }
    long most = Math.min(MAX_PAUSE_MILLIS, (long) MIN_PAUSE_MILLIS << Math.min(8, refusals));
    long pause = ThreadLocalRandom.current().nextLong(MIN_PAUSE_MILLIS, most + 20);
    Mono<Void> elapsed = Mono.delay(Duration.ofMillis(Math.min(pause, left))).then();
    if (++refusals < LISTEN_FROM) {
      return elapsed;
    }
    if (refusals == LISTEN_FROM) {
      listening.update(locks.onRelease(key, () -> released.complete(null)));
    }
    // A release is told on a thread that others are told on too.
    return Mono.firstWithSignal(
        elapsed, Mono.fromFuture(released, true).publishOn(Schedulers.parallel()));
  }

  @Override
  public void dispose() {
    listening.dispose();
  }

  @Override
  public boolean isDisposed() {
    return listening.isDisposed();
  }

  private static boolean isLocked(Throwable error) {
    return Writes.is(error, ProblemCode.SESSION_LOCKED);
  }
}
