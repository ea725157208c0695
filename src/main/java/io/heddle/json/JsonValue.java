package io.heddle.json;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/**
 * A value inside JSON that was checked when it came in, and where it stands there. It is looked
 * into by cutting its bytes, never changed; refusals name its path. What is not JSON after all, as
 * a stored text may be that was damaged, is refused where it is looked into.
 *
 * <p>Of an object's members, one that is null is taken for absent.
 */
public final class JsonValue {

  /** Whether a string may have control characters was decided when its text was checked. */
  private static final JsonFactory STRINGS = JsonParsers.carelessFactory(1);

  /** Of a number that cannot be too large. */
  private static final int MOST_DIGITS = 18;

  private static final InvalidJson.Form PLAIN = refusal -> refusal;

  /** Of what it stands in: most values are only looked at, and cut out when they are passed on. */
  private final byte[] bytes;

  private final int from;
  private final int to;
  private @Nullable Json cut;
  private @Nullable Map<String, JsonValue> members;
  private @Nullable List<JsonValue> elements;

  /** Its path is put together only when it is asked for: most values are never refused. */
  private final @Nullable JsonValue within;

  private final String name;
  private final int index;
  private final InvalidJson.Form form;

  private JsonValue(
      byte[] bytes,
      int from,
      int to,
      @Nullable JsonValue within,
      String name,
      int index,
      InvalidJson.Form form) {
    this.bytes = bytes;
    this.from = from;
    this.to = to;
    this.within = within;
    this.name = name;
    this.index = index;
    this.form = form;
  }

  /** A whole text. */
  public static JsonValue of(Json json) {
    return of(json, "", PLAIN);
  }

  /**
   * @param path as a client writes it, {@code input[2].content}; empty for the whole text
   */
  public static JsonValue of(Json json, String path, InvalidJson.Form form) {
    byte[] utf8 = json.utf8();
    int from = 0;
    int to = utf8.length;
    while (from < to && utf8[from] <= ' ' && utf8[from] >= 0) {
      from++;
    }
    while (to > from && utf8[to - 1] <= ' ' && utf8[to - 1] >= 0) {
      to--;
    }
    JsonValue value = new JsonValue(utf8, from, to, null, path, -1, form);
    if (from == to) {
      throw value.broken();
    }
    if (value.length() == utf8.length) {
      value.cut = json;
    }
    return value;
  }

  /** A value that stands in bytes which nobody changes as long as it is used. */
  public static JsonValue of(byte[] bytes, int from, int to) {
    return new JsonValue(bytes, from, to, null, "", -1, PLAIN);
  }

  /** The value as it is written. */
  public Json json() {
    Json json = cut;
    if (json == null) {
      json = new Json(Arrays.copyOfRange(bytes, from, to));
      cut = json;
    }
    return json;
  }

  public JsonWriter writeTo(JsonWriter out) {
    return out.raw(bytes, from, to);
  }

  /** How many bytes it has. */
  public int length() {
    return to - from;
  }

  /** The value as it is written. */
  @Override
  public String toString() {
    return new String(bytes, from, to - from, StandardCharsets.UTF_8);
  }

  public String path() {
    if (within == null) {
      return name;
    }
    return index < 0 ? within.pathOf(name) : within.path() + "[" + index + "]";
  }

  /** Where a member of this object stands. */
  public String pathOf(String member) {
    String path = path();
    return path.isEmpty() ? member : path + "." + member;
  }

  // ---- its kind

  public boolean isNull() {
    return bytes[from] == 'n';
  }

  public boolean isString() {
    return bytes[from] == '"';
  }

  public boolean isArray() {
    return bytes[from] == '[';
  }

  public boolean isObject() {
    return bytes[from] == '{';
  }

  public boolean isTrue() {
    return bytes[from] == 't';
  }

  public boolean isNumber() {
    byte first = bytes[from];
    return first == '-' || (first >= '0' && first <= '9');
  }

  // ---- what it is; another kind is refused

  /** What a string says. */
  public String text() {
    if (!isString()) {
      throw wrongType("a string");
    }
    return string(from, to);
  }

  /** Whether a string says nothing, or only spaces. */
  public boolean isBlank() {
    byte first = bytes[from + 1];
    // Most texts begin with a letter.
    return first == '"' || ((first == '\\' || first <= ' ') && text().isBlank());
  }

  /** Whether these bytes are somewhere in it. */
  public boolean contains(byte[] part) {
    for (int i = from; i <= to - part.length; i++) {
      if (bytes[i + 1] == part[1]
          && Arrays.equals(bytes, i, i + part.length, part, 0, part.length)) {
        return true;
      }
    }
    return false;
  }

  public boolean bool() {
    if (!isTrue() && bytes[from] != 'f') {
      throw wrongType("true or false");
    }
    return isTrue();
  }

  public long integer(long least, long most) {
    if (!isNumber()) {
      throw wrongType("a whole number");
    }
    Long value = whole();
    if (value == null) {
      throw refuseAs("invalid_type", "must be a whole number from " + least + " to " + most);
    }
    if (value < least || value > most) {
      throw refuseAs(
          value < least ? "integer_below_min_value" : "integer_above_max_value",
          "must be " + least + " to " + most);
    }
    return value;
  }

  /** A number as a whole one, if it is. */
  private @Nullable Long whole() {
    long whole = 0;
    for (int at = from; at < to; at++) {
      int digit = bytes[at] - '0';
      if (digit < 0 || digit > 9 || length() > MOST_DIGITS) {
        return WholeNumbers.parse(toString());
      }
      whole = whole * 10 + digit;
    }
    return whole;
  }

  /** A number of that range, with or without a fraction. */
  public void decimal(int least, int most) {
    if (!isNumber()) {
      throw wrongType("a number");
    }
    double value = Double.parseDouble(toString());
    if (value < least || value > most) {
      throw refuseAs(
          value < least ? "decimal_below_min_value" : "decimal_above_max_value",
          "must be " + least + " to " + most);
    }
  }

  /** This, which must be an object. */
  public JsonValue object() {
    if (!isObject()) {
      throw wrongType("an object");
    }
    return this;
  }

  /** The elements of what must be an array. */
  public List<JsonValue> array() {
    if (!isArray()) {
      throw wrongType("an array");
    }
    return elements();
  }

  // ---- members of an object, and elements of an array

  /**
   * All by name, in their order, those that are null too; none for what is no object. Of two with
   * one name the later one. They are looked for once.
   */
  public Map<String, JsonValue> members() {
    Map<String, JsonValue> known = members;
    if (known != null) {
      return known;
    }
    if (!isObject()) {
      return Map.of();
    }
    Map<String, JsonValue> found = new LinkedHashMap<>();
    int at = space(from + 1);
    while (bytes[at] != '}') {
      if (bytes[at] != '"') {
        throw broken();
      }
      int nameEnd = stringEnd(at);
      int colon = space(nameEnd);
      if (bytes[colon] != ':') {
        throw broken();
      }
      int start = space(colon + 1);
      int end = end(start);
      String member = string(at, nameEnd);
      found.put(member, new JsonValue(bytes, start, end, this, member, -1, form));
      at = next(end);
    }
    members = Collections.unmodifiableMap(found);
    return members;
  }

  /** In their order; none for what is no array. They are looked for once. */
  public List<JsonValue> elements() {
    List<JsonValue> known = elements;
    if (known != null) {
      return known;
    }
    if (!isArray()) {
      return List.of();
    }
    List<JsonValue> found = new ArrayList<>();
    int at = space(from + 1);
    while (bytes[at] != ']') {
      int end = end(at);
      found.add(new JsonValue(bytes, at, end, this, "", found.size(), form));
      at = next(end);
    }
    elements = Collections.unmodifiableList(found);
    return elements;
  }

  /** The same object, as far as its members are looked for, without some of them. */
  public JsonValue without(Set<String> names) {
    JsonValue rest = new JsonValue(bytes, from, to, within, name, index, form);
    Map<String, JsonValue> left = new LinkedHashMap<>(members());
    left.keySet().removeAll(names);
    rest.members = Collections.unmodifiableMap(left);
    return rest;
  }

  /** A member, or null when it is absent. */
  public @Nullable JsonValue get(String name) {
    JsonValue value = members().get(name);
    return value == null || value.isNull() ? null : value;
  }

  public boolean has(String name) {
    return get(name) != null;
  }

  public JsonValue required(String name) {
    JsonValue value = get(name);
    if (value == null) {
      throw form.of(InvalidJson.value(pathOf(name), "missing_required_parameter", "is missing"));
    }
    return value;
  }

  public @Nullable String text(String name) {
    JsonValue value = get(name);
    return value == null ? null : value.text();
  }

  /** A string as it is written, or null. */
  public @Nullable Json string(String name) {
    return has(name) ? requiredString(name) : null;
  }

  public Json requiredString(String name) {
    JsonValue value = required(name);
    if (!value.isString()) {
      throw value.wrongType("a string");
    }
    return value.json();
  }

  /** A string; empty when it is not there or is none. */
  public String word(String name) {
    JsonValue value = get(name);
    return value == null || !value.isString() ? "" : value.text();
  }

  /** A whole number; 0 when it is not there or is none. */
  public long number(String name) {
    JsonValue value = get(name);
    Long whole = value == null || !value.isNumber() ? null : value.whole();
    return whole == null ? 0 : whole;
  }

  /** The elements of an array; none when it is not there or is none. */
  public List<JsonValue> elements(String name) {
    JsonValue value = get(name);
    return value == null ? List.of() : value.elements();
  }

  /** False when it is not there. */
  public boolean flag(String name) {
    return flag(name, false);
  }

  public boolean flag(String name, boolean otherwise) {
    JsonValue value = get(name);
    return value == null ? otherwise : value.bool();
  }

  public @Nullable Json raw(String name) {
    JsonValue value = get(name);
    return value == null ? null : value.json();
  }

  public Json raw(String name, Json otherwise) {
    JsonValue value = get(name);
    return value == null ? otherwise : value.json();
  }

  // ---- refusals

  public RuntimeException refuse(String detail) {
    return refuseAs("invalid_value", detail);
  }

  /**
   * @param code one word for what is wrong
   */
  public RuntimeException refuseAs(String code, String detail) {
    return form.of(InvalidJson.value(path(), code, detail));
  }

  public RuntimeException wrongType(String expected) {
    String is =
        switch (bytes[from]) {
          case '{' -> "an object";
          case '[' -> "an array";
          case '"' -> "a string";
          case 't', 'f' -> "a boolean";
          case 'n' -> "null";
          default -> "a number";
        };
    return refuseAs("invalid_type", "must be " + expected + ", not " + is);
  }

  private RuntimeException broken() {
    return form.of(InvalidJson.text("The text is not JSON"));
  }

  // ---- bytes

  private int space(int at) {
    int next = at;
    while (next < bytes.length && bytes[next] <= ' ' && bytes[next] >= 0) {
      next++;
    }
    if (next == bytes.length) {
      throw broken();
    }
    return next;
  }

  /** The next member's or element's place, or the end's, from what follows a value. */
  private int next(int after) {
    int at = space(after);
    return bytes[at] == ',' ? space(at + 1) : at;
  }

  /** Where the value that begins at {@code start} ends. */
  private int end(int start) {
    return switch (bytes[start]) {
      case '"' -> stringEnd(start);
      case '{', '[' -> nestedEnd(start);
      default -> bareEnd(start);
    };
  }

  private int stringEnd(int start) {
    for (int at = start + 1; at < bytes.length; at++) {
      if (bytes[at] == '"') {
        return at + 1;
      }
      if (bytes[at] == '\\') {
        at++;
      }
    }
    throw broken();
  }

  private int nestedEnd(int start) {
    int depth = 0;
    for (int at = start; at < bytes.length; at++) {
      switch (bytes[at]) {
        case '"' -> at = stringEnd(at) - 1;
        case '{', '[' -> depth++;
        case '}', ']' -> {
          if (--depth == 0) {
            return at + 1;
          }
        }
        default -> {
          // Part of a number or a word, or between values.
        }
      }
    }
    throw broken();
  }

  private int bareEnd(int start) {
    int at = start;
    while (at < bytes.length
        && bytes[at] > ' '
        && bytes[at] != ','
        && bytes[at] != ']'
        && bytes[at] != '}') {
      at++;
    }
    if (at == start) {
      throw broken();
    }
    return at;
  }

  private String string(int start, int end) {
    for (int i = start + 1; i < end - 1; i++) {
      // A half of a surrogate pair has no UTF-8, but some model servers write it as if it had.
      if (bytes[i] == '\\' || bytes[i] == (byte) 0xed && (bytes[i + 1] & 0xff) >= 0xa0) {
        try (JsonParser in =
            STRINGS.createParser(ObjectReadContext.empty(), bytes, start, end - start)) {
          in.nextToken();
          return in.getString();
        } catch (JacksonException _) {
          throw broken();
        }
      }
    }
    return new String(bytes, start + 1, end - start - 2, StandardCharsets.UTF_8);
  }
}
