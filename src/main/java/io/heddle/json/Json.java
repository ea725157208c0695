package io.heddle.json;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * One JSON value as ready UTF-8 bytes on a single line. Whoever makes one has checked that it is
 * JSON; nobody changes the bytes afterwards.
 */
public record Json(byte[] utf8) {

  public static final Json EMPTY_OBJECT = of("{}");

  /** Wraps text that is known to be one JSON value. */
  public static Json of(String json) {
    return new Json(json.getBytes(StandardCharsets.UTF_8));
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
