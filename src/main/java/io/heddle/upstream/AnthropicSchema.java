package io.heddle.upstream;

import io.heddle.json.Json;
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

  /** Written anew, or of no use. */
  private static final Set<String> NOT_KEPT =
      Set.of("$schema", "$id", "additionalProperties", "description");

  private static final JsonValue FALSE = JsonValue.of(Json.of("false"));
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
    Members members = Members.of(schema);
    Map<String, JsonValue> kept = new LinkedHashMap<>();
    Map<String, JsonValue> told = new LinkedHashMap<>();
    members
        .without(NOT_KEPT)
        .all()
        .forEach((name, value) -> {
          if (isKept(name, value)) {
            // The only choice that it knows.
            kept.put(name.equals("oneOf") ? "anyOf" : name, value);
          } else {
            told.put(name, value);
          }
        });
    String description = description(members.text("description"), told);
    if (!description.isEmpty()) {
      kept.put("description", Members.quoted(description));
    }
    if (members.all().containsKey("properties") || isObject(members.get("type"))) {
      kept.put("additionalProperties", FALSE);
    }
    new Members(kept).writeTo(out, (name, value) -> member(name, value, depth + 1));
  }

  private void member(String name, JsonValue value, int depth) {
    switch (name) {
      case "$defs", "definitions", "properties" ->
          Members.of(value).writeTo(out, (_, each) -> schema(each, depth));
      case "anyOf", "allOf" -> Members.list(out, value.elements(), each -> schema(each, depth));
      case "items" -> schema(value, depth);
      default -> value.writeTo(out);
    }
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

  private static String description(@Nullable String given, Map<String, JsonValue> told) {
    StringBuilder all = new StringBuilder(given == null ? "" : given);
    String before = all.isEmpty() ? "{" : "\n\n{";
    for (Map.Entry<String, JsonValue> member : told.entrySet()) {
      all.append(before).append(member.getKey()).append(": ").append(member.getValue());
      before = ", ";
    }
    return all.append(told.isEmpty() ? "" : "}").toString();
  }
}
