package io.heddle.turn;

import io.heddle.json.Json;
import io.heddle.json.JsonWriter;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * What of a message decides how a model is told of it.
 *
 * @param calls ids of its tool calls
 * @param answers the call whose output it is, or null
 * @param empty whether it says nothing at all to a model
 * @param thought whether it is nothing but what a model thought before it said what comes next
 * @param sealed whether its server has said something for itself
 * @param ofTurn whether it is an answer that was given here
 * @param refusalAsContent the same message with its refusal as its content, which is the only form
 *     of it that every model takes; null when it needs none
 */
record MessageShape(
    String role,
    Set<String> calls,
    @Nullable String answers,
    boolean empty,
    boolean thought,
    boolean sealed,
    boolean ofTurn,
    @Nullable Json refusalAsContent) {

  private static final MessageShape ODD = other("");

  private static MessageShape other(String role) {
    return new MessageShape(role, Set.of(), null, false, false, false, false, null);
  }

  static MessageShape of(Json body) {
    String role = "";
    String answers = null;
    String refusal = null;
    boolean reasoning = false;
    boolean sealed = false;
    boolean ofTurn = false;
    Content content = Content.NONE;
    Set<String> calls = new LinkedHashSet<>();
    try (JsonParser in = ModelEventCodec.parser(body.utf8())) {
      in.nextToken();
      while (in.nextToken() == JsonToken.PROPERTY_NAME) {
        String name = in.currentName();
        JsonToken value = in.nextToken();
        switch (name) {
          case "role" -> role = in.getValueAsString("");
          case "toolCallId" -> answers = in.getValueAsString();
          case "refusal" -> refusal = in.getValueAsString();
          case "content" -> content = Content.of(in, value);
          case "reasoning" ->
              reasoning = value == JsonToken.VALUE_STRING && !in.getString().isEmpty();
          case "turn" -> ofTurn = true;
          case "upstream" -> {
            sealed = value == JsonToken.START_OBJECT;
            in.skipChildren();
          }
          case "toolCalls" -> readCalls(in, value, calls);
          default -> in.skipChildren();
        }
      }
    } catch (JacksonException _) {
      return ODD;
    }
    if (role.equals("tool")) {
      return new MessageShape(
          role, Set.of(), answers == null ? "" : answers, false, false, false, false, null);
    }
    if (!role.equals("assistant")) {
      return content == Content.ITEMS
          ? new MessageShape(role, Set.of(), null, true, false, false, false, null)
          : other(role);
    }
    boolean bare = content != Content.SOME && calls.isEmpty();
    Json refused = bare && refusal != null && !refusal.isEmpty() ? asContent(refusal) : null;
    boolean empty = bare && refused == null;
    return new MessageShape(
        role,
        Collections.unmodifiableSet(calls),
        null,
        empty,
        empty && (reasoning || sealed) && !ofTurn,
        sealed,
        ofTurn,
        refused);
  }

  private static void readCalls(JsonParser in, JsonToken value, Set<String> calls) {
    if (value != JsonToken.START_ARRAY) {
      in.skipChildren();
      return;
    }
    while (in.nextToken() == JsonToken.START_OBJECT) {
      while (in.nextToken() == JsonToken.PROPERTY_NAME) {
        String name = in.currentName();
        in.nextToken();
        String id = name.equals("id") ? in.getValueAsString() : null;
        if (id != null) {
          calls.add(id);
        }
        in.skipChildren();
      }
    }
  }

  private static Json asContent(String refusal) {
    JsonWriter out = new JsonWriter(64 + refusal.length());
    out.ascii("{\"role\":\"assistant\",\"content\":").string(refusal);
    return out.ascii("}").toJson();
  }

  /** What a content is for a model. */
  enum Content {
    NONE,
    /** Items of the Responses wire that no chat model understands. */
    ITEMS,
    SOME;

    static Content of(JsonParser in, JsonToken value) {
      return switch (value) {
        case VALUE_STRING -> in.getString().isEmpty() ? NONE : SOME;
        case START_ARRAY -> {
          Content content = NONE;
          while (in.nextToken() != JsonToken.END_ARRAY) {
            boolean item = in.currentToken() == JsonToken.START_OBJECT && isItem(in);
            if (!in.currentToken().isStructEnd()) {
              in.skipChildren();
            }
            content = item && content != SOME ? ITEMS : SOME;
          }
          yield content;
        }
        case VALUE_NULL -> NONE;
        default -> {
          in.skipChildren();
          yield SOME;
        }
      };
    }

    /** Of the object that the parser stands at, which it reads to its end. */
    static boolean isItem(JsonParser in) {
      boolean item = false;
      while (in.nextToken() == JsonToken.PROPERTY_NAME) {
        boolean type = in.currentName().equals("type");
        in.nextToken();
        item |= type && ItemPart.TYPE.equals(in.getValueAsString());
        in.skipChildren();
      }
      return item;
    }
  }
}
