package io.heddle.upstream;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * An object of Anthropic Messages: an event of a stream, or what stands in one: a message, a block
 * of content, a delta of either. Each of them has some of the members; unknown ones are skipped.
 */
final class AnthropicObject {

  private final byte[] json;
  private @Nullable String type;
  private int index = -1;
  private @Nullable String id;
  private @Nullable String name;
  private @Nullable String model;
  private String text = "";
  private String thinking = "";
  private String signature = "";
  private String data = "";
  private String input = "";
  private @Nullable String stopReason;
  private String explanation = "";
  private @Nullable AnthropicUsage usage;
  private @Nullable AnthropicObject inner;
  private @Nullable List<AnthropicObject> content;
  private @Nullable ServerError error;

  private AnthropicObject(byte[] json) {
    this.json = json;
  }

  /**
   * @throws JacksonException for what is not JSON
   * @throws ServerJson.UnexpectedJson for JSON that is not one object
   */
  static AnthropicObject read(byte[] json, int length) {
    try (JsonParser in = ServerJson.parser(json, length)) {
      ServerJson.firstObject(in);
      AnthropicObject object = new AnthropicObject(json);
      ErrorMembers flat = new ErrorMembers();
      object.members(in, flat);
      ServerJson.end(in);
      boolean says = object.inner != null || object.content != null || object.stopReason != null;
      boolean hasOnlyWords = object.type == null && flat.hasMessage();
      if (object.error == null && !says && (hasOnlyWords || flat.isError())) {
        object.error = flat.error();
      }
      return object;
    }
  }

  private static AnthropicObject within(JsonParser in, byte[] json) {
    AnthropicObject object = new AnthropicObject(json);
    object.members(in, null);
    return object;
  }

  /**
   * @param flat takes what may be an error without a frame; null within an object
   */
  private void members(JsonParser in, @Nullable ErrorMembers flat) {
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String member = in.currentName();
      JsonToken value = in.nextToken();
      boolean isObject = value == JsonToken.START_OBJECT;
      switch (member) {
        case "type" -> {
          type = LenientValues.scalar(in);
          if (flat != null && value == JsonToken.VALUE_STRING) {
            flat.take(member, in);
          }
        }
        case "index" -> index = LenientValues.index(in);
        case "id" -> id = LenientValues.scalar(in);
        case "name" -> name = LenientValues.scalar(in);
        case "model" -> model = LenientValues.scalar(in);
        case "text" -> text = LenientValues.words(in);
        case "thinking" -> thinking = LenientValues.words(in);
        case "signature" -> signature = orNothing(LenientValues.scalar(in));
        case "data" -> data = orNothing(LenientValues.scalar(in));
        case "input", "partial_json" -> input = json(in, value);
        case "stop_reason" -> stopReason(in);
        case "usage" -> usage = isObject ? AnthropicUsage.read(in) : usage;
        case "error" -> {
          if (value != JsonToken.VALUE_NULL && value != JsonToken.VALUE_FALSE) {
            error = ServerError.read(in);
          }
        }
        case "stop_details" -> {
          if (isObject) {
            explanation(in);
          }
        }
        case "content" -> {
          if (value == JsonToken.START_ARRAY) {
            content(in);
          }
        }
        case "message", "content_block", "delta" -> {
          if (isObject) {
            inner = within(in, json);
          } else if (flat != null) {
            flat.take(member, in);
          }
        }
        default -> {
          if (flat != null) {
            flat.take(member, in);
          }
        }
      }
      // A value that nobody wanted.
      if (in.currentToken().isStructStart()) {
        in.skipChildren();
      }
    }
  }

  private void content(JsonParser in) {
    List<AnthropicObject> blocks = new ArrayList<>();
    while (in.nextToken() != JsonToken.END_ARRAY) {
      if (in.currentToken() == JsonToken.START_OBJECT) {
        blocks.add(within(in, json));
      } else {
        in.skipChildren();
      }
    }
    content = blocks;
  }

  private void explanation(JsonParser in) {
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String member = in.currentName();
      in.nextToken();
      if (member.equals("explanation")) {
        explanation = LenientValues.words(in);
      } else {
        in.skipChildren();
      }
    }
  }

  private void stopReason(JsonParser in) {
    String said = LenientValues.scalar(in);
    if (said != null && !said.isBlank() && !said.equals("null") && !said.equals("false")) {
      stopReason = said.strip();
    }
  }

  /** JSON in a string, or as it is; a bit of it where it comes in bits. */
  private String json(JsonParser in, JsonToken value) {
    if (!value.isStructStart()) {
      return value == JsonToken.VALUE_STRING ? in.getString() : "";
    }
    int from = (int) in.currentTokenLocation().getByteOffset();
    in.skipChildren();
    in.finishToken();
    int to = (int) in.currentLocation().getByteOffset();
    return new String(json, from, to - from, StandardCharsets.UTF_8);
  }

  private static String orNothing(@Nullable String text) {
    return text == null ? "" : text;
  }

  /** Empty when it has none. */
  String type() {
    return orNothing(type);
  }

  /** -1 when it has none. */
  int index() {
    return index;
  }

  @Nullable String id() {
    return id == null || id.isBlank() ? null : id;
  }

  @Nullable String name() {
    return name == null || name.isBlank() ? null : name;
  }

  @Nullable String model() {
    return model;
  }

  String text() {
    return text;
  }

  String thinking() {
    return thinking;
  }

  String signature() {
    return signature;
  }

  String data() {
    return data;
  }

  /** Arguments of a call, or the next bit of them. */
  String input() {
    return input;
  }

  @Nullable String stopReason() {
    return stopReason;
  }

  /** Why the server refused; empty when it does not say. */
  String explanation() {
    return explanation;
  }

  @Nullable AnthropicUsage usage() {
    return usage;
  }

  /** The message, the block or the delta that an event is about. */
  @Nullable AnthropicObject inner() {
    return inner;
  }

  /** Of a message; null when it has none. */
  @Nullable List<AnthropicObject> content() {
    return content;
  }

  @Nullable ServerError error() {
    return error;
  }
}
