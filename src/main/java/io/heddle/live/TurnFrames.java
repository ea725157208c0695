package io.heddle.live;

import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.json.JsonWriter;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is told of a turn while it runs, the same to those who watch its session and those who
 * follow it alone. Each kind of bit has a type of its own, so that who knows only {@code
 * turn.delta} never takes a thought for a word of the answer.
 */
public final class TurnFrames {

  /** All that was said so far, in the place of what one has. */
  public static final String TEXT = "turn.text";

  /** A bit of the answer. */
  public static final String DELTA = "turn.delta";

  /** A bit of what the model thinks before it answers. */
  public static final String REASONING = "turn.reasoning";

  /** A bit of why the model does not answer. */
  public static final String REFUSAL = "turn.refusal";

  /** A bit of a tool call: id and name with the first one, arguments to be put together. */
  public static final String TOOL_CALL = "turn.toolCall";

  /**
   * A tool call, or a bit of one.
   *
   * @param index which of the answer's tool calls
   * @param custom with the first bit: whether it is of a custom tool, whose input is any text
   */
  public record ToolCall(
      int index, @Nullable String id, @Nullable String name, String arguments, boolean custom) {}

  private TurnFrames() {}

  /**
   * @param type {@link #DELTA}, {@link #REASONING} or {@link #REFUSAL}
   */
  public static Json bit(SessionKey key, String turn, long seq, String type, String text) {
    return open(key, turn, seq, type, text.length())
        .ascii(",\"text\":")
        .string(text)
        .ascii("}")
        .toJson();
  }

  public static Json toolCall(SessionKey key, String turn, long seq, ToolCall bit) {
    JsonWriter out = open(key, turn, seq, TOOL_CALL, bit.arguments().length());
    return write(out.ascii(","), bit).ascii("}").toJson();
  }

  /**
   * @param toolCalls whole ones, but for the last one's arguments
   */
  public static Json text(
      SessionKey key,
      String turn,
      long seq,
      String text,
      String reasoning,
      String refusal,
      List<ToolCall> toolCalls) {
    JsonWriter out = open(key, turn, seq, TEXT, text.length() + reasoning.length());
    out.ascii(",\"text\":").string(text);
    if (!reasoning.isEmpty()) {
      out.ascii(",\"reasoning\":").string(reasoning);
    }
    if (!refusal.isEmpty()) {
      out.ascii(",\"refusal\":").string(refusal);
    }
    if (!toolCalls.isEmpty()) {
      out.name("toolCalls").array(toolCalls, (call, to) -> write(to.ascii('{'), call).end());
    }
    return out.ascii("}").toJson();
  }

  private static JsonWriter write(JsonWriter out, ToolCall call) {
    out.ascii("\"index\":").number(call.index());
    out.some("id", call.id());
    out.some("name", call.name());
    if (call.custom()) {
      // Its type is that of the event.
      out.ascii(",\"custom\":true");
    }
    return out.ascii(",\"arguments\":").string(call.arguments());
  }

  private static JsonWriter open(SessionKey key, String turn, long seq, String type, int more) {
    JsonWriter out = Frame.open(type, key, null, 192 + more);
    return out.ascii(",\"turn\":\"").ascii(turn).ascii("\",\"seq\":").number(seq);
  }
}
