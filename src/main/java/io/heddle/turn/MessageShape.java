package io.heddle.turn;

import io.heddle.json.InvalidJson;
import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

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
    try {
      return of(JsonValue.of(body));
    } catch (InvalidJson _) {
      return ODD;
    }
  }

  private static MessageShape of(JsonValue body) {
    String role = body.word("role");
    String refusal = body.word("refusal");
    JsonValue upstream = body.get("upstream");
    boolean sealed = upstream != null && upstream.isObject();
    boolean ofTurn = body.members().containsKey("turn");
    Content content = Content.of(body.get("content"));
    Set<String> calls = new LinkedHashSet<>();
    for (JsonValue call : body.elements("toolCalls")) {
      if (call.has("id")) {
        calls.add(call.word("id"));
      }
    }
    if (role.equals("tool")) {
      return new MessageShape(
          role, Set.of(), body.word("toolCallId"), false, false, false, false, null);
    }
    if (!role.equals("assistant")) {
      return content == Content.ITEMS
          ? new MessageShape(role, Set.of(), null, true, false, false, false, null)
          : other(role);
    }
    boolean bare = content != Content.SOME && calls.isEmpty();
    Json refused = bare && !refusal.isEmpty() ? asContent(refusal) : null;
    boolean empty = bare && refused == null;
    return new MessageShape(
        role,
        Collections.unmodifiableSet(calls),
        null,
        empty,
        empty && (sealed || !body.word("reasoning").isEmpty()) && !ofTurn,
        sealed,
        ofTurn,
        refused);
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

    static Content of(@Nullable JsonValue value) {
      if (value == null || value.isString() && value.length() == 2) {
        return NONE;
      }
      if (!value.isArray()) {
        return SOME;
      }
      List<JsonValue> parts = value.elements();
      boolean items = parts.stream().allMatch(MessageShape::isItem);
      return parts.isEmpty() ? NONE : items ? ITEMS : SOME;
    }
  }

  /** Whether a part of a content is an item of the Responses wire. */
  static boolean isItem(JsonValue part) {
    return part.word("type").equals(ItemPart.TYPE);
  }
}
