package io.heddle.base;

import org.jspecify.annotations.Nullable;

/**
 * A place in a session's history: {@code version-tag}. Opaque to clients; it is the ETag, the SSE
 * id, {@code since} and {@code If-Match}. Equal positions, equal histories, because the tag is
 * random and made by the write that made the version.
 *
 * @param version the session's change counter, from 1
 * @param tag eight characters of the write that made this version
 */
public record Position(long version, String tag) {

  public static final int TAG_LENGTH = 8;

  /** The position that the text names, or null when the text is no position. */
  public static @Nullable Position parse(String text) {
    int dash = text.indexOf('-');
    if (dash < 1 || dash > 16 || text.length() != dash + 1 + TAG_LENGTH) {
      return null;
    }
    long version = 0;
    for (int i = 0; i < dash; i++) {
      char c = text.charAt(i);
      if (c < '0' || c > '9') {
        return null;
      }
      version = version * 10 + (c - '0');
    }
    if (text.charAt(0) == '0') {
      return null;
    }
    for (int i = dash + 1; i < text.length(); i++) {
      char c = text.charAt(i);
      if ((c < '0' || c > '9') && (c < 'a' || c > 'z')) {
        return null;
      }
    }
    return new Position(version, text.substring(dash + 1));
  }

  @Override
  public String toString() {
    return version + "-" + tag;
  }
}
