package io.heddle.session;

import org.jspecify.annotations.Nullable;

/**
 * Which messages of a thread are asked for. The cursors bound a stretch of the thread, both
 * excluded, in the thread's order whatever the order of the answer.
 *
 * @param limit at most this many, 0 for none
 * @param after only messages after this one
 * @param before only messages before this one
 * @param fromEnd take the newest of the stretch rather than its oldest
 * @param newestFirst answer them newest first
 */
public record PageRequest(
    int limit,
    @Nullable String after,
    @Nullable String before,
    boolean fromEnd,
    boolean newestFirst) {

  public static final PageRequest NONE = new PageRequest(0, null, null, true, false);

  /** The last {@code limit} messages, oldest first. */
  public static PageRequest last(int limit) {
    return new PageRequest(limit, null, null, true, false);
  }

  /** From the first message on, or from the one after {@code after}. */
  public static PageRequest forward(int limit, @Nullable String after) {
    return new PageRequest(limit, after, null, false, false);
  }

  /** From the last message back, or from the one before {@code before}; newest first. */
  public static PageRequest backward(int limit, @Nullable String before) {
    return new PageRequest(limit, null, before, true, true);
  }
}
