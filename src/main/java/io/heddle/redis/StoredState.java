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
    Words words = new Words(text);
    String tag = words.next();
    Position position = new Position(words.number(), tag);
    long lastSeq = words.number();
    long messageCount = words.number();
    long bytes = words.number();
    long expiresAt = words.number();
    long updatedAt = words.number();
    words.next(); // TTL
    words.next(); // status and holder
    return new StoredState(
        position,
        lastSeq,
        messageCount,
        bytes,
        expiresAt,
        updatedAt,
        words.number(),
        words.number(),
        words.rest());
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

  private static final class Words {
    private final byte[] text;
    private int at;

    Words(byte[] text) {
      this.text = text;
    }

    String next() {
      int from = at;
      while (at < text.length && text[at] != ' ') {
        at++;
      }
      return new String(text, from, at++ - from, StandardCharsets.ISO_8859_1);
    }

    long number() {
      long number = 0;
      while (at < text.length && text[at] != ' ') {
        number = number * 10 + (text[at++] - '0');
      }
      at++;
      return number;
    }

    @Nullable String rest() {
      return at >= text.length
          ? null
          : new String(text, at, text.length - at, StandardCharsets.UTF_8);
    }
  }
}
