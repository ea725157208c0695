package io.heddle.openai;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** {@code metadata} of this wire: up to 16 pairs of strings. */
final class Metadata {

  static final int MAX_PAIRS = 16;
  static final int MAX_KEY = 64;
  static final int MAX_VALUE = 512;

  private Metadata() {}

  /** Of a request; an empty object when it is not there. */
  static Json read(@Nullable JsonValue metadata) {
    if (metadata == null) {
      return Json.EMPTY_OBJECT;
    }
    Map<String, JsonValue> pairs = metadata.object().members();
    if (pairs.size() > MAX_PAIRS) {
      throw metadata.refuseAs(
          "object_above_max_properties",
          "has " + pairs.size() + " pairs; at most " + MAX_PAIRS + " are allowed");
    }
    pairs.forEach((key, value) -> {
      if (key.isEmpty() || key.length() > MAX_KEY) {
        throw metadata.refuseAs(
            "invalid_value", "has a key that is not 1 to " + MAX_KEY + " characters long");
      }
      if (value.text().length() > MAX_VALUE) {
        throw value.refuseAs(
            "string_above_max_length", "is longer than " + MAX_VALUE + " characters");
      }
    });
    return metadata.json();
  }

  /** As this wire shows what a session has: values that are no strings by their JSON text. */
  static Json shown(Json metadata) {
    Map<String, JsonValue> members = OpenAiJson.object(metadata).members();
    if (members.values().stream().allMatch(JsonValue::isString)) {
      return metadata;
    }
    JsonWriter out = JsonWriter.object(metadata.length() + 32);
    members.forEach((name, value) -> {
      Json text = value.isString() ? value.json() : Json.text(value.json().toString());
      out.member(name, OpenAiJson.value(text, ""));
    });
    return out.done();
  }
}
