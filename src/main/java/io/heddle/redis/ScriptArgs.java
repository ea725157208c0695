package io.heddle.redis;

import io.heddle.base.Position;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The ARGV of one script call. */
final class ScriptArgs {

  private static final byte[] EMPTY = {};

  private byte[][] values = new byte[16][];
  private int count;

  ScriptArgs bytes(byte[] value) {
    if (count == values.length) {
      values = Arrays.copyOf(values, 2 * count);
    }
    values[count++] = value;
    return this;
  }

  ScriptArgs number(long value) {
    return bytes(RedisKeys.ascii(Long.toString(value)));
  }

  /** Text, or the empty string for null. */
  ScriptArgs text(@Nullable String value) {
    return bytes(value == null || value.isEmpty() ? EMPTY : value.getBytes(StandardCharsets.UTF_8));
  }

  /** Version and tag, both empty for null. */
  ScriptArgs position(@Nullable Position position) {
    return position == null
        ? text(null).text(null)
        : number(position.version()).text(position.tag());
  }

  byte[][] toArray() {
    return Arrays.copyOf(values, count);
  }
}
