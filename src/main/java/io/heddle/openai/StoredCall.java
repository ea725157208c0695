package io.heddle.openai;

import io.heddle.base.Json;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A tool call of a stored message.
 *
 * @param fields empty for what is no object
 * @param isCustom whether it is of a tool that takes a text in the place of JSON
 * @param made its name and arguments; empty when it has none
 */
record StoredCall(Fields fields, boolean isCustom, Fields made) {

  /** Those of a message, in order. */
  static List<StoredCall> of(Fields message) {
    Value calls = message.get("toolCalls");
    return calls == null || !calls.isArray()
        ? List.of()
        : calls.elements().stream().map(StoredCall::of).toList();
  }

  private static StoredCall of(Value call) {
    Fields fields = object(call);
    boolean isCustom = fields.word("type").equals("custom");
    return new StoredCall(fields, isCustom, object(fields.get(isCustom ? "custom" : "function")));
  }

  private static Fields object(@Nullable Value value) {
    return value == null || !value.isObject() ? Fields.of(Json.EMPTY_OBJECT) : value.fields();
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
