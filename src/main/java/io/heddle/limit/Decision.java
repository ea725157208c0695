package io.heddle.limit;

import java.time.Duration;

/**
 * What one rule says.
 *
 * @param allowed whether the rule's counter had one left
 * @param remaining how many are left in the window, after this one
 * @param resetAfter when the window ends, from the moment of counting; all of it when none runs
 */
public record Decision(Rule rule, boolean allowed, long remaining, Duration resetAfter) {}
