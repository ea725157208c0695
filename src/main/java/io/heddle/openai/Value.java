package io.heddle.openai;

import io.heddle.base.Json;
import io.heddle.base.JsonWriter;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.UntrustedJson;
import io.heddle.base.WholeNumbers;
import io.heddle.web.Query;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/**
 * A JSON value in a request or a message, and where it stands there. It is looked into by cutting
 * its bytes, never changed; refusals name its path.
 */
final class Value {

  private static final JsonFactory FACTORY = UntrustedJson.factory();

  /** Of what it stands in: most values are only looked at, and cut out when they are passed on. */
  private final byte[] bytes;

  private final int from;
  private final int to;
  private @Nullable Json cut;
  private @Nullable Fields fields;
  private @Nullable List<Value> elements;

  /** Its path is put together only when it is asked for: most values are never refused. */
  private final @Nullable Value within;

  private final String name;
  private final int index;

  /**
   * @param json sound and without a space between its tokens
   * @param path as a client writes it, {@code input[2].content}; empty for the whole body
   */
  Value(Json json, String path) {
    this(json.utf8(), 0, json.length(), null, path, -1);
    cut = json;
  }

  private Value(byte[] bytes, int from, int to, @Nullable Value within, String name, int index) {
    this.bytes = bytes;
    this.from = from;
    this.to = to;
    this.within = within;
    this.name = name;
    this.index = index;
  }

  static Value of(Json json) {
    return new Value(json, "");
  }

  Json json() {
    Json json = cut;
    if (json == null) {
      json = new Json(Arrays.copyOfRange(bytes, from, to));
      cut = json;
    }
    return json;
  }

  void writeTo(JsonWriter out) {
    out.raw(bytes, from, to);
  }

  String path() {
    if (within == null) {
      return name;
    }
    return index < 0 ? within.pathOf(name) : within.path() + "[" + index + "]";
  }

  /** Where a member of this object stands. */
  String pathOf(String member) {
    String path = path();
    return path.isEmpty() ? member : path + "." + member;
  }

  // ---- its kind

  boolean isNull() {
    return first() == 'n';
  }

  boolean isString() {
    return first() == '"';
  }

  boolean isArray() {
    return first() == '[';
  }

  boolean isObject() {
    return first() == '{';
  }

  boolean isTrue() {
    return first() == 't';
  }

  private char first() {
    return (char) bytes[from];
  }

  // ---- what it is

  String text() {
    if (!isString()) {
      throw wrongType("a string");
    }
    return string(bytes, from, to);
  }

  boolean bool() {
    char first = first();
    if (first != 't' && first != 'f') {
      throw wrongType("true or false");
    }
    return first == 't';
  }

  long integer(long least, long most) {
    char first = first();
    if (first != '-' && (first < '0' || first > '9')) {
      throw wrongType("a whole number");
    }
    return integer(path(), written(), least, most);
  }

  /** A parameter of a query that is a whole number, or {@code otherwise} when it is not there. */
  static int integer(Query query, String name, int least, int most, int otherwise) {
    String text = query.text(name);
    return text == null ? otherwise : (int) integer(name, text, least, most);
  }

  private static long integer(String path, String text, long least, long most) {
    Long value = WholeNumbers.parse(text);
    if (value == null) {
      throw refuse(path, "invalid_type", "must be a whole number from " + least + " to " + most);
    }
    if (value < least || value > most) {
      throw refuse(
          path,
          value < least ? "integer_below_min_value" : "integer_above_max_value",
          "must be " + least + " to " + most);
    }
    return value;
  }

  private String written() {
    return new String(bytes, from, to - from, StandardCharsets.UTF_8);
  }

  /** A number of that range, with or without a fraction. */
  void decimal(int least, int most) {
    char first = first();
    if (first != '-' && (first < '0' || first > '9')) {
      throw wrongType("a number");
    }
    double value = Double.parseDouble(written());
    if (value < least || value > most) {
      throw refuseAs(
          value < least ? "decimal_below_min_value" : "decimal_above_max_value",
          "must be " + least + " to " + most);
    }
  }

  /** The members of an object. They are looked for once, and nobody adds to them. */
  Fields fields() {
    Fields known = fields;
    if (known != null) {
      return known;
    }
    if (!isObject()) {
      throw wrongType("an object");
    }
    Fields found = new Fields(this);
    int at = from + 1;
    while (bytes[at] != '}') {
      at = bytes[at] == ',' ? at + 1 : at;
      int nameEnd = end(bytes, at);
      int valueEnd = end(bytes, nameEnd + 1);
      String member = string(bytes, at, nameEnd);
      found.add(member, new Value(bytes, nameEnd + 1, valueEnd, this, member, -1));
      at = valueEnd;
    }
    fields = found;
    return found;
  }

  /** The elements of an array. */
  List<Value> elements() {
    List<Value> known = elements;
    if (known != null) {
      return known;
    }
    if (!isArray()) {
      throw wrongType("an array");
    }
    List<Value> found = new ArrayList<>();
    int at = from + 1;
    while (bytes[at] != ']') {
      at = bytes[at] == ',' ? at + 1 : at;
      int end = end(bytes, at);
      found.add(new Value(bytes, at, end, this, "", found.size()));
      at = end;
    }
    elements = Collections.unmodifiableList(found);
    return elements;
  }

  // ---- refusals

  ProblemException refuse(String detail) {
    return refuse(path(), detail);
  }

  /**
   * @param code OpenAI's for what is wrong
   */
  ProblemException refuseAs(String code, String detail) {
    return refuse(path(), code, detail);
  }

  ProblemException wrongType(String expected) {
    String is =
        switch (first()) {
          case '{' -> "an object";
          case '[' -> "an array";
          case '"' -> "a string";
          case 't', 'f' -> "a boolean";
          case 'n' -> "null";
          default -> "a number";
        };
    return refuseAs("invalid_type", "must be " + expected + ", not " + is);
  }

  /** {@code invalid-request}, naming a field. */
  static ProblemException refuse(String path, String detail) {
    return refuse(path, "invalid_value", detail);
  }

  /** One of a member that has to be there. */
  static ProblemException missing(String path) {
    return refuse(path, "missing_required_parameter", "is missing");
  }

  /**
   * @param code OpenAI's for what is wrong
   */
  static ProblemException refuse(String path, String code, String detail) {
    Problem problem =
        path.isEmpty()
            ? Problem.of(ProblemCode.INVALID_REQUEST, "The body " + detail)
            : Problem.field(ProblemCode.INVALID_REQUEST, path, "'" + path + "' " + detail);
    return problem.with(WireError.CODE, code).toException();
  }

  // ---- bytes

  /** Where the value that begins at {@code from} ends. */
  private static int end(byte[] bytes, int from) {
    int depth = 0;
    int at = from;
    while (true) {
      switch (bytes[at]) {
        case '"' -> {
          at++;
          while (bytes[at] != '"') {
            at += bytes[at] == '\\' ? 2 : 1;
          }
          at++;
        }
        case '{', '[' -> {
          depth++;
          at++;
        }
        case '}', ']' -> {
          if (depth == 0) {
            return at;
          }
          depth--;
          at++;
        }
        case ',', ':' -> {
          if (depth == 0) {
            return at;
          }
          at++;
          continue;
        }
        default -> {
          at++;
          continue;
        }
      }
      if (depth == 0) {
        return at;
      }
    }
  }

  private static String string(byte[] bytes, int from, int to) {
    for (int i = from + 1; i < to - 1; i++) {
      if (bytes[i] == '\\') {
        try (JsonParser in =
            FACTORY.createParser(ObjectReadContext.empty(), bytes, from, to - from)) {
          in.nextToken();
          return in.getString();
        }
      }
    }
    return new String(bytes, from + 1, to - from - 2, StandardCharsets.UTF_8);
  }
}
