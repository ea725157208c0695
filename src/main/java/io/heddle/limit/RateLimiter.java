package io.heddle.limit;

import java.util.List;
import reactor.core.publisher.Mono;

/**
 * Counts what subjects do, one counter for each subject and rule, shared by every replica. A window
 * starts with the first one counted and ends after the rule's time, by the store's measure of time
 * passing; no clock is compared.
 *
 * <p>The error of each is {@code store-unavailable}: it is not known whether anything was counted.
 * Answers on an engine thread that must not be blocked.
 */
public interface RateLimiter {

  /**
   * Counts one under every rule, atomically: under all of them, or under none when one of them has
   * none left. Never more than the limit is counted in one window.
   *
   * @param rules one or more, with different names
   * @return one decision a rule, in the same order
   */
  Mono<List<Decision>> take(Subject subject, List<Rule> rules);

  /**
   * Counts one under every rule as {@link #take} does, and more ahead of their use: in the same
   * instant, as many under every rule, up to {@code most} in all and only as far as no counter goes
   * above its {@link Rule#leasable()}.
   *
   * @param most 1 or more
   */
  Mono<Lease> lease(Subject subject, List<Rule> rules, long most);

  /**
   * Takes back what was counted, each only if its counter still is in the window that {@link
   * Permit#left()} names, give or take {@link Permit#tolerance()}, and never below 0. At most once.
   */
  Mono<Void> giveBack(Subject subject, List<Permit> permits);
}
