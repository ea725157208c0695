package io.heddle.answercache;

import io.heddle.answercache.AnswerStore.Answer;
import io.heddle.answercache.AnswerStore.Kept;
import io.heddle.base.IdSource;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Answers that are kept by name for some time, and computed by one caller at a time. Errors are
 * {@code store-unavailable}, {@code store-full}, {@code body-too-large} and {@code quota-exceeded}.
 */
public final class Answers {

  private static final Logger log = LoggerFactory.getLogger(Answers.class);

  /** Of a claim in this process, which renews it while it computes: others notice a death soon. */
  private static final Duration LEASE = Duration.ofSeconds(6);

  private static final Duration RENEW_EVERY = Duration.ofSeconds(2);

  private static final Duration FOREVER = Duration.ofSeconds(Long.MAX_VALUE);

  private final AnswerStore store;
  private final AnswerProperties properties;
  private final InstantSource clock;
  private final Allowance allowance;
  private final Flights flights;
  private final LongAdder hits = new LongAdder();
  private final LongAdder misses = new LongAdder();

  public Answers(
      AnswerStore store, AnswerProperties properties, IdSource ids, InstantSource clock) {
    this(store, properties, ids, clock, Allowance.UNBOUNDED);
  }

  public Answers(
      AnswerStore store,
      AnswerProperties properties,
      IdSource ids,
      InstantSource clock,
      Allowance allowance) {
    this.store = store;
    this.allowance = allowance;
    this.properties = properties;
    this.clock = clock;
    this.flights = new Flights(store, ids);
  }

  /**
   * What is kept, or empty.
   *
   * @param maxAge an older one is none; null for any
   */
  public Mono<Answer> get(AnswerKey key, @Nullable Duration maxAge) {
    return store
        .get(key.tenant(), key.stored())
        .filter(answer -> maxAge == null || answer.isAllowedBy(maxAge))
        .doOnSuccess(answer -> (answer == null ? misses : hits).increment());
  }

  /** Keeps an answer in the place of what was there, and gives it to all who wait for it. */
  public Mono<Kept> put(AnswerKey key, NewAnswer answer) {
    if (answer.body().length > properties.maxBytes().toBytes()) {
      long most = properties.maxBytes().toBytes();
      return Mono.error(
          Problem.of(ProblemCode.BODY_TOO_LARGE, "The answer is larger than " + most + " bytes")
              .with("limit", most)
              .toException());
    }
    long size = AnswerStore.size(answer.contentType(), answer.body().length);
    return allowance
        .known(key, size)
        .then(
            Mono.defer(() -> {
              Problem refusal = allowance.refuses(key, size);
              return refusal == null
                  ? store.put(
                      key.tenant(),
                      key.stored(),
                      answer.contentType(),
                      answer.body(),
                      answer.life())
                  : Mono.<Kept>error(refusal.toException());
            }))
        .doOnNext(kept -> {
          allowance.changed(key, size, kept.answer().expiresAt());
          gone(key, kept.before());
        })
        .doOnSuccess(_ -> flights.wake(key));
  }

  private void gone(AnswerKey key, AnswerStore.@Nullable Gone gone) {
    if (gone != null) {
      allowance.changed(key, -gone.bytes(), gone.end());
    }
  }

  /** Removes what is kept, and ends the claim of whoever computes it. Whether there was one. */
  public Mono<Boolean> remove(AnswerKey key) {
    return store
        .take(key.tenant(), key.stored())
        .doOnNext(gone -> gone(key, gone))
        .hasElement()
        .doOnSuccess(_ -> flights.wake(key));
  }

  /**
   * The answer, or to be the one who computes it: of all who come while there is none, in every
   * replica, one is told {@link Flight.Compute} at once; the others wait for the answer. When the
   * lease of the one who computes ends without it, the next in line is told to compute.
   *
   * @param maxAge an older answer is none; null for any
   * @param wait at most, for somebody else; then {@link Flight.Busy}
   * @param lease of the caller, if it is the one
   */
  public Mono<Flight> join(
      AnswerKey key, @Nullable Duration maxAge, Duration wait, Duration lease) {
    return flights
        .join(key, maxAge == null ? FOREVER : maxAge, wait, lease)
        .doOnNext(flight -> (flight instanceof Flight.Found ? hits : misses).increment());
  }

  /**
   * The answer, computed here if there is none and nobody else, in any replica, is at it; else
   * waits for that one, as long as it lives. Its failure is nobody else's: the next one computes.
   *
   * <p>What {@code compute} comes to is kept and given to all; nothing, when it is not to be kept
   * ({@code compute} is empty then and so is this). Errors are those of {@code compute} only: who
   * cannot ask the store, or may not wait because this replica stops, computes for himself, and
   * gets what the store does not take. Cancelling this cancels {@code compute} and lets the next
   * one begin.
   *
   * @param maxAge an older answer is none; null for any
   * @param compute called at most once a subscription
   */
  public Mono<Answer> getOrCompute(
      AnswerKey key, @Nullable Duration maxAge, Supplier<Mono<NewAnswer>> compute) {
    return join(key, maxAge, properties.longestWait(), LEASE)
        .onErrorResume(error -> {
          log.debug("An answer is computed without asking for it: {}", error.toString());
          return Mono.just(new Flight.Compute(""));
        })
        .flatMap(flight ->
            switch (flight) {
              case Flight.Found found -> Mono.just(found.answer());
              case Flight.Compute mine when mine.owner().isEmpty() ->
                  Mono.defer(compute).map(this::unkept);
              case Flight.Compute mine -> computed(key, mine.owner(), compute);
              case Flight.Busy _ -> getOrCompute(key, maxAge, compute);
            });
  }

  /** Ends the waiting of all who wait here: this replica stops. */
  public void stopWaiting() {
    flights.close();
  }

  /** How often an answer was there, since the start. */
  public long hits() {
    return hits.sum();
  }

  /** How often none was there, since the start. */
  public long misses() {
    return misses.sum();
  }

  private Mono<Answer> computed(AnswerKey key, String owner, Supplier<Mono<NewAnswer>> compute) {
    Mono<Void> release = Mono.defer(() -> release(key, owner));
    return Mono.usingWhen(
        Mono.fromSupplier(() -> renewing(key, owner)),
        renewing ->
            Mono.defer(compute)
                // Before it is kept, which ends the claim: a renewal after that would begin
                // another.
                .doOnTerminate(renewing::dispose)
                .flatMap(answer -> keep(key, answer, release))
                .switchIfEmpty(release.then(Mono.empty())),
        _ -> Mono.empty(),
        (_, _) -> release,
        renewing -> Mono.<Void>fromRunnable(renewing::dispose).then(release));
  }

  private Mono<Answer> keep(AnswerKey key, NewAnswer answer, Mono<Void> release) {
    return put(key, answer)
        .map(Kept::answer)
        .onErrorResume(error -> {
          log.debug("An answer is not kept: {}", error.toString());
          return release.thenReturn(unkept(answer));
        });
  }

  private Disposable renewing(AnswerKey key, String owner) {
    return Flux.interval(RENEW_EVERY)
        .onBackpressureDrop()
        .concatMap(_ ->
            store
                .claim(key.tenant(), key.stored(), owner, LEASE)
                // The next one may still be in time.
                .onErrorResume(_ -> Mono.empty()))
        .subscribe();
  }

  private Mono<Void> release(AnswerKey key, String owner) {
    return store
        .release(key.tenant(), key.stored(), owner)
        .onErrorComplete()
        .doOnTerminate(() -> flights.wake(key));
  }

  private Answer unkept(NewAnswer answer) {
    Instant now = clock.instant();
    return new Answer(answer.contentType(), answer.body(), now, now.plus(answer.life()), now);
  }
}
