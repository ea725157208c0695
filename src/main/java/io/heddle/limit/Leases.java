package io.heddle.limit;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Permits that this replica counted ahead for its subjects, so that most reads and calls of models
 * ask nobody.
 *
 * <p>A permit is used in the window it was counted in, or given back to it, or lost; never two of
 * these. So the store's counter is never less than what was admitted, and what it refuses nobody
 * admits. What a subject gets ahead is about what it used in the last second, and at most {@link
 * RuleSet#mostLeased()}: only so much can be refused wrongly because it lay here unused.
 */
final class Leases {

  /** Less than a second by what the ticker may be late with giving back. */
  static final Duration LIFE = Duration.ofMillis(900);

  private static final int REMEMBERED = 10_000;
  private static final Duration IDLE = Duration.ofSeconds(10);

  private final RateLimiter limiter;
  private final Deadlines deadlines;
  private final LongSupplier nanoTime;
  private final Runnable onFailure;
  private final Cache<Key, PermitPool> held;
  private final Set<RunningLease> running = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  /**
   * @param onFailure told of each giving back that failed
   */
  Leases(RateLimiter limiter, Deadlines deadlines, LongSupplier nanoTime, Runnable onFailure) {
    this.limiter = limiter;
    this.deadlines = deadlines;
    this.nanoTime = nanoTime;
    this.onFailure = onFailure;
    this.held =
        Caffeine.newBuilder()
            .maximumSize(REMEMBERED)
            .ticker(nanoTime::getAsLong)
            .expireAfterAccess(IDLE)
            // Tidying up takes less than to wake another thread for it every few hits.
            .executor(Runnable::run)
            .build();
  }

  /** What the rules say of a request that a permit was here for; null when there is none. */
  @Nullable List<Decision> use(Subject subject, RuleSet rules, long now) {
    PermitPool permits =
        rules.mostLeased() == 1 ? null : held.getIfPresent(new Key(subject, rules));
    return permits == null ? null : permits.use(now);
  }

  /** Counts a request, and more ahead when that is worth it. Errors are the limiter's, or late. */
  Mono<List<Decision>> ask(Subject subject, RuleSet rules, long now) {
    return rules.mostLeased() == 1
        ? one(subject, rules)
        : held.get(new Key(subject, rules), key -> new PermitPool(this, key)).ask(now);
  }

  /** Gives back what leases that have ended did not use. */
  void tick() {
    long now = nanoTime.getAsLong();
    for (RunningLease grant : running) {
      if (!grant.runs(now)) {
        end(grant, now).subscribe();
      }
    }
  }

  /** Ends all leases; completes when everything unused was given back, or could not be. */
  Mono<Void> close() {
    closed = true;
    long now = nanoTime.getAsLong();
    return Mono.when(running.stream().map(grant -> end(grant, now)).toList());
  }

  long now() {
    return nanoTime.getAsLong();
  }

  boolean isClosed() {
    return closed;
  }

  Mono<List<Decision>> one(Subject subject, RuleSet rules) {
    return deadlines.within(limiter.take(subject, rules.rules()));
  }

  Mono<Lease> lease(Key key, long most) {
    return deadlines.within(limiter.lease(key.subject(), key.rules().rules(), most));
  }

  void started(RunningLease grant) {
    running.add(grant);
  }

  void ended(RunningLease grant) {
    running.remove(grant);
  }

  Mono<Void> giveBack(Subject subject, List<Refund> unused) {
    return unused.isEmpty()
        ? Mono.empty()
        : deadlines
            .within(limiter.giveBack(subject, unused))
            .doOnError(_ -> onFailure.run())
            .onErrorComplete();
  }

  Mono<Void> end(RunningLease grant, long now) {
    return giveBack(grant.subject(), grant.permits(grant.end(), now));
  }

  /** Rule sets are few and each is one object. */
  record Key(Subject subject, RuleSet rules) {

    // By hand, see Tenant.

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Key key && rules == key.rules && subject.equals(key.subject);
    }

    @Override
    public int hashCode() {
      return 31 * subject.hashCode() + System.identityHashCode(rules);
    }
  }
}
