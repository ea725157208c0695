package io.heddle.upstream;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.turn.ModelCall;
import io.heddle.upstream.CallFailure.Blame;
import java.util.LinkedHashSet;
import java.util.List;
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

  AnthropicTools(String upstream, AnthropicModel model, AnthropicNames names, Members parameters) {
    this.upstream = upstream;
    this.model = model;
    this.names = names;
    tools = parameters.elements("tools");
    isOneByOne = parameters.is("parallel_tool_calls", "false");
    JsonValue given = parameters.get("tool_choice");
    if (given != null) {
      choose(given);
    }
  }

  /** Names that a call's tools have with the server. */
  static AnthropicNames names(ModelCall call) {
    AnthropicNames names = new AnthropicNames();
    for (JsonValue tool : Members.of(call.parameters()).elements("tools")) {
      String name = inner(Members.of(tool)).text("name");
      if (name != null) {
        names.told(name);
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
    Members members = Members.of(given);
    String type = String.valueOf(members.text("type"));
    switch (type) {
      case "function", CustomTools.TYPE -> {
        choice = "tool";
        chosen = name(given);
        if (chosen == null) {
          throw refusal(upstream, "tool_choice", "form for a tool_choice without a name");
        }
      }
      case "allowed_tools" -> {
        Members list = members.has(type) ? members.inner(type) : members;
        choice = list.has("mode") ? choice(String.valueOf(list.text("mode"))) : "auto";
        Set<String> may = new LinkedHashSet<>();
        for (JsonValue tool : list.elements("tools")) {
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
  private static Members inner(Members tool) {
    return tool.inner(tool.all().containsKey("function") ? "function" : CustomTools.TYPE);
  }

  private static @Nullable String name(JsonValue tool) {
    Members members = Members.of(tool);
    boolean isFlat =
        !members.all().containsKey("function") && !members.all().containsKey(CustomTools.TYPE);
    return (isFlat ? members : inner(members)).text("name");
  }

  /** Whether the model must use a tool. */
  boolean isForced() {
    return !tools.isEmpty() && (choice.equals("any") || choice.equals("tool"));
  }

  /**
   * @param called names of tools that were called before: where there are calls there must be tools
   */
  void writeTo(JsonWriter out, Set<String> called) {
    List<JsonValue> told = tools.stream().filter(this::isAllowed).toList();
    if (told.isEmpty() && called.isEmpty()) {
      return;
    }
    out.ascii(",\"tools\":");
    if (!told.isEmpty()) {
      out.array(told, this::writeTool);
      writeChoice(out);
      return;
    }
    out.array(
        called,
        (name, _) ->
            out.ascii("{\"name\":").string(name).ascii(",\"input_schema\":" + ANY_OBJECT + "}"));
    out.ascii(",\"tool_choice\":{\"type\":\"none\"}");
  }

  private boolean isAllowed(JsonValue tool) {
    String name = name(tool);
    return allowed == null || name != null && allowed.contains(name);
  }

  private void writeChoice(JsonWriter out) {
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

  private void writeTool(JsonValue tool, JsonWriter out) {
    Members members = Members.of(tool);
    Members function = inner(members);
    boolean isCustom = !members.all().containsKey("function");
    if (isCustom && !members.all().containsKey(CustomTools.TYPE)) {
      // In Anthropic's own form: a tool that the server runs.
      tool.writeTo(out);
      return;
    }
    out.ascii("{\"name\":").string(names.told(function.textOrEmpty("name")));
    if (isCustom) {
      out.ascii(",\"description\":").string(CustomTools.description(function));
      CustomTools.schema(out.ascii(",\"input_schema\":")).ascii("}");
      return;
    }
    out.some("description", function.get("description"));
    boolean isStrict = model.takesStrict() && function.is("strict", "true");
    writeSchema(function.get("parameters"), isStrict, out.ascii(",\"input_schema\":"));
    out.ascii(isStrict ? ",\"strict\":true" : "");
    String cache = "cache_control";
    out.some(cache, (members.all().containsKey(cache) ? members : function).get(cache));
    out.ascii("}");
  }

  private static void writeSchema(@Nullable JsonValue schema, boolean isStrict, JsonWriter out) {
    if (schema == null || !schema.isObject()) {
      out.ascii(ANY_OBJECT);
      return;
    }
    Members members = Members.of(schema);
    boolean isTyped = "object".equals(members.text("type"));
    if (isTyped && isStrict) {
      AnthropicSchema.write(schema, out);
    } else if (isTyped) {
      schema.writeTo(out);
    } else {
      // Whatever else it says, arguments are an object.
      out.ascii("{\"type\":\"object\"");
      members.without(List.of("type")).writeBehind(out).ascii("}");
    }
  }
}
