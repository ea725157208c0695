package io.heddle.session;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.util.retry.Retry;

/**
 * One call that waits while somebody else holds its session. All that wait in this replica for one
 * session stand in a {@link LockLine}: the first of them asks again, seldom, and at once when the
 * lock's release is told; whoever is served makes room for the next.
 */
public final class LockWait implements Disposable {

  private final SessionLocks locks;
  private final SessionKey key;
  private final long end;
  private final Disposable.Swap patience = Disposables.swap();
  private @Nullable LockLine line;
  private int refusals;
  private volatile CompletableFuture<@Nullable Void> turn = new CompletableFuture<>();
  private volatile boolean over;

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

  /** Somebody of this replica has held the session and does no more: those who wait are told. */
  public static void ended(SessionLocks locks, SessionKey key) {
    LockLine.ended(locks, key);
  }

  private <T> Mono<T> again(Throwable refusal, Mono<T> attempt) {
    return pause(refusal)
        .then(
            attempt.retryWhen(
                Retry.from(failures ->
                    failures.concatMap(
                        failure -> pause(failure.failure()).thenReturn(failure.totalRetries())))));
  }

  /**
   * Completes, not on the caller's thread, when it is time for the next attempt. Fails with the
   * refusal when it is not {@code session-locked} or the wait is over.
   */
  public Mono<Void> pause(Throwable refusal) {
    long left = (end - System.nanoTime()) / 1_000_000;
    if (left <= 0 || over || !isLocked(refusal)) {
      return Mono.error(refusal);
    }
    CompletableFuture<@Nullable Void> next = new CompletableFuture<>();
    turn = next;
    if (over) {
      // In between: who gives up may have met the turn before this one.
      return Mono.error(refusal);
    }
    if (++refusals == 1) {
      // Once for the whole wait.
      patience.update(Schedulers.parallel().schedule(this::giveUp, left, MILLISECONDS));
      line = LockLine.enter(locks, key, this, refusal);
    } else if (line != null) {
      line.refused(this, refusal);
    }
    return Mono.fromFuture(next, true).onErrorMap(_ -> refusal).publishOn(Schedulers.parallel());
  }

  /** Whether it has been refused again, so that it is worth to listen for it. */
  boolean isLong() {
    return refusals > 1;
  }

  /** Its turn to ask. */
  void wake() {
    turn.complete(null);
  }

  private void giveUp() {
    over = true;
    turn.completeExceptionally(new IllegalStateException("the wait is over"));
  }

  @Override
  public void dispose() {
    over = true;
    patience.dispose();
    LockLine mine = line;
    if (mine != null) {
      mine.leave(this);
    }
  }

  @Override
  public boolean isDisposed() {
    return patience.isDisposed();
  }

  private static boolean isLocked(Throwable error) {
    return ProblemException.is(error, ProblemCode.SESSION_LOCKED);
  }
}
