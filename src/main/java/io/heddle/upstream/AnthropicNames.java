package io.heddle.upstream;

import java.util.HashMap;
import java.util.Map;

/**
 * Names of tools as Anthropic takes them. A name with other characters, or one that is too long, is
 * told with a mark of its own, and answers have the name that the client gave.
 */
final class AnthropicNames {

  private final Map<String, String> given = new HashMap<>(0);

  /** The name that the server is told. */
  String told(String name) {
    String sound = WireIds.sound(name);
    if (!sound.equals(name)) {
      given.put(sound, name);
    }
    return sound;
  }

  /** The name that the client gave to what the server calls so. */
  String given(String told) {
    return given.getOrDefault(told, told);
  }
}
