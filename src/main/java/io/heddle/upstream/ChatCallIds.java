package io.heddle.upstream;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** Ids of tool calls for servers that take none but nine letters and digits. */
final class ChatCallIds {

  private static final int LENGTH = 9;

  private static final String DIGITS =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

  private ChatCallIds() {}

  /** The same for the same id, and another one for any other. */
  static String ofNine(String id) {
    if (id.length() == LENGTH && id.chars().allMatch(c -> DIGITS.indexOf(c) >= 0)) {
      return id;
    }
    long rest = ByteBuffer.wrap(hash(id)).getLong();
    StringBuilder nine = new StringBuilder(LENGTH);
    for (int i = 0; i < LENGTH; i++) {
      nine.append(DIGITS.charAt((int) Long.remainderUnsigned(rest, DIGITS.length())));
      rest = Long.divideUnsigned(rest, DIGITS.length());
    }
    return nine.toString();
  }

  private static byte[] hash(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
