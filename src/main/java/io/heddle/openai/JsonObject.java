package io.heddle.openai;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Writes one JSON object, member by member; ready bytes are spliced in. */
final class JsonObject {

  static final Json NULL = Json.of("null");
  static final Json EMPTY_ARRAY = Json.of("[]");

  private final JsonWriter out;
  private boolean any;
  private boolean closed;

  JsonObject(int capacity) {
    this(new JsonWriter(capacity));
  }

  /** One that stands in a text which is written already. */
  JsonObject(JsonWriter out) {
    this.out = out.ascii("{");
  }

  /** The name and the colon of a member whose value the caller writes. */
  JsonWriter name(String name) {
    out.ascii(any ? ",\"" : "\"").ascii(name).ascii("\":");
    any = true;
    return out;
  }

  JsonObject string(String name, @Nullable String text) {
    name(name).string(text);
    return this;
  }

  JsonObject number(String name, long value) {
    name(name).number(value);
    return this;
  }

  JsonObject bool(String name, boolean value) {
    name(name).ascii(Boolean.toString(value));
    return this;
  }

  /** A value, or {@code null}. */
  JsonObject raw(String name, @Nullable Json json) {
    name(name).raw(json == null ? NULL : json);
    return this;
  }

  /** A value, unless it is null. */
  JsonObject some(String name, @Nullable Json json) {
    return json == null ? this : raw(name, json);
  }

  JsonObject some(String name, @Nullable String text) {
    return text == null ? this : string(name, text);
  }

  /** A member as it stands in another object. */
  JsonObject member(String name, JsonValue value) {
    value.writeTo(out.ascii(any ? "," : "").string(name).ascii(":"));
    any = true;
    return this;
  }

  /** Members of another object, as they stand there. */
  JsonObject members(JsonValue from, Predicate<String> which) {
    from.members()
        .forEach((name, value) -> {
          if (which.test(name)) {
            member(name, value);
          }
        });
    return this;
  }

  /** The same, without those that are null. */
  JsonObject given(JsonValue from, Predicate<String> which) {
    from.members()
        .forEach((name, value) -> {
          if (!value.isNull() && which.test(name)) {
            member(name, value);
          }
        });
    return this;
  }

  JsonWriter end() {
    if (!closed) {
      closed = true;
      out.ascii("}");
    }
    return out;
  }

  Json toJson() {
    return end().toJson();
  }

  static Json array(Iterable<Json> elements) {
    JsonWriter out = new JsonWriter(256).ascii("[");
    String comma = "";
    for (Json element : elements) {
      out.ascii(comma).raw(element);
      comma = ",";
    }
    return out.ascii("]").toJson();
  }

  static Json string(String text) {
    return new JsonWriter(text.length() + 16).string(text).toJson();
  }
}
