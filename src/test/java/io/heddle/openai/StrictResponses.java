package io.heddle.openai;

import io.heddle.testing.ModelScript;
import io.heddle.testing.ScriptedModel;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * OpenAI's Responses: a server that stores nothing, runs a tool loop of three steps, wants what it
 * thought back where it was, and refuses what OpenAI refuses.
 */
final class StrictResponses {

  private static final JsonMapper JSON = JsonMapper.shared();

  private static final Set<String> PARAMETERS =
      Set.of(
          "model",
          "input",
          "instructions",
          "stream",
          "store",
          "include",
          "tools",
          "tool_choice",
          "parallel_tool_calls",
          "max_output_tokens",
          "reasoning",
          "text",
          "temperature",
          "top_p",
          "user",
          "metadata",
          "service_tier",
          "prompt_cache_key",
          "safety_identifier");

  /** Members of items, by type; those that must be there first, up to the bar. */
  private static final Map<String, String> ITEMS =
      Map.of(
          "message", "role content|phase",
          "reasoning", "id summary encrypted_content|",
          "function_call", "call_id name arguments|",
          "function_call_output", "call_id output|",
          "custom_tool_call", "call_id name input|",
          "custom_tool_call_output", "call_id output|");

  private static final Map<String, String> PARTS =
      Map.of(
          "input_text", "text|",
          "input_image", "detail|image_url file_id",
          "input_file", "|filename file_data file_url file_id",
          "output_text", "text annotations|",
          "refusal", "refusal|",
          "summary_text", "text|");

  private StrictResponses() {}

  static ModelScript answer(ScriptedModel.Request request) {
    JsonNode body = JSON.readTree(request.body());
    List<JsonNode> loop = new ArrayList<>();
    String refused = request.path().equals("/v1/responses") ? refusal(body, loop) : "No such path";
    if (refused != null) {
      return ModelScript.error(400, refused);
    }
    return step((int) loop.stream().filter(item -> is(item, "reasoning")).count());
  }

  // ---- what is refused

  private static @Nullable String refusal(JsonNode body, List<JsonNode> loop) {
    Set<String> unknown = new TreeSet<>(((ObjectNode) body).propertyNames());
    unknown.removeAll(PARAMETERS);
    if (!unknown.isEmpty()) {
      return "Unknown parameter: " + unknown;
    }
    if (body.toString().contains(":null")) {
      return "Invalid type: got null: " + body;
    }
    if (body.path("store").asBoolean(true) || !body.path("stream").asBoolean(false)) {
      return "Items are not persisted here";
    }
    if (body.path("max_output_tokens").asInt(16) < 16) {
      return "Invalid 'max_output_tokens': integer below minimum value.";
    }
    boolean thinks = !body.path("model").asString("").startsWith("gpt-4");
    if (!thinks && body.has("include")) {
      return "Encrypted content is not supported with this model.";
    }
    for (JsonNode tool : body.path("tools")) {
      if (!is(tool, "function") || !tool.has("name") || tool.has("function")) {
        return "Missing required parameter: 'tools[0].name'.";
      }
    }
    String wrong = items(body.path("input"), loop);
    return wrong != null || !thinks ? wrong : order(loop);
  }

  private static @Nullable String items(JsonNode input, List<JsonNode> loop) {
    Map<String, String> open = new LinkedHashMap<>();
    Set<String> ids = new HashSet<>();
    boolean thought = false;
    for (JsonNode item : input) {
      String wrong = members(item, ITEMS);
      if (wrong != null) {
        return wrong;
      }
      String type = item.path("type").asString("");
      String role = item.path("role").asString("");
      boolean ofModel =
          type.equals("reasoning") || type.endsWith("_call") || role.equals("assistant");
      if (thought && !ofModel) {
        return "Item of type 'reasoning' was provided without its required following item: "
            + input;
      }
      thought = type.equals("reasoning");
      if (item.has("id") && !ids.add(item.path("id").asString())) {
        return "Duplicate item found with id " + item.path("id");
      }
      wrong = type.equals("message") ? message(item) : call(item, type, open);
      if (wrong != null) {
        return wrong;
      }
      if (role.equals("user")) {
        loop.clear();
      } else {
        loop.add(item);
      }
    }
    if (thought) {
      return "Item of type 'reasoning' was provided without its required following item: " + input;
    }
    return open.isEmpty() ? null : "No tool output found for function call " + open;
  }

  private static @Nullable String members(JsonNode item, Map<String, String> known) {
    String members = known.get(item.path("type").asString(""));
    if (members == null) {
      return "Invalid value: " + item;
    }
    Set<String> names = new TreeSet<>(((ObjectNode) item).propertyNames());
    for (String must : members.substring(0, members.indexOf('|')).split(" ")) {
      if (!must.isEmpty() && !names.remove(must)) {
        return "Missing required parameter: " + must + " of " + item;
      }
    }
    names.removeAll(Set.of(members.substring(members.indexOf('|') + 1).split(" ")));
    names.remove("type");
    return names.isEmpty() ? null : "Unknown parameter: " + names + " of " + item;
  }

  private static @Nullable String message(JsonNode item) {
    String role = item.path("role").asString();
    if (!Set.of("user", "assistant", "system", "developer").contains(role)) {
      return "Invalid value: " + role;
    }
    JsonNode content = item.path("content");
    return content.isString()
        ? null
        : parts(
            content,
            role.equals("assistant")
                ? Set.of("output_text", "refusal")
                : Set.of("input_text", "input_image", "input_file"));
  }

  private static @Nullable String parts(JsonNode content, Set<String> types) {
    if (!content.isArray() || content.isEmpty()) {
      return "Invalid content: " + content;
    }
    for (JsonNode part : content) {
      if (!types.contains(part.path("type").asString(""))) {
        return "Invalid value: '" + part.path("type").asString("") + "'.";
      }
      String wrong = members(part, PARTS);
      if (wrong != null) {
        return wrong;
      }
    }
    return null;
  }

  private static @Nullable String call(JsonNode item, String type, Map<String, String> open) {
    String id = item.path("call_id").asString("");
    if (id.length() > 64) {
      return "Invalid call_id: string too long";
    }
    if (type.equals("reasoning")) {
      String sealed = item.path("encrypted_content").asString();
      return sealed.startsWith("sealed:") ? null : "The encrypted content could not be verified.";
    }
    if (type.endsWith("_call")) {
      open.put(id, type);
      return item.path("name").asString().matches("[A-Za-z0-9_-]{1,64}")
          ? null
          : "Invalid name: " + item;
    }
    if (!(open.remove(id) + "_output").equals(type)) {
      return "No tool call found for function call output with call_id " + id;
    }
    return item.path("output").isString()
        ? null
        : parts(item.path("output"), Set.of("input_text", "input_image", "input_file"));
  }

  /** Behind the last question, all that it said itself must be as it was. */
  private static @Nullable String order(List<JsonNode> loop) {
    List<String> told = new ArrayList<>();
    for (JsonNode item : loop) {
      told.add(
          switch (item.path("type").asString()) {
            case "reasoning" -> item.path("encrypted_content").asString() + item.path("summary");
            case "message" -> item.path("phase").asString("?") + item.path("content");
            case "function_call" -> item.path("call_id").asString();
            default -> "output of " + item.path("call_id").asString();
          });
    }
    List<String> said = new ArrayList<>();
    for (int step = 0; step < 3 && said.size() < told.size(); step++) {
      List<String> outputs = new ArrayList<>();
      for (JsonNode item : said(step)) {
        said.add(
            switch (item.path("type").asString()) {
              case "reasoning" -> item.path("encrypted_content").asString() + item.path("summary");
              case "message" -> item.path("phase").asString() + item.at("/content/0/text");
              default -> {
                outputs.add("output of " + item.path("call_id").asString());
                yield item.path("call_id").asString();
              }
            });
      }
      said.addAll(outputs);
    }
    return told.equals(said) ? null : "Not as it was: " + told + " but was " + said;
  }

  // ---- what it says

  private static List<ObjectNode> said(int step) {
    List<ObjectNode> items = new ArrayList<>();
    items.add(thought(step, "First.", "Then."));
    if (step == 0) {
      items.add(message("Looking around.", "commentary"));
    }
    if (step == 1) {
      items.add(thought(step + 10));
    }
    if (step == 3) {
      items.add(message(StrictServers.DONE, "final_answer"));
      return items;
    }
    for (int i = 0; i < (step == 0 ? 2 : 1); i++) {
      items.add(
          item("function_call", "fc_" + step + "_" + i)
              .put("call_id", "call_" + step + "_" + i)
              .put("name", "look")
              .put("arguments", "{}")
              .put("status", "completed"));
    }
    return items;
  }

  private static ObjectNode item(String type, String id) {
    return JSON.createObjectNode().put("type", type).put("id", id);
  }

  private static ObjectNode thought(int number, String... summary) {
    ObjectNode item =
        item("reasoning", "rs_" + number).put("encrypted_content", "sealed:" + number);
    ArrayNode parts = item.putArray("summary");
    for (String part : summary) {
      parts.addObject().put("type", "summary_text").put("text", part + number);
    }
    return item;
  }

  private static ObjectNode message(String text, String phase) {
    ObjectNode item = item("message", "msg_" + phase).put("role", "assistant").put("phase", phase);
    ObjectNode part = item.putArray("content").addObject().put("type", "output_text");
    part.put("text", text).putArray("annotations");
    return item;
  }

  /**
   * @param thoughts how many there are in the loop so far
   */
  private static ModelScript step(int thoughts) {
    int step = thoughts == 0 ? 0 : thoughts == 1 ? 1 : thoughts - 1;
    List<ObjectNode> items = said(step);
    ModelScript script = event(ModelScript.stream(), "response.created", "response", response());
    for (int i = 0; i < items.size(); i++) {
      script = item(script, items.get(i), i);
    }
    ObjectNode usage = JSON.createObjectNode().put("input_tokens", 10).put("output_tokens", 10);
    usage.putObject("output_tokens_details").put("reasoning_tokens", 4);
    ObjectNode end = response().put("status", "completed");
    end.set("usage", usage);
    end.putArray("output").addAll(items);
    return event(script, "response.completed", "response", end);
  }

  private static ObjectNode response() {
    return JSON.createObjectNode()
        .put("id", "resp_1")
        .put("object", "response")
        .put("model", "gpt-5")
        .put("status", "in_progress");
  }

  private static ModelScript item(ModelScript script, ObjectNode item, int index) {
    ObjectNode added = item.deepCopy();
    added.remove("summary");
    ModelScript next =
        event(script, "response.output_item.added", "item", added.put("arguments", ""), index);
    for (JsonNode part : item.path("content")) {
      for (String word : part.path("text").asString().split("(?<= )")) {
        next = delta(next, "response.output_text.delta", item, index, 0, word);
      }
    }
    int number = 0;
    for (JsonNode part : item.path("summary")) {
      next =
          delta(
              next,
              "response.reasoning_summary_text.delta",
              item,
              index,
              number++,
              part.path("text").asString());
    }
    if (item.has("arguments")) {
      next = delta(next, "response.function_call_arguments.delta", item, index, 0, "{}");
    }
    return event(next, "response.output_item.done", "item", item, index);
  }

  private static ModelScript delta(
      ModelScript script, String type, ObjectNode of, int index, int part, String delta) {
    ObjectNode event = JSON.createObjectNode().put("type", type).put("output_index", index);
    event.put("item_id", of.path("id").asString()).put("delta", delta);
    return bytes(script, event.put("content_index", part).put("summary_index", part));
  }

  private static ModelScript event(ModelScript script, String type, String name, ObjectNode of) {
    ObjectNode event = JSON.createObjectNode().put("type", type);
    event.set(name, of);
    return bytes(script, event);
  }

  private static ModelScript event(
      ModelScript script, String type, String name, ObjectNode of, int index) {
    ObjectNode event = JSON.createObjectNode().put("type", type).put("output_index", index);
    event.set(name, of);
    return bytes(script, event);
  }

  private static ModelScript bytes(ModelScript script, ObjectNode event) {
    return script.bytes("event: " + event.path("type").asString() + "\ndata: " + event + "\n\n");
  }

  private static boolean is(JsonNode item, String type) {
    return item.path("type").asString("").equals(type);
  }
}
