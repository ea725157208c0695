package io.heddle.openai;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Items that bring tools along. A client that finds its tools while the conversation goes on sends
 * them in such items, and some send all of theirs so.
 */
final class ToolItems {

  private static final String ADDITIONAL = "additional_tools";
  private static final String FOUND = "tool_search_output";
  private static final List<byte[]> QUOTED = List.of(quoted(ADDITIONAL), quoted(FOUND));

  private ToolItems() {}

  /**
   * The tools that items of the input bring, behind those from before.
   *
   * @param input of a request, or null
   */
  static List<JsonValue> brought(@Nullable JsonValue input, List<JsonValue> before) {
    if (input == null || !input.isArray() || !mayBring(input.json())) {
      return before;
    }
    List<JsonValue> tools = new ArrayList<>(before);
    for (JsonValue item : input.array()) {
      JsonValue fields = item.object();
      switch (fields.word("type")) {
        case ADDITIONAL -> tools.addAll(fields.required("tools").array());
        case FOUND -> {
          JsonValue found = fields.get("tools");
          tools.addAll(found == null ? List.of() : found.array());
        }
        default -> {}
      }
    }
    return List.copyOf(tools);
  }

  /** Most inputs have none, and need not be taken apart for it. */
  private static boolean mayBring(Json input) {
    return QUOTED.stream().anyMatch(type -> contains(input.utf8(), type));
  }

  private static boolean contains(byte[] text, byte[] word) {
    for (int at = 0; at <= text.length - word.length; at++) {
      int same = 0;
      while (same < word.length && text[at + same] == word[same]) {
        same++;
      }
      if (same == word.length) {
        return true;
      }
    }
    return false;
  }

  private static byte[] quoted(String type) {
    return ('"' + type + '"').getBytes(StandardCharsets.US_ASCII);
  }
}
