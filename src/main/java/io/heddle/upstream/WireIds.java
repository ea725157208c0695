package io.heddle.upstream;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * Ids and names in the characters and lengths that a wire takes. Each form is the same for the same
 * text, and another one for any other.
 */
final class WireIds {

  private static final int LONGEST = 64;
  private static final int MARK = 8;
  private static final int NINE = 9;

  private static final String DIGITS =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

  private WireIds() {}

  /** Mistral's: nine letters and digits. */
  static String ofNine(String id) {
    if (id.length() == NINE && id.chars().allMatch(c -> DIGITS.indexOf(c) >= 0)) {
      return id;
    }
    long rest = ByteBuffer.wrap(sha256(id)).getLong();
    StringBuilder nine = new StringBuilder(NINE);
    for (int i = 0; i < NINE; i++) {
      nine.append(DIGITS.charAt((int) Long.remainderUnsigned(rest, DIGITS.length())));
      rest = Long.divideUnsigned(rest, DIGITS.length());
    }
    return nine.toString();
  }

  /** Anthropic's: letters, digits, dashes and underscores; with a mark where some were replaced. */
  static String sound(String text) {
    String sound = replaced(text, LONGEST);
    if (!text.isEmpty() && sound.equals(text)) {
      return text;
    }
    return replaced(text, LONGEST - MARK - 1) + "_" + hex(text, MARK / 2);
  }

  /** The first characters, with an underscore in the place of each that a name cannot have. */
  static String replaced(String name) {
    return replaced(name, LONGEST);
  }

  private static String replaced(String text, int longest) {
    StringBuilder legal = new StringBuilder(longest);
    for (int i = 0; i < Math.min(longest, text.length()); i++) {
      char c = text.charAt(i);
      boolean isLegal =
          c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-';
      legal.append(isLegal ? c : '_');
    }
    return legal.toString();
  }

  /** Responses': any characters, up to a length. */
  static String shortened(String id) {
    return id.length() <= LONGEST ? id : "call_" + hex(id, 20);
  }

  /** The first bytes of the text's SHA-256. */
  static String hex(String text, int bytes) {
    return HexFormat.of().formatHex(sha256(text), 0, bytes);
  }

  private static byte[] sha256(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
