package io.heddle.json;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.io.JsonStringEncoder;

/**
 * Joins ready JSON bytes and a few members of our own into one JSON text. It splices, so a
 * message's body is copied and never parsed again.
 */
public final class JsonWriter {

  private static final byte[] HEX = {
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'
  };

  /** The most bytes that one UTF-16 unit needs: an escaped control character. */
  private static final int WIDEST = 6;

  private static final int CHUNK = 1024;

  private static final int SCRATCH = 4 << 10;

  /** A scratch that has become larger is not kept. */
  private static final int LARGEST_SCRATCH = 64 << 10;

  private static final ThreadLocal<@Nullable JsonWriter> SCRATCHES = new ThreadLocal<>();

  private byte[] bytes;
  private int length;

  public JsonWriter(int capacity) {
    bytes = new byte[Math.max(64, capacity)];
  }

  /** Reads bytes that it must not keep. */
  public interface Reader {
    void read(byte[] bytes, int length);
  }

  /**
   * The bytes that are written. They are put together in a buffer that the thread keeps, so that
   * nobody has to know how many they will be.
   *
   * @param writer uses the buffer during the call only
   */
  public static byte[] written(Consumer<JsonWriter> writer) {
    JsonWriter out = scratch();
    writer.accept(out);
    byte[] written = Arrays.copyOf(out.bytes, out.length);
    giveBack(out);
    return written;
  }

  /**
   * The same for whoever copies the bytes to somewhere else.
   *
   * @param writer uses the buffer during the call only
   */
  public static void write(Consumer<JsonWriter> writer, Reader reader) {
    JsonWriter out = scratch();
    writer.accept(out);
    reader.read(out.bytes, out.length);
    giveBack(out);
  }

  private static JsonWriter scratch() {
    JsonWriter out = SCRATCHES.get();
    // Whoever is called meanwhile has another one.
    SCRATCHES.set(null);
    if (out == null) {
      return new JsonWriter(SCRATCH);
    }
    out.length = 0;
    return out;
  }

  private static void giveBack(JsonWriter scratch) {
    if (scratch.bytes.length <= LARGEST_SCRATCH) {
      SCRATCHES.set(scratch);
    }
  }

  /** ASCII text as it is: punctuation, names, numbers. */
  public JsonWriter ascii(String text) {
    int size = text.length();
    ensure(size);
    for (int i = 0; i < size; i++) {
      bytes[length++] = (byte) text.charAt(i);
    }
    return this;
  }

  public JsonWriter raw(byte[] utf8, int from, int to) {
    ensure(to - from);
    System.arraycopy(utf8, from, bytes, length, to - from);
    length += to - from;
    return this;
  }

  public JsonWriter raw(Json json) {
    return raw(json.utf8(), 0, json.length());
  }

  private static boolean isPlain(char c) {
    return c >= ' ' && c <= '~' && c != '"' && c != '\\';
  }

  public JsonWriter ascii(char one) {
    ensure(1);
    bytes[length++] = (byte) one;
    return this;
  }

  JsonWriter ascii(char[] text, int from, int count) {
    ensure(count);
    for (int i = from; i < from + count; i++) {
      bytes[length++] = (byte) text[i];
    }
    return this;
  }

  /** Adds what stands between two places of another writer. */
  public JsonWriter raw(JsonWriter other, int from, int to) {
    return raw(other.bytes, from, to);
  }

  /** A quoted and escaped string, or {@code null}. */
  public JsonWriter string(@Nullable String text) {
    if (text == null) {
      return ascii("null");
    }
    if (tryPlain(text)) {
      return this;
    }
    byte[] quoted = JsonStringEncoder.getInstance().quoteAsUTF8(text);
    ensure(quoted.length + 2);
    bytes[length++] = '"';
    System.arraycopy(quoted, 0, bytes, length, quoted.length);
    length += quoted.length;
    bytes[length++] = '"';
    return this;
  }

  /** Adds a string of which nothing needs an escape or a second byte, as of most; else nothing. */
  private boolean tryPlain(String text) {
    int size = text.length();
    ensure(size + 2);
    int at = length;
    bytes[at++] = '"';
    for (int i = 0; i < size; i++) {
      char c = text.charAt(i);
      if (!isPlain(c)) {
        return false;
      }
      bytes[at++] = (byte) c;
    }
    bytes[at++] = '"';
    length = at;
    return true;
  }

  /**
   * Adds a quoted string. False when the text has NUL or half a surrogate pair; what was added by
   * then is of no use.
   */
  boolean quoted(char[] text, int from, int count) {
    int end = from + count;
    int i = from;
    // Of most strings nothing needs an escape or a second byte.
    ensure(count + 2);
    int at = length;
    bytes[at++] = '"';
    while (i < end && isPlain(text[i])) {
      bytes[at++] = (byte) text[i++];
    }
    length = at;
    while (i < end) {
      int stop = Math.min(end, i + CHUNK);
      // A pair may begin at a chunk's last unit, so there is room for one unit more.
      ensure((stop - i + 1) * WIDEST);
      while (i < stop) {
        char c = text[i++];
        if (c < 0x80) {
          if (c == 0) {
            return false;
          }
          escaped(c);
        } else if (c < 0x800) {
          bytes[length++] = (byte) (0xc0 | c >> 6);
          bytes[length++] = (byte) (0x80 | c & 0x3f);
        } else if (!Character.isSurrogate(c)) {
          bytes[length++] = (byte) (0xe0 | c >> 12);
          bytes[length++] = (byte) (0x80 | c >> 6 & 0x3f);
          bytes[length++] = (byte) (0x80 | c & 0x3f);
        } else {
          if (!Character.isHighSurrogate(c) || i == end || !Character.isLowSurrogate(text[i])) {
            return false;
          }
          int code = Character.toCodePoint(c, text[i++]);
          bytes[length++] = (byte) (0xf0 | code >> 18);
          bytes[length++] = (byte) (0x80 | code >> 12 & 0x3f);
          bytes[length++] = (byte) (0x80 | code >> 6 & 0x3f);
          bytes[length++] = (byte) (0x80 | code & 0x3f);
        }
      }
    }
    ascii('"');
    return true;
  }

  private void escaped(char c) {
    if (c >= 0x20 && c != '"' && c != '\\') {
      bytes[length++] = (byte) c;
      return;
    }
    bytes[length++] = '\\';
    switch (c) {
      case '"', '\\' -> bytes[length++] = (byte) c;
      case '\n' -> bytes[length++] = 'n';
      case '\r' -> bytes[length++] = 'r';
      case '\t' -> bytes[length++] = 't';
      case '\b' -> bytes[length++] = 'b';
      case '\f' -> bytes[length++] = 'f';
      default -> {
        bytes[length++] = 'u';
        bytes[length++] = '0';
        bytes[length++] = '0';
        bytes[length++] = HEX[c >> 4];
        bytes[length++] = HEX[c & 0xf];
      }
    }
  }

  // ---- objects and arrays: a comma is written where something stands before

  /** Begins an object in a text of its own. */
  public static JsonWriter object(int capacity) {
    return new JsonWriter(capacity).ascii('{');
  }

  /** Begins an object in a text that is written already. */
  public static JsonWriter object(JsonWriter out) {
    return out.ascii('{');
  }

  /** Ends an object. */
  public JsonWriter end() {
    return ascii('}');
  }

  /** Ends the object that is the whole text. */
  public Json done() {
    return end().toJson();
  }

  /** The name and the colon of a member whose value the caller writes; the name is ASCII. */
  public JsonWriter name(String name) {
    return next().ascii('"').ascii(name).ascii("\":");
  }

  /** Whatever is written next is another member or element. */
  public JsonWriter next() {
    byte last = length == 0 ? (byte) '[' : bytes[length - 1];
    return last == '{' || last == '[' || last == ':' || last == ',' ? this : ascii(',');
  }

  public JsonWriter string(String name, @Nullable String text) {
    return name(name).string(text);
  }

  public JsonWriter number(String name, long value) {
    return name(name).number(value);
  }

  public JsonWriter bool(String name, boolean value) {
    return name(name).ascii(Boolean.toString(value));
  }

  /** A value, or {@code null}. */
  public JsonWriter raw(String name, @Nullable Json json) {
    return name(name).raw(json == null ? Json.NULL : json);
  }

  /** A value, unless it is null. */
  public JsonWriter some(String name, @Nullable Json json) {
    return json == null ? this : raw(name, json);
  }

  public JsonWriter some(String name, @Nullable String text) {
    return text == null ? this : string(name, text);
  }

  public JsonWriter some(String name, @Nullable JsonValue value) {
    return value == null ? this : value.writeTo(name(name));
  }

  /** A member as it stands in another object. */
  public JsonWriter member(String name, JsonValue value) {
    return value.writeTo(next().string(name).ascii(':'));
  }

  /** Members of another object, as they stand there. */
  public JsonWriter members(JsonValue from, Predicate<String> which) {
    from.members()
        .forEach((name, value) -> {
          if (which.test(name)) {
            member(name, value);
          }
        });
    return this;
  }

  /** The same, without those that are null. */
  public JsonWriter given(JsonValue from, Predicate<String> which) {
    from.members()
        .forEach((name, value) -> {
          if (!value.isNull() && which.test(name)) {
            member(name, value);
          }
        });
    return this;
  }

  /** An object of members of others. */
  public JsonWriter members(Map<String, JsonValue> members) {
    ascii('{');
    members.forEach(this::member);
    return end();
  }

  /**
   * An array.
   *
   * @param element writes an element
   */
  public <T> JsonWriter array(Iterable<T> elements, BiConsumer<T, JsonWriter> element) {
    ascii('[');
    for (T each : elements) {
      element.accept(each, next());
    }
    return ascii(']');
  }

  public JsonWriter number(long value) {
    return ascii(Long.toString(value));
  }

  /** A time in RFC 3339, UTC, to the millisecond. */
  public JsonWriter time(Instant instant) {
    return ascii("\"").ascii(Times.rfc3339(instant)).ascii("\"");
  }

  /** What is written so far; the writer is used further. */
  public Json copy() {
    return new Json(Arrays.copyOf(bytes, length));
  }

  /** Forgets what was written. */
  public void clear() {
    length = 0;
  }

  public Json toJson() {
    return new Json(toBytes());
  }

  /** Its last use: what is exactly full is not copied. */
  public byte[] toBytes() {
    return length == bytes.length ? bytes : Arrays.copyOf(bytes, length);
  }

  public int length() {
    return length;
  }

  @Override
  public String toString() {
    return new String(bytes, 0, length, StandardCharsets.UTF_8);
  }

  private void ensure(int more) {
    if (bytes.length - length < more) {
      bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, length + more));
    }
  }
}
