package io.heddle.limit;

import java.time.Duration;

/**
 * What was counted and is to be counted no more.
 *
 * @param count how many, 1 or more
 * @param left what should be left of the window it was counted in, more than 0
 */
public record Refund(Rule rule, long count, Duration left) {

  /** One. */
  public Refund(Rule rule, Duration left) {
    this(rule, 1, left);
  }

  /**
   * How far {@link #left} may be from what is left of the running window, for it to be the same
   * one: messages take their time.
   */
  public Duration tolerance() {
    Duration quarter = rule.window().dividedBy(4);
    Duration second = Duration.ofSeconds(1);
    return quarter.compareTo(second) < 0 ? quarter : second;
  }
}
