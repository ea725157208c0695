package io.heddle.redis;

import io.heddle.base.Position;
import io.heddle.session.Head;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The field of the session hash that every write writes anew, as {@code lib/parse.lua} describes
 * it.
 */
record StoredState(
    Position position,
    long lastSeq,
    long messageCount,
    long bytes,
    long expiresAt,
    long updatedAt,
    long keysUntil,
    long createdAt,
    @Nullable String owner) {

  static final long KEYS_OUTLIVE_MILLIS = 86_400_000;

  static StoredState parse(byte[] text) {
    WordReader words = new WordReader(text);
    String tag = words.word();
    Position position = new Position(words.number(), tag);
    long lastSeq = words.number();
    long messageCount = words.number();
    long bytes = words.number();
    long expiresAt = words.number();
    long updatedAt = words.number();
    words.skip(); // TTL
    words.skip(); // status and holder
    return new StoredState(
        position,
        lastSeq,
        messageCount,
        bytes,
        expiresAt,
        updatedAt,
        words.number(),
        words.number(),
        words.isAtEnd() ? null : new String(words.rest(), StandardCharsets.UTF_8));
  }

  /** Whether the keys would be rubbish-collected less than a day after the session's own end. */
  boolean mustBeKept() {
    return expiresAt + KEYS_OUTLIVE_MILLIS > keysUntil;
  }

  Head head(@Nullable String activeTurn) {
    return new Head(
        position,
        lastSeq,
        messageCount,
        bytes,
        Instant.ofEpochMilli(createdAt),
        Instant.ofEpochMilli(updatedAt),
        Instant.ofEpochMilli(expiresAt),
        activeTurn);
  }
}
