package io.heddle.upstream;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/** An item of a response, as far as it matters; also one that is only begun. */
final class ResponsesItem {

  /** Of an item that never ends. */
  private static final int MOST_PARTS = 4096;

  /**
   * A part of what an item says.
   *
   * @param type as the server calls it
   */
  record Part(String type, String text) {}

  private String type = "";
  private @Nullable String id;
  private @Nullable String callId;
  private @Nullable String name;
  private @Nullable String arguments;
  private @Nullable String phase;
  private @Nullable String encrypted;
  private final List<Part> content = new ArrayList<>(1);
  private final List<Part> summary = new ArrayList<>(0);

  private ResponsesItem() {}

  String type() {
    return type;
  }

  @Nullable String id() {
    return id;
  }

  /** What a tool's output names; some servers have only one id for both. */
  @Nullable String callId() {
    return callId == null ? id : callId;
  }

  @Nullable String name() {
    return name;
  }

  /** Of a function, or the input of a custom tool; null when it is not there. */
  @Nullable String arguments() {
    return arguments;
  }

  @Nullable String phase() {
    return phase;
  }

  @Nullable String encrypted() {
    return encrypted;
  }

  List<Part> content() {
    return content;
  }

  List<Part> summary() {
    return summary;
  }

  /** Null for what is no object. */
  static @Nullable ResponsesItem read(JsonParser in, byte[] json) {
    if (in.currentToken() != JsonToken.START_OBJECT) {
      in.skipChildren();
      return null;
    }
    ResponsesItem item = new ResponsesItem();
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String member = in.currentName();
      in.nextToken();
      switch (member) {
        case "type" -> item.type = word(in, item.type);
        case "id" -> item.id = some(in);
        case "call_id" -> item.callId = some(in);
        case "name" -> item.name = some(in);
        case "phase" -> item.phase = some(in);
        case "encrypted_content" -> item.encrypted = some(in);
        case "arguments", "input" -> item.arguments = arguments(in, json);
        case "content" -> parts(in, item.content);
        case "summary" -> parts(in, item.summary);
        default -> in.skipChildren();
      }
    }
    return item;
  }

  private static String word(JsonParser in, String otherwise) {
    String said = LenientValues.scalar(in);
    return said == null ? otherwise : said;
  }

  private static @Nullable String some(JsonParser in) {
    String said = LenientValues.scalar(in);
    return said == null || said.isEmpty() ? null : said;
  }

  /** A string, with some servers an object. */
  static @Nullable String arguments(JsonParser in, byte[] json) {
    return switch (in.currentToken()) {
      case VALUE_STRING -> in.getString();
      case START_OBJECT, START_ARRAY -> {
        int from = (int) in.currentTokenLocation().getByteOffset();
        in.skipChildren();
        in.finishToken();
        int to = (int) in.currentLocation().getByteOffset();
        yield new String(json, from, to - from, StandardCharsets.UTF_8);
      }
      default -> null;
    };
  }

  private static void parts(JsonParser in, List<Part> into) {
    switch (in.currentToken()) {
      case START_ARRAY -> {
        while (in.nextToken() != JsonToken.END_ARRAY) {
          if (into.size() < MOST_PARTS) {
            part(in, into);
          } else {
            in.skipChildren();
          }
        }
      }
      case VALUE_STRING, START_OBJECT -> part(in, into);
      default -> in.skipChildren();
    }
  }

  private static void part(JsonParser in, List<Part> into) {
    if (in.currentToken() != JsonToken.START_OBJECT) {
      into.add(new Part("", LenientValues.words(in)));
      return;
    }
    String type = "";
    String text = "";
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String member = in.currentName();
      in.nextToken();
      switch (member) {
        case "type" -> type = word(in, type);
        case "text", "refusal" -> text = LenientValues.words(in);
        default -> in.skipChildren();
      }
    }
    into.add(new Part(type, text));
  }
}
