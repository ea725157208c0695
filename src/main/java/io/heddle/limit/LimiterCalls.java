package io.heddle.limit;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.limit.Rule.OnFailure;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * Calls of the limiter's store and what comes of them. Each has a deadline; an outage is one line
 * in the log when it begins and one when it ends; refusals are counted by their rule.
 */
final class LimiterCalls implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(LimiterCalls.class);

  private final String counted;
  private final Duration timeout;
  private final Deadlines deadlines;
  private final Disposable.Swap ticker = Disposables.swap();
  private final AtomicBoolean silent = new AtomicBoolean();
  private final LongAdder failures = new LongAdder();
  private final Map<String, LongAdder> refused = new ConcurrentHashMap<>();

  /**
   * @param counted what is counted, {@code requests}
   */
  LimiterCalls(String counted, Duration timeout, LongSupplier nanoTime) {
    this.counted = counted;
    this.timeout = timeout;
    this.deadlines = new Deadlines(timeout, nanoTime);
  }

  /** The call, which ends with a {@code TimeoutException} when it is late. */
  <T> Mono<T> within(Mono<T> call) {
    return deadlines.within(call);
  }

  Deadlines deadlines() {
    return deadlines;
  }

  /** Calls this until {@link #close}, ten times in a call's time. */
  void startTicking(Runnable tick) {
    long period = Math.clamp(timeout.toMillis() / 10, 5, 50);
    ticker.update(
        Schedulers.parallel().schedulePeriodically(tick, period, period, TimeUnit.MILLISECONDS));
  }

  @Override
  public void close() {
    ticker.dispose();
  }

  void answered() {
    if (silent.get() && silent.compareAndSet(true, false)) {
      log.info("The limiter's store counts {} again", counted);
    }
  }

  void failed(Throwable error) {
    failures.increment();
    if (silent.compareAndSet(false, true)) {
      log.warn(
          "The limiter's store does not count {}: each rule's on-failure decides until it does"
              + " ({})",
          counted,
          error instanceof TimeoutException
              ? "no answer within " + timeout.toMillis() + " ms"
              : error.toString());
    }
  }

  /** A call failed of which nobody waits for the answer. */
  void failedUnseen() {
    failures.increment();
  }

  /**
   * What a call that failed means for its caller: null when every rule lets him go on.
   *
   * @param always whether he is refused whatever the rules say
   */
  @Nullable Problem unanswered(List<Rule> asked, boolean always) {
    return always || asked.stream().anyMatch(rule -> rule.onFailure() == OnFailure.DENY)
        ? Problem.of(
                ProblemCode.LIMITER_UNAVAILABLE,
                "the caller's limits could not be asked within " + timeout.toMillis() + " ms")
            .with("retryAfter", 1)
        : null;
  }

  /** Counts a refusal by a rule, and says it without when to come again. */
  Problem refuse(Rule rule, String unit, String detail) {
    refused.computeIfAbsent(rule.name(), _ -> new LongAdder()).increment();
    return Problem.of(
            ProblemCode.RATE_LIMITED,
            "the limit \""
                + rule.name()
                + "\" is "
                + rule.limit()
                + unit
                + " in "
                + Admission.seconds(rule.window())
                + " s"
                + detail)
        .with("name", rule.name())
        .with("limit", rule.limit());
  }

  /** Refusals by any rule, since the start. */
  long refused() {
    return refused.values().stream().mapToLong(LongAdder::sum).sum();
  }

  /** Refusals by this rule, since the start. */
  long refused(Rule rule) {
    LongAdder its = refused.get(rule.name());
    return its == null ? 0 : its.sum();
  }

  /** Calls that failed or were late, since the start. */
  long failures() {
    return failures.sum();
  }
}
