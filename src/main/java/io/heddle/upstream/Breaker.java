package io.heddle.upstream;

import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreaker.StateTransition;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig.SlidingWindowSynchronizationStrategy;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig.SlidingWindowType;
import io.heddle.upstream.CallFailure.Blame;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Leaves a server that fails alone for a while. A request has done well once it has a first token,
 * so that a trial is over before its answer is; a timeout after that counts against the server.
 */
final class Breaker {

  private static final Logger log = LoggerFactory.getLogger(Breaker.class);

  private final CircuitBreaker breaker;
  private final Duration openFor;
  private volatile long openSince;

  Breaker(String upstream, UpstreamProperties.Breaker properties) {
    openFor = properties.openFor();
    breaker =
        CircuitBreaker.of(
            upstream,
            CircuitBreakerConfig.custom()
                // The other way to count takes a lock, and event loops count here.
                .slidingWindow(
                    Math.toIntExact(properties.window().toSeconds()),
                    properties.minimumCalls(),
                    SlidingWindowType.TIME_BASED,
                    SlidingWindowSynchronizationStrategy.LOCK_FREE)
                .failureRateThreshold(properties.failureRate())
                // Slow calls are what the timeouts are for.
                .slowCallDurationThreshold(Duration.ofDays(365))
                .waitDurationInOpenState(properties.openFor())
                .permittedNumberOfCallsInHalfOpenState(properties.trials())
                .build());
    breaker
        .getEventPublisher()
        .onStateTransition(event -> {
          openSince = System.nanoTime();
          report(upstream, event.getStateTransition());
        });
  }

  /**
   * The library notices with the next call that the time is over; nobody else should wait for it.
   */
  BreakerState state() {
    return switch (breaker.getState()) {
      case OPEN, FORCED_OPEN ->
          System.nanoTime() - openSince < openFor.toNanos()
              ? BreakerState.OPEN
              : BreakerState.HALF_OPEN;
      case HALF_OPEN -> BreakerState.HALF_OPEN;
      case CLOSED, DISABLED, METRICS_ONLY -> BreakerState.CLOSED;
    };
  }

  /** Lets a request through, or not. */
  @Nullable Request begin() {
    return breaker.tryAcquirePermission() ? new Request() : null;
  }

  /** One request; the first verdict counts. */
  final class Request {

    private final long since = System.nanoTime();
    private final AtomicBoolean judged = new AtomicBoolean();

    void spoke() {
      if (judged.compareAndSet(false, true)) {
        breaker.onSuccess(System.nanoTime() - since, TimeUnit.NANOSECONDS);
      }
    }

    void failed(CallFailure failure) {
      boolean first = judged.compareAndSet(false, true);
      long took = System.nanoTime() - since;
      if (failure.blame() == Blame.SERVER) {
        breaker.onError(took, TimeUnit.NANOSECONDS, failure);
      } else if (first && failure.blame() == Blame.REQUEST) {
        breaker.onSuccess(took, TimeUnit.NANOSECONDS);
      } else if (first) {
        breaker.releasePermission();
      }
    }

    /** Nobody wants it any more, or it ended without a word. */
    void over() {
      if (judged.compareAndSet(false, true)) {
        breaker.releasePermission();
      }
    }
  }

  private static void report(String upstream, StateTransition transition) {
    switch (transition.getToState()) {
      case OPEN, FORCED_OPEN ->
          log.warn("The upstream {} fails too often: nothing is sent to it for now", upstream);
      case CLOSED -> log.info("The upstream {} works again", upstream);
      case HALF_OPEN, DISABLED, METRICS_ONLY -> log.debug("The upstream {} is tried", upstream);
    }
  }
}
