package io.heddle.upstream;

import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.turn.ModelCall;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

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
  static boolean mayBeIn(JsonValue value) {
    return value.contains(QUOTED);
  }

  /** The names of a call's custom tools. */
  static Set<String> names(ModelCall call) {
    JsonValue parameters = JsonValue.of(call.parameters());
    Set<String> names = new HashSet<>();
    for (JsonValue tool :
        mayBeIn(parameters) ? Members.of(parameters).elements("tools") : List.<JsonValue>of()) {
      String name = Members.of(tool).inner(TYPE).text("name");
      if (name != null) {
        names.add(name);
      }
    }
    return names;
  }

  /** What the function says of itself: what the tool does, and which form its input has. */
  static String description(Members custom) {
    String said = custom.textOrEmpty("description");
    Members grammar = custom.inner("format").inner("grammar");
    String definition = grammar.text("definition");
    if (definition == null) {
      return said;
    }
    String syntax = grammar.text("syntax");
    String must =
        "The parameter \"%s\" must match this %sgrammar:\n%s"
            .formatted(INPUT, syntax == null ? "" : syntax + " ", definition);
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
  static void writeTools(JsonValue tools, JsonWriter out) {
    Members.list(
        out,
        tools.elements(),
        tool -> {
          JsonValue custom = Members.of(tool).get(TYPE);
          if (custom == null || !custom.isObject()) {
            tool.writeTo(out);
            return;
          }
          Members members = Members.of(custom);
          members
              .stringOrEmpty("name")
              .writeTo(out.ascii("{\"type\":\"function\",\"function\":{\"name\":"));
          out.ascii(",\"description\":").string(description(members));
          schema(out.ascii(",\"parameters\":")).ascii("}}");
        });
  }

  /** A choice of tools, or one tool of it. */
  static void writeChoice(JsonValue choice, JsonWriter out) {
    Members members = Members.of(choice);
    JsonValue custom = members.all().get(TYPE);
    JsonValue inner = members.get("allowed_tools");
    if (custom != null) {
      custom.writeTo(out.ascii("{\"type\":\"function\",\"function\":")).ascii("}");
    } else if (inner == null || !inner.isObject()) {
      choice.writeTo(out);
    } else {
      out.ascii("{\"type\":\"allowed_tools\",\"allowed_tools\":");
      Members.of(inner)
          .writeTo(
              out,
              (name, value) -> {
                if (name.equals("tools")) {
                  Members.list(out, value.elements(), tool -> writeChoice(tool, out));
                } else {
                  value.writeTo(out);
                }
              });
      out.ascii("}");
    }
  }

  /** The name and the input of a stored call of such a tool, as those of a call of the function. */
  static JsonValue call(JsonValue custom) {
    Members members = Members.of(custom);
    JsonWriter out = new JsonWriter(custom.length() + 64).ascii("{\"name\":");
    members.stringOrEmpty("name").writeTo(out).ascii(",\"arguments\":");
    String input = ToolInput.object(members.textOrEmpty(INPUT), true).toString();
    return JsonValue.of(out.string(input).ascii("}").toJson());
  }
}
