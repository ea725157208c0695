package io.heddle.limit;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one rule says.
 *
 * @param allowed whether the rule's counter had one left
 * @param remaining how many are left in the window, after what was counted
 * @param resetAfter when the window ends, from the moment of counting; all of it when none runs
 */
public record Decision(Rule rule, boolean allowed, long remaining, Duration resetAfter) {

  /**
   * The rule that has least left, for those who can be told of one only; of equal ones the one
   * whose window ends last. Null when no rule was asked.
   */
  public static @Nullable Decision tightest(List<Decision> decisions) {
    Decision tightest = null;
    for (Decision decision : decisions) {
      if (tightest == null || decision.isTighterThan(tightest)) {
        tightest = decision;
      }
    }
    return tightest;
  }

  private boolean isTighterThan(Decision other) {
    return remaining == other.remaining
        ? resetAfter.compareTo(other.resetAfter) > 0
        : remaining < other.remaining;
  }
}
