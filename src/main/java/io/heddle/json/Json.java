package io.heddle.json;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * One JSON value as ready UTF-8 bytes on a single line. Whoever makes one has checked that it is
 * JSON; nobody changes the bytes afterwards.
 */
public record Json(byte[] utf8) {

  public static final Json NULL = of("null");
  public static final Json EMPTY_OBJECT = of("{}");
  public static final Json EMPTY_ARRAY = of("[]");

  /** Wraps text that is known to be one JSON value. */
  public static Json of(String json) {
    return new Json(json.getBytes(StandardCharsets.UTF_8));
  }

  /** A string. */
  public static Json text(String text) {
    return new JsonWriter(text.length() + 16).string(text).toJson();
  }

  public static Json array(Iterable<Json> elements) {
    return new JsonWriter(256).array(elements, (element, out) -> out.raw(element)).toJson();
  }

  public int length() {
    return utf8.length;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Json json && Arrays.equals(utf8, json.utf8);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(utf8);
  }

  @Override
  public String toString() {
    return new String(utf8, StandardCharsets.UTF_8);
  }
}
