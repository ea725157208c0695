package io.heddle.openai;

import io.heddle.testing.ModelScript;
import io.heddle.testing.ScriptedModel;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * vLLM's Chat Completions with a reasoning parser, and a chat template that takes instructions in
 * the first message only. What it skips is refused here.
 */
final class StrictVllm {

  private static final Set<String> PARTS =
      Set.of("text", "thinking", "image_url", "input_audio", "refusal", "video_url");

  private StrictVllm() {}

  static ModelScript answer(ScriptedModel.Request request) {
    JsonNode body = StrictChat.JSON.readTree(request.body());
    List<JsonNode> steps = StrictChat.steps(body);
    String refused = refusal(body, steps);
    if (refused != null) {
      ObjectNode error = StrictChat.JSON.createObjectNode();
      error
          .putObject("error")
          .put("message", refused)
          .put("type", "BadRequestError")
          .putNull("param")
          .put("code", 400);
      return StrictChat.refused(400, error.toString());
    }
    return step(steps.size(), body.at("/stream_options/include_usage").asBoolean(false));
  }

  // ---- what is refused

  private static @Nullable String refusal(JsonNode body, List<JsonNode> steps) {
    if (body.has("tools") && body.path("tools").isEmpty()) {
      return "`tools` must not be an empty array. Either provide at least one tool or omit the"
          + " field entirely.";
    }
    if (body.has("stream_options") && !body.path("stream").asBoolean(false)) {
      return "Stream options can only be defined when `stream=True`.";
    }
    if (body.has("tool_choice") && !body.has("tools")) {
      return "When using `tool_choice`, `tools` must be set.";
    }
    boolean asked = false;
    JsonNode first = body.at("/messages/0");
    for (JsonNode message : body.path("messages")) {
      String role = message.path("role").asString("");
      if (!Set.of("system", "user", "assistant", "tool").contains(role)) {
        return "Unexpected message role.";
      }
      if (role.equals("system") && message != first) {
        return "System message must be at the beginning.";
      }
      asked |= role.equals("user");
      String wrong = content(message);
      if (wrong != null) {
        return wrong;
      }
    }
    if (!asked) {
      return "No user query found in messages.";
    }
    for (int i = 0; i < steps.size(); i++) {
      if (!steps.get(i).path("reasoning").asString("").equals("thought " + i)) {
        return "skipped: thoughts that are not in reasoning: " + steps.get(i);
      }
    }
    return null;
  }

  private static @Nullable String content(JsonNode message) {
    for (JsonNode part : message.path("content")) {
      String type = part.path("type").asString("");
      if (!PARTS.contains(type)) {
        return "Unsupported chat content part type: '" + type + "'.";
      }
    }
    for (JsonNode call : message.path("tool_calls")) {
      if (!StrictChat.isObject(call.at("/function/arguments").asString(""))) {
        return "Can only get item pairs from a mapping.";
      }
    }
    return null;
  }

  static String call(int step, int number) {
    return "chatcmpl-tool-2f1a9b0c4d5e6f708192a3b4c5d6e7f" + step + number;
  }

  // ---- what it says; older ones end calls with "stop"

  private static ModelScript step(int step, boolean usage) {
    ModelScript script =
        chunk(
            ModelScript.stream(),
            "{'role':'assistant','content':''}",
            "",
            "'prompt_token_ids':null");
    if (step == 3) {
      script = chunk(script, "{'content':'" + StrictServers.DONE + "'}", "", null);
    } else {
      script = chunk(script, "{'reasoning':'thought '}", "", null);
      script = chunk(script, "{'reasoning':'" + step + "'}", "", null);
      for (int i = 0; i < StrictChat.calls(step); i++) {
        script =
            chunk(
                script,
                "{'tool_calls':[{'id':'"
                    + call(step, i)
                    + "','type':'function','index':"
                    + i
                    + ",'function':{'name':'look','arguments':''}}]}",
                "",
                null);
        script =
            chunk(
                script,
                "{'tool_calls':[{'index':" + i + ",'function':{'arguments':'{}'}}]}",
                "",
                null);
      }
    }
    script = chunk(script, "{'content':''}", step == 0 ? "tool_calls" : "stop", "'token_ids':null");
    return (usage
            ? script.event(
                frame(
                    "[]",
                    "'usage':{'prompt_tokens':10,'total_tokens':20,"
                        + "'completion_tokens':10,'prompt_tokens_details':null}"))
            : script)
        .done();
  }

  private static ModelScript chunk(
      ModelScript script, String delta, String finish, @Nullable String more) {
    String reason = finish.isEmpty() ? "null" : "'" + finish + "'";
    String choice =
        "[{'index':0,'delta':"
            + delta
            + ",'logprobs':null,'finish_reason':"
            + reason
            + ",'stop_reason':null}]";
    return script.event(frame(choice, more == null ? "'usage':null" : more));
  }

  private static String frame(String choices, String more) {
    return ("{'id':'chatcmpl-9','object':'chat.completion.chunk','created':1,'model':'m',"
            + "'choices':"
            + choices
            + ","
            + more
            + "}")
        .replace('\'', '"');
  }
}
