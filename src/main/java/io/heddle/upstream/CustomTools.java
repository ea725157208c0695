package io.heddle.upstream;

import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.turn.ModelCall;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Custom tools, whose input is any text, for servers that know only functions: each is a function
 * with the one parameter {@value #INPUT}. {@link WrappedInput} takes the input out of a call again.
 */
final class CustomTools {

  static final String TYPE = "custom";

  /** The parameter of the function that has the input. */
  static final String INPUT = "input";

  private static final byte[] QUOTED = "\"custom\"".getBytes(StandardCharsets.US_ASCII);

  private CustomTools() {}

  /** Whether there may be one, told without reading it. */
  static boolean mayBeIn(JsonValue slice) {
    return slice.contains(QUOTED);
  }

  /** The names of a call's custom tools. */
  static Set<String> names(ModelCall call) {
    JsonValue parameters = JsonValue.of(call.parameters());
    if (!mayBeIn(parameters)) {
      return Set.of();
    }
    JsonValue tools = parameters.members().get("tools");
    Set<String> names = new HashSet<>();
    for (JsonValue tool : tools == null ? List.<JsonValue>of() : tools.elements()) {
      JsonValue custom = tool.members().get(TYPE);
      JsonValue name = custom == null ? null : custom.members().get("name");
      if (name != null && name.isString()) {
        names.add(name.text());
      }
    }
    return names;
  }

  /** What the function says of itself: what the tool does, and which form its input has. */
  static String description(Map<String, JsonValue> custom) {
    JsonValue description = custom.get("description");
    String said = description != null && description.isString() ? description.text() : "";
    JsonValue format = custom.get("format");
    JsonValue inner = format == null ? null : format.members().get("grammar");
    Map<String, JsonValue> grammar = inner == null ? Map.of() : inner.members();
    JsonValue definition = grammar.get("definition");
    if (definition == null || !definition.isString()) {
      return said;
    }
    JsonValue syntax = grammar.get("syntax");
    String kind = syntax != null && syntax.isString() ? syntax.text() + " " : "";
    String must =
        "The parameter \"%s\" must match this %sgrammar:\n%s"
            .formatted(INPUT, kind, definition.text());
    return said.isEmpty() ? must : said + "\n\n" + must;
  }

  /** The schema of the function's parameters. */
  static JsonWriter schema(JsonWriter out) {
    return out.ascii(
        "{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\","
            + "\"description\":\"The whole input of the tool, as plain text.\"}},"
            + "\"required\":[\"input\"],\"additionalProperties\":false}");
  }

  /** A list of tools of Chat Completions, in which the custom ones are functions. */
  static void tools(JsonValue tools, JsonWriter out) {
    out.ascii("[");
    for (JsonValue tool : tools.elements()) {
      JsonValue custom = tool.members().get(TYPE);
      if (custom == null || !custom.isObject()) {
        tool.writeTo(out.next());
      } else {
        Map<String, JsonValue> members = custom.members();
        out.next().ascii("{\"type\":\"function\",\"function\":{\"name\":");
        string(members.get("name"), out).ascii(",\"description\":").string(description(members));
        schema(out.ascii(",\"parameters\":")).ascii("}}");
      }
    }
    out.ascii("]");
  }

  /** A choice of tools, or one tool of it. */
  static void choice(JsonValue choice, JsonWriter out) {
    Map<String, JsonValue> members = choice.members();
    JsonValue custom = members.get(TYPE);
    if (custom != null) {
      custom.writeTo(out.ascii("{\"type\":\"function\",\"function\":")).ascii("}");
      return;
    }
    JsonValue inner = members.get("allowed_tools");
    if (inner == null || !inner.isObject()) {
      choice.writeTo(out);
      return;
    }
    out.ascii("{\"type\":\"allowed_tools\",\"allowed_tools\":");
    String before = "{";
    for (Map.Entry<String, JsonValue> member : inner.members().entrySet()) {
      out.ascii(before).string(member.getKey()).ascii(":");
      if (member.getKey().equals("tools")) {
        out.ascii("[");
        for (JsonValue tool : member.getValue().elements()) {
          choice(tool, out.next());
        }
        out.ascii("]");
      } else {
        member.getValue().writeTo(out);
      }
      before = ",";
    }
    out.ascii(before.equals("{") ? "{}}" : "}}");
  }

  /** The name and the input of a stored call of such a tool, as those of a call of the function. */
  static JsonValue call(JsonValue custom) {
    Map<String, JsonValue> members = custom.members();
    JsonValue input = members.get(INPUT);
    String said = input == null || !input.isString() ? "" : input.text();
    JsonWriter out = new JsonWriter(custom.length() + 64).ascii("{\"name\":");
    string(members.get("name"), out).ascii(",\"arguments\":");
    return JsonValue.of(out.string(ToolInput.object(said, true).toString()).ascii("}").toJson());
  }

  private static JsonWriter string(@Nullable JsonValue value, JsonWriter out) {
    return value != null && value.isString() ? value.writeTo(out) : out.ascii("\"\"");
  }
}
