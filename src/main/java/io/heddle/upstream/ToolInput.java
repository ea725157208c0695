package io.heddle.upstream;

import io.heddle.json.Json;
import io.heddle.json.JsonParsers;
import io.heddle.json.JsonWriter;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/** The arguments of tool calls, for servers that take nothing but an object. */
final class ToolInput {

  private static final JsonFactory FACTORY = JsonParsers.factory();

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
    try (JsonParser in = FACTORY.createParser(ObjectReadContext.empty(), json.utf8())) {
      if (in.nextToken() != JsonToken.START_OBJECT) {
        return false;
      }
      in.skipChildren();
      return in.nextToken() == null;
    } catch (JacksonException _) {
      return false;
    }
  }
}
