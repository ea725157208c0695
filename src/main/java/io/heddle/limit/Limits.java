package io.heddle.limit;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import io.heddle.base.Caller;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.limit.Rule.Kind;
import io.heddle.limit.Rule.OnFailure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.util.AntPathMatcher;
import reactor.core.publisher.Mono;

/**
 * Asks the rules that are for a request, all of them in one call.
 *
 * <p>Whoever has used up a limit of kind {@code requests} is refused here until that window ends,
 * without asking: a client in a loop must not cost the store anything. Writes are always asked,
 * because what was counted of them may be given back.
 */
public final class Limits {

  private static final Logger log = LoggerFactory.getLogger(Limits.class);
  private static final int REMEMBERED = 10_000;

  private final RateLimiter limiter;
  private final List<Rule> rules;
  private final Duration timeout;
  private final LongSupplier nanoTime;
  private final AntPathMatcher paths = new AntPathMatcher();
  private final Cache<Counter, Long> exhausted;
  private final AtomicBoolean silent = new AtomicBoolean();
  private final LongAdder refused = new LongAdder();
  private final LongAdder failures = new LongAdder();

  public Limits(RateLimiter limiter, LimitProperties properties) {
    this(limiter, properties, System::nanoTime);
  }

  Limits(RateLimiter limiter, LimitProperties properties, LongSupplier nanoTime) {
    this.limiter = limiter;
    this.rules = properties.active();
    this.timeout = properties.timeout();
    this.nanoTime = nanoTime;
    this.exhausted =
        Caffeine.newBuilder()
            .maximumSize(REMEMBERED)
            .ticker(nanoTime::getAsLong)
            .expireAfter(
                Expiry.<Counter, Long>creating(
                    (_, end) -> Duration.ofNanos(Math.max(1, end - nanoTime.getAsLong()))))
            .build();
  }

  /**
   * Counts a request. Never an error: a refusal is part of the answer. When the store does not
   * answer in time, {@code on-failure} of the rules decides, and one {@code deny} is enough.
   *
   * @param write whether it writes
   * @param path as the client sent it, decoded, without the query
   */
  public Mono<Admission> admit(Caller caller, boolean write, String path) {
    return Mono.defer(() -> {
      Subject subject = Subject.of(caller);
      long now = nanoTime.getAsLong();
      List<Rule> asked = rulesFor(write, path);
      if (asked.isEmpty()) {
        return Mono.just(new Admission(subject, List.of(), null, now));
      }
      List<Decision> known = exhausted(subject, asked, now);
      if (!known.isEmpty()) {
        return Mono.just(admission(subject, known, now));
      }
      return limiter
          .take(subject, asked)
          .timeout(timeout)
          .map(decisions -> {
            answered();
            remember(subject, decisions, now);
            return admission(subject, decisions, now);
          })
          .onErrorResume(error -> Mono.just(unanswered(subject, asked, error, now)));
    });
  }

  /**
   * Takes back what an allowed request was counted as, because it turned out to be a replay. Does
   * nothing to windows that have ended; a failure is only counted.
   */
  public Mono<Void> giveBack(Admission admission) {
    return Mono.defer(() -> {
      if (!admission.allowed()) {
        return Mono.empty();
      }
      Duration passed = Duration.ofNanos(nanoTime.getAsLong() - admission.askedAt());
      List<Permit> permits = new ArrayList<>();
      for (Decision decision : admission.decisions()) {
        Duration left = decision.resetAfter().minus(passed);
        if (left.toMillis() > 0) {
          permits.add(new Permit(decision.rule(), left));
        }
      }
      return permits.isEmpty()
          ? Mono.empty()
          : limiter
              .giveBack(admission.subject(), permits)
              .timeout(timeout)
              .doOnError(_ -> failures.increment())
              .onErrorComplete();
    });
  }

  /** Every rule that is on. */
  public List<Rule> rules() {
    return rules;
  }

  /** How many requests were refused as over a limit, since the start. */
  public long refused() {
    return refused.sum();
  }

  /** How many requests could not be counted in time, since the start. */
  public long failures() {
    return failures.sum();
  }

  /** The rules for a request: of each kind those that name its path, else those that name none. */
  private List<Rule> rulesFor(boolean write, String path) {
    List<Rule> found = new ArrayList<>(4);
    collect(Kind.REQUESTS, path, found);
    if (write) {
      collect(Kind.WRITES, path, found);
    }
    return found;
  }

  private void collect(Kind kind, String path, List<Rule> found) {
    boolean named = false;
    for (Rule rule : rules) {
      if (rule.kind() == kind && names(rule, path)) {
        found.add(rule);
        named = true;
      }
    }
    if (named) {
      return;
    }
    for (Rule rule : rules) {
      if (rule.kind() == kind && rule.paths().isEmpty()) {
        found.add(rule);
      }
    }
  }

  private boolean names(Rule rule, String path) {
    for (String pattern : rule.paths()) {
      if (paths.match(pattern, path)) {
        return true;
      }
    }
    return false;
  }

  private List<Decision> exhausted(Subject subject, List<Rule> asked, long now) {
    List<Decision> known = List.of();
    for (Rule rule : asked) {
      if (rule.kind() == Kind.REQUESTS) {
        Long end = exhausted.getIfPresent(new Counter(subject, rule.name()));
        if (end != null && end - now > 0) {
          known = known.isEmpty() ? new ArrayList<>() : known;
          known.add(new Decision(rule, false, 0, Duration.ofNanos(end - now)));
        }
      }
    }
    return known;
  }

  /** The end is reckoned from before the question, so that nobody is refused here for too long. */
  private void remember(Subject subject, List<Decision> decisions, long askedAt) {
    for (Decision decision : decisions) {
      if (!decision.allowed() && decision.rule().kind() == Kind.REQUESTS) {
        exhausted.put(
            new Counter(subject, decision.rule().name()),
            askedAt + decision.resetAfter().toNanos());
      }
    }
  }

  private Admission admission(Subject subject, List<Decision> decisions, long askedAt) {
    return new Admission(subject, List.copyOf(decisions), refusal(decisions), askedAt);
  }

  private @Nullable Problem refusal(List<Decision> decisions) {
    return decisions.stream()
        .filter(decision -> !decision.allowed())
        .max(Comparator.comparing(Decision::resetAfter))
        .map(decision -> {
          refused.increment();
          Rule rule = decision.rule();
          return Problem.of(
                  ProblemCode.RATE_LIMITED,
                  "the limit \""
                      + rule.name()
                      + "\" is "
                      + rule.limit()
                      + " in "
                      + Admission.seconds(rule.window())
                      + " s")
              .with("name", rule.name())
              .with("limit", rule.limit())
              .with("retryAfter", Admission.seconds(decision.resetAfter()));
        })
        .orElse(null);
  }

  private void answered() {
    if (silent.get() && silent.compareAndSet(true, false)) {
      log.info("The limiter's store answers again");
    }
  }

  private Admission unanswered(Subject subject, List<Rule> asked, Throwable error, long askedAt) {
    failures.increment();
    if (silent.compareAndSet(false, true)) {
      log.warn(
          "The limiter's store does not answer: each rule's on-failure decides until it does ({})",
          error instanceof TimeoutException
              ? "no answer within " + timeout.toMillis() + " ms"
              : error.toString());
    }
    boolean deny = asked.stream().anyMatch(rule -> rule.onFailure() == OnFailure.DENY);
    Problem refusal =
        deny
            ? Problem.of(
                    ProblemCode.LIMITER_UNAVAILABLE,
                    "the caller's limits could not be asked within " + timeout.toMillis() + " ms")
                .with("retryAfter", 1)
            : null;
    return new Admission(subject, List.of(), refusal, askedAt);
  }

  private record Counter(Subject subject, String rule) {}
}
