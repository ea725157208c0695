package io.heddle.session;

import io.heddle.base.IdSource;
import io.heddle.base.SessionKey;
import org.jspecify.annotations.Nullable;

/**
 * A turn's id carries its session, {@code trn_<16 random characters>_<session id>}: whoever has
 * only the id knows where the turn is.
 */
public record TurnId(String random, String session) {

  public static final String PREFIX = "trn_";

  private static final int RANDOM_LENGTH = 16;

  public static TurnId next(IdSource ids, SessionKey key) {
    return new TurnId(ids.tag() + ids.tag(), key.id());
  }

  /** Null when it is no id of a turn. */
  public static @Nullable TurnId parse(String text) {
    int end = PREFIX.length() + RANDOM_LENGTH;
    if (!text.startsWith(PREFIX) || text.length() <= end + 1 || text.charAt(end) != '_') {
      return null;
    }
    for (int i = PREFIX.length(); i < end; i++) {
      char c = text.charAt(i);
      if ((c < '0' || c > '9') && (c < 'a' || c > 'z')) {
        return null;
      }
    }
    String session = text.substring(end + 1);
    return SessionKey.isId(session)
        ? new TurnId(text.substring(PREFIX.length(), end), session)
        : null;
  }

  @Override
  public String toString() {
    return PREFIX + random + "_" + session;
  }
}
