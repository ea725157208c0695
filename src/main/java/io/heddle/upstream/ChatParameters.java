package io.heddle.upstream;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Writes the parameters of a call under the names that the server knows. */
final class ChatParameters {

  private static final Set<String> OURS = Set.of("model", "messages", "stream", "stream_options");

  /** The names of one thing: the most tokens of the answer. */
  private static final Set<String> TOKENS = Set.of("max_tokens", "max_completion_tokens");

  private static final Set<String> SCHEMA = Set.of("parameters");
  private static final JsonValue NO_PARAMETERS =
      JsonValue.of(Json.of("{\"type\":\"object\",\"properties\":{}}"));

  private ChatParameters() {}

  /**
   * @param tokenParameter the only name for the most tokens of the answer, or null
   */
  static void write(
      JsonWriter out, Members parameters, Dialect dialect, @Nullable String tokenParameter) {
    boolean bounded = false;
    for (Map.Entry<String, JsonValue> parameter : parameters.all().entrySet()) {
      String given = parameter.getKey();
      if (OURS.contains(given)) {
        continue;
      }
      String name = dialect.parameter(given);
      if (tokenParameter != null && TOKENS.contains(given)) {
        if (bounded
            || !given.equals(tokenParameter) && parameters.all().containsKey(tokenParameter)) {
          continue;
        }
        bounded = true;
        name = tokenParameter;
      }
      if (name == null || !name.equals(given) && parameters.all().containsKey(name)) {
        continue;
      }
      out.ascii(",").string(name).ascii(":");
      JsonValue value = flat(given, parameter.getValue(), dialect);
      if (given.equals("tools") && dialect.has(Dialect.Quirk.MISTRALS_FORMS)) {
        tools(out, value);
      } else {
        value.writeTo(out);
      }
    }
  }

  /** Custom tools as functions, for servers that know nothing else. */
  private static JsonValue flat(String name, JsonValue value, Dialect dialect) {
    boolean isChoice = name.equals("tool_choice");
    if (dialect.has(Dialect.Quirk.CUSTOM_TOOLS)
        || !isChoice && !name.equals("tools")
        || !value.isArray() && !value.isObject()
        || !CustomTools.mayBeIn(value)) {
      return value;
    }
    JsonWriter out = new JsonWriter(value.length() + 256);
    if (isChoice) {
      CustomTools.writeChoice(value, out);
    } else {
      CustomTools.writeTools(value, out);
    }
    return JsonValue.of(out.toJson());
  }

  /** Every function with a schema, be it an empty one. */
  private static void tools(JsonWriter out, JsonValue tools) {
    if (!tools.isArray()) {
      tools.writeTo(out);
      return;
    }
    out.array(
        tools.elements(),
        (tool, _) -> {
          JsonValue given = Members.of(tool).get("function");
          Members function = Members.of(tool).inner("function");
          if (given == null || !given.isObject() || function.has("parameters")) {
            tool.writeTo(out);
          } else {
            Map<String, JsonValue> all = new LinkedHashMap<>(function.without(SCHEMA).all());
            all.put("parameters", NO_PARAMETERS);
            new Members(all).writeTo(out.ascii("{\"type\":\"function\",\"function\":")).ascii("}");
          }
        });
  }
}
