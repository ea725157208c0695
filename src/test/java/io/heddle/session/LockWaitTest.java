package io.heddle.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Times;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/**
 * Waiting for a lock, in virtual time. Whoever waited looked again up to a quarter of a second
 * after the lock was free, however soon it was released.
 */
@Isolated("Its virtual time is that of all schedulers of the JVM.")
class LockWaitTest {

  private static final Duration LONG = Duration.ofMinutes(1);
  private static final Duration SOON = Duration.ofSeconds(10);
  private static final SessionKey KEY = new SessionKey(Tenant.DEFAULT, "s");

  private final Told told = new Told();
  private final AtomicInteger attempts = new AtomicInteger();
  private volatile int freeAfter = Integer.MAX_VALUE;
  private volatile @Nullable Runnable during;

  private Mono<String> attempt() {
    return Mono.defer(() -> {
      Runnable meanwhile = during;
      during = null;
      if (meanwhile != null) {
        meanwhile.run();
      }
      return attempts.incrementAndGet() > freeAfter
          ? Mono.just("done")
          : Mono.error(Problem.of(ProblemCode.SESSION_LOCKED, "held").toException());
    });
  }

  private StepVerifier.FirstStep<String> waiting(Duration wait) {
    return StepVerifier.withVirtualTime(() -> LockWait.whileLocked(told, KEY, wait, attempt()));
  }

  /** So much time has passed that the pauses are as long as they become. */
  private void longPauses() {
    assertThat(attempts.get()).isBetween(4, 5);
    freeAfter = attempts.get();
  }

  @Test
  void aReleaseThatIsToldIsTriedAtOnce() {
    waiting(LONG)
        .expectSubscription()
        .thenAwait(Duration.ofSeconds(2))
        .then(this::longPauses)
        .then(told::release)
        // No time passes.
        .expectNext("done")
        .expectComplete()
        .verify(SOON);
    assertThat(told.listeners).as("listeners that stay").isEmpty();
  }

  @Test
  void aReleaseThatIsMissedIsFoundByTheNextLook() {
    waiting(LONG)
        .expectSubscription()
        .thenAwait(Duration.ofSeconds(2))
        .then(this::longPauses)
        .thenAwait(Duration.ofMillis(1_200))
        .expectNext("done")
        .expectComplete()
        .verify(SOON);
  }

  /** Between the refusal in the store and its arrival here: the news overtakes the refusal. */
  @Test
  void aReleaseWhileAnAttemptIsUnderWayIsNotLost() {
    waiting(LONG)
        .expectSubscription()
        .thenAwait(Duration.ofSeconds(2))
        .then(() -> {
          assertThat(attempts.get()).isBetween(4, 5);
          during =
              () -> {
                freeAfter = attempts.get() + 1;
                told.release();
              };
        })
        .thenAwait(Duration.ofMillis(1_200))
        .expectNext("done")
        .expectComplete()
        .verify(SOON);
    assertThat(attempts.get())
        .as("the refused one and the next, without a pause")
        .isEqualTo(freeAfter + 1);
  }

  @Test
  void anOldReleaseDoesNotMakeItTryWithoutPauses() {
    waiting(LONG)
        .expectSubscription()
        .thenAwait(Duration.ofSeconds(1))
        .then(told::release)
        .thenAwait(Duration.ofSeconds(5))
        .thenCancel()
        .verify(SOON);
    assertThat(attempts.get()).isBetween(8, 10);
  }

  /** An append that met a short update would otherwise cost a subscription. */
  @Test
  void whoIsRefusedOnceDoesNotListen() {
    freeAfter = 1;
    waiting(LONG).thenAwait(Duration.ofMillis(40)).expectNext("done").expectComplete().verify(SOON);
    assertThat(told.listened).hasValue(0);
  }

  @Test
  void whoIsNotRefusedWaitsForNothing() {
    freeAfter = 0;
    waiting(Duration.ZERO).expectNext("done").expectComplete().verify(SOON);
    assertThat(told.listened).hasValue(0);
  }

  @Test
  void whoMayNotWaitIsRefusedAtOnce() {
    waiting(Duration.ZERO).expectError(ProblemException.class).verify(SOON);
    assertThat(attempts).hasValue(1);
  }

  @Test
  void whoGivesUpListensNoMore() {
    waiting(LONG)
        .expectSubscription()
        .thenAwait(Duration.ofSeconds(2))
        .then(() -> assertThat(told.listeners).hasSize(1))
        .thenCancel()
        .verify(SOON);
    assertThat(told.listeners).isEmpty();
    assertThat(told.listened).hasValue(1);
  }

  @Test
  void anotherRefusalEndsTheWait() {
    Mono<String> ended = Mono.error(Problem.of(ProblemCode.SESSION_DELETED, "gone").toException());
    StepVerifier.withVirtualTime(() ->
            LockWait.whileLocked(
                told, KEY, LONG, Mono.defer(() -> attempts.get() < 3 ? attempt() : ended)))
        .thenAwait(LONG)
        .expectErrorMatches(error -> ProblemException.is(error, ProblemCode.SESSION_DELETED))
        .verify(SOON);
    assertThat(told.listeners).isEmpty();
  }

  /** Forty writes that waited for one lock asked for it 820 times a second. */
  @Test
  void oneAsksForAllWhoWait() {
    List<Integer> served = new CopyOnWriteArrayList<>();
    StepVerifier.withVirtualTime(() ->
            Flux.range(0, 40)
                .flatMap(
                    i ->
                        LockWait.whileLocked(told, KEY, LONG, attempt())
                            .doOnNext(_ -> served.add(i)),
                    40)
                .then())
        .expectSubscription()
        .thenAwait(Duration.ofSeconds(10))
        .then(() -> {
          assertThat(attempts.get()).as("of 40 and of the one that asks").isBetween(49, 54);
          assertThat(told.listened).as("subscriptions").hasValue(1);
          freeAfter = attempts.get();
        })
        .then(told::release)
        // No time passes.
        .expectComplete()
        .verify(SOON);
    assertThat(served).as("in the order in which they came").isSorted().hasSize(40);
    assertThat(attempts.get()).as("and one more for each").isEqualTo(freeAfter + 40);
    assertThat(told.listeners).isEmpty();
  }

  @Test
  void whoGivesUpMakesRoomForTheNext() {
    Mono<String> first = LockWait.whileLocked(told, KEY, LONG, attempt());
    Mono<String> second = LockWait.whileLocked(told, KEY, LONG, attempt());
    StepVerifier.withVirtualTime(
            () -> {
              Disposable impatient = first.subscribe();
              Mono.delay(Duration.ofSeconds(3)).subscribe(_ -> impatient.dispose());
              return second;
            })
        .expectSubscription()
        .thenAwait(Duration.ofSeconds(4))
        .then(() -> freeAfter = attempts.get())
        .thenAwait(Duration.ofMillis(1_200))
        .expectNext("done")
        .expectComplete()
        .verify(SOON);
    assertThat(told.listeners).isEmpty();
  }

  /** A lock whose time is over is not told. */
  @Test
  void theEndThatTheRefusalTellsIsNotMissed() {
    Mono<String> ending =
        Mono.defer(() ->
            attempts.incrementAndGet() > 3
                ? Mono.just("done")
                : Mono.error(
                    Problem.of(ProblemCode.SESSION_LOCKED, "held")
                        .with("expiresAt", Times.rfc3339(Instant.now().plusMillis(300)))
                        .with("retryAfter", 1)
                        .toException()));
    StepVerifier.withVirtualTime(() -> LockWait.whileLocked(told, KEY, LONG, ending))
        .expectSubscription()
        .thenAwait(Duration.ofMillis(500))
        .expectNext("done")
        .expectComplete()
        .verify(SOON);
  }

  @Test
  void anUpdateThatEndsHereIsToldWithoutTheStore() {
    waiting(LONG)
        .expectSubscription()
        .thenAwait(Duration.ofSeconds(2))
        .then(this::longPauses)
        .then(() -> LockWait.ended(told, KEY))
        // No time passes.
        .expectNext("done")
        .expectComplete()
        .verify(SOON);
  }

  /** Nothing but the news of releases. */
  private static final class Told implements SessionLocks {
    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
    private final AtomicInteger listened = new AtomicInteger();

    void release() {
      listeners.forEach(Runnable::run);
    }

    @Override
    public Disposable onRelease(SessionKey key, Runnable listener) {
      assertThat(key).isEqualTo(KEY);
      listened.incrementAndGet();
      listeners.add(listener);
      return () -> listeners.remove(listener);
    }

    @Override
    public <T> Mono<T> inLine(
        SessionKey key,
        @Nullable String owner,
        @Nullable String token,
        Duration wait,
        Duration lease,
        Function<String, Mono<T>> work) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Mono<Done> apply(
        SessionKey key, @Nullable String owner, Call call, @Nullable IdempotentRequest retry) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Mono<Held> holder(SessionKey key, @Nullable String owner) {
      throw new UnsupportedOperationException();
    }
  }
}
