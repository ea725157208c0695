package io.heddle.api;

import io.heddle.base.Json;
import java.util.Arrays;

/** Bytes of JSON in the making; whatever is between two marks can be cut out as it is. */
final class JsonScratch {

  private static final byte[] HEX = {
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'
  };

  /** The most bytes that one UTF-16 unit needs: an escaped control character. */
  private static final int WIDEST = 6;

  private static final int CHUNK = 1024;

  private byte[] bytes;
  private int length;

  JsonScratch(int capacity) {
    bytes = new byte[Math.max(64, capacity)];
  }

  int length() {
    return length;
  }

  void one(char ascii) {
    ensure(1);
    bytes[length++] = (byte) ascii;
  }

  void ascii(String text) {
    ensure(text.length());
    for (int i = 0; i < text.length(); i++) {
      bytes[length++] = (byte) text.charAt(i);
    }
  }

  void ascii(char[] text, int from, int count) {
    ensure(count);
    for (int i = from; i < from + count; i++) {
      bytes[length++] = (byte) text[i];
    }
  }

  /** Adds what is between two marks of another scratch. */
  void from(JsonScratch other, int from, int to) {
    ensure(to - from);
    System.arraycopy(other.bytes, from, bytes, length, to - from);
    length += to - from;
  }

  /**
   * Adds a quoted string. False when the text has NUL or half a surrogate pair; what was added by
   * then is of no use.
   */
  boolean quoted(char[] text, int from, int count) {
    one('"');
    int end = from + count;
    int i = from;
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
          ascii(c);
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
    one('"');
    return true;
  }

  private void ascii(char c) {
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

  Json json(int from, int to) {
    return new Json(Arrays.copyOfRange(bytes, from, to));
  }

  void clear() {
    length = 0;
  }

  private void ensure(int more) {
    if (bytes.length - length < more) {
      bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, length + more));
    }
  }
}
