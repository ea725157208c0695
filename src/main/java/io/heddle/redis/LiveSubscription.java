package io.heddle.redis;

import org.jspecify.annotations.Nullable;

/**
 * One live channel on one connection: what is wanted of it, and what Redis said last. At most one
 * command is on its way. The driver writes a command of its own thread at once and one of another
 * thread later, so an unsubscribe could arrive after the subscribe that was meant to follow it, and
 * the channel stayed silent for whoever had just come.
 */
final class LiveSubscription {

  private final String channel;
  private boolean wanted;
  private boolean stands;
  private @Nullable Boolean asked;

  LiveSubscription(String channel) {
    this.channel = channel;
  }

  String channel() {
    return channel;
  }

  boolean wanted() {
    return wanted;
  }

  /** True to subscribe now, false to unsubscribe, null when there is nothing to send. */
  @Nullable Boolean want(boolean want) {
    wanted = want;
    if (asked != null || wanted == stands) {
      return null;
    }
    asked = wanted;
    return asked;
  }

  /**
   * What was sent is answered; a channel that was refused counts as had, and is not asked again.
   */
  void answered(boolean ok) {
    stands = ok ? Boolean.TRUE.equals(asked) : wanted;
    asked = null;
  }

  /** Nobody wants it, and it is not there. */
  boolean isIdle() {
    return !wanted && !stands && asked == null;
  }
}
