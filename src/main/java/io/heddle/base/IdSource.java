package io.heddle.base;

/** Makes ids. Calls never block and may come from any thread. */
public interface IdSource {

  /** Eight characters {@code [0-9a-z]}, random: the tag of one write. */
  String tag();

  /** 128 random bits as 26 characters {@code [0-9a-z]}: a token nobody can guess. */
  String token();

  /** {@code ses_} and a UUIDv7 (RFC 9562): unique, and close in time is close in order. */
  String sessionId();
}
