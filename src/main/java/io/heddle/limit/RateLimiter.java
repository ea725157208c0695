package io.heddle.limit;

import java.time.Duration;
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

  /** How long the store remembers that a reservation was settled. */
  Duration SETTLED_FOR = Duration.ofHours(1);

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
   * Refund#left()} names, give or take {@link Refund#tolerance()}, and never below 0. At most once.
   */
  Mono<Void> giveBack(Subject subject, List<Refund> permits);

  /**
   * Counts an amount under every rule, atomically: under all of them, or under none when one of
   * them has not so many left. It stays counted until it is settled, or else until the window ends.
   *
   * @param rules one or more, with different names; their counters are not those of {@link #take}
   * @param id unique
   * @param amount 0 only looks, and starts no window: a rule's decision is then whether it has one
   *     left
   */
  Mono<ReservationResult> reserve(Subject subject, List<Rule> rules, String id, long amount);

  /**
   * Counts what was really used in the place of what was reserved. In the window of the reservation
   * what is left over is given back and what exceeds it is counted, above the limit too; in a later
   * window, which may begin with it, only what exceeds it. Never below 0.
   *
   * <p>The first settlement of a reservation counts, and may be sent again: another one changes
   * nothing, for ever in the reservation's own window and within {@link #SETTLED_FOR} in all.
   */
  Mono<Void> settle(Subject subject, Reservation reservation, long used);
}
