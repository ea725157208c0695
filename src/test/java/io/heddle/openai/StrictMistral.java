package io.heddle.openai;

import io.heddle.testing.ModelScript;
import io.heddle.testing.ScriptedModel;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Mistral's Chat Completions: they refuse what they do not know, and many orders of messages. */
final class StrictMistral {

  private static final Set<String> PARAMETERS =
      Set.of(
          "model",
          "messages",
          "temperature",
          "top_p",
          "max_tokens",
          "stream",
          "stop",
          "random_seed",
          "metadata",
          "response_format",
          "tools",
          "tool_choice",
          "presence_penalty",
          "frequency_penalty",
          "n",
          "prediction",
          "parallel_tool_calls",
          "reasoning_effort",
          "prompt_mode",
          "prompt_cache_key",
          "safe_prompt");

  private static final Map<String, Set<String>> MESSAGES =
      Map.of(
          "system", Set.of("role", "content"),
          "user", Set.of("role", "content"),
          "assistant", Set.of("role", "content", "tool_calls", "prefix"),
          "tool", Set.of("role", "content", "tool_call_id", "name"));

  private static final Map<String, Set<String>> PARTS =
      Map.of(
          "text", Set.of("type", "text"),
          "image_url", Set.of("type", "image_url"),
          "document_url", Set.of("type", "document_url", "document_name"),
          "file", Set.of("type", "file_id"),
          "input_audio", Set.of("type", "input_audio"),
          "thinking", Set.of("type", "thinking", "signature", "closed"));

  private static final Map<String, Set<String>> NEXT =
      Map.of(
          "system", Set.of("user", "assistant", "system"),
          "user", Set.of("user", "assistant", "system"),
          "assistant", Set.of("user", "assistant", "tool"),
          "tool", Set.of("assistant", "tool"));

  private StrictMistral() {}

  static ModelScript answer(ScriptedModel.Request request) {
    JsonNode body = StrictChat.JSON.readTree(request.body());
    List<String> extra = new ArrayList<>();
    extra(body, extra);
    if (!extra.isEmpty()) {
      ObjectNode error = error("invalid_request_error").putNull("code");
      ArrayNode details = error.putObject("message").putArray("detail");
      for (String place : extra) {
        ObjectNode detail = details.addObject().put("type", "extra_forbidden");
        ArrayNode loc = detail.putArray("loc");
        List.of(place.split("/")).forEach(loc::add);
        detail.put("msg", "Extra inputs are not permitted");
      }
      return StrictChat.refused(422, error.toString());
    }
    String wrong = order(body.path("messages"));
    if (wrong != null) {
      return refused(wrong, "invalid_request_message_order", "3230");
    }
    wrong = calls(body.path("messages"));
    if (wrong != null) {
      return refused(wrong, "invalid_function_call", "3280");
    }
    List<JsonNode> steps = StrictChat.steps(body);
    for (int i = 0; i < steps.size(); i++) {
      String thought = steps.get(i).at("/content/0/thinking/0/text").asString("");
      String seal = steps.get(i).at("/content/0/signature").asString("");
      if (!thought.equals("thought " + i) || !seal.equals("sealed/" + i)) {
        return refused("skipped: thoughts that are no part: " + steps.get(i), "t", "1");
      }
    }
    return step(steps.size());
  }

  private static ModelScript refused(String message, String type, String code) {
    return StrictChat.refused(
        400, error(type).put("message", message).put("code", code).toString());
  }

  private static ObjectNode error(String type) {
    return StrictChat.JSON
        .createObjectNode()
        .put("object", "error")
        .put("type", type)
        .putNull("param");
  }

  // ---- what is refused

  private static void extra(JsonNode body, List<String> extra) {
    forbid(body, PARAMETERS, "body", extra);
    int number = 0;
    for (JsonNode message : body.path("messages")) {
      String role = message.path("role").asString("");
      String place = "body/messages/" + number++ + "/" + role;
      forbid(message, MESSAGES.getOrDefault(role, Set.of()), place, extra);
      if (message.path("content").isArray()) {
        for (JsonNode part : message.path("content")) {
          String type = part.path("type").asString("");
          forbid(part, PARTS.getOrDefault(type, Set.of()), place + "/content/" + type, extra);
        }
      }
      for (JsonNode call : message.path("tool_calls")) {
        forbid(call, Set.of("id", "type", "index", "function"), place + "/tool_calls", extra);
        forbid(call.path("function"), Set.of("name", "arguments"), place + "/function", extra);
      }
    }
    for (JsonNode tool : body.path("tools")) {
      if (!tool.at("/function/parameters").isObject()) {
        extra.add("body/tools/parameters");
      }
    }
  }

  private static void forbid(JsonNode object, Set<String> known, String place, List<String> extra) {
    String unknown = StrictChat.unknown(object, known);
    if (unknown != null) {
      extra.add(place + "/" + unknown);
    }
  }

  private static @Nullable String order(JsonNode messages) {
    String before = "";
    JsonNode last = null;
    for (JsonNode message : messages) {
      String role = message.path("role").asString("");
      if (!before.isEmpty() && !NEXT.get(before).contains(role)) {
        return "Unexpected role '" + role + "' after role '" + before + "'";
      }
      if (role.equals("assistant")
          && message.path("content").isEmpty()
          && message.path("content").asString("").isEmpty()
          && message.path("tool_calls").isEmpty()) {
        return "Assistant message must have either content or tool_calls, but not none.";
      }
      before = role;
      last = message;
    }
    return last != null && before.equals("assistant") && !last.path("prefix").asBoolean(false)
        ? "Expected last role User or Tool (or Assistant with prefix True) for serving but got"
            + " assistant"
        : null;
  }

  private static @Nullable String calls(JsonNode messages) {
    Set<String> open = new HashSet<>();
    for (JsonNode message : messages) {
      List<String> ids = new ArrayList<>();
      message.path("tool_calls").forEach(call -> ids.add(call.path("id").asString("null")));
      if (StrictChat.isFrom(message, "tool")) {
        String id = message.path("tool_call_id").asString("null");
        if (!open.remove(id)) {
          return "Unexpected tool call id " + id + " in tool results";
        }
      } else if (!open.isEmpty()) {
        return "Not the same number of function calls and responses";
      }
      for (String id : ids) {
        if (!id.matches("[a-zA-Z0-9]{9}")) {
          return "Tool call id was " + id + " but must be a-z, A-Z, 0-9, with a length of 9.";
        }
        if (!open.add(id)) {
          return "Duplicate tool call id " + id + " in assistant message";
        }
      }
    }
    return open.isEmpty() ? null : "Not the same number of function calls and responses";
  }

  static String call(int step, int number) {
    return "Ab3dE6gH" + (step * 2 + number);
  }

  // ---- what it says: thoughts as parts, all calls in one delta, usage beside the end

  private static ModelScript step(int step) {
    ModelScript script = chunk(ModelScript.stream(), "{'role':'assistant','content':''}", null);
    if (step == 3) {
      return chunk(script, "{'content':'" + StrictServers.DONE + "'}", "stop").done();
    }
    for (String bit : List.of("thought ", "" + step)) {
      String seal = bit.startsWith("t") ? "" : ",'signature':'sealed/" + step + "','closed':true";
      script =
          chunk(
              script,
              "{'content':[{'type':'thinking','thinking':[{'type':'text','text':'"
                  + bit
                  + "'}]"
                  + seal
                  + "}]}",
              null);
    }
    StringBuilder calls = new StringBuilder();
    for (int i = 0; i < StrictChat.calls(step); i++) {
      calls
          .append(i == 0 ? "" : ",")
          .append("{'id':'" + call(step, i) + "','function':{'name':'look',")
          .append("'arguments':'{}'},'index':" + i + "}");
    }
    return chunk(script, "{'content':'','tool_calls':[" + calls + "]}", "tool_calls").done();
  }

  private static ModelScript chunk(ModelScript script, String delta, @Nullable String finish) {
    String end =
        finish == null
            ? "null}]"
            : "'"
                + finish
                + "'}],'usage':{'prompt_tokens':10,'total_tokens':20,"
                + "'completion_tokens':10}";
    return script.event(
        ("{'id':'c3c77283055240cb','object':'chat.completion.chunk','created':1,'model':'m',"
                + "'choices':[{'index':0,'delta':"
                + delta
                + ",'finish_reason':"
                + end
                + "}")
            .replace('\'', '"'));
  }
}
