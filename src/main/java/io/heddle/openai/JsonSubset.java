package io.heddle.openai;

import io.heddle.json.JsonValue;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Whether one JSON value says all that another one says. */
final class JsonSubset {

  private JsonSubset() {}

  /**
   * Whether {@code all} has every member of {@code some} with the same value, however deep; null
   * says nothing. Numbers are compared by their text.
   */
  static boolean covers(@Nullable JsonValue all, JsonValue some) {
    if (some.isNull()) {
      return true;
    }
    if (all == null) {
      return false;
    }
    if (some.isObject() && all.isObject()) {
      JsonValue has = all.object();
      return some.object().members().entrySet().stream()
          .allMatch(member -> covers(has.get(member.getKey()), member.getValue()));
    }
    if (some.isArray() && all.isArray()) {
      List<JsonValue> mine = all.array();
      List<JsonValue> others = some.array();
      if (mine.size() != others.size()) {
        return false;
      }
      for (int i = 0; i < mine.size(); i++) {
        if (!covers(mine.get(i), others.get(i))) {
          return false;
        }
      }
      return true;
    }
    // A text may be written as a string or as the one part of a list.
    if (some.isString() && all.isArray() && all.array().size() == 1) {
      JsonValue part = all.array().getFirst();
      JsonValue text = part.isObject() ? part.object().get("text") : null;
      return text != null && text.json().equals(some.json());
    }
    return all.json().equals(some.json());
  }
}
