package io.heddle.session.contract;

import static io.heddle.session.contract.WriteFixtures.HOUR;
import static io.heddle.session.contract.WriteFixtures.append;
import static io.heddle.session.contract.WriteFixtures.says;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.heddle.base.Json;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.Outcome;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.SessionLocks;
import io.heddle.session.SessionLocks.Call;
import io.heddle.session.SessionLocks.Done;
import io.heddle.session.SessionLocks.Held;
import io.heddle.session.StateView;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Who may write while somebody holds the session, and how one comes to hold it. */
abstract class SessionLocksContract extends ContractSuite {

  private static final String EVERY = "io.heddle.session.contract.WriteFixtures#every";
  private static final Duration LEASE = Duration.ofSeconds(20);
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final Duration NOW = Duration.ZERO;

  // Writes and holders

  @ParameterizedTest
  @MethodSource(EVERY)
  void onlyTheHolderWritesWhileAClientHolds(Write write) {
    SessionKey key = furnished();
    Held held = lock(key, MINUTE);
    Everything before = everything(key);

    Problem locked = refused(key, write, WritePreconditions.NONE, ProblemCode.SESSION_LOCKED);
    assertLockedUntil(locked, held.expiresAt());
    assertThat(((Number) locked.members().get("retryAfter")).longValue()).isBetween(1L, 60L);
    refused(key, write, WritePreconditions.NONE.withLock("another"), ProblemCode.STALE_FENCE);
    refused(
        key, write, WritePreconditions.NONE.withLock(held.token() + "0"), ProblemCode.STALE_FENCE);
    assertThat(everything(key)).isEqualTo(before);

    applied(key, write, WritePreconditions.NONE.withLock(held.token()));
  }

  @ParameterizedTest
  @MethodSource(EVERY)
  void onlyTheHolderWritesWhileAnUpdateHolds(Write write) {
    SessionKey key = furnished();
    Everything before = everything(key);

    Outcome outcome =
        get(
            engine()
                .locks()
                .inLine(
                    key,
                    null,
                    null,
                    NOW,
                    LEASE,
                    token ->
                        attempt(key, write, null)
                            .doOnNext(one -> assertRefused(one, ProblemCode.SESSION_LOCKED))
                            .then(attempt(key, write, "another"))
                            .doOnNext(one -> assertRefused(one, ProblemCode.STALE_FENCE))
                            .then(engine().reader().load(key, ReadContext.ANY, PageRequest.NONE))
                            .doOnNext(
                                page -> assertThat(page.session()).isEqualTo(before.session()))
                            .then(attempt(key, write, token))));

    assertApplied(outcome);
  }

  @ParameterizedTest
  @MethodSource(EVERY)
  void aTokenOfNobodyIsRefused(Write write) {
    SessionKey key = furnished();
    Everything before = everything(key);

    refused(key, write, WritePreconditions.NONE.withLock("token"), ProblemCode.STALE_FENCE);
    assertThat(everything(key)).isEqualTo(before);

    Held released = lock(key, MINUTE);
    run(engine().clientLock().release(key, null, released.token()));
    refused(
        key, write, WritePreconditions.NONE.withLock(released.token()), ProblemCode.STALE_FENCE);
    assertThat(everything(key)).isEqualTo(before);
    applied(key, write);
  }

  /** From the moment it ended its token is worth nothing and nobody else has to wait. */
  @Test
  void aLockThatEndedByItselfHoldsNobodyBackAndLetsNobodyIn() {
    List<Write> writes = WriteFixtures.every().map(Named::getPayload).toList();
    for (Write write : writes) {
      SessionKey key = furnished();
      long sent = System.nanoTime();
      Held held = lock(key, Duration.ofMillis(150));
      AtomicReference<Outcome> last = new AtomicReference<>();
      Duration waited =
          elapsedUntil(
              sent,
              () -> {
                last.set(write(key, append(says("by the way")), WritePreconditions.NONE));
                return last.get() instanceof Outcome.Applied;
              });
      assertThat(waited).isGreaterThanOrEqualTo(Duration.ofMillis(148));
      refused(key, write, WritePreconditions.NONE.withLock(held.token()), ProblemCode.STALE_FENCE);
      applied(key, write);
    }
  }

  @Test
  void theHoldersTokenIsRefusedFirstByItsEnd() {
    SessionKey key = furnished();
    Held held = lock(key, Duration.ofMillis(1200));
    WritePreconditions holding = WritePreconditions.NONE.withLock(held.token());
    applied(key, append(says("in time")), holding);
    await()
        .pollInterval(Duration.ofMillis(5))
        .until(() -> write(key, append(says("x")), holding) instanceof Outcome.Refused);
    refused(key, append(says("x")), holding, ProblemCode.STALE_FENCE);
    assertThat(holder(key)).isNull();
    applied(key, append(says("x")));
    refused(key, append(says("x")), holding, ProblemCode.STALE_FENCE);
  }

  /** What a holder that was paused for long must not do, whatever happened in between. */
  @Test
  void aPausedHolderIsRefusedAfterAnything() {
    SessionKey key = furnished();
    Held paused = lock(key, Duration.ofMillis(100));
    WritePreconditions late = WritePreconditions.NONE.withLock(paused.token());
    await().until(() -> holder(key) == null);
    Held next = lock(key, MINUTE);
    refused(key, append(says("x")), late, ProblemCode.STALE_FENCE);
    assertThat(next.fence()).isGreaterThan(paused.fence());
    applied(key, new Write.Delete(), WritePreconditions.NONE.withLock(next.token()));
    create(key, "someone", HOUR, says("1"));

    for (WritePreconditions conditions :
        List.of(late, WritePreconditions.NONE.withLock(next.token()))) {
      refused(key, append(says("x")), conditions, ProblemCode.STALE_FENCE);
      refused(key, new Write.Delete(), conditions, ProblemCode.STALE_FENCE);
      refused(key, new Write.SaveState(Json.EMPTY_OBJECT), conditions, ProblemCode.STALE_FENCE);
    }
    assertThat(holder(key)).isNull();
    assertThat(contents(key)).containsExactly(body("1"));
    failed(engine().clientLock().renew(key, null, paused.token(), MINUTE), ProblemCode.STALE_FENCE);
    failed(engine().clientLock().release(key, null, next.token()), ProblemCode.STALE_FENCE);
  }

  // A client's lock

  @Test
  void aClientTakesTheLock() {
    SessionKey key = furnished();
    Everything before = everything(key);
    Instant asked = Instant.now();

    Held held =
        get(engine().clientLock().lock(key, "someone", MINUTE, "the \"label\" \uD83E\uDDF5"));

    assertThat(held.token()).isNotBlank();
    assertThat(held.fence()).isPositive();
    assertThat(held.client()).isTrue();
    assertThat(held.label()).isEqualTo("the \"label\" \uD83E\uDDF5");
    assertThat(held.expiresAt()).isBetween(asked.plusSeconds(55), Instant.now().plusSeconds(65));
    Held seen = holder(key);
    assertThat(seen).isEqualTo(new Held(null, held.fence(), held.expiresAt(), true, held.label()));
    assertThat(get(engine().peer().locks().holder(key, "someone"))).isEqualTo(seen);
    assertThat(everything(key)).as("a lock is no change").isEqualTo(before);
  }

  @Test
  void aHeldLockIsNotTaken() {
    SessionKey key = furnished();
    Held held = lock(key, MINUTE);
    Problem locked =
        failed(engine().clientLock().lock(key, null, MINUTE, null), ProblemCode.SESSION_LOCKED);
    assertLockedUntil(locked, held.expiresAt());
    assertThat(((Number) locked.members().get("retryAfter")).longValue()).isBetween(1L, 60L);
    assertThat(holder(key).fence()).isEqualTo(held.fence());
  }

  @Test
  void ofManyAtOnceOneTakesTheLock() {
    SessionKey key = furnished();
    List<Boolean> taken =
        atOnce(
            40,
            i ->
                replica(i)
                    .clientLock()
                    .lock(key, null, MINUTE, null)
                    .map(held -> true)
                    .onErrorReturn(error -> isProblem(error, ProblemCode.SESSION_LOCKED), false));
    assertThat(taken).hasSize(40).filteredOn(one -> one).hasSize(1);
  }

  @Test
  void renewsItsLock() {
    SessionKey key = furnished();
    Held held = lock(key, Duration.ofSeconds(2));
    Held renewed =
        get(
            engine()
                .peer()
                .clientLock()
                .renew(key, "someone", held.token(), Duration.ofMinutes(5)));
    assertThat(renewed.expiresAt()).isAfter(held.expiresAt().plusSeconds(200));
    assertThat(renewed.fence()).isEqualTo(held.fence());
    assertThat(holder(key).expiresAt()).isEqualTo(renewed.expiresAt());
    applied(key, append(says("x")), WritePreconditions.NONE.withLock(held.token()));

    Held shortened =
        get(engine().clientLock().renew(key, null, held.token(), Duration.ofMillis(150)));
    assertThat(shortened.expiresAt()).isBefore(renewed.expiresAt());
    await().until(() -> holder(key) == null);
    failed(engine().clientLock().renew(key, null, held.token(), MINUTE), ProblemCode.STALE_FENCE);
    applied(key, append(says("x")));
  }

  @Test
  void onlyTheHolderRenewsAndReleases() {
    SessionKey key = furnished();
    failed(engine().clientLock().renew(key, null, "token", MINUTE), ProblemCode.STALE_FENCE);
    failed(engine().clientLock().release(key, null, "token"), ProblemCode.STALE_FENCE);
    Held held = lock(key, MINUTE);
    failed(engine().clientLock().renew(key, null, "token", MINUTE), ProblemCode.STALE_FENCE);
    failed(engine().clientLock().release(key, null, "token"), ProblemCode.STALE_FENCE);
    assertThat(holder(key).expiresAt()).isEqualTo(held.expiresAt());

    run(engine().peer().clientLock().release(key, "someone", held.token()));
    assertThat(holder(key)).isNull();
    failed(engine().clientLock().release(key, null, held.token()), ProblemCode.STALE_FENCE);
  }

  @Test
  void anybodysLockIsForced() {
    SessionKey key = furnished();
    Held held = lock(key, MINUTE);
    run(engine().clientLock().release(key, null, null));
    assertThat(holder(key)).isNull();
    refused(
        key,
        append(says("x")),
        WritePreconditions.NONE.withLock(held.token()),
        ProblemCode.STALE_FENCE);
    applied(key, append(says("x")));
    run(engine().clientLock().release(key, null, null));
  }

  @Test
  void aLockAskedForAgainUnderItsKeyIsTheSameLock() {
    SessionKey key = furnished();
    SessionLocks locks = engine().locks();
    IdempotentRequest retry = newRetry();
    Call take = new Call.Take(MINUTE, "a label");
    Done first = get(locks.apply(key, null, take, retry));
    assertThat(first.replayed()).isFalse();
    assertThat(get(engine().peer().locks().apply(key, null, take, retry)))
        .isEqualTo(new Done(first.held(), true));

    Held held = first.held();
    IdempotentRequest again = newRetry();
    Call renew = new Call.Renew(held.token(), Duration.ofMinutes(5));
    Done renewed = get(locks.apply(key, null, renew, again));
    IdempotentRequest last = newRetry();
    Call release = new Call.Release(held.token());
    assertThat(get(locks.apply(key, null, release, last))).isEqualTo(new Done(null, false));
    Held next = lock(key, MINUTE);

    assertThat(get(locks.apply(key, null, take, retry)))
        .as("told what it was told, though somebody else holds the session by now")
        .isEqualTo(new Done(held, true));
    assertThat(get(locks.apply(key, null, renew, again))).isEqualTo(new Done(renewed.held(), true));
    assertThat(get(locks.apply(key, null, release, last))).isEqualTo(new Done(null, true));
    assertThat(get(locks.holder(key, null)).fence()).isEqualTo(next.fence());
    failed(
        locks.apply(key, null, take, new IdempotentRequest(retry.key(), "another body")),
        ProblemCode.KEY_REUSED);
  }

  @Test
  void aRefusedLockKeepsNoRecord() {
    SessionKey key = furnished();
    Held held = lock(key, MINUTE);
    IdempotentRequest retry = newRetry();
    Call take = new Call.Take(MINUTE, null);
    failed(engine().locks().apply(key, null, take, retry), ProblemCode.SESSION_LOCKED);
    run(engine().clientLock().release(key, null, held.token()));
    assertThat(get(engine().locks().apply(key, null, take, retry)).replayed()).isFalse();
  }

  @Test
  void theFenceGrowsWithEachHolder() {
    SessionKey key = furnished();
    long last = 0;
    for (int i = 0; i < 6; i++) {
      long fence;
      if (i % 3 == 2) {
        fence = get(inLine(key, token -> engine().locks().holder(key, null))).fence();
      } else {
        Held held = lock(key, i % 2 == 0 ? MINUTE : Duration.ofMillis(50));
        fence = held.fence();
        if (i % 2 == 0) {
          run(engine().clientLock().release(key, null, held.token()));
        }
        await().until(() -> holder(key) == null);
      }
      assertThat(fence).isGreaterThan(last);
      last = fence;
    }
  }

  @Test
  void aLockIsTheSessionsAndItsOwners() {
    SessionKey missing = newKey();
    SessionKey deleted = furnished();
    applied(deleted, new Write.Delete());
    SessionKey key = furnished();
    SessionLocks locks = engine().locks();
    ClientLock client = engine().clientLock();
    Function<String, Mono<String>> work = token -> Mono.just("ran");

    failed(client.lock(missing, null, MINUTE, null), ProblemCode.SESSION_NOT_FOUND);
    failed(client.renew(missing, null, "t", MINUTE), ProblemCode.SESSION_NOT_FOUND);
    failed(client.release(missing, null, "t"), ProblemCode.SESSION_NOT_FOUND);
    failed(locks.holder(missing, null), ProblemCode.SESSION_NOT_FOUND);
    failed(locks.inLine(missing, null, null, NOW, LEASE, work), ProblemCode.SESSION_NOT_FOUND);

    failed(client.lock(deleted, "someone", MINUTE, null), ProblemCode.SESSION_DELETED);
    failed(client.lock(deleted, "other", MINUTE, null), ProblemCode.SESSION_NOT_FOUND);
    failed(locks.holder(deleted, null), ProblemCode.SESSION_DELETED);
    failed(locks.inLine(deleted, "someone", null, NOW, LEASE, work), ProblemCode.SESSION_DELETED);

    String token = lock(key, MINUTE).token();
    failed(client.lock(key, "other", MINUTE, null), ProblemCode.SESSION_NOT_FOUND);
    failed(client.renew(key, "other", token, MINUTE), ProblemCode.SESSION_NOT_FOUND);
    failed(client.release(key, "other", token), ProblemCode.SESSION_NOT_FOUND);
    failed(client.release(key, "other", null), ProblemCode.SESSION_NOT_FOUND);
    failed(locks.holder(key, "other"), ProblemCode.SESSION_NOT_FOUND);
    failed(locks.inLine(key, "other", null, NOW, LEASE, work), ProblemCode.SESSION_NOT_FOUND);
    assertThat(holder(key)).isNotNull();
  }

  @Test
  void aDeletedSessionsLockIsGoneWithIt() {
    SessionKey key = furnished();
    Held held = lock(key, MINUTE);
    applied(key, new Write.Delete(), WritePreconditions.NONE.withLock(held.token()));
    create(key);
    assertThat(holder(key)).isNull();
    applied(key, append(says("x")));
    lock(key, MINUTE);
  }

  // Updates of several steps

  @Test
  void anUpdateHoldsTheSessionWhileItWorks() {
    SessionKey key = furnished();
    AtomicReference<@Nullable Held> during = new AtomicReference<>();

    String answer =
        get(
            inLine(
                key,
                token ->
                    engine()
                        .locks()
                        .holder(key, null)
                        .doOnNext(during::set)
                        .then(attempt(key, append(says("4")), token))
                        .then(attempt(key, new Write.SaveState(Json.EMPTY_OBJECT), token))
                        .doOnNext(ContractSuite::assertApplied)
                        .thenReturn("done")));

    assertThat(answer).isEqualTo("done");
    assertThat(during.get()).isNotNull();
    assertThat(during.get().client()).isFalse();
    assertThat(during.get().token()).isNull();
    assertThat(holder(key)).isNull();
    assertThat(thread(key)).hasSize(4);
    applied(key, append(says("5")));
  }

  @Test
  void anUpdateOfNothingIsEmpty() {
    SessionKey key = furnished();
    assertThat(inLine(key, token -> Mono.empty()).block(PATIENCE)).isNull();
    assertThat(holder(key)).isNull();
  }

  @Test
  void anUpdateThatFailsEndsToo() {
    SessionKey key = furnished();
    assertThatThrownBy(() ->
            inLine(key, token -> Mono.error(new IllegalStateException("work"))).block(PATIENCE))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("work");
    assertFree(key);
    assertThatThrownBy(() ->
            inLine(
                    key,
                    token -> {
                      throw new IllegalStateException("at once");
                    })
                .block(PATIENCE))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("at once");
    assertFree(key);
  }

  /**
   * 64 read, add one and write, on two replicas: nothing is lost, and nobody was inside with
   * another.
   */
  @Test
  void updatesAreAlone() {
    SessionKey key = furnished();
    applied(key, new Write.SaveState(Json.of("{\"n\":0}")));
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();

    List<Outcome> outcomes =
        atOnce(
            64,
            i ->
                replica(i)
                    .locks()
                    .inLine(
                        key,
                        "someone",
                        null,
                        Duration.ofSeconds(25),
                        LEASE,
                        token ->
                            Mono.fromRunnable(() ->
                                    most.accumulateAndGet(inside.incrementAndGet(), Math::max))
                                .then(addOne(replica(i), key, token))
                                .doOnTerminate(inside::decrementAndGet)));

    assertThat(outcomes).hasSize(64).allSatisfy(ContractSuite::assertApplied);
    assertThat(most).hasValue(1);
    assertThat(counter(key)).isEqualTo(64);
    assertThat(holder(key)).isNull();
  }

  /** An append never slips between an update's read and its write. */
  @Test
  void noAppendSlipsIntoAnUpdate() {
    SessionKey key = furnished();
    applied(key, new Write.SaveState(Json.of("{\"n\":0}")));
    CompletableFuture<List<Outcome>> updates =
        Flux.range(0, 30)
            .flatMap(
                i ->
                    replica(i)
                        .locks()
                        .inLine(
                            key,
                            null,
                            null,
                            Duration.ofSeconds(25),
                            LEASE,
                            token ->
                                engine()
                                    .reader()
                                    .load(key, ReadContext.ANY, PageRequest.NONE)
                                    .flatMap(page ->
                                        addOne(replica(i), key, token)
                                            .doOnNext(outcome ->
                                                assertThat(
                                                        assertApplied(outcome)
                                                            .head()
                                                            .position()
                                                            .version())
                                                    .isEqualTo(
                                                        page.session().position().version() + 1)))),
                6)
            .collectList()
            .toFuture();
    int appended = 0;
    while (!updates.isDone()) {
      Outcome outcome = write(key, append(says("x")), WritePreconditions.NONE);
      if (outcome instanceof Outcome.Applied) {
        appended++;
      } else {
        assertRefused(outcome, ProblemCode.SESSION_LOCKED);
      }
    }
    assertThat(get(Mono.fromFuture(updates))).hasSize(30);
    assertThat(counter(key)).isEqualTo(30);
    assertThat(thread(key)).hasSize(3 + appended);
  }

  @Test
  void aWaitThatRunsOutIsTold() {
    SessionKey key = furnished();
    Held held = lock(key, MINUTE);
    AtomicInteger ran = new AtomicInteger();

    long sent = System.nanoTime();
    Problem locked =
        failed(
            engine()
                .locks()
                .inLine(
                    key,
                    null,
                    null,
                    Duration.ofMillis(300),
                    LEASE,
                    token -> Mono.fromSupplier(ran::incrementAndGet)),
            ProblemCode.SESSION_LOCKED);
    Duration waited = Duration.ofNanos(System.nanoTime() - sent);

    assertLockedUntil(locked, held.expiresAt());
    assertThat(waited).isBetween(Duration.ofMillis(250), Duration.ofSeconds(3));
    failed(
        inLineNow(key, token -> Mono.fromSupplier(ran::incrementAndGet)),
        ProblemCode.SESSION_LOCKED);
    assertThat(ran).hasValue(0);
    applied(key, append(says("x")), WritePreconditions.NONE.withLock(held.token()));
  }

  @Test
  void aWaitBehindAnUpdateThatRunsOutIsTold() {
    SessionKey key = furnished();
    CompletableFuture<Void> finish = new CompletableFuture<>();
    CompletableFuture<Void> begun = new CompletableFuture<>();
    CompletableFuture<Void> first =
        inLine(
                key,
                token ->
                    Mono.fromRunnable(() -> begun.complete(null))
                        .then(Mono.fromFuture(finish, true)))
            .toFuture();
    get(Mono.fromFuture(begun).thenReturn(true));

    Problem locked =
        failed(
            engine()
                .peer()
                .locks()
                .inLine(
                    key, null, null, Duration.ofMillis(300), LEASE, token -> Mono.just("never")),
            ProblemCode.SESSION_LOCKED);
    assertThat(Instant.parse((String) locked.members().get("expiresAt"))).isAfter(Instant.now());
    failed(engine().clientLock().lock(key, null, MINUTE, null), ProblemCode.SESSION_LOCKED);

    finish.complete(null);
    get(Mono.fromFuture(first).thenReturn(true));
    assertFree(key);
  }

  @Test
  void aWaiterGoesOnWhenTheLockIsReleased() {
    SessionKey key = furnished();
    Held held = lock(key, MINUTE);
    CompletableFuture<String> waiting =
        engine()
            .peer()
            .locks()
            .inLine(
                key,
                null,
                null,
                Duration.ofSeconds(20),
                LEASE,
                token -> attempt(key, append(says("4")), token).map(Object::toString))
            .toFuture();
    pass(Duration.ofMillis(200));
    assertThat(waiting).isNotDone();
    assertThat(holder(key).fence()).isEqualTo(held.fence());

    run(engine().clientLock().release(key, null, held.token()));

    assertThat(get(Mono.fromFuture(waiting))).startsWith("Applied");
  }

  @Test
  void anUpdateThatOutlivesItsLeaseIsRefused() {
    SessionKey key = furnished();
    AtomicReference<String> late = new AtomicReference<>();
    Outcome outcome =
        get(
            asOutcome(
                engine()
                    .locks()
                    .inLine(
                        key,
                        null,
                        null,
                        NOW,
                        Duration.ofSeconds(1),
                        token -> {
                          late.set(token);
                          return attempt(key, append(says("in time")), token)
                              .doOnNext(ContractSuite::assertApplied)
                              .then(Mono.delay(Duration.ofMillis(1500)))
                              .then(attempt(key, append(says("late")), token));
                        })));
    assertRefusedLate(outcome);
    assertThat(contents(key)).endsWith(body("in time"));
    refused(
        key,
        append(says("x")),
        WritePreconditions.NONE.withLock(late.get()),
        ProblemCode.STALE_FENCE);
    assertFree(key);
  }

  @Test
  void theNextInLineNeedNotWaitForAnUpdateThatHangs() {
    SessionKey key = furnished();
    CompletableFuture<Void> finish = new CompletableFuture<>();
    CompletableFuture<Void> begun = new CompletableFuture<>();
    CompletableFuture<Outcome> hanging =
        asOutcome(
                engine()
                    .locks()
                    .inLine(
                        key,
                        null,
                        null,
                        NOW,
                        Duration.ofMillis(300),
                        token ->
                            Mono.fromRunnable(() -> begun.complete(null))
                                .then(Mono.fromFuture(finish, true))
                                .then(attempt(key, append(says("late")), token))))
            .toFuture();
    get(Mono.fromFuture(begun).thenReturn(true));
    assertApplied(
        get(
            engine()
                .peer()
                .locks()
                .inLine(
                    key,
                    null,
                    null,
                    Duration.ofSeconds(10),
                    LEASE,
                    token -> attempt(key, append(says("next")), token))));
    finish.complete(null);
    assertRefusedLate(get(Mono.fromFuture(hanging)));
    assertThat(contents(key)).endsWith(body("next"));
    assertFree(key);
  }

  @Test
  void anUpdateIsForcedOutToo() {
    SessionKey key = furnished();
    Outcome outcome =
        get(
            inLine(
                key,
                token ->
                    engine()
                        .peer()
                        .clientLock()
                        .release(key, null, null)
                        .then(attempt(key, append(says("late")), token))));
    assertRefused(outcome, ProblemCode.STALE_FENCE);
    assertFree(key);
  }

  @Test
  void aClientsOwnUpdatesStandInLineUnderItsToken() {
    SessionKey key = furnished();
    applied(key, new Write.SaveState(Json.of("{\"n\":0}")));
    Held held = lock(key, MINUTE);

    List<Outcome> outcomes =
        atOnce(
            16,
            i ->
                replica(i)
                    .locks()
                    .inLine(
                        key,
                        "someone",
                        held.token(),
                        Duration.ofSeconds(20),
                        LEASE,
                        token -> {
                          assertThat(token).isEqualTo(held.token());
                          return addOne(replica(i), key, token);
                        }));

    assertThat(outcomes).hasSize(16).allSatisfy(ContractSuite::assertApplied);
    assertThat(counter(key)).isEqualTo(16);
    assertThat(holder(key))
        .as("the client holds it still")
        .isEqualTo(new Held(null, held.fence(), held.expiresAt(), true, null));
    run(engine().clientLock().release(key, null, held.token()));
  }

  @Test
  void anUpdateUnderATokenOfNobodyWritesNothing() {
    SessionKey key = furnished();
    Everything before = everything(key);
    assertStale(inLineWith(key, "nobody's"));
    lock(key, MINUTE);
    assertStale(inLineWith(key, "nobody's"));
    assertThat(everything(key)).isEqualTo(before);
  }

  @Test
  void onceBegunAnUpdateGoesOnWithoutItsSubscriber() {
    SessionKey key = furnished();
    CompletableFuture<Void> begun = new CompletableFuture<>();
    CompletableFuture<Void> finish = new CompletableFuture<>();
    var subscription =
        inLine(
                key,
                token ->
                    Mono.fromRunnable(() -> begun.complete(null))
                        .then(Mono.fromFuture(finish, true))
                        .then(attempt(key, append(says("after all")), token)))
            .subscribe();
    get(Mono.fromFuture(begun).thenReturn(true));
    subscription.dispose();
    pass(Duration.ofMillis(50));
    refused(key, append(says("x")), WritePreconditions.NONE, ProblemCode.SESSION_LOCKED);
    finish.complete(null);

    await().untilAsserted(() -> assertThat(contents(key)).endsWith(body("after all")));
    await().untilAsserted(() -> assertFree(key));
  }

  /** Callers hang up at random moments: no lock and no holder is left, nothing half done. */
  @Test
  void cancelsAtRandomMomentsLeaveNothing() {
    Random random = new Random(7);
    List<SessionKey> keys = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      SessionKey key = furnished();
      applied(key, new Write.SaveState(Json.of("{\"n\":0}")));
      keys.add(key);
    }
    List<Integer> delays = new ArrayList<>();
    for (int i = 0; i < 400; i++) {
      delays.add(random.nextInt(12_000));
    }
    Flux.range(0, delays.size())
        .flatMap(
            i ->
                Mono.firstWithSignal(
                    Mono.delay(Duration.ofNanos(delays.get(i) * 1000L)).then(),
                    replica(i)
                        .locks()
                        .inLine(
                            keys.get(i % keys.size()),
                            null,
                            null,
                            Duration.ofSeconds(5),
                            MINUTE,
                            token -> addOne(replica(i), keys.get(i % keys.size()), token))
                        .then()),
            32)
        .blockLast(PATIENCE);

    await()
        .atMost(Duration.ofSeconds(10))
        .pollInterval(Duration.ofMillis(5))
        .during(Duration.ofMillis(200))
        .until(() -> keys.stream().allMatch(key -> holder(key) == null));
    for (SessionKey key : keys) {
      StateView state = get(engine().reader().state(key, ReadContext.ANY));
      long updates = number(state.document());
      assertThat(updates).isEqualTo(state.position().version() - 3);
      assertApplied(get(inLineSoon(key, token -> addOne(engine(), key, token))));
      assertThat(counter(key)).isEqualTo(updates + 1);
      applied(key, append(says("x")));
    }
  }

  private Mono<Outcome> addOne(EngineUnderTest replica, SessionKey key, String token) {
    return replica
        .reader()
        .state(key, ReadContext.ANY)
        .flatMap(state ->
            replica
                .writer()
                .apply(
                    key,
                    new Write.SaveState(Json.of("{\"n\":" + (number(state.document()) + 1) + "}")),
                    WritePreconditions.NONE.withLock(token)));
  }

  private long counter(SessionKey key) {
    return number(get(engine().reader().state(key, ReadContext.ANY)).document());
  }

  private static long number(Json document) {
    return Long.parseLong(document.toString().replaceAll("[^0-9]", ""));
  }

  private Mono<Outcome> attempt(SessionKey key, Write write, @Nullable String token) {
    return Mono.defer(
        () -> engine().writer().apply(key, write, WritePreconditions.NONE.withLock(token)));
  }

  private <T> Mono<T> inLine(SessionKey key, Function<String, Mono<T>> work) {
    return engine().locks().inLine(key, null, null, Duration.ofSeconds(10), LEASE, work);
  }

  private <T> Mono<T> inLineNow(SessionKey key, Function<String, Mono<T>> work) {
    return engine().locks().inLine(key, null, null, NOW, LEASE, work);
  }

  private <T> Mono<T> inLineSoon(SessionKey key, Function<String, Mono<T>> work) {
    return engine().locks().inLine(key, null, null, Duration.ofSeconds(1), LEASE, work);
  }

  private Mono<Outcome> inLineWith(SessionKey key, String token) {
    return engine()
        .locks()
        .inLine(key, null, token, NOW, LEASE, held -> attempt(key, append(says("x")), held));
  }

  /** Refused by the line itself, or at the latest by the write. */
  private static void assertStale(Mono<Outcome> update) {
    assertRefused(get(asOutcome(update)), ProblemCode.STALE_FENCE);
  }

  /** Refused at its next write, or given up by the line with the end of the lease. */
  private static void assertRefusedLate(Outcome outcome) {
    assertThat(outcome).isInstanceOf(Outcome.Refused.class);
    assertThat(((Outcome.Refused) outcome).problem().code())
        .isIn(ProblemCode.STALE_FENCE, ProblemCode.OUTCOME_UNKNOWN);
  }

  private static Mono<Outcome> asOutcome(Mono<Outcome> update) {
    return update.onErrorResume(
        ProblemException.class, error -> Mono.just(new Outcome.Refused(error.problem())));
  }

  private void assertFree(SessionKey key) {
    assertThat(holder(key)).isNull();
    assertApplied(get(inLineSoon(key, token -> attempt(key, append(says("free")), token))));
    applied(key, append(says("free too")));
  }

  // News of releases

  @Test
  void aReleaseIsToldToThoseWhoListenOnAnyReplica() {
    SessionKey key = furnished();
    SessionKey other = furnished();
    AtomicInteger told = new AtomicInteger();
    AtomicInteger toldOfOther = new AtomicInteger();
    Disposable listening = engine().peer().locks().onRelease(key, told::incrementAndGet);
    Disposable listeningToOther = engine().locks().onRelease(other, toldOfOther::incrementAndGet);
    // Whether a subscription stands is not told: until the first release is heard.
    await()
        .pollInterval(Duration.ofMillis(50))
        .until(() -> {
          release(key, lock(key, MINUTE).token());
          return told.get() > 0;
        });
    pass(Duration.ofMillis(100));
    int before = told.get();

    release(key, lock(key, MINUTE).token());
    await().until(() -> told.get() == before + 1);
    lock(key, MINUTE);
    release(key, null);
    await().until(() -> told.get() == before + 2);

    failed(engine().clientLock().release(key, null, "another"), ProblemCode.STALE_FENCE);
    lock(key, MINUTE);
    get(inLineAfter(key));
    // The news is on its way: who stops listening before it comes hears nothing of it.
    await().until(() -> told.get() == before + 3);
    listening.dispose();
    release(key, lock(key, MINUTE).token());
    pass(Duration.ofMillis(100));
    assertThat(told)
        .as("neither what was refused, nor an update, nor what came after")
        .hasValue(before + 3);
    assertThat(toldOfOther).hasValue(0);
    listeningToOther.dispose();
  }

  /** The end of the lock that is there, and then an update, which holds the session too. */
  private Mono<String> inLineAfter(SessionKey key) {
    return engine().clientLock().release(key, null, null).then(inLine(key, Mono::just));
  }

  /** Whoever repeats a release with its key must not wake those who wait for the next holder. */
  @Test
  void aRepeatedReleaseIsToldOnce() {
    SessionKey key = furnished();
    AtomicInteger told = new AtomicInteger();
    Disposable listening = engine().locks().onRelease(key, told::incrementAndGet);
    await()
        .pollInterval(Duration.ofMillis(50))
        .until(() -> {
          release(key, lock(key, MINUTE).token());
          return told.get() > 0;
        });
    pass(Duration.ofMillis(100));
    int before = told.get();
    IdempotentRequest retry = newRetry();
    Call once = new Call.Release(lock(key, MINUTE).token());
    for (int i = 0; i < 3; i++) {
      Done done = get(replica(i).locks().apply(key, null, once, retry));
      assertThat(done.replayed()).isEqualTo(i > 0);
    }
    await().until(() -> told.get() > before);
    pass(Duration.ofMillis(100));
    assertThat(told).hasValue(before + 1);
    listening.dispose();
  }

  private void release(SessionKey key, @Nullable String token) {
    run(engine().clientLock().release(key, null, token));
  }

  private Held lock(SessionKey key, Duration ttl) {
    Held held = get(engine().clientLock().lock(key, null, ttl, null));
    assertThat(held.token()).isNotBlank();
    return held;
  }

  private @Nullable Held holder(SessionKey key) {
    return engine().locks().holder(key, null).block(PATIENCE);
  }

  private static void assertLockedUntil(Problem problem, Instant end) {
    assertThat(Instant.parse((String) problem.members().get("expiresAt"))).isEqualTo(end);
  }

  private static boolean isProblem(Throwable error, ProblemCode code) {
    return error instanceof ProblemException e && e.problem().code() == code;
  }

  private EngineUnderTest replica(int i) {
    return i % 2 == 0 ? engine() : engine().peer();
  }
}
