package io.heddle.upstream;

import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Thoughts of an answer as their server signed them. They are given back as they came, and only to
 * the model that had them: every other one refuses the signature.
 */
final class AnthropicThoughts {

  /** The member that has them: a list of blocks. */
  static final String BLOCKS = "thinking_blocks";

  /** The member that says whose they are. */
  static final String THINKER = "thinking_by";

  /** How many characters of the answer's text stand before a block. */
  static final String AFTER_TEXT = "after_text";

  /** How many of its tool calls stand before a block. */
  static final String AFTER_CALLS = "after_calls";

  private AnthropicThoughts() {}

  static String thinker(String upstream, String model) {
    return upstream + "/" + model;
  }

  /** A block, of which {@code first} and {@code second} are all that its server wants back. */
  record Block(
      String type, JsonValue first, @Nullable JsonValue second, int afterText, int afterCalls) {

    JsonWriter writeTo(JsonWriter out) {
      boolean isSealed = type.equals("redacted_thinking");
      out.ascii("{\"type\":\"").ascii(type).ascii(isSealed ? "\",\"data\":" : "\",\"thinking\":");
      first.writeTo(out);
      if (second != null) {
        second.writeTo(out.ascii(",\"signature\":"));
      }
      return out.ascii("}");
    }
  }

  /**
   * Those of a stored answer that this model may be told.
   *
   * @param signed whether the server refuses a thought without a signature
   */
  static List<Block> of(PromptMessage message, String upstream, String model, boolean signed) {
    Map<String, JsonValue> kept = message.givenBackTo(upstream);
    JsonValue thinker = kept.get(THINKER);
    JsonValue blocks = kept.get(BLOCKS);
    if (blocks == null
        || thinker != null
            && !(thinker.isString() && thinker.text().equals(thinker(upstream, model)))) {
      return List.of();
    }
    List<Block> all = new ArrayList<>();
    for (JsonValue block : blocks.elements()) {
      Map<String, JsonValue> members = block.members();
      JsonValue type = string(members, "type");
      JsonValue thinking = string(members, "thinking");
      JsonValue signature = string(members, "signature");
      JsonValue data = string(members, "data");
      int text = number(members.get(AFTER_TEXT));
      int calls = number(members.get(AFTER_CALLS));
      if (type == null) {
        continue;
      }
      if (type.text().equals("thinking") && thinking != null && (signature != null || !signed)) {
        all.add(new Block("thinking", thinking, signature, text, calls));
      } else if (type.text().equals("redacted_thinking") && data != null) {
        all.add(new Block("redacted_thinking", data, null, text, calls));
      }
    }
    return all;
  }

  private static @Nullable JsonValue string(Map<String, JsonValue> members, String name) {
    JsonValue value = members.get(name);
    return value != null && value.isString() ? value : null;
  }

  private static int number(@Nullable JsonValue value) {
    String digits = value == null ? "" : value.toString();
    return digits.matches("[0-9]{1,9}") ? Integer.parseInt(digits) : 0;
  }
}
