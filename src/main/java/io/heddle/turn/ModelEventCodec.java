package io.heddle.turn;

import io.heddle.base.Json;
import io.heddle.base.JsonWriter;
import io.heddle.base.UntrustedJson;
import io.heddle.turn.ModelEvent.Reasoning;
import io.heddle.turn.ModelEvent.Refusal;
import io.heddle.turn.ModelEvent.Text;
import io.heddle.turn.ModelEvent.ToolCall;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/** Model events as the log has them, one JSON object each. */
final class ModelEventCodec {

  static final JsonFactory FACTORY = UntrustedJson.factory();

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
        if (id != null) {
          out.ascii(",\"id\":").string(id);
        }
        if (name != null) {
          out.ascii(",\"name\":").string(name);
        }
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
    try (JsonParser in = parser(event.utf8())) {
      in.nextToken();
      return decode(in, event.utf8());
    } catch (JacksonException e) {
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

  static JsonParser parser(byte[] utf8) {
    return FACTORY.createParser(ObjectReadContext.empty(), utf8);
  }

  /** The value that the parser stands at, to its end, as it is written. */
  static Json raw(JsonParser in, byte[] utf8) {
    return raw(in, utf8, (int) in.currentTokenLocation().getByteOffset());
  }

  /**
   * The same of a value that was perhaps read to its end.
   *
   * @param from where it begins
   */
  static Json raw(JsonParser in, byte[] utf8, int from) {
    in.skipChildren();
    in.finishToken();
    return new Json(Arrays.copyOfRange(utf8, from, (int) in.currentLocation().getByteOffset()));
  }

  /** Reads the object the parser stands at the beginning of, to its end. */
  static ModelEvent decode(JsonParser in, byte[] utf8) {
    ModelEvent piece = null;
    while (in.nextToken() == JsonToken.PROPERTY_NAME) {
      String name = in.currentName();
      JsonToken value = in.nextToken();
      if (value == JsonToken.VALUE_STRING) {
        piece =
            switch (name) {
              case "text" -> new Text(in.getString());
              case "reasoning" -> new Reasoning(in.getString());
              case "refusal" -> new Refusal(in.getString());
              default -> piece;
            };
      } else if (value == JsonToken.START_OBJECT && name.equals("toolCall")) {
        piece = toolCall(in, utf8);
      } else if (value == JsonToken.START_OBJECT && name.equals("compaction")) {
        piece = compaction(in, utf8);
      } else {
        in.skipChildren();
      }
    }
    return piece == null ? new Text("") : piece;
  }

  private static ModelEvent compaction(JsonParser in, byte[] utf8) {
    String message = "";
    Json body = Json.EMPTY_OBJECT;
    while (in.nextToken() == JsonToken.PROPERTY_NAME) {
      String member = in.currentName();
      JsonToken value = in.nextToken();
      if (member.equals("message") && value == JsonToken.VALUE_STRING) {
        message = in.getString();
      } else if (member.equals("body") && value == JsonToken.START_OBJECT) {
        body = raw(in, utf8);
      } else {
        in.skipChildren();
      }
    }
    return new ModelEvent.Compaction(message, body);
  }

  private static ToolCall toolCall(JsonParser in, byte[] utf8) {
    int index = 0;
    String id = null;
    String name = null;
    String arguments = "";
    Opaque opaque = null;
    boolean custom = false;
    while (in.nextToken() == JsonToken.PROPERTY_NAME) {
      String member = in.currentName();
      JsonToken value = in.nextToken();
      switch (member) {
        case "index" -> index = in.getIntValue();
        case "id" -> id = in.getString();
        case "name" -> name = in.getString();
        case "arguments" -> arguments = in.getString();
        case "opaque" -> opaque = Opaque.read(in, utf8);
        case "type" -> custom = "custom".equals(in.getValueAsString());
        default -> {
          if (value.isStructStart()) {
            in.skipChildren();
          }
        }
      }
    }
    return new ToolCall(index, id, name, arguments, opaque, custom);
  }

  private static Json member(String name, String text) {
    JsonWriter out = new JsonWriter(24 + text.length());
    return out.ascii("{\"").ascii(name).ascii("\":").string(text).ascii("}").toJson();
  }
}
