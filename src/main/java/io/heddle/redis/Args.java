package io.heddle.redis;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** The ARGV of one script call. */
final class Args {

  private static final byte[] EMPTY = {};

  private final byte[][] values;
  private int next;

  private Args(int count) {
    values = new byte[count][];
  }

  static Args of(int count) {
    return new Args(count);
  }

  Args bytes(byte[] value) {
    values[next++] = value;
    return this;
  }

  Args number(long value) {
    return bytes(RedisKeys.ascii(Long.toString(value)));
  }

  /** Text, or the empty string for null. */
  Args text(@Nullable String value) {
    return bytes(value == null || value.isEmpty() ? EMPTY : value.getBytes(StandardCharsets.UTF_8));
  }

  byte[][] toArray() {
    if (next != values.length) {
      throw new IllegalStateException(next + " of " + values.length + " arguments given");
    }
    return values;
  }
}
