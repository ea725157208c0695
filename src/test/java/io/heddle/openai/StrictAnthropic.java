package io.heddle.openai;

import io.heddle.testing.ModelScript;
import io.heddle.testing.ScriptedModel;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Anthropic's Messages: a server that runs a tool loop of three steps, wants its signed thoughts
 * back where they were, and refuses what Anthropic refuses. A Claude of a number from 4.6 on thinks
 * between calls and unasked; one before it thinks when it is asked to, once in a loop.
 */
final class StrictAnthropic {

  private static final JsonMapper JSON = JsonMapper.shared();

  private static final Set<String> PARAMETERS =
      Set.of(
          "model",
          "max_tokens",
          "messages",
          "system",
          "tools",
          "tool_choice",
          "thinking",
          "output_config",
          "metadata",
          "service_tier",
          "stop_sequences",
          "temperature",
          "top_p",
          "top_k",
          "stream");

  private StrictAnthropic() {}

  static ModelScript answer(ScriptedModel.Request request) {
    JsonNode body = JSON.readTree(request.body());
    boolean isKnown =
        request.path().equals("/v1/messages")
            && "2023-06-01".equals(request.headers().get("anthropic-version"));
    if (!isKnown) {
      return error("not_found_error", "Not found: " + request);
    }
    boolean isOld = body.path("model").asString().contains("4-5");
    String refused = refusal(body, isOld);
    boolean thinks = isOld ? body.has("thinking") : !isOff(body);
    List<JsonNode> loop = loop(body.path("messages"));
    if (refused == null) {
      refused = order(loop, thinks, isOld);
    }
    if (refused != null) {
      return error("invalid_request_error", refused);
    }
    return said(loop.size(), thinks, isOld, body);
  }

  private static ModelScript error(String type, String message) {
    ObjectNode error = JSON.createObjectNode().put("type", "error");
    error.putObject("error").put("type", type).put("message", message);
    return ModelScript.status(type.equals("not_found_error") ? 404 : 400)
        .header("Content-Type", "application/json")
        .bytes(error.toString());
  }

  private static boolean isOff(JsonNode body) {
    return is(body.path("thinking"), "disabled");
  }

  // ---- what is refused

  private static @Nullable String refusal(JsonNode body, boolean isOld) {
    Set<String> unknown = new TreeSet<>(((ObjectNode) body).propertyNames());
    unknown.removeAll(PARAMETERS);
    if (!unknown.isEmpty()) {
      return unknown + ": Extra inputs are not permitted";
    }
    long max = body.path("max_tokens").asLong(0);
    if (max < 1 || body.toString().contains(":null")) {
      return "max_tokens: Field required, or something is null: " + body;
    }
    String choice = body.at("/tool_choice/type").asString("auto");
    JsonNode thinking = body.path("thinking");
    if (is(thinking, "enabled")) {
      long budget = thinking.path("budget_tokens").asLong(0);
      if (!isOld) {
        return "\"thinking.type.enabled\" is not supported for this model.";
      }
      if (budget < 1024 || budget >= max) {
        return "`max_tokens` must be greater than `thinking.budget_tokens`.";
      }
      if (body.has("temperature") || body.has("top_p") || body.has("top_k")) {
        return "`temperature` may only be set to 1 when thinking is enabled.";
      }
    } else if (is(thinking, "adaptive") && isOld) {
      return "adaptive thinking is not supported on this model";
    }
    boolean thinks = thinking.isObject() && !isOff(body);
    if (thinks && !choice.equals("auto") && !choice.equals("none")) {
      return "Thinking may not be enabled when tool_choice forces tool use.";
    }
    if (!isOld && (body.has("temperature") || body.has("top_p"))) {
      return "`temperature` is deprecated for this model.";
    }
    for (JsonNode tool : body.path("tools")) {
      if (!tool.path("name").asString("").matches("[A-Za-z0-9_-]{1,128}")
          || !is(tool.path("input_schema"), "object")
          || tool.has("function")) {
        return "tools.0.custom.input_schema: Field required: " + tool;
      }
    }
    return messages(body);
  }

  private static @Nullable String messages(JsonNode body) {
    List<String> open = new ArrayList<>();
    Set<String> ids = new HashSet<>();
    String before = "assistant";
    for (JsonNode message : body.path("messages")) {
      String role = message.path("role").asString("");
      if (!Set.of("user", "assistant").contains(role) || role.equals(before)) {
        return "messages: roles must alternate between \"user\" and \"assistant\": " + body;
      }
      before = role;
      JsonNode content = message.path("content");
      if (content.isString() ? content.asString().isBlank() : content.isEmpty()) {
        return "messages: all messages must have non-empty content: " + message;
      }
      boolean isBehind = false;
      for (JsonNode block : content.isString() ? JSON.createArrayNode() : content) {
        String wrong = block(block, role);
        if (wrong != null) {
          return wrong;
        }
        if (is(block, "tool_result")) {
          if (isBehind || !open.remove(block.path("tool_use_id").asString(""))) {
            return "unexpected `tool_use_id` found in `tool_result` blocks: " + message;
          }
        } else {
          isBehind = true;
        }
      }
      if (!open.isEmpty()) {
        return "`tool_use` ids were found without `tool_result` blocks immediately after: " + open;
      }
      for (JsonNode block : content) {
        if (is(block, "tool_use")) {
          open.add(block.path("id").asString());
          if (!ids.add(block.path("id").asString())) {
            return "messages: `tool_use` ids must be unique: " + block;
          }
        }
      }
      JsonNode last = content.isArray() ? content.get(content.size() - 1) : content;
      if (last.path("type").asString("").endsWith("thinking")) {
        return "messages: The final block in an assistant message cannot be `thinking`.";
      }
    }
    if (!ids.isEmpty() && body.path("tools").isEmpty()) {
      return "Requests which include `tool_use` blocks must define tools.";
    }
    return before.equals("user")
        ? null
        : "This model does not support assistant message prefill: it must end with a user message.";
  }

  private static @Nullable String block(JsonNode block, String role) {
    boolean isUsers = role.equals("user");
    Set<String> members =
        switch (block.path("type").asString("")) {
          case "text" -> Set.of("text");
          case "image", "document" -> isUsers ? Set.of("source", "title") : Set.of();
          case "tool_result" -> isUsers ? Set.of("tool_use_id", "content", "is_error") : Set.of();
          case "tool_use" -> isUsers ? Set.of() : Set.of("id", "name", "input");
          case "thinking" -> isUsers ? Set.of() : Set.of("thinking", "signature");
          case "redacted_thinking" -> isUsers ? Set.of() : Set.of("data");
          default -> Set.of();
        };
    Set<String> unknown = new TreeSet<>(((ObjectNode) block).propertyNames());
    unknown.remove("type");
    unknown.removeAll(members);
    if (members.isEmpty() || !unknown.isEmpty()) {
      return "Extra inputs are not permitted: " + unknown + " of " + block;
    }
    if (is(block, "text") && block.path("text").asString("").isBlank()) {
      return "messages: text content blocks must contain non-whitespace text";
    }
    if (is(block, "thinking")
        && !block
            .path("signature")
            .asString("")
            .equals("sig/" + block.path("thinking").asString("?"))) {
      return "Invalid `signature` in `thinking` block: " + block;
    }
    boolean isCall = is(block, "tool_use");
    if (isCall && !(block.path("input").isObject() && id(block).matches("[A-Za-z0-9_-]{1,64}"))) {
      return "tool_use.input: Input should be a valid dictionary: " + block;
    }
    return null;
  }

  private static String id(JsonNode block) {
    return block.path("id").asString("");
  }

  // ---- the loop

  /** Answers behind the last question. */
  private static List<JsonNode> loop(JsonNode messages) {
    List<JsonNode> loop = new ArrayList<>();
    for (JsonNode message : messages) {
      boolean isQuestion =
          message.path("role").asString().equals("user")
              && !is(message.at("/content/0"), "tool_result");
      if (isQuestion) {
        loop.clear();
      } else if (message.path("role").asString().equals("assistant")) {
        loop.add(message.path("content"));
      }
    }
    return loop;
  }

  /** What it thought must be as it was; a newer model takes it when all of it is gone too. */
  private static @Nullable String order(List<JsonNode> loop, boolean thinks, boolean isOld) {
    boolean isTold = loop.toString().contains("thinking\"");
    if (isOld && thinks && !loop.isEmpty() && !isThought(loop.getFirst().path(0))) {
      return "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found"
          + " `tool_use`.";
    }
    if (!thinks && isTold) {
      return "When thinking is disabled, the final assistant turn must not have thinking blocks.";
    }
    for (int step = 0; step < loop.size(); step++) {
      ArrayNode said = content(step, thinks && isTold, isOld);
      if (!said.equals(loop.get(step))) {
        return "`thinking` blocks in the latest assistant message cannot be modified: "
            + loop.get(step)
            + " was "
            + said;
      }
    }
    return null;
  }

  private static boolean isThought(JsonNode block) {
    return block.path("type").asString("").endsWith("thinking");
  }

  // ---- what it says

  private static ArrayNode content(int step, boolean thinks, boolean isOld) {
    ArrayNode content = JSON.createArrayNode();
    if (thinks && (step == 0 || !isOld)) {
      thought(content, "thought " + step);
      if (step == 0) {
        content.addObject().put("type", "redacted_thinking").put("data", "sealed/" + step);
      }
    }
    if (step == 0 || step == 1) {
      content.addObject().put("type", "text").put("text", "Step " + step + ". ");
    }
    if (thinks && step == 1 && !isOld) {
      thought(content, "");
    }
    if (step == 3) {
      content.addObject().put("type", "text").put("text", StrictServers.DONE);
      return content;
    }
    for (int i = 0; i < (step == 0 ? 2 : 1); i++) {
      ObjectNode call = content.addObject().put("type", "tool_use");
      call.put("id", "call_" + step + "_" + i).put("name", "look").putObject("input");
    }
    return content;
  }

  private static void thought(ArrayNode content, String text) {
    content
        .addObject()
        .put("type", "thinking")
        .put("thinking", text)
        .put("signature", "sig/" + text);
  }

  private static ModelScript said(int step, boolean thinks, boolean isOld, JsonNode body) {
    boolean isForced = Set.of("any", "tool").contains(body.at("/tool_choice/type").asString(""));
    ArrayNode content = content(step, thinks && !isForced, isOld);
    ObjectNode start = JSON.createObjectNode().put("type", "message").put("role", "assistant");
    start.set("model", body.path("model"));
    start.putArray("content");
    start.putObject("usage").put("input_tokens", 10).put("cache_read_input_tokens", 5);
    ModelScript script = event("message_start", "message", start, -1, ModelScript.stream());
    for (int i = 0; i < content.size(); i++) {
      script = block(content.get(i), i, script);
    }
    ObjectNode reason =
        JSON.createObjectNode().put("stop_reason", step == 3 ? "end_turn" : "tool_use");
    script = event("message_delta", "delta", reason, -1, script);
    ObjectNode end = JSON.createObjectNode().put("type", "message_delta");
    end.putObject("delta");
    end.putObject("usage").put("output_tokens", 10);
    return bytes(bytes(script, end), JSON.createObjectNode().put("type", "message_stop"));
  }

  private static ModelScript block(JsonNode block, int index, ModelScript script) {
    ObjectNode start = (ObjectNode) block.deepCopy();
    List<ObjectNode> deltas = new ArrayList<>();
    switch (block.path("type").asString()) {
      case "text" -> {
        start.put("text", "");
        for (String word : block.path("text").asString().split("(?<= )")) {
          deltas.add(delta("text", word));
        }
      }
      case "thinking" -> {
        start.put("thinking", "").put("signature", "");
        if (!block.path("thinking").asString().isEmpty()) {
          deltas.add(delta("thinking", block.path("thinking").asString()));
        }
        deltas.add(delta("signature", block.path("signature").asString()));
      }
      case "tool_use" -> {
        deltas.add(delta("partial_json", ""));
        deltas.add(delta("partial_json", "{}"));
      }
      default -> {
        // All of it at once.
      }
    }
    ModelScript next = event("content_block_start", "content_block", start, index, script);
    for (ObjectNode delta : deltas) {
      next = event("content_block_delta", "delta", delta, index, next);
    }
    return bytes(
        next, JSON.createObjectNode().put("type", "content_block_stop").put("index", index));
  }

  private static ObjectNode delta(String member, String text) {
    String type = member.equals("partial_json") ? "input_json" : member;
    return JSON.createObjectNode().put("type", type + "_delta").put(member, text);
  }

  private static ModelScript event(
      String type, String name, ObjectNode of, int index, ModelScript script) {
    ObjectNode event = JSON.createObjectNode().put("type", type);
    if (index >= 0) {
      event.put("index", index);
    }
    event.set(name, of);
    return bytes(script, event);
  }

  private static ModelScript bytes(ModelScript script, ObjectNode event) {
    return script.bytes("event: " + event.path("type").asString() + "\ndata: " + event + "\n\n");
  }

  private static boolean is(JsonNode node, String type) {
    return node.path("type").asString("").equals(type);
  }
}
