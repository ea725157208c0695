package io.heddle.api;

import io.heddle.json.JsonReader;
import java.util.ArrayList;
import java.util.List;

/** The members of one JSON object, each at most once. */
final class Members {

  private final JsonReader in;
  private final List<String> seen = new ArrayList<>(8);

  Members(JsonReader in) {
    this.in = in;
    in.object();
  }

  /** Goes to the next member; false at the object's end. */
  boolean next() {
    if (!in.nextMember()) {
      return false;
    }
    if (seen.contains(in.name())) {
      throw in.refuse("is there twice");
    }
    seen.add(in.name());
    return true;
  }
}
