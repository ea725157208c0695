package io.heddle.upstream;

import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A JSON Schema as Anthropic takes it where an answer or the arguments of a call are held to it:
 * objects have no members but their own, and what cannot be held to is told in the description.
 */
final class AnthropicSchema {

  private static final Set<String> FORMATS =
      Set.of(
          "date-time",
          "time",
          "date",
          "duration",
          "email",
          "hostname",
          "uri",
          "ipv4",
          "ipv6",
          "uuid");

  private static final int DEEPEST = 64;

  private final JsonWriter out;

  private AnthropicSchema(JsonWriter out) {
    this.out = out;
  }

  static JsonWriter write(JsonValue schema, JsonWriter out) {
    new AnthropicSchema(out).schema(schema, 0);
    return out;
  }

  private void schema(JsonValue schema, int depth) {
    if (!schema.isObject() || depth > DEEPEST) {
      schema.writeTo(out);
      return;
    }
    Map<String, JsonValue> members = schema.members();
    Map<String, JsonValue> told = new LinkedHashMap<>();
    boolean isObject = members.containsKey("properties") || isObject(members.get("type"));
    out.ascii("{");
    for (Map.Entry<String, JsonValue> member : members.entrySet()) {
      String name = member.getKey();
      JsonValue value = member.getValue();
      switch (name) {
        case "$schema", "$id", "additionalProperties", "description" -> {
          continue;
        }
        default -> {
          if (!isKept(name, value)) {
            told.put(name, value);
            continue;
          }
        }
      }
      // The only choice that it knows.
      out.next().string(name.equals("oneOf") ? "anyOf" : name).ascii(":");
      switch (name) {
        case "$defs", "definitions", "properties" -> all(value, depth);
        case "anyOf", "oneOf", "allOf" -> each(value, depth);
        case "items" -> schema(value, depth + 1);
        default -> value.writeTo(out);
      }
    }
    String description = description(members.get("description"), told);
    if (!description.isEmpty()) {
      out.next().ascii("\"description\":").string(description);
    }
    if (isObject) {
      out.next().ascii("\"additionalProperties\":false");
    }
    out.ascii("}");
  }

  private static boolean isKept(String name, JsonValue value) {
    return switch (name) {
      case "$ref", "$defs", "definitions", "type", "enum", "const", "default", "title" -> true;
      case "properties", "required", "items", "anyOf", "oneOf", "allOf" -> true;
      case "format" -> value.isString() && FORMATS.contains(value.text());
      case "minItems" -> value.toString().matches("[01]");
      default -> false;
    };
  }

  private static boolean isObject(@Nullable JsonValue type) {
    if (type == null) {
      return false;
    }
    return type.isString()
        ? type.text().equals("object")
        : type.elements().stream().anyMatch(one -> one.isString() && one.text().equals("object"));
  }

  private static String description(@Nullable JsonValue given, Map<String, JsonValue> told) {
    StringBuilder all = new StringBuilder();
    if (given != null && given.isString()) {
      all.append(given.text());
    }
    String before = all.isEmpty() ? "{" : "\n\n{";
    for (Map.Entry<String, JsonValue> member : told.entrySet()) {
      all.append(before).append(member.getKey()).append(": ").append(member.getValue());
      before = ", ";
    }
    return all.append(told.isEmpty() ? "" : "}").toString();
  }

  private void all(JsonValue schemas, int depth) {
    out.ascii("{");
    for (Map.Entry<String, JsonValue> one : schemas.members().entrySet()) {
      out.next().string(one.getKey()).ascii(":");
      schema(one.getValue(), depth + 1);
    }
    out.ascii("}");
  }

  private void each(JsonValue schemas, int depth) {
    out.ascii("[");
    for (JsonValue one : schemas.elements()) {
      out.next();
      schema(one, depth + 1);
    }
    out.ascii("]");
  }
}
