package io.heddle.upstream;

import io.heddle.turn.Usage;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * One object of a server: an event of a stream, a whole response, or an error. Unknown members are
 * skipped: a response has its request in it, which may be long.
 */
final class ResponsesEvent {

  private final byte[] json;
  private String type = "";
  private @Nullable String itemId;
  private int output = -1;
  private int part = -1;
  private @Nullable String text;
  private @Nullable ResponsesItem item;
  private @Nullable ServerError error;
  private @Nullable String model;
  private @Nullable Usage usage;
  private @Nullable String status;
  private @Nullable String incomplete;
  private @Nullable List<ResponsesItem> items;
  private boolean isResponse;

  private ResponsesEvent(byte[] json) {
    this.json = json;
  }

  /**
   * @throws JacksonException for what is not JSON
   * @throws ServerJson.UnexpectedJson for JSON that is not one object
   */
  static ResponsesEvent read(byte[] json, int length) {
    try (JsonParser in = ServerJson.parser(json, length)) {
      ServerJson.firstObject(in);
      ResponsesEvent event = new ResponsesEvent(json);
      event.members(in);
      ServerJson.end(in);
      return event;
    }
  }

  /** The next object that a parser of these bytes finds; null at the end. */
  static @Nullable ResponsesEvent next(JsonParser in, byte[] json) {
    if (!ServerJson.nextObject(in)) {
      return null;
    }
    ResponsesEvent event = new ResponsesEvent(json);
    event.members(in);
    return event;
  }

  /** Empty when it does not say. */
  String type() {
    return type;
  }

  @Nullable String itemId() {
    return itemId;
  }

  /** Which item it is about, -1 when it does not say. */
  int output() {
    return output;
  }

  /** Which part of the item it is about. */
  int part() {
    return Math.max(0, part);
  }

  /** The next bit of it, or all of it. */
  String text() {
    return text == null ? "" : text;
  }

  @Nullable ResponsesItem item() {
    return item;
  }

  @Nullable ServerError error() {
    return error;
  }

  @Nullable String model() {
    return model;
  }

  @Nullable Usage usage() {
    return usage;
  }

  /** Of the response: {@code completed}, {@code incomplete}, {@code failed} …, or null. */
  @Nullable String status() {
    return status;
  }

  /** Why the response is incomplete, or null. */
  @Nullable String incomplete() {
    return incomplete;
  }

  /** Of the response, as far as there are any. */
  List<ResponsesItem> items() {
    return items == null ? List.of() : items;
  }

  /** Whether it is a response, and no event. */
  boolean isResponse() {
    return isResponse && type.isEmpty();
  }

  private void members(JsonParser in) {
    ErrorMembers flat = new ErrorMembers();
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      switch (name) {
        case "type" -> {
          String said = LenientValues.scalar(in);
          type = said == null ? "" : said;
        }
        case "item_id" -> itemId = LenientValues.scalar(in);
        case "output_index" -> output = LenientValues.index(in);
        case "content_index", "summary_index" -> part = LenientValues.index(in);
        case "delta", "text", "refusal" -> {
          String said = LenientValues.words(in);
          text = text == null || text.isEmpty() ? said : text;
        }
        case "arguments", "input" -> {
          String said = ResponsesItem.arguments(in, json);
          text = text == null ? said : text;
        }
        case "item" -> item = ResponsesItem.read(in, json);
        case "response" -> response(in);
        case "object" -> isResponse |= "response".equals(LenientValues.scalar(in));
        case "status" -> {
          if (in.currentToken() == JsonToken.VALUE_STRING) {
            status = in.getString();
          } else {
            flat.take(name, in);
          }
        }
        default -> {
          if (!ofResponse(name, in)) {
            flat.take(name, in);
          }
        }
      }
    }
    boolean isAnswer = isResponse || items != null || type.startsWith("response.");
    boolean hasOnlyWords = type.isEmpty() && flat.hasMessage();
    if (error == null && (type.equals("error") || !isAnswer && (hasOnlyWords || flat.isError()))) {
      error = flat.error();
    }
  }

  private void response(JsonParser in) {
    ServerJson.eachMember(
        in,
        name -> {
          if (name.equals("status")) {
            status = LenientValues.scalar(in);
          } else {
            ofResponse(name, in);
          }
        });
  }

  private boolean ofResponse(String name, JsonParser in) {
    switch (name) {
      case "model" -> model = LenientValues.scalar(in);
      case "usage" -> usage = UsageReader.read(in, usage);
      case "error" -> {
        if (in.currentToken() != JsonToken.VALUE_NULL
            && in.currentToken() != JsonToken.VALUE_FALSE) {
          ServerError said = ServerError.read(in);
          error = said.isEmpty() ? error : said;
        }
      }
      case "incomplete_details" -> incomplete = reason(in);
      case "output" -> {
        if (in.currentToken() == JsonToken.START_ARRAY) {
          List<ResponsesItem> all = new ArrayList<>();
          while (in.nextToken() != JsonToken.END_ARRAY) {
            ResponsesItem one = ResponsesItem.read(in, json);
            if (one != null) {
              all.add(one);
            }
          }
          items = all;
        } else {
          in.skipChildren();
        }
      }
      default -> {
        return false;
      }
    }
    return true;
  }

  private static @Nullable String reason(JsonParser in) {
    if (in.currentToken() != JsonToken.START_OBJECT) {
      return LenientValues.scalar(in);
    }
    String reason = null;
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      if (name.equals("reason")) {
        reason = LenientValues.scalar(in);
      } else {
        in.skipChildren();
      }
    }
    return reason == null ? "other" : reason;
  }
}
