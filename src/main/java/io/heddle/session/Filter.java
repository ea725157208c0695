package io.heddle.session;

import io.heddle.json.Json;
import io.heddle.json.JsonParsers;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/**
 * Which sessions of a list are wanted.
 *
 * @param metadata members that the metadata must have; the value is compared with a string's
 *     content, or with the text of a number, {@code true}, {@code false} or {@code null}
 */
public record Filter(SessionAttributes.@Nullable Status status, Map<String, String> metadata) {

  public static final Filter ALL = new Filter(null, Map.of());

  private static final JsonFactory FACTORY = JsonParsers.factory();

  public boolean matches(SessionAttributes description) {
    if (status != null && status != description.status()) {
      return false;
    }
    return metadata.isEmpty() || matches(description.metadata());
  }

  private boolean matches(Json object) {
    int found = 0;
    try (JsonParser in = FACTORY.createParser(ObjectReadContext.empty(), object.utf8())) {
      in.nextToken();
      while (in.nextToken() == JsonToken.PROPERTY_NAME) {
        String wanted = metadata.get(in.currentName());
        JsonToken value = in.nextToken();
        if (wanted != null) {
          if (!value.isScalarValue() || !wanted.equals(in.getString())) {
            return false;
          }
          found++;
        }
        in.skipChildren();
      }
    }
    return found == metadata.size();
  }
}
