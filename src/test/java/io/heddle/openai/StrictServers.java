package io.heddle.openai;

import io.heddle.testing.ModelScript;
import io.heddle.testing.ScriptedModel;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Servers that run a tool loop of three steps, the first with two calls at once, and refuse what
 * their models refuse.
 */
enum StrictServers {

  /** Wants all of its thoughts back, and knows no other members. */
  DEEPSEEK {
    @Override
    ModelScript step(int step, ModelScript script) {
      return script
          .delta("{\"role\":\"assistant\",\"content\":null,\"reasoning_content\":\"thought \"}")
          .delta("{\"content\":null,\"reasoning_content\":\"" + step + "\"}");
    }

    @Override
    @Nullable String wrong(JsonNode message, int step) {
      String thought = message.path("reasoning_content").asString("missing");
      if (!thought.equals("thought " + step)) {
        return "The reasoning_content in the thinking mode must be passed back to the API: "
            + thought;
      }
      return unknown(message, Set.of("role", "content", "tool_calls", "reasoning_content"));
    }
  },

  /** Wants the signature of its thoughts back, which stands in the first call of a step. */
  GEMINI {
    @Override
    String call(int step, int number) {
      return number == 0
          ? ",\"extra_content\":{\"google\":{\"thought_signature\":\"sig/" + step + "==\"}}"
          : "";
    }

    @Override
    @Nullable String wrong(JsonNode message, int step) {
      String signature =
          message.at("/tool_calls/0/extra_content/google/thought_signature").asString("missing");
      if (!signature.equals("sig/" + step + "==")) {
        return "Function call is missing a thought_signature: " + signature;
      }
      return unknown(message, Set.of("role", "content", "tool_calls", "extra_content"));
    }
  },

  /** Wants the details of its thoughts back, which it says bit by bit. */
  OPENROUTER {
    @Override
    ModelScript step(int step, ModelScript script) {
      String detail = "{\"type\":\"reasoning.text\",\"index\":0,\"format\":\"f\",";
      return script
          .delta("{\"reasoning\":\"so \",\"reasoning_details\":[" + detail + "\"text\":\"so \"}]}")
          .delta(
              "{\"reasoning\":\"so "
                  + step
                  + "\",\"reasoning_details\":["
                  + detail
                  + "\"text\":\"so "
                  + step
                  + "\"}]}")
          .delta("{\"reasoning_details\":[" + detail + "\"signature\":\"sealed" + step + "\"}]}");
    }

    @Override
    @Nullable String wrong(JsonNode message, int step) {
      JsonNode details = message.path("reasoning_details");
      return details.size() == 1
              && details.path(0).path("text").asString("").equals("so so " + step)
              && details.path(0).path("signature").asString("").equals("sealed" + step)
          ? null
          : "reasoning_details are not those that were given: " + details;
    }
  },

  OLLAMA {
    @Override
    String dialect() {
      return "ollama";
    }

    @Override
    ModelScript answer(ScriptedModel.Request request) {
      return StrictOllama.answer(request);
    }
  },

  /** vLLM with a reasoning parser, and a chat template of Qwen's. */
  VLLM {
    @Override
    String lastCall() {
      return StrictVllm.call(2, 0);
    }

    @Override
    String dialect() {
      return "vllm";
    }

    @Override
    ModelScript answer(ScriptedModel.Request request) {
      return StrictVllm.answer(request);
    }
  },

  MISTRAL {
    @Override
    String lastCall() {
      return StrictMistral.call(2, 0);
    }

    @Override
    String dialect() {
      return "mistral";
    }

    @Override
    ModelScript answer(ScriptedModel.Request request) {
      return StrictMistral.answer(request);
    }
  },

  /** OpenAI's Responses. */
  RESPONSES {
    @Override
    String kind() {
      return "responses";
    }

    @Override
    ModelScript answer(ScriptedModel.Request request) {
      return StrictResponses.answer(request);
    }
  },

  /** Anthropic's Messages. */
  ANTHROPIC {
    @Override
    String kind() {
      return "anthropic";
    }

    @Override
    String model() {
      return "claude-opus-5";
    }

    @Override
    ModelScript answer(ScriptedModel.Request request) {
      return StrictAnthropic.answer(request);
    }
  },

  /** Knows no members but its own, and no max_tokens. */
  OPENAI {
    @Override
    String dialect() {
      return "openai";
    }

    @Override
    @Nullable String wrong(JsonNode message, int step) {
      return unknown(message, Set.of("role", "content", "tool_calls"));
    }
  };

  private static final JsonMapper JSON = JsonMapper.shared();

  /** The last answer. */
  static final String DONE = "All done.";

  /** What it says of a step before its calls. */
  ModelScript step(int step, ModelScript script) {
    return script;
  }

  /** More members of a call. */
  String call(int step, int number) {
    return "";
  }

  /** What is wrong with the message of a step that came back; null for nothing. */
  @Nullable String wrong(JsonNode message, int step) {
    return null;
  }

  /** Of the server, as in the settings. */
  String kind() {
    return "chat";
  }

  /** Of the server, as in the settings. */
  String dialect() {
    return "compatible";
  }

  /** The id of the call of its last step. */
  String lastCall() {
    return "call_2_0";
  }

  String model() {
    return name().toLowerCase(Locale.ROOT) + "-1";
  }

  ModelScript answer(ScriptedModel.Request request) {
    JsonNode body = JSON.readTree(request.body());
    List<JsonNode> steps = new ArrayList<>();
    String refused = refusal(body, steps);
    if (refused != null) {
      return ModelScript.error(400, refused);
    }
    int step = steps.size();
    if (step == 3) {
      return ModelScript.say(DONE);
    }
    ModelScript script = step(step, ModelScript.stream());
    int calls = step == 0 ? 2 : 1;
    for (int i = 0; i < calls; i++) {
      script =
          script
              .delta(
                  ("{\"tool_calls\":[{\"index\":%d,\"id\":\"call_%d_%d\",\"type\":\"function\","
                          + "\"function\":{\"name\":\"look\",\"arguments\":\"\"}%s}]}")
                      .formatted(i, step, i, call(step, i)))
              .delta(
                  "{\"tool_calls\":[{\"index\":%d,\"function\":{\"arguments\":\"{}\"}}]}"
                      .formatted(i));
    }
    ModelScript finished = script.finish("tool_calls");
    return (this == OPENROUTER ? finished : finished.usage(10, 10)).done();
  }

  private @Nullable String refusal(JsonNode body, List<JsonNode> steps) {
    if (this == OPENAI && body.has("max_tokens")) {
      return "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.";
    }
    List<String> open = new ArrayList<>();
    String before = "";
    for (JsonNode message : body.path("messages")) {
      String role = message.path("role").asString("");
      if (!Set.of("system", "user", "assistant", "tool").contains(role)) {
        return "unknown variant " + role;
      }
      if (role.equals("tool")) {
        if (!open.remove(message.path("tool_call_id").asString(""))) {
          return "An output of no call: " + message;
        }
        if (!message.path("content").isString()) {
          return "The content of a tool message must be a string: " + message;
        }
      } else if (!open.isEmpty()) {
        return "Calls without an output: " + open;
      }
      if (role.equals("assistant") && !before.equals("user") && !before.equals("tool")) {
        return "An assistant's message must be behind a user's or a tool's: " + body;
      }
      if (role.equals("assistant") && message.path("tool_calls").size() > 0) {
        message.path("tool_calls").forEach(call -> open.add(call.path("id").asString("")));
        String wrong = wrong(message, steps.size());
        if (wrong != null) {
          return wrong;
        }
        steps.add(message);
      }
      if (role.equals("user")) {
        // A new question begins a new loop.
        steps.clear();
      }
      before = role;
    }
    return open.isEmpty() ? null : "Calls without an output: " + open;
  }

  private static @Nullable String unknown(JsonNode message, Set<String> known) {
    Set<String> unknown = new TreeSet<>(((ObjectNode) message).propertyNames());
    unknown.removeAll(known);
    for (JsonNode call : message.path("tool_calls")) {
      Set<String> ofCall = new TreeSet<>(((ObjectNode) call).propertyNames());
      ofCall.removeAll(Set.of("id", "type", "function"));
      ofCall.removeAll(known);
      unknown.addAll(ofCall);
    }
    return unknown.isEmpty() ? null : "Extra inputs are not permitted: " + unknown;
  }
}
