package io.heddle.redis;

/** What stands in a partition's due times. */
final class RedisDue {

  /** {@code x:tenant/id}: a session's expiry, or a half-built session's end. */
  static final String SESSION = "x:";

  private RedisDue() {}
}
