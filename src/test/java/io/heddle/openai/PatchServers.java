package io.heddle.openai;

import io.heddle.testing.ModelScript;
import io.heddle.testing.ScriptedModel;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Servers that are given the custom tool {@code patch}, call it, and say "Done." when they are told
 * what came of it. Each refuses what is not in its own form.
 */
enum PatchServers {

  /** Knows nothing but functions. */
  COMPATIBLE("chat", "compatible") {
    @Override
    boolean isGiven(JsonNode body) {
      return isFunction(body.at("/tools/0/function"), "parameters");
    }

    @Override
    String input(JsonNode call) {
      JsonNode function = call.path("function");
      boolean isWhole =
          call.path("type").asString("").equals("function")
              && !call.has("custom")
              && function.path("name").asString("").equals("patch");
      return isWhole
          ? JSON.readTree(text(function.path("arguments"))).path("input").asString()
          : "";
    }

    @Override
    ModelScript calls() {
      String arguments = wrapped();
      return chat("function", "arguments", arguments.substring(0, 20), arguments.substring(20));
    }
  },

  /** Has custom tools, and no members of its own. */
  OPENAI("chat", "openai") {
    @Override
    boolean isGiven(JsonNode body) {
      JsonNode tool = body.at("/tools/0");
      return tool.path("type").asString("").equals("custom")
          && tool.at("/custom/name").asString("").equals("patch")
          && tool.at("/custom/format/grammar/syntax").asString("").equals("lark");
    }

    @Override
    String input(JsonNode call) {
      boolean isCustom = call.path("type").asString("").equals("custom") && !call.has("function");
      return isCustom ? text(call.at("/custom/input")) : "";
    }

    @Override
    ModelScript calls() {
      return chat("custom", "input", INPUT.substring(0, 7), INPUT.substring(7));
    }
  },

  /** OpenAI's Responses. */
  RESPONSES("responses", "openai") {
    @Override
    boolean isGiven(JsonNode body) {
      JsonNode tool = body.at("/tools/0");
      return tool.path("type").asString("").equals("custom")
          && tool.path("name").asString("").equals("patch")
          && tool.at("/format/syntax").asString("").equals("lark");
    }

    @Override
    JsonNode call(JsonNode body) {
      return body.at("/input/1");
    }

    @Override
    String input(JsonNode call) {
      boolean isCustom = call.path("type").asString("").equals("custom_tool_call");
      return isCustom ? text(call.path("input")) : "";
    }

    @Override
    boolean isAnswered(JsonNode body) {
      JsonNode output = body.at("/input/2");
      return output.path("type").asString("").equals("custom_tool_call_output")
          && output.path("output").asString("").equals(OUTPUT);
    }

    @Override
    ModelScript calls() {
      ObjectNode item = JSON.createObjectNode().put("type", "custom_tool_call").put("id", "ctc_1");
      item.put("call_id", "call_1").put("name", "patch").put("input", "");
      ObjectNode bit = JSON.createObjectNode().put("item_id", "ctc_1").put("output_index", 0);
      ObjectNode added = JSON.createObjectNode().put("output_index", 0);
      added.set("item", item);
      ObjectNode done = added.deepCopy();
      ((ObjectNode) done.path("item")).put("input", INPUT);
      String delta = "response.custom_tool_call_input.delta";
      ModelScript script = event(ModelScript.stream(), "response.output_item.added", added);
      script = event(script, delta, bit.deepCopy().put("delta", INPUT.substring(0, 7)));
      script = event(script, delta, bit.deepCopy().put("delta", INPUT.substring(7)));
      script = event(script, "response.custom_tool_call_input.done", bit.put("input", INPUT));
      return end(event(script, "response.output_item.done", done));
    }

    @Override
    ModelScript done() {
      ObjectNode bit = JSON.createObjectNode().put("item_id", "msg_1").put("delta", "Done.");
      return end(event(ModelScript.stream(), "response.output_text.delta", bit));
    }

    private ModelScript end(ModelScript script) {
      ObjectNode whole = JSON.createObjectNode();
      whole.putObject("response").put("status", "completed");
      return event(script, "response.completed", whole);
    }
  },

  /** Anthropic's Messages, which have nothing but functions. */
  ANTHROPIC("anthropic", "compatible") {
    @Override
    boolean isGiven(JsonNode body) {
      return isFunction(body.at("/tools/0"), "input_schema");
    }

    @Override
    JsonNode call(JsonNode body) {
      return body.at("/messages/1/content/0");
    }

    @Override
    String input(JsonNode call) {
      return text(call.at("/input/input"));
    }

    @Override
    boolean isAnswered(JsonNode body) {
      return body.at("/messages/2/content/0").toString().contains(OUTPUT);
    }

    @Override
    ModelScript calls() {
      ObjectNode start = JSON.createObjectNode().put("index", 0);
      ObjectNode block = start.putObject("content_block").put("type", "tool_use");
      block.put("id", "call_1").put("name", "patch").putObject("input");
      ModelScript script = event(begun(), "content_block_start", start);
      for (String bit : List.of(wrapped().substring(0, 20), wrapped().substring(20))) {
        ObjectNode delta = JSON.createObjectNode().put("index", 0);
        delta.putObject("delta").put("type", "input_json_delta").put("partial_json", bit);
        script = event(script, "content_block_delta", delta);
      }
      return end(script, "tool_use");
    }

    @Override
    ModelScript done() {
      ObjectNode start = JSON.createObjectNode().put("index", 0);
      start.putObject("content_block").put("type", "text").put("text", "Done.");
      return end(event(begun(), "content_block_start", start), "end_turn");
    }

    private ModelScript begun() {
      ObjectNode start = JSON.createObjectNode();
      start.putObject("message").put("role", "assistant").putObject("usage");
      return event(ModelScript.stream(), "message_start", start);
    }

    private ModelScript end(ModelScript script, String reason) {
      ObjectNode end = JSON.createObjectNode();
      end.putObject("delta").put("stop_reason", reason);
      ModelScript stopped =
          event(script, "content_block_stop", JSON.createObjectNode().put("index", 0));
      return event(event(stopped, "message_delta", end), "message_stop", JSON.createObjectNode());
    }
  };

  /** No JSON, and full of what JSON escapes. */
  static final String INPUT = "*** Begin Patch\n+ \"é\\u\\n\" \ud83d\ude80\t}\n*** End Patch";

  static final String OUTPUT = "patched";

  private static final JsonMapper JSON = JsonMapper.shared();

  private final String kind;
  private final String dialect;

  PatchServers(String kind, String dialect) {
    this.kind = kind;
    this.dialect = dialect;
  }

  String kind() {
    return kind;
  }

  String dialect() {
    return dialect;
  }

  String model() {
    return "patch-" + name().toLowerCase(Locale.ROOT);
  }

  abstract boolean isGiven(JsonNode body);

  /** The call that the server is told that it made. */
  JsonNode call(JsonNode body) {
    return body.at("/messages/1/tool_calls/0");
  }

  abstract String input(JsonNode call);

  abstract ModelScript calls();

  boolean isAnswered(JsonNode body) {
    JsonNode output = body.at("/messages/2");
    return output.path("role").asString("").equals("tool")
        && output.path("content").asString("").equals(OUTPUT);
  }

  ModelScript done() {
    return ModelScript.say("Done.");
  }

  ModelScript answer(ScriptedModel.Request request) {
    JsonNode body = JSON.readTree(request.body());
    JsonNode call = call(body);
    if (!isGiven(body)) {
      return ModelScript.error(400, "no tool of mine: " + body);
    }
    if (call.isMissingNode()) {
      return calls();
    }
    return input(call).equals(INPUT) && isAnswered(body)
        ? done()
        : ModelScript.error(400, "no call of mine: " + body);
  }

  private static String text(JsonNode string) {
    return string.asString("");
  }

  private static boolean isFunction(JsonNode function, String schema) {
    return function.path("name").asString("").equals("patch")
        && function.path("description").asString("").contains("start: /.+/")
        && function.path(schema).at("/properties/input/type").asString("").equals("string");
  }

  private static String wrapped() {
    return JSON.createObjectNode().put("input", INPUT).toString();
  }

  private static ModelScript chat(String type, String member, String first, String second) {
    ObjectNode begun = JSON.createObjectNode();
    ObjectNode call = begun.putArray("tool_calls").addObject().put("index", 0).put("type", type);
    call.put("id", "call_1").putObject(type).put("name", "patch").put(member, first);
    ObjectNode more = JSON.createObjectNode();
    more.putArray("tool_calls").addObject().put("index", 0).putObject(type).put(member, second);
    return ModelScript.stream()
        .delta(begun.toString())
        .delta(more.toString())
        .finish("tool_calls")
        .done();
  }

  private static ModelScript event(ModelScript script, String type, ObjectNode event) {
    event.put("type", type);
    return script.bytes("event: " + type + "\ndata: " + event + "\n\n");
  }
}
