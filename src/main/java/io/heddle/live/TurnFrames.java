package io.heddle.live;

import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.json.JsonWriter;
import io.heddle.turn.ModelEvent;
import io.heddle.turn.TurnEvent.Said;

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

  private TurnFrames() {}

  /** The type of the frame that tells a bit. */
  public static String typeOf(ModelEvent bit) {
    return switch (bit) {
      // The summary is a message of the thread, and told as such; its place here stays numbered.
      case ModelEvent.Text _, ModelEvent.Compaction _ -> DELTA;
      case ModelEvent.Reasoning _ -> REASONING;
      case ModelEvent.Refusal _ -> REFUSAL;
      case ModelEvent.ToolCall _ -> TOOL_CALL;
      case ModelEvent.Finish _ -> throw new IllegalStateException("an end is no bit of an answer");
    };
  }

  public static Json bit(SessionKey key, String turn, long seq, ModelEvent bit) {
    JsonWriter out = open(key, turn, seq, typeOf(bit), bit.length());
    if (bit instanceof ModelEvent.ToolCall call) {
      write(out.ascii(","), call);
    } else {
      out.ascii(",\"text\":").string(bit.growth());
    }
    return out.ascii("}").toJson();
  }

  /**
   * All that was said so far; the last tool call perhaps has only the beginning of its arguments.
   */
  public static Json text(SessionKey key, String turn, long seq, Said said) {
    int size = said.text().length() + said.reasoning().length();
    JsonWriter out = open(key, turn, seq, TEXT, size).ascii(",\"text\":").string(said.text());
    if (!said.reasoning().isEmpty()) {
      out.ascii(",\"reasoning\":").string(said.reasoning());
    }
    if (!said.refusal().isEmpty()) {
      out.ascii(",\"refusal\":").string(said.refusal());
    }
    if (!said.toolCalls().isEmpty()) {
      out.name("toolCalls").array(said.toolCalls(), (call, to) -> write(to.ascii('{'), call).end());
    }
    return out.ascii("}").toJson();
  }

  private static JsonWriter write(JsonWriter out, ModelEvent.ToolCall call) {
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
