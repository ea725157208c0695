package io.heddle.upstream;

import io.heddle.base.Json;
import io.heddle.base.JsonWriter;
import io.heddle.base.UntrustedJson;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JsonParser;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/**
 * One value inside JSON that somebody has checked already: its members and elements are found, and
 * copied on as the bytes they are.
 */
record Slice(byte[] json, int from, int to) {

  private static final JsonFactory FACTORY = UntrustedJson.carelessFactory(1);

  static Slice of(Json json) {
    return value(json.utf8(), 0);
  }

  boolean isString() {
    return json[from] == '"';
  }

  boolean isObject() {
    return json[from] == '{';
  }

  boolean isArray() {
    return json[from] == '[';
  }

  boolean isNull() {
    return json[from] == 'n';
  }

  /** By name, in order; empty for what is no object. Of two with one name the later one. */
  Map<String, Slice> members() {
    if (!isObject()) {
      return Map.of();
    }
    Map<String, Slice> members = new LinkedHashMap<>();
    int at = space(json, from + 1);
    while (json[at] != '}') {
      Slice name = value(json, at);
      Slice value = value(json, space(json, name.to) + 1);
      members.put(name.text(), value);
      at = next(value.to);
    }
    return members;
  }

  /** In order; empty for what is no array. */
  List<Slice> elements() {
    if (!isArray()) {
      return List.of();
    }
    List<Slice> elements = new ArrayList<>();
    int at = space(json, from + 1);
    while (json[at] != ']') {
      Slice value = value(json, at);
      elements.add(value);
      at = next(value.to);
    }
    return elements;
  }

  /** What a string says. */
  String text() {
    for (int i = from + 1; i < to - 1; i++) {
      // A half of a surrogate pair has no UTF-8, but some servers write it as if it had.
      if (json[i] == '\\' || json[i] == (byte) 0xed) {
        return unescaped();
      }
    }
    return new String(json, from + 1, to - from - 2, StandardCharsets.UTF_8);
  }

  JsonWriter writeTo(JsonWriter out) {
    return out.raw(json, from, to);
  }

  @Override
  public String toString() {
    return new String(json, from, to - from, StandardCharsets.UTF_8);
  }

  private String unescaped() {
    try (JsonParser parser =
        FACTORY.createParser(ObjectReadContext.empty(), json, from, to - from)) {
      parser.nextToken();
      return parser.getString();
    }
  }

  /** The next member's or element's place, or the end's, from what follows a value. */
  private int next(int after) {
    int at = space(json, after);
    return json[at] == ',' ? space(json, at + 1) : at;
  }

  private static Slice value(byte[] json, int at) {
    int from = space(json, at);
    return new Slice(json, from, end(json, from));
  }

  private static int space(byte[] json, int at) {
    while (json[at] == ' ' || json[at] == '\n' || json[at] == '\r' || json[at] == '\t') {
      at++;
    }
    return at;
  }

  private static int end(byte[] json, int from) {
    return switch (json[from]) {
      case '"' -> string(json, from);
      case '{', '[' -> nested(json, from);
      default -> bare(json, from);
    };
  }

  private static int string(byte[] json, int from) {
    int at = from + 1;
    while (json[at] != '"') {
      at += json[at] == '\\' ? 2 : 1;
    }
    return at + 1;
  }

  private static int nested(byte[] json, int from) {
    int depth = 0;
    int at = from;
    do {
      switch (json[at]) {
        case '"' -> at = string(json, at) - 1;
        case '{', '[' -> depth++;
        case '}', ']' -> depth--;
        default -> {
          // Part of a number or a word, or between values.
        }
      }
      at++;
    } while (depth > 0);
    return at;
  }

  private static int bare(byte[] json, int from) {
    int at = from;
    while (at < json.length && ",]} \n\r\t".indexOf(json[at]) < 0) {
      at++;
    }
    return at;
  }
}
