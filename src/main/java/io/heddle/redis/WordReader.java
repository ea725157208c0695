package io.heddle.redis;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Reads text that the scripts wrote, word by word: what ends a word is passed over with it. */
final class WordReader {

  private final byte[] bytes;
  private int at;

  WordReader(byte[] bytes) {
    this.bytes = bytes;
  }

  boolean isAtEnd() {
    return at >= bytes.length;
  }

  byte peek() {
    return bytes[at];
  }

  String word() {
    return word(' ');
  }

  String word(char end) {
    int from = at;
    while (at < bytes.length && bytes[at] != end) {
      at++;
    }
    return new String(bytes, from, at++ - from, StandardCharsets.UTF_8);
  }

  void skip() {
    while (at < bytes.length && bytes[at++] != ' ') {}
  }

  /** A word of digits. */
  long number() {
    long number = 0;
    while (at < bytes.length && bytes[at] != ' ') {
      int digit = bytes[at++] - '0';
      if (digit < 0 || digit > 9) {
        throw new NumberFormatException("not a number at byte " + (at - 1));
      }
      number = number * 10 + digit;
    }
    at++;
    return number;
  }

  byte[] bytes(int length) {
    at += length;
    return Arrays.copyOfRange(bytes, at - length, at);
  }

  String text(int length) {
    at += length;
    return new String(bytes, at - length, length, StandardCharsets.UTF_8);
  }

  /** All that is left. */
  byte[] rest() {
    return bytes(Math.max(0, bytes.length - at));
  }
}
