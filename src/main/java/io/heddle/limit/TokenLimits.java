package io.heddle.limit;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.heddle.base.Caller;
import io.heddle.base.Detached;
import io.heddle.base.IdSource;
import io.heddle.base.Problem;
import io.heddle.limit.Rule.Kind;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongFunction;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/**
 * Counts the tokens of turns under the rules of kind {@code tokens}: an estimate before the model
 * is called, what it really took after.
 *
 * <p>A turn goes {@link #reserve}, then the call, then {@link #settle} with what the model says or,
 * when it broke off, with what was read and said so far; a turn that never called a model settles
 * 0. The reservation is kept with the turn ({@link TokenReservation#toJson}), so whoever ends the
 * turn settles. When nobody does, it stays counted until its window ends and no longer.
 */
public final class TokenLimits implements AutoCloseable {

  /** From so many bytes on it is cheaper to ask what is left than to count all of a text. */
  private static final long LONG_TEXT = 32 * 1024;

  /**
   * How long a caller without a token is refused unasked. Turns that end give tokens back, so not
   * until the window ends.
   */
  private static final Duration EXHAUSTED_FOR = Duration.ofSeconds(1);

  private static final int REMEMBERED = 10_000;
  private static final int RETRIES = 5;
  private static final Duration FIRST_PAUSE = Duration.ofMillis(250);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(4);

  private final RateLimiter limiter;
  private final IdSource ids;
  private final List<Rule> rules;
  private final @Nullable String policy;
  private final LimiterCalls calls;
  private final Cache<Subject, Exhausted> exhausted;
  private final Predicate<Subject> worksMuch;
  private final Quotas quotas;
  private final LongAdder unsettled = new LongAdder();

  public TokenLimits(RateLimiter limiter, LimitProperties properties, IdSource ids) {
    this(limiter, properties, ids, _ -> false, Quotas.unbounded(), System::nanoTime);
    start();
  }

  /**
   * @param limits knows of whom much is being worked on
   */
  public TokenLimits(RateLimiter limiter, LimitProperties properties, IdSource ids, Limits limits) {
    this(limiter, properties, ids, limits::worksMuch, limits.quotas(), System::nanoTime);
    start();
  }

  private void start() {
    if (!rules.isEmpty()) {
      calls.startTicking(this::tick);
    }
  }

  /** Without a ticker of its own. */
  TokenLimits(
      RateLimiter limiter, LimitProperties properties, IdSource ids, LongSupplier nanoTime) {
    this(limiter, properties, ids, _ -> false, Quotas.unbounded(), nanoTime);
  }

  private TokenLimits(
      RateLimiter limiter,
      LimitProperties properties,
      IdSource ids,
      Predicate<Subject> worksMuch,
      Quotas quotas,
      LongSupplier nanoTime) {
    this.quotas = quotas;
    this.worksMuch = worksMuch;
    this.limiter = limiter;
    this.ids = ids;
    this.rules = properties.active().stream().filter(rule -> rule.kind() == Kind.TOKENS).toList();
    this.policy = RuleSet.policy(rules);
    this.calls = new LimiterCalls("tokens", properties.timeout(), nanoTime);
    this.exhausted =
        Caffeine.newBuilder()
            .maximumSize(REMEMBERED)
            .ticker(nanoTime::getAsLong)
            .expireAfterWrite(EXHAUSTED_FOR)
            .build();
  }

  /** What the ticker does: ends questions that are late. */
  void tick() {
    calls.deadlines().tick();
  }

  @Override
  public void close() {
    calls.close();
  }

  /** How many turns a user may have at once. */
  public Quotas quotas() {
    return quotas;
  }

  /** Whether any rule counts tokens; if none does, nobody needs to estimate any. */
  public boolean areCounted() {
    return !rules.isEmpty();
  }

  /**
   * Counts what a turn will take at most, or is thought to take. Never an error: a refusal is part
   * of the answer. When the store does not answer in time, {@code on-failure} of the rules decides,
   * and one {@code deny} is enough; a turn that may run then is counted when it is settled.
   *
   * @param estimate 1 or more
   */
  public Mono<TokenReservation> reserve(Caller caller, long estimate) {
    if (estimate < 1) {
      throw new IllegalArgumentException("a turn takes tokens, not " + estimate);
    }
    Subject subject = Subject.of(caller);
    if (rules.isEmpty()) {
      return Mono.just(new TokenReservation(subject, null, List.of(), null, null));
    }
    return Mono.defer(() -> {
      String id = ids.token();
      return calls
          .within(limiter.reserve(subject, rules, id, estimate))
          .map(reserved -> {
            calls.answered();
            return said(subject, reserved, estimate);
          })
          .onErrorResume(error -> Mono.just(unanswered(subject, id, estimate, error)));
    });
  }

  /**
   * Counts what a call may take, with no more counting of its text than it takes to know that it is
   * too much: not at all when its output alone is, and for a long text only up to what the caller
   * has left.
   *
   * @param output 0 or more
   * @param bytes about how many the input has
   * @param count counts the input up to a bound, above which it need not go on: then it comes to
   *     something above the bound
   */
  public Mono<Estimated> reserve(
      Caller caller, long output, long bytes, LongFunction<Mono<Long>> count) {
    long limit = limit();
    if (output >= limit) {
      return reserve(caller, output + 1)
          .map(said -> new Estimated(refusedAbove(said, output + 1), 0));
    }
    if (bytes < LONG_TEXT) {
      return counted(caller, output, limit, limit, count);
    }
    return look(caller)
        .map(left -> left.stream().mapToLong(Decision::remaining).min().orElse(limit))
        .flatMap(left -> counted(caller, output, Math.min(left, limit), limit, count));
  }

  private Mono<Estimated> counted(
      Caller caller, long output, long most, long limit, LongFunction<Mono<Long>> count) {
    long enough = Math.max(0, most - output);
    return count
        .apply(enough)
        .flatMap(input -> {
          long estimate = Math.max(1, input + output);
          return reserve(caller, estimate)
              .flatMap(said -> {
                if (!said.allowed() || input <= enough) {
                  return Mono.just(new Estimated(said, input));
                }
                // There is more left by now, or nobody could be asked: the count was not ended.
                if (estimate <= limit) {
                  return settle(said, 0)
                      .then(Mono.defer(() -> counted(caller, output, limit, limit, count)));
                }
                return settle(said, 0)
                    .thenReturn(new Estimated(refusedAbove(said, estimate), input));
              });
        });
  }

  /** What is more than a limit ever has is refused, also while the store is silent. */
  private TokenReservation refusedAbove(TokenReservation said, long estimate) {
    if (!said.allowed()) {
      return said;
    }
    Rule rule = rules.stream().min(Comparator.comparingLong(Rule::limit)).orElseThrow();
    Problem refusal =
        refusal(List.of(new Decision(rule, false, rule.limit(), Duration.ZERO)), estimate);
    return new TokenReservation(said.subject(), null, said.decisions(), refusal, policy);
  }

  /** Of the smallest rule. */
  private long limit() {
    return rules.stream().mapToLong(Rule::limit).min().orElse(Long.MAX_VALUE);
  }

  /**
   * What a call is refused with before anything of it is read, because its caller has no token left
   * for the moment; null when he may have. Asks nobody: it is what a reservation was told less than
   * a second ago.
   */
  public @Nullable Problem exhausted(Caller caller) {
    if (rules.isEmpty()) {
      return null;
    }
    Exhausted known = exhausted.getIfPresent(Subject.of(caller));
    if (known == null) {
      return null;
    }
    return refusal(List.of(known.decision()), 1);
  }

  /**
   * @param input as far as it was counted
   */
  public record Estimated(TokenReservation reservation, long input) {}

  private record Exhausted(Decision decision) {}

  /**
   * Counts what was really used, once: the settlement of a reservation that was settled changes
   * nothing. Goes on when its subscriber has gone, is tried again a few times, and never fails: one
   * that was given up is counted and leaves the reservation as it is.
   *
   * @param used 0 or more; 0 gives all of it back
   */
  public Mono<Void> settle(TokenReservation reservation, long used) {
    if (used < 0) {
      throw new IllegalArgumentException("nobody used " + used + " tokens");
    }
    Reservation held = reservation.reservation();
    if (held == null) {
      return Mono.empty();
    }
    return Detached.of(
        Mono.defer(() -> calls.within(limiter.settle(reservation.subject(), held, used)))
            .retryWhen(
                Retry.backoff(RETRIES, FIRST_PAUSE)
                    .maxBackoff(LONGEST_PAUSE)
                    .doBeforeRetry(signal -> calls.failed(signal.failure())))
            .doOnSuccess(_ -> calls.answered())
            .onErrorResume(_ -> {
              unsettled.increment();
              return Mono.empty();
            }));
  }

  /** What is left to a caller, without counting anything; none when the store is silent. */
  public Mono<List<Decision>> look(Caller caller) {
    return rules.isEmpty()
        ? Mono.just(List.of())
        : calls
            .within(limiter.reserve(Subject.of(caller), rules, "", 0))
            .map(ReservationResult::decisions)
            .onErrorResume(error -> {
              calls.failed(error);
              return Mono.just(List.of());
            });
  }

  /** How many turns were refused as over a limit, since the start. */
  public long refused() {
    return calls.refused();
  }

  /** How many of them by this rule. */
  public long refused(Rule rule) {
    return calls.refused(rule);
  }

  /** The rules that count tokens. */
  public List<Rule> rules() {
    return rules;
  }

  /** How many times the store did not answer in time, since the start. */
  public long failures() {
    return calls.failures();
  }

  /** How many settlements were given up, since the start. */
  public long unsettled() {
    return unsettled.sum();
  }

  private TokenReservation said(Subject subject, ReservationResult reserved, long estimate) {
    Problem refusal = null;
    if (reserved.reservation() == null) {
      refusal = refusal(reserved.decisions(), estimate);
      for (Decision decision : reserved.decisions()) {
        if (!decision.allowed() && decision.remaining() <= 0) {
          exhausted.put(subject, new Exhausted(decision));
        }
      }
    }
    return new TokenReservation(
        subject, reserved.reservation(), reserved.decisions(), refusal, policy);
  }

  /**
   * Of the rule that keeps the caller away longest: for ever, if it is one that never has enough.
   */
  private Problem refusal(List<Decision> decisions, long estimate) {
    Decision worst =
        decisions.stream()
            .filter(decision -> !decision.allowed())
            .max(
                Comparator.comparing((Decision decision) -> decision.rule().limit() < estimate)
                    .thenComparing(Decision::resetAfter))
            .orElseThrow();
    Rule rule = worst.rule();
    Problem problem =
        calls.refuse(rule, " tokens", "; this takes " + estimate).with("requested", estimate);
    return rule.limit() < estimate
        ? problem
        : problem.with("retryAfter", Admission.seconds(worst.resetAfter()));
  }

  private TokenReservation unanswered(Subject subject, String id, long estimate, Throwable error) {
    calls.failed(error);
    Problem refusal = calls.unanswered(rules, worksMuch.test(subject));
    if (refusal != null) {
      return new TokenReservation(subject, null, List.of(), refusal, null);
    }
    return new TokenReservation(
        subject, Reservation.unknown(id, estimate, rules), List.of(), null, null);
  }
}
