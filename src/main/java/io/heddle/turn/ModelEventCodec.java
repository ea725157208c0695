package io.heddle.turn;

import io.heddle.json.InvalidJson;
import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.turn.ModelEvent.Reasoning;
import io.heddle.turn.ModelEvent.Refusal;
import io.heddle.turn.ModelEvent.Text;
import io.heddle.turn.ModelEvent.ToolCall;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Model events as the log has them, one JSON object each. */
final class ModelEventCodec {

  private static final Logger log = LoggerFactory.getLogger(ModelEventCodec.class);

  private ModelEventCodec() {}

  /** The event that the log is given. */
  static Json encode(ModelEvent piece) {
    return switch (piece) {
      case Text(String text) -> member("text", text);
      case Reasoning(String text) -> member("reasoning", text);
      case Refusal(String text) -> member("refusal", text);
      case ToolCall(
              int index,
              String id,
              String name,
              String arguments,
              Opaque opaque,
              boolean custom) -> {
        JsonWriter out = new JsonWriter(96 + arguments.length());
        out.ascii("{\"toolCall\":{\"index\":").number(index);
        out.some("id", id);
        out.some("name", name);
        if (custom) {
          out.ascii(",\"type\":\"custom\"");
        }
        out.ascii(",\"arguments\":").string(arguments);
        if (opaque != null) {
          opaque.writeTo(out.ascii(",\"opaque\":"));
        }
        yield out.ascii("}}").toJson();
      }
      case ModelEvent.Compaction(String message, Json body) ->
          new JsonWriter(body.length() + 64)
              .ascii("{\"compaction\":{\"message\":")
              .string(message)
              .ascii(",\"body\":")
              .raw(body)
              .ascii("}}")
              .toJson();
      case ModelEvent.Finish _ -> throw new IllegalArgumentException("the end is no event");
    };
  }

  /** What an event says; nothing if it is of a newer Heddle. */
  static ModelEvent decode(Json event) {
    try {
      return decode(JsonValue.of(event));
    } catch (InvalidJson e) {
      log.warn("The log of a turn has an event that is none", e);
      return new Text("");
    }
  }

  static List<ModelEvent> decodeAll(List<Json> events) {
    List<ModelEvent> pieces = new ArrayList<>(events.size());
    for (Json event : events) {
      pieces.add(decode(event));
    }
    return pieces;
  }

  static ModelEvent decode(JsonValue event) {
    for (Map.Entry<String, JsonValue> member : event.members().entrySet()) {
      JsonValue value = member.getValue();
      switch (member.getKey()) {
        case "text" -> {
          return new Text(value.text());
        }
        case "reasoning" -> {
          return new Reasoning(value.text());
        }
        case "refusal" -> {
          return new Refusal(value.text());
        }
        case "toolCall" -> {
          return toolCall(value);
        }
        case "compaction" -> {
          return new ModelEvent.Compaction(
              value.word("message"), value.raw("body", Json.EMPTY_OBJECT));
        }
        default -> {
          // Of a newer Heddle.
        }
      }
    }
    return new Text("");
  }

  private static ToolCall toolCall(JsonValue call) {
    return new ToolCall(
        (int) call.number("index"),
        call.text("id"),
        call.text("name"),
        call.word("arguments"),
        Opaque.read(call.get("opaque")),
        call.word("type").equals("custom"));
  }

  private static Json member(String name, String text) {
    JsonWriter out = new JsonWriter(24 + text.length());
    return out.ascii("{\"").ascii(name).ascii("\":").string(text).ascii("}").toJson();
  }
}
