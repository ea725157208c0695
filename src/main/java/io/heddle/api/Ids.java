package io.heddle.api;

import io.heddle.base.SessionKey;
import io.heddle.json.JsonReader;
import io.heddle.web.Callers;

/** The rules for ids and users that clients give. */
final class Ids {

  static final String SESSION_RULE = "must be [A-Za-z0-9._:@-]{1,128}, not . or ..";
  static final int MAX_USER = Callers.MAX_USER;

  private Ids() {}

  static String session(JsonReader in) {
    String id = in.string(0, 1 << 20);
    if (!SessionKey.isId(id)) {
      throw in.refuse(SESSION_RULE);
    }
    return id;
  }

  static String user(JsonReader in) {
    String user = in.string(1, MAX_USER);
    if (hasControl(user)) {
      throw in.refuse("has a control character");
    }
    return user;
  }

  static boolean hasControl(String text) {
    return Callers.hasControl(text);
  }
}
