package io.heddle.limit;

import java.time.Duration;
import java.util.List;

/**
 * Tokens that were counted before they were used, until they are settled. All that any replica
 * needs to settle them.
 *
 * @param id names it and its settlement; unique, {@code [0-9a-z]}
 * @param amount how many were counted under each rule
 */
public record Reservation(String id, long amount, List<Counter> counters) {

  public Reservation {
    counters = List.copyOf(counters);
  }

  /** One of which nobody knows whether the store counted it: settling it counts what was used. */
  static Reservation unknown(String id, long amount, List<Rule> rules) {
    return new Reservation(
        id,
        amount,
        rules.stream().map(rule -> new Counter(rule.name(), rule.window(), "")).toList());
  }

  /**
   * Where it was counted.
   *
   * @param rule the rule's name
   * @param length of the rule's windows
   * @param window the store's name of the window; empty when the store did not answer, so that
   *     nobody knows whether it was counted
   */
  public record Counter(String rule, Duration length, String window) {}
}
