package io.heddle.redis;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** The ARGV of one script call. */
final class ScriptArgs {

  private static final byte[] EMPTY = {};

  private final byte[][] values;
  private int next;

  private ScriptArgs(int count) {
    values = new byte[count][];
  }

  static ScriptArgs of(int count) {
    return new ScriptArgs(count);
  }

  ScriptArgs bytes(byte[] value) {
    values[next++] = value;
    return this;
  }

  ScriptArgs number(long value) {
    return bytes(RedisKeys.ascii(Long.toString(value)));
  }

  /** Text, or the empty string for null. */
  ScriptArgs text(@Nullable String value) {
    return bytes(value == null || value.isEmpty() ? EMPTY : value.getBytes(StandardCharsets.UTF_8));
  }

  byte[][] toArray() {
    if (next != values.length) {
      throw new IllegalStateException(next + " of " + values.length + " arguments given");
    }
    return values;
  }
}
