package io.heddle.openai;

import io.heddle.testing.ModelScript;
import io.heddle.testing.ScriptedModel;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Ollama's Chat Completions. It refuses little and skips what it does not know: here it refuses
 * that too, so that nothing is lost without a word.
 */
final class StrictOllama {

  private StrictOllama() {}

  static ModelScript answer(ScriptedModel.Request request) {
    JsonNode body = StrictChat.JSON.readTree(request.body());
    List<JsonNode> steps = StrictChat.steps(body);
    String refused = refusal(body, steps);
    if (refused != null) {
      ObjectNode error = StrictChat.JSON.createObjectNode();
      error
          .putObject("error")
          .put("message", refused)
          .put("type", "invalid_request_error")
          .putNull("param")
          .putNull("code");
      return StrictChat.refused(400, error.toString());
    }
    return step(steps.size(), body.at("/stream_options/include_usage").asBoolean(false));
  }

  // ---- what is refused

  private static @Nullable String refusal(JsonNode body, List<JsonNode> steps) {
    if (!body.has("max_tokens")) {
      return "skipped: max_completion_tokens";
    }
    if (body.path("messages").isEmpty()) {
      return "[] is too short - 'messages'";
    }
    for (JsonNode message : body.path("messages")) {
      String wrong = message(message);
      if (wrong != null) {
        return wrong;
      }
    }
    for (int i = 0; i < steps.size(); i++) {
      if (!steps.get(i).path("reasoning").asString("").equals("thought " + i)) {
        return "skipped: thoughts that are not in reasoning: " + steps.get(i);
      }
    }
    return null;
  }

  private static @Nullable String message(JsonNode message) {
    String skipped =
        StrictChat.unknown(
            message, List.of("role", "content", "reasoning", "tool_calls", "name", "tool_call_id"));
    if (skipped != null) {
      return "skipped: " + skipped;
    }
    if (!List.of("system", "user", "assistant", "tool").contains(message.path("role").asString())) {
      return "skipped: a role that no template knows: " + message.path("role");
    }
    for (String text : List.of("name", "tool_call_id", "reasoning")) {
      if (message.has(text) && !message.get(text).isString()) {
        return "json: cannot unmarshal into Go struct field Message.messages." + text;
      }
    }
    for (JsonNode call : message.path("tool_calls")) {
      if (!StrictChat.isObject(call.at("/function/arguments").asString(""))) {
        return "invalid tool call arguments";
      }
    }
    JsonNode content = message.path("content");
    if (content.isArray()) {
      return parts(message, content);
    }
    return content.isString() || message.has("tool_calls")
        ? null
        : "invalid message content type: <nil>";
  }

  private static @Nullable String parts(JsonNode message, JsonNode parts) {
    if (StrictChat.isFrom(message, "tool")) {
      return "skipped: which call a tool's output in parts is of";
    }
    for (JsonNode part : parts) {
      String type = part.path("type").asString("");
      if (!List.of("text", "image_url", "input_audio").contains(type)) {
        return "invalid message format";
      }
      if (type.equals("image_url") && part.at("/image_url/url").asString("").startsWith("http")) {
        return "image URLs are not currently supported, please use base64 encoded data instead";
      }
    }
    return null;
  }

  // ---- what it says: each call whole, and all at the index 0

  private static ModelScript step(int step, boolean usage) {
    ModelScript script = ModelScript.stream();
    if (step == 3) {
      script = chunk(script, "{'role':'assistant','content':'" + StrictServers.DONE + "'}", null);
    } else {
      script = chunk(script, "{'role':'assistant','content':'','reasoning':'thought '}", null);
      script = chunk(script, "{'content':'','reasoning':'" + step + "'}", null);
      for (int i = 0; i < StrictChat.calls(step); i++) {
        script =
            chunk(
                script,
                "{'content':'','tool_calls':[{'id':'call_%d_%d','index':0,'type':'function',"
                        .formatted(step, i)
                    + "'function':{'name':'look','arguments':'{}'}}]}",
                null);
      }
    }
    script = chunk(script, "{}", step == 3 ? "stop" : "tool_calls");
    return (usage
            ? event(script, "[]", ",'usage':{'prompt_tokens':10,'completion_tokens':10}")
            : script)
        .done();
  }

  private static ModelScript chunk(ModelScript script, String delta, @Nullable String finish) {
    String reason = finish == null ? "null" : "'" + finish + "'";
    return event(script, "[{'index':0,'delta':" + delta + ",'finish_reason':" + reason + "}]", "");
  }

  private static ModelScript event(ModelScript script, String choices, String more) {
    String chunk =
        "{'id':'chatcmpl-77','object':'chat.completion.chunk','created':1,'model':'m',"
            + "'system_fingerprint':'fp_ollama','choices':"
            + choices
            + more
            + "}";
    return script.event(chunk.replace('\'', '"'));
  }
}
