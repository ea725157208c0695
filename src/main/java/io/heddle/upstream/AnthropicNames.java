package io.heddle.upstream;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;

/**
 * Names and ids in the characters that Anthropic takes: letters, digits, dashes, underscores. A
 * name with others, or one that is too long, is told with them replaced and a mark of its own, and
 * answers have the name that the client gave.
 */
final class AnthropicNames {

  private static final int LONGEST = 64;
  private static final int MARK = 8;

  private final Map<String, String> given = new HashMap<>(0);

  /** The name that the server is told. */
  String told(String name) {
    String sound = sound(name);
    if (!sound.equals(name)) {
      given.put(sound, name);
    }
    return sound;
  }

  /** The name that the client gave to what the server calls so. */
  String given(String told) {
    return given.getOrDefault(told, told);
  }

  /** The same for the same text, and another one for any other. */
  static String sound(String text) {
    boolean isSound = !text.isEmpty() && text.length() <= LONGEST;
    for (int i = 0; i < text.length() && isSound; i++) {
      isSound = isSound(text.charAt(i));
    }
    if (isSound) {
      return text;
    }
    StringBuilder sound = new StringBuilder(LONGEST);
    for (int i = 0; i < Math.min(text.length(), LONGEST - MARK - 1); i++) {
      char c = text.charAt(i);
      sound.append(isSound(c) ? c : '_');
    }
    return sound.append('_').append(mark(text)).toString();
  }

  private static boolean isSound(char c) {
    return c >= 'a' && c <= 'z'
        || c >= 'A' && c <= 'Z'
        || c >= '0' && c <= '9'
        || c == '_'
        || c == '-';
  }

  private static String mark(String text) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash, 0, MARK / 2);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
