package io.heddle.upstream;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;

/**
 * The members of a JSON object by name, in their order. Those of clients and of ours are read
 * strictly ({@link #string}, {@link #text}); those of servers in every form that has one meaning
 * ({@link #scalar}, {@link #words}, {@link #count}).
 */
record Members(Map<String, JsonValue> all) {

  static final Members NONE = new Members(Map.of());

  /** A text without a word. */
  static final JsonValue EMPTY = quoted("");

  /** Of nothing when it is no object. */
  static Members of(@Nullable JsonValue object) {
    return object == null || !object.isObject() ? NONE : new Members(object.members());
  }

  static Members of(Json object) {
    return of(JsonValue.of(object));
  }

  /**
   * Reads one object of a server, with nothing behind it.
   *
   * @throws JacksonException for what is not JSON
   * @throws ServerJson.UnexpectedJson for JSON that is not one object
   */
  static Members read(byte[] json, int length) {
    try (JsonParser in = ServerJson.parser(json, length)) {
      ServerJson.firstObject(in);
      Members object = of(ServerJson.value(in, json));
      ServerJson.end(in);
      return object;
    }
  }

  /** The next object that a parser of these bytes finds; null at the end. */
  static @Nullable Members next(JsonParser in, byte[] json) {
    return ServerJson.nextObject(in) ? of(ServerJson.value(in, json)) : null;
  }

  /** A text as a JSON string. */
  static JsonValue quoted(String text) {
    return JsonValue.of(new JsonWriter(text.length() + 16).string(text).toJson());
  }

  /** A list, of which each element is written by the caller. */
  static <T> JsonWriter list(JsonWriter out, Collection<T> all, Consumer<T> element) {
    String before = "[";
    for (T each : all) {
      out.ascii(before);
      element.accept(each);
      before = ",";
    }
    return out.ascii(all.isEmpty() ? "[]" : "]");
  }

  /** As an object. */
  JsonWriter writeTo(JsonWriter out) {
    return writeTo(out, (_, value) -> value.writeTo(out));
  }

  /** As an object, of which the caller writes each value. */
  JsonWriter writeTo(JsonWriter out, BiConsumer<String, JsonValue> member) {
    String before = "{";
    for (Map.Entry<String, JsonValue> each : all.entrySet()) {
      out.ascii(before).string(each.getKey()).ascii(":");
      member.accept(each.getKey(), each.getValue());
      before = ",";
    }
    return out.ascii(all.isEmpty() ? "{}" : "}");
  }

  JsonValue toValue() {
    return JsonValue.of(writeTo(new JsonWriter(256)).toJson());
  }

  /** Behind another member of an object that the caller writes. */
  JsonWriter writeBehind(JsonWriter out) {
    all.forEach((name, value) -> value.writeTo(out.ascii(",").string(name).ascii(":")));
    return out;
  }

  /** The same without some of them. */
  Members without(Collection<String> names) {
    Map<String, JsonValue> rest = new LinkedHashMap<>(all);
    names.forEach(rest::remove);
    return new Members(rest);
  }

  /** The same without those that are null. */
  Members withoutNulls() {
    Map<String, JsonValue> rest = new LinkedHashMap<>(all);
    rest.values().removeIf(JsonValue::isNull);
    return new Members(rest);
  }

  boolean isEmpty() {
    return all.isEmpty();
  }

  /** Null for a member that is not there, and for one that is null. */
  @Nullable JsonValue get(String name) {
    JsonValue value = all.get(name);
    return value == null || value.isNull() ? null : value;
  }

  boolean has(String name) {
    return get(name) != null;
  }

  /** Whether it is this very word, {@code true} or a number. */
  boolean is(String name, String literal) {
    JsonValue value = all.get(name);
    return value != null && value.toString().equals(literal);
  }

  boolean hasList(String name) {
    JsonValue value = all.get(name);
    return value != null && value.isArray();
  }

  /** Empty when it is no object. */
  Members inner(String name) {
    return of(all.get(name));
  }

  /** Empty when it is no array. */
  List<JsonValue> elements(String name) {
    JsonValue value = all.get(name);
    return value == null ? List.of() : value.elements();
  }

  // ---- strictly

  /** A string as it is quoted; null for any other value. */
  @Nullable JsonValue string(String name) {
    JsonValue value = all.get(name);
    return value != null && value.isString() ? value : null;
  }

  /** A string as it is quoted; an empty one for any other value. */
  JsonValue stringOrEmpty(String name) {
    JsonValue value = string(name);
    return value == null ? EMPTY : value;
  }

  /** What a string says; null for any other value. */
  @Nullable String text(String name) {
    JsonValue value = string(name);
    return value == null ? null : value.text();
  }

  /** What a string says; empty for any other value. */
  String textOrEmpty(String name) {
    String text = text(name);
    return text == null ? "" : text;
  }

  /** A whole number of up to nine digits. */
  int number(String name, int otherwise) {
    JsonValue value = all.get(name);
    String digits = value == null ? "" : value.toString();
    return digits.matches("[0-9]{1,9}") ? Integer.parseInt(digits) : otherwise;
  }

  // ---- in every form

  /** A string, or a number or a flag as it is written; null for everything else. */
  @Nullable String scalar(String name) {
    JsonValue value = get(name);
    if (value == null || value.isObject() || value.isArray()) {
      return null;
    }
    return value.isString() ? value.text() : value.toString();
  }

  /** The same, and null for one that is empty. */
  @Nullable String filled(String name) {
    String text = scalar(name);
    return text == null || text.isEmpty() ? null : text;
  }

  String scalarOrEmpty(String name) {
    String text = scalar(name);
    return text == null ? "" : text;
  }

  /** All that is text in it. */
  String words(String name) {
    JsonValue value = all.get(name);
    return value == null ? "" : LenientValues.words(value);
  }

  /** Which of several; -1 for what is no count. */
  int index(String name) {
    JsonValue value = all.get(name);
    return value == null ? -1 : LenientValues.index(value);
  }

  /** A count: what is not one, or cannot be, is 0. */
  long count(String name) {
    JsonValue value = all.get(name);
    return value == null ? 0 : LenientValues.count(value);
  }

  /** JSON in a string, or as it is; null when it is neither there nor a string, object or array. */
  @Nullable String json(String name) {
    JsonValue value = all.get(name);
    if (value == null) {
      return null;
    }
    return value.isString()
        ? value.text()
        : value.isObject() || value.isArray() ? "" + value : null;
  }

  /** The objects of an array. */
  List<Members> objects(String name) {
    List<Members> objects = new ArrayList<>();
    for (JsonValue element : elements(name)) {
      if (element.isObject()) {
        objects.add(of(element));
      }
    }
    return objects;
  }

  /** Null when it is not there, null or false. */
  @Nullable ServerError error(String name) {
    JsonValue value = get(name);
    return value == null || value.toString().equals("false") ? null : ServerError.of(value);
  }
}
