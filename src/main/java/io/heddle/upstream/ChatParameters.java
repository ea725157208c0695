package io.heddle.upstream;

import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Writes the parameters of a call under the names that the server knows. */
final class ChatParameters {

  private static final Set<String> OURS = Set.of("model", "messages", "stream", "stream_options");

  /** The names of one thing: the most tokens of the answer. */
  private static final Set<String> TOKENS = Set.of("max_tokens", "max_completion_tokens");

  private ChatParameters() {}

  /**
   * @param tokenParameter the only name for the most tokens of the answer, or null
   */
  static void write(
      JsonWriter out,
      Map<String, JsonValue> parameters,
      Dialect dialect,
      @Nullable String tokenParameter) {
    boolean bounded = false;
    for (Map.Entry<String, JsonValue> parameter : parameters.entrySet()) {
      String given = parameter.getKey();
      if (OURS.contains(given)) {
        continue;
      }
      String name = dialect.parameter(given);
      if (tokenParameter != null && TOKENS.contains(given)) {
        if (bounded || !given.equals(tokenParameter) && parameters.containsKey(tokenParameter)) {
          continue;
        }
        bounded = true;
        name = tokenParameter;
      }
      if (name == null || !name.equals(given) && parameters.containsKey(name)) {
        continue;
      }
      out.ascii(",").string(name).ascii(":");
      JsonValue value = flat(given, parameter.getValue(), dialect);
      if (given.equals("tools") && dialect.hasItsOwnForms()) {
        tools(out, value);
      } else {
        value.writeTo(out);
      }
    }
  }

  /** Custom tools as functions, for servers that know nothing else. */
  private static JsonValue flat(String name, JsonValue value, Dialect dialect) {
    boolean isChoice = name.equals("tool_choice");
    if (dialect.takesCustomTools()
        || !isChoice && !name.equals("tools")
        || !value.isArray() && !value.isObject()
        || !CustomTools.mayBeIn(value)) {
      return value;
    }
    JsonWriter out = new JsonWriter(value.length() + 256);
    if (isChoice) {
      CustomTools.choice(value, out);
    } else {
      CustomTools.tools(value, out);
    }
    return JsonValue.of(out.toJson());
  }

  /** Every function with a schema, be it an empty one. */
  private static void tools(JsonWriter out, JsonValue tools) {
    if (!tools.isArray()) {
      tools.writeTo(out);
      return;
    }
    out.ascii("[");
    for (JsonValue tool : tools.elements()) {
      out.next();
      JsonValue function = tool.members().get("function");
      JsonValue schema = function == null ? null : function.members().get("parameters");
      if (function == null || !function.isObject() || schema != null && !schema.isNull()) {
        tool.writeTo(out);
      } else {
        out.ascii("{\"type\":\"function\",\"function\":{");
        function
            .members()
            .forEach((name, value) -> {
              if (!name.equals("parameters")) {
                value.writeTo(out.string(name).ascii(":")).ascii(",");
              }
            });
        out.ascii("\"parameters\":{\"type\":\"object\",\"properties\":{}}}}");
      }
    }
    out.ascii("]");
  }
}
