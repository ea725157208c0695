package io.heddle.upstream;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.turn.ModelCall;
import io.heddle.upstream.CallFailure.Blame;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The tools of a call, and which of them the model may or must use. */
final class AnthropicTools {

  private static final String ANY_OBJECT = "{\"type\":\"object\",\"properties\":{}}";

  private final String upstream;
  private final AnthropicModel model;
  private final AnthropicNames names;
  private final List<JsonValue> tools;
  private final boolean isOneByOne;

  /** The choice's type; empty for none. */
  private String choice = "";

  /** The tool that must be used. */
  private @Nullable String chosen;

  /** In Anthropic's own form. */
  private @Nullable JsonValue own;

  /** Those that may be used; null: all. */
  private @Nullable Set<String> allowed;

  AnthropicTools(
      String upstream,
      AnthropicModel model,
      AnthropicNames names,
      Map<String, JsonValue> parameters) {
    this.upstream = upstream;
    this.model = model;
    this.names = names;
    JsonValue all = parameters.get("tools");
    tools = all == null ? List.of() : all.elements();
    JsonValue parallel = parameters.get("parallel_tool_calls");
    isOneByOne = parallel != null && parallel.toString().equals("false");
    JsonValue given = parameters.get("tool_choice");
    if (given != null && !given.isNull()) {
      choose(given);
    }
  }

  /** Names that a call's tools have with the server. */
  static AnthropicNames names(ModelCall call) {
    AnthropicNames names = new AnthropicNames();
    JsonValue tools = JsonValue.of(call.parameters()).members().get("tools");
    if (tools != null) {
      for (JsonValue tool : tools.elements()) {
        JsonValue function = inner(tool.members());
        String name = function == null ? null : text(function.members().get("name"));
        if (name != null) {
          names.told(name);
        }
      }
    }
    return names;
  }

  /** Something that the server has no form for, and that the call would not be the same without. */
  static CallFailure refusal(String upstream, String parameter, String what) {
    return new CallFailure(
        Problem.of(ProblemCode.MODEL_REFUSED, "The upstream " + upstream + " has no " + what)
            .with("upstreamStatus", 400)
            .with("upstreamCode", "unsupported_parameter")
            .with(RefusedParameter.MEMBER, parameter),
        Blame.REQUEST);
  }

  private void choose(JsonValue given) {
    if (given.isString()) {
      choice = choice(given.text());
      return;
    }
    Map<String, JsonValue> members = given.members();
    String type = String.valueOf(text(members.get("type")));
    switch (type) {
      case "function", CustomTools.TYPE -> {
        choice = "tool";
        chosen = name(given);
        if (chosen == null) {
          throw refusal(upstream, "tool_choice", "form for a tool_choice without a name");
        }
      }
      case "allowed_tools" -> {
        JsonValue inner = members.get("allowed_tools");
        Map<String, JsonValue> list = inner == null ? members : inner.members();
        JsonValue mode = list.get("mode");
        choice = mode == null ? "auto" : choice(String.valueOf(text(mode)));
        Set<String> may = new LinkedHashSet<>();
        JsonValue those = list.get("tools");
        for (JsonValue tool : those == null ? List.<JsonValue>of() : those.elements()) {
          String name = name(tool);
          if (name != null) {
            may.add(name);
          }
        }
        allowed = may;
      }
      case "auto", "any", "tool", "none" -> {
        choice = type;
        own = given;
      }
      default -> throw refusal(upstream, "tool_choice", "tool_choice of the type " + type);
    }
  }

  private String choice(String word) {
    return switch (word) {
      case "auto", "none" -> word;
      case "required" -> "any";
      default -> throw refusal(upstream, "tool_choice", "tool_choice " + word);
    };
  }

  /** What a tool of Chat Completions says of itself. */
  private static @Nullable JsonValue inner(Map<String, JsonValue> tool) {
    JsonValue function = tool.get("function");
    return function == null ? tool.get(CustomTools.TYPE) : function;
  }

  private static @Nullable String name(JsonValue tool) {
    Map<String, JsonValue> members = tool.members();
    JsonValue function = inner(members);
    return text(function == null ? members.get("name") : function.members().get("name"));
  }

  /** Whether the model must use a tool. */
  boolean isForced() {
    return !tools.isEmpty() && (choice.equals("any") || choice.equals("tool"));
  }

  /**
   * @param called names of tools that were called before: where there are calls there must be tools
   */
  void writeTo(JsonWriter out, Set<String> called) {
    String before = ",\"tools\":[";
    for (int i = 0; i < tools.size(); i++) {
      String name = name(tools.get(i));
      if (allowed == null || name != null && allowed.contains(name)) {
        tool(tools.get(i), out.ascii(before));
        before = ",";
      }
    }
    if (before.equals(",")) {
      choice(out.ascii("]"));
      return;
    }
    for (String name : called) {
      out.ascii(before).ascii("{\"name\":").string(name);
      out.ascii(",\"input_schema\":").ascii(ANY_OBJECT).ascii("}");
      before = ",";
    }
    if (before.equals(",")) {
      out.ascii("],\"tool_choice\":{\"type\":\"none\"}");
    }
  }

  private void choice(JsonWriter out) {
    if (own != null) {
      own.writeTo(out.ascii(",\"tool_choice\":"));
      return;
    }
    boolean says = isOneByOne && !choice.equals("none");
    if (choice.isEmpty() && !says) {
      return;
    }
    out.ascii(",\"tool_choice\":{\"type\":\"")
        .ascii(choice.isEmpty() ? "auto" : choice)
        .ascii("\"");
    if (chosen != null) {
      out.ascii(",\"name\":").string(names.told(chosen));
    }
    out.ascii(says ? ",\"disable_parallel_tool_use\":true}" : "}");
  }

  private void tool(JsonValue tool, JsonWriter out) {
    Map<String, JsonValue> members = tool.members();
    JsonValue function = members.get("function");
    if (function == null) {
      JsonValue custom = members.get(CustomTools.TYPE);
      if (custom != null) {
        custom(custom.members(), out);
        return;
      }
      // In Anthropic's own form: a tool that the server runs.
      tool.writeTo(out);
      return;
    }
    Map<String, JsonValue> of = function.members();
    String name = text(of.get("name"));
    out.ascii("{\"name\":").string(names.told(name == null ? "" : name));
    member("description", of.get("description"), out);
    boolean isStrict = model.takesStrict() && isTrue(of.get("strict"));
    schema(of.get("parameters"), isStrict, out.ascii(",\"input_schema\":"));
    if (isStrict) {
      out.ascii(",\"strict\":true");
    }
    JsonValue cache = members.get("cache_control");
    member("cache_control", cache == null ? of.get("cache_control") : cache, out);
    out.ascii("}");
  }

  private void custom(Map<String, JsonValue> of, JsonWriter out) {
    String name = text(of.get("name"));
    out.ascii("{\"name\":").string(names.told(name == null ? "" : name));
    out.ascii(",\"description\":").string(CustomTools.description(of));
    CustomTools.schema(out.ascii(",\"input_schema\":")).ascii("}");
  }

  private static void schema(@Nullable JsonValue schema, boolean isStrict, JsonWriter out) {
    if (schema == null || !schema.isObject()) {
      out.ascii(ANY_OBJECT);
      return;
    }
    Map<String, JsonValue> members = schema.members();
    boolean isTyped = "object".equals(text(members.get("type")));
    if (isTyped && isStrict) {
      AnthropicSchema.write(schema, out);
    } else if (isTyped) {
      schema.writeTo(out);
    } else {
      // Whatever else it says, arguments are an object.
      out.ascii("{\"type\":\"object\"");
      members.forEach((name, value) -> {
        if (!name.equals("type")) {
          value.writeTo(out.ascii(",").string(name).ascii(":"));
        }
      });
      out.ascii("}");
    }
  }

  private static void member(String name, @Nullable JsonValue value, JsonWriter out) {
    if (value != null && !value.isNull()) {
      value.writeTo(out.ascii(",\"").ascii(name).ascii("\":"));
    }
  }

  private static boolean isTrue(@Nullable JsonValue value) {
    return value != null && value.toString().equals("true");
  }

  private static @Nullable String text(@Nullable JsonValue value) {
    return value != null && value.isString() ? value.text() : null;
  }
}
