package io.heddle.openai;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import java.util.List;

/**
 * A tool call of a stored message.
 *
 * @param isCustom whether it is of a tool that takes a text in the place of JSON
 * @param made its name and arguments; empty when it has none
 */
record StoredCall(JsonValue fields, boolean isCustom, JsonValue made) {

  /** Those of a message, in order. */
  static List<StoredCall> of(JsonValue message) {
    JsonValue calls = message.get("toolCalls");
    return calls == null ? List.of() : calls.elements().stream().map(StoredCall::call).toList();
  }

  private static StoredCall call(JsonValue call) {
    boolean isCustom = call.word("type").equals("custom");
    JsonValue made = call.get(isCustom ? "custom" : "function");
    return new StoredCall(call, isCustom, made == null ? JsonValue.of(Json.EMPTY_OBJECT) : made);
  }

  String id() {
    return fields.word("id");
  }

  String name() {
    return made.word("name");
  }

  /** What its arguments are called. */
  String argumentsName() {
    return isCustom ? "input" : "arguments";
  }

  String arguments() {
    return made.word(argumentsName());
  }
}
