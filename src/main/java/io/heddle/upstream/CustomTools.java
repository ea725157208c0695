package io.heddle.upstream;

import io.heddle.base.Json;
import io.heddle.base.JsonWriter;
import io.heddle.turn.ModelCall;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
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
  static boolean mayBeIn(Slice slice) {
    return mayBeIn(slice.json(), slice.from(), slice.to());
  }

  private static boolean mayBeIn(byte[] json, int from, int to) {
    for (int i = from; i <= to - QUOTED.length; i++) {
      if (json[i + 1] == 'c'
          && Arrays.equals(json, i, i + QUOTED.length, QUOTED, 0, QUOTED.length)) {
        return true;
      }
    }
    return false;
  }

  /** The names of a call's custom tools. */
  static Set<String> names(ModelCall call) {
    Json parameters = call.parameters();
    if (!mayBeIn(parameters.utf8(), 0, parameters.length())) {
      return Set.of();
    }
    Slice tools = Slice.of(parameters).members().get("tools");
    Set<String> names = new HashSet<>();
    for (Slice tool : tools == null ? List.<Slice>of() : tools.elements()) {
      Slice custom = tool.members().get(TYPE);
      Slice name = custom == null ? null : custom.members().get("name");
      if (name != null && name.isString()) {
        names.add(name.text());
      }
    }
    return names;
  }

  /** What the function says of itself: what the tool does, and which form its input has. */
  static String description(Map<String, Slice> custom) {
    Slice description = custom.get("description");
    String said = description != null && description.isString() ? description.text() : "";
    Slice format = custom.get("format");
    Slice inner = format == null ? null : format.members().get("grammar");
    Map<String, Slice> grammar = inner == null ? Map.of() : inner.members();
    Slice definition = grammar.get("definition");
    if (definition == null || !definition.isString()) {
      return said;
    }
    Slice syntax = grammar.get("syntax");
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
  static void tools(Slice tools, JsonWriter out) {
    String before = "[";
    for (Slice tool : tools.elements()) {
      Slice custom = tool.members().get(TYPE);
      if (custom == null || !custom.isObject()) {
        tool.writeTo(out.ascii(before));
      } else {
        Map<String, Slice> members = custom.members();
        out.ascii(before).ascii("{\"type\":\"function\",\"function\":{\"name\":");
        string(members.get("name"), out).ascii(",\"description\":").string(description(members));
        schema(out.ascii(",\"parameters\":")).ascii("}}");
      }
      before = ",";
    }
    out.ascii(before.equals("[") ? "[]" : "]");
  }

  /** A choice of tools, or one tool of it. */
  static void choice(Slice choice, JsonWriter out) {
    Map<String, Slice> members = choice.members();
    Slice custom = members.get(TYPE);
    if (custom != null) {
      custom.writeTo(out.ascii("{\"type\":\"function\",\"function\":")).ascii("}");
      return;
    }
    Slice inner = members.get("allowed_tools");
    if (inner == null || !inner.isObject()) {
      choice.writeTo(out);
      return;
    }
    out.ascii("{\"type\":\"allowed_tools\",\"allowed_tools\":");
    String before = "{";
    for (Map.Entry<String, Slice> member : inner.members().entrySet()) {
      out.ascii(before).string(member.getKey()).ascii(":");
      if (member.getKey().equals("tools")) {
        String first = "[";
        for (Slice tool : member.getValue().elements()) {
          choice(tool, out.ascii(first));
          first = ",";
        }
        out.ascii(first.equals("[") ? "[]" : "]");
      } else {
        member.getValue().writeTo(out);
      }
      before = ",";
    }
    out.ascii(before.equals("{") ? "{}}" : "}}");
  }

  /** The name and the input of a stored call of such a tool, as those of a call of the function. */
  static Slice call(Slice custom) {
    Map<String, Slice> members = custom.members();
    Slice input = members.get(INPUT);
    String said = input == null || !input.isString() ? "" : input.text();
    JsonWriter out = new JsonWriter(custom.to() - custom.from() + 64).ascii("{\"name\":");
    string(members.get("name"), out).ascii(",\"arguments\":");
    return Slice.of(out.string(ToolInput.object(said, true).toString()).ascii("}").toJson());
  }

  private static JsonWriter string(@Nullable Slice value, JsonWriter out) {
    return value != null && value.isString() ? value.writeTo(out) : out.ascii("\"\"");
  }
}
