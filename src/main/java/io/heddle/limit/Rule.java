package io.heddle.limit;

import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;

/**
 * So many of one kind in one window, for each subject.
 *
 * @param name {@code [a-z0-9-]{1,40}}: the counter's name, and what clients see
 * @param limit how many in one window, 1 or more
 * @param window starts with the first one counted; whole milliseconds
 * @param paths Ant patterns of the paths this rule is for; empty: every path that no other rule of
 *     its kind is for; a rule of tokens has none, it is for every turn
 * @param onFailure what to do with a request that could not be counted in time
 */
public record Rule(
    String name, Kind kind, long limit, Duration window, List<String> paths, OnFailure onFailure) {

  private static final int LEAST_LEASABLE = 100;

  /** What is counted. */
  public enum Kind {
    /** Every request. */
    REQUESTS,
    /** Requests that write. */
    WRITES,
    /** Tokens of models, of what was asked and what was answered. */
    TOKENS
  }

  /** Whom a silent store costs something: the store behind it, or the caller. */
  public enum OnFailure {
    ALLOW,
    DENY
  }

  private static final Pattern NAME = Pattern.compile("[a-z0-9-]{1,40}");
  private static final Duration MAX_WINDOW = Duration.ofDays(31);

  public Rule {
    paths = List.copyOf(paths);
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException("a rule's name must be [a-z0-9-]{1,40}: " + name);
    }
    if (limit < 1 || limit > 1_000_000_000_000L) {
      throw new IllegalArgumentException("limit of rule " + name + " must be 1 to 10^12");
    }
    if (window.toMillis() < 100 || window.compareTo(MAX_WINDOW) > 0) {
      throw new IllegalArgumentException("window of rule " + name + " must be 100ms to 31d");
    }
    if (kind == Kind.TOKENS && !paths.isEmpty()) {
      throw new IllegalArgumentException("rule " + name + " counts tokens, so it has no paths");
    }
  }

  /**
   * Up to which count permits may be leased: 80 % of the limit, because what a lease holds unused
   * is refused to others; nothing under a limit of 100.
   */
  public long leasable() {
    return limit < LEAST_LEASABLE ? 0 : limit / 5 * 4;
  }
}
