package io.heddle.session;

/**
 * How much an engine keeps of one session.
 *
 * @param sessionBytes of message bodies
 * @param checkpoints newest state documents kept
 * @param checkpointBytes of those
 * @param pageBytes of message bodies that one answer holds; its first message is there whatever its
 *     size
 */
public record StoreLimits(
    long sessionBytes, int checkpoints, long checkpointBytes, long pageBytes) {

  public static final StoreLimits DEFAULT = new StoreLimits(16L << 20, 100, 8L << 20, 1L << 20);
}
