package io.heddle.openai;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Whether one JSON value says all that another one says. */
final class JsonSubset {

  private JsonSubset() {}

  /**
   * Whether {@code all} has every member of {@code some} with the same value, however deep; null
   * says nothing. Numbers are compared by their text.
   */
  static boolean covers(@Nullable Value all, Value some) {
    if (some.isNull()) {
      return true;
    }
    if (all == null) {
      return false;
    }
    if (some.isObject() && all.isObject()) {
      Fields has = all.fields();
      return some.fields().all().entrySet().stream()
          .allMatch(member -> covers(has.get(member.getKey()), member.getValue()));
    }
    if (some.isArray() && all.isArray()) {
      List<Value> mine = all.elements();
      List<Value> others = some.elements();
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
    if (some.isString() && all.isArray() && all.elements().size() == 1) {
      Value part = all.elements().getFirst();
      Value text = part.isObject() ? part.fields().get("text") : null;
      return text != null && text.json().equals(some.json());
    }
    return all.json().equals(some.json());
  }
}
