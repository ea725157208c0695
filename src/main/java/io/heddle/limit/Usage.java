package io.heddle.limit;

import java.util.Map;

/**
 * What a user has, as the store knows it.
 *
 * @param sessions how many
 * @param threadBytes of their messages
 * @param documentBytes of their state documents and checkpoints, at most
 * @param cachedBytes of kept answers whose time is not over
 * @param runningElsewhere turns that run on other replicas
 * @param waitingElsewhere turns that wait on other replicas
 * @param counted whether sessions and their bytes were ever counted one by one; until then only
 *     what was added since is known
 */
public record Usage(
    long sessions,
    long threadBytes,
    long documentBytes,
    long cachedBytes,
    long runningElsewhere,
    long waitingElsewhere,
    boolean counted) {

  /**
   * What has changed on one replica, except the turns, which are told as they are.
   *
   * @param cachedBytes by when their time is over, in milliseconds since 1970
   */
  public record Change(
      long sessions,
      long threadBytes,
      long documentBytes,
      Map<Long, Long> cachedBytes,
      long running,
      long waiting) {}

  /** What was found by counting one by one. */
  public record Counted(long sessions, long threadBytes) {}
}
