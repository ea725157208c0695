package io.heddle.upstream;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreaker.StateTransition;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig.SlidingWindowSynchronizationStrategy;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig.SlidingWindowType;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Leaves a server that fails alone for a while. A request has done well once it has a first token,
 * so that a trial is over before its answer is; a timeout after that counts against the server.
 *
 * <p>It judges the server and not one user's requests, which may be such that every server fails on
 * them. That nothing can be reached at all speaks against the server, whoever asks, and so does
 * what a backend without a user meets. What a user's requests meet speaks against it only when
 * another user's meet such a thing too, and then of each user no more than a part of what opens it.
 * Until then it leaves that user's own requests alone, as if the server had failed.
 */
final class Breaker {

  private static final Logger log = LoggerFactory.getLogger(Breaker.class);

  /** Users whose requests fail, as many as are remembered. */
  private static final int REMEMBERED = 10_000;

  private final CircuitBreaker breaker;
  private final Duration openFor;
  private final CircuitBreakerConfig config;
  private final int most;

  /** Of each user whose requests failed within the window, how many of them were counted. */
  private final Cache<String, AtomicInteger> failing;

  /** Of users whose requests failed. */
  private final Cache<String, CircuitBreaker> own;

  private volatile long openSince;

  Breaker(String upstream, UpstreamProperties.Breaker properties) {
    openFor = properties.openFor();
    most = Math.max(1, properties.minimumCalls() / 2);
    config =
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
            .build();
    failing =
        Caffeine.newBuilder()
            .maximumSize(REMEMBERED)
            .expireAfter(Expiry.<String, AtomicInteger>creating((_, _) -> properties.window()))
            .build();
    own =
        Caffeine.newBuilder()
            .maximumSize(REMEMBERED)
            .expireAfterAccess(properties.window().plus(openFor))
            .build();
    breaker = CircuitBreaker.of(upstream, config);
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

  /**
   * Lets a request through, or not.
   *
   * @param user whose it is, or null
   */
  @Nullable Request begin(@Nullable String user) {
    CircuitBreaker mine = user == null ? null : own.getIfPresent(user);
    if (mine != null && !mine.tryAcquirePermission()) {
      return null;
    }
    if (!breaker.tryAcquirePermission()) {
      if (mine != null) {
        mine.releasePermission();
      }
      return null;
    }
    return new Request(user, mine);
  }

  /** Whether a failure that a request may have brought about itself counts against the server. */
  private boolean speaksAgainstTheServer(@Nullable String user) {
    if (user == null) {
      return true;
    }
    AtomicInteger counted = failing.get(user, _ -> new AtomicInteger());
    for (String other : failing.asMap().keySet()) {
      if (!other.equals(user)) {
        return counted.getAndIncrement() < most;
      }
    }
    return false;
  }

  /** One request; the first verdict counts. */
  final class Request {

    private final long since = System.nanoTime();
    private final AtomicBoolean judged = new AtomicBoolean();
    private final @Nullable String user;
    private final @Nullable CircuitBreaker mine;

    Request(@Nullable String user, @Nullable CircuitBreaker mine) {
      this.user = user;
      this.mine = mine;
    }

    void spoke() {
      if (judged.compareAndSet(false, true)) {
        succeeded();
      }
    }

    void failed(CallFailure failure) {
      boolean first = judged.compareAndSet(false, true);
      long took = System.nanoTime() - since;
      switch (failure.blame()) {
        case LINK -> {
          breaker.onError(took, TimeUnit.NANOSECONDS, failure);
          if (first && mine != null) {
            mine.releasePermission();
          }
        }
        case SERVER -> {
          if (user != null) {
            CircuitBreaker his = mine;
            if (his == null) {
              his = own.get(user, _ -> CircuitBreaker.of(breaker.getName() + "/user", config));
            }
            his.onError(took, TimeUnit.NANOSECONDS, failure);
          }
          if (speaksAgainstTheServer(user)) {
            breaker.onError(took, TimeUnit.NANOSECONDS, failure);
          } else if (first) {
            breaker.releasePermission();
          }
        }
        case REQUEST -> {
          if (first) {
            succeeded();
          }
        }
        case NOBODY -> {
          if (first) {
            release();
          }
        }
      }
    }

    /** Nobody wants it any more, or it ended without a word. */
    void over() {
      if (judged.compareAndSet(false, true)) {
        release();
      }
    }

    private void succeeded() {
      long took = System.nanoTime() - since;
      breaker.onSuccess(took, TimeUnit.NANOSECONDS);
      if (mine != null) {
        mine.onSuccess(took, TimeUnit.NANOSECONDS);
      }
    }

    private void release() {
      breaker.releasePermission();
      if (mine != null) {
        mine.releasePermission();
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
