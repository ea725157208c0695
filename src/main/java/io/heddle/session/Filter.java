package io.heddle.session;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which sessions of a list are wanted.
 *
 * @param metadata members that the metadata must have; the value is compared with a string's
 *     content, or with the text of a number, {@code true}, {@code false} or {@code null}
 */
public record Filter(SessionAttributes.@Nullable Status status, Map<String, String> metadata) {

  public static final Filter ALL = new Filter(null, Map.of());

  public boolean matches(SessionAttributes description) {
    if (status != null && status != description.status()) {
      return false;
    }
    return metadata.isEmpty() || matches(description.metadata());
  }

  private boolean matches(Json object) {
    Map<String, JsonValue> members = JsonValue.of(object).members();
    for (Map.Entry<String, String> wanted : metadata.entrySet()) {
      JsonValue value = members.get(wanted.getKey());
      if (value == null || value.isObject() || value.isArray()) {
        return false;
      }
      if (!wanted.getValue().equals(value.isString() ? value.text() : value.toString())) {
        return false;
      }
    }
    return true;
  }
}
