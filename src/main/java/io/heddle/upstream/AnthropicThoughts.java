package io.heddle.upstream;

import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import java.util.ArrayList;
import java.util.List;
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
      out.some("signature", second);
      return out.ascii("}");
    }
  }

  /**
   * Those of a stored answer that this model may be told.
   *
   * @param signed whether the server refuses a thought without a signature
   */
  static List<Block> of(PromptMessage message, String upstream, String model, boolean signed) {
    Members kept = message.givenBackTo(upstream);
    if (kept.all().containsKey(THINKER) && !thinker(upstream, model).equals(kept.text(THINKER))) {
      return List.of();
    }
    List<Block> all = new ArrayList<>();
    for (JsonValue block : kept.elements(BLOCKS)) {
      Members members = Members.of(block);
      String type = members.textOrEmpty("type");
      boolean isSealed = type.equals("redacted_thinking");
      JsonValue first = members.string(isSealed ? "data" : "thinking");
      JsonValue second = isSealed ? null : members.string("signature");
      if (first != null && (isSealed || type.equals("thinking") && (second != null || !signed))) {
        int text = members.number(AFTER_TEXT, 0);
        all.add(new Block(type, first, second, text, members.number(AFTER_CALLS, 0)));
      }
    }
    return all;
  }
}
