package io.heddle.session;

import io.heddle.base.Position;
import io.heddle.base.SessionKey;
import org.jspecify.annotations.Nullable;

/**
 * Where a message stands in its thread: the version that appended it and its place in that append.
 * An id that Heddle gives carries it: {@code msg_<version>-<index>_<tag><mark>}.
 *
 * @param tag the appending write's tag
 * @param mark the session's {@link SessionKey#mark()}
 */
public record MessagePlace(long version, int index, String tag, String mark) {

  private static final String PREFIX = "msg_";
  private static final int MARK_LENGTH = 4;
  private static final int SUFFIX_LENGTH = Position.TAG_LENGTH + MARK_LENGTH;

  public static MessagePlace of(SessionKey key, Position position, int index) {
    return new MessagePlace(position.version(), index, position.tag(), key.mark());
  }

  /** The place an id names, or null when the id was not made by Heddle. */
  public static @Nullable MessagePlace parse(String id) {
    int underscore = id.length() - SUFFIX_LENGTH - 1;
    if (!id.startsWith(PREFIX) || underscore <= PREFIX.length() || id.charAt(underscore) != '_') {
      return null;
    }
    int dash = id.indexOf('-', PREFIX.length());
    if (dash <= PREFIX.length() || dash >= underscore - 1 || dash - PREFIX.length() > 16) {
      return null;
    }
    long version = digits(id, PREFIX.length(), dash);
    long index = digits(id, dash + 1, underscore);
    if (version < 1 || index < 0 || index > Integer.MAX_VALUE || underscore - dash > 10) {
      return null;
    }
    for (int i = underscore + 1; i < id.length(); i++) {
      char c = id.charAt(i);
      if ((c < '0' || c > '9') && (c < 'a' || c > 'z')) {
        return null;
      }
    }
    return new MessagePlace(
        version,
        (int) index,
        id.substring(underscore + 1, underscore + 1 + Position.TAG_LENGTH),
        id.substring(underscore + 1 + Position.TAG_LENGTH));
  }

  public String id() {
    return PREFIX + entry() + "_" + tag + mark;
  }

  /** {@code version-index}: the entry of the thread. */
  public String entry() {
    return version + "-" + index;
  }

  private static long digits(String text, int from, int to) {
    long value = 0;
    for (int i = from; i < to; i++) {
      char c = text.charAt(i);
      if (c < '0' || c > '9') {
        return -1;
      }
      value = value * 10 + (c - '0');
    }
    return value;
  }
}
