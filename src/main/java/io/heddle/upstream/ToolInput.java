package io.heddle.upstream;

import io.heddle.json.Json;
import io.heddle.json.JsonParsers;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;

/** The arguments of tool calls, for servers that take nothing but an object. */
final class ToolInput {

  private ToolInput() {}

  /**
   * As an object: models make calls without arguments, with a single value, with half of an object.
   *
   * @param isText whether they are a text, whatever it looks like
   */
  static Json object(String arguments, boolean isText) {
    if (isText) {
      return wrapped(arguments);
    }
    Json json = arguments.isBlank() ? Json.EMPTY_OBJECT : Json.of(arguments);
    return isObject(json) ? json : wrapped(arguments);
  }

  private static Json wrapped(String text) {
    return new JsonWriter(text.length() + 16).ascii("{\"input\":").string(text).ascii("}").toJson();
  }

  static boolean isObject(Json json) {
    return JsonParsers.isJson(json) && JsonValue.of(json).isObject();
  }
}
