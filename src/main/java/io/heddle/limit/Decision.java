package io.heddle.limit;

import java.time.Duration;
import java.util.Comparator;
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

  private static final Comparator<Decision> BY_TIGHTNESS =
      Comparator.comparingLong(Decision::remaining)
          .thenComparing(Decision::resetAfter, Comparator.reverseOrder());

  /**
   * The rule that has least left, for those who can be told of one only; of equal ones the one
   * whose window ends last. Null when no rule was asked.
   */
  public static @Nullable Decision tightest(List<Decision> decisions) {
    return decisions.stream().min(BY_TIGHTNESS).orElse(null);
  }
}
