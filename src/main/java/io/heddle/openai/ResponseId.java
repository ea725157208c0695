package io.heddle.openai;

import io.heddle.session.TurnId;
import org.jspecify.annotations.Nullable;

/**
 * A response is a turn, and its id is the turn's with another prefix: it says where the response
 * is. One that is not stored has an id of the same form and no session.
 */
record ResponseId(String random, String session) {

  static final String PREFIX = "resp_";

  static ResponseId of(String turn) {
    TurnId id = TurnId.parse(turn);
    if (id == null) {
      throw new IllegalArgumentException("not a turn: " + turn);
    }
    return new ResponseId(id.random(), id.session());
  }

  /** Null when it is no id of a stored response. */
  static @Nullable ResponseId parse(String text) {
    if (!text.startsWith(PREFIX)) {
      return null;
    }
    TurnId id = TurnId.parse(TurnId.PREFIX + text.substring(PREFIX.length()));
    return id == null ? null : new ResponseId(id.random(), id.session());
  }

  String turn() {
    return new TurnId(random, session).toString();
  }

  @Override
  public String toString() {
    return PREFIX + random + "_" + session;
  }
}
