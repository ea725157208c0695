package io.heddle.upstream;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import java.math.BigDecimal;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Parameters of Chat Completions as Anthropic has them. What is neither known there nor here is
 * passed on as it is: Anthropic has parameters of its own.
 */
final class AnthropicParameters {

  private static final long LEAST_BUDGET = 1024;
  private static final long MOST_BUDGET = 128_000;

  /** Of all that an answer may have, in percent. */
  private static final Map<String, Integer> BUDGETS =
      Map.of("minimal", 10, "low", 20, "medium", 50, "high", 80, "xhigh", 95, "max", 95);

  private static final List<String> BOUNDS =
      List.of("max_completion_tokens", "max_tokens", "max_output_tokens");

  private static final Set<String> SAMPLINGS = Set.of("temperature", "top_p", "top_k");

  /** Written elsewhere, or here under another name. */
  private static final Set<String> WRITTEN =
      Set.of(
          "model",
          "messages",
          "system",
          "stream",
          "tools",
          "tool_choice",
          "parallel_tool_calls",
          "thinking",
          "reasoning_effort",
          "output_config",
          "response_format",
          "stop",
          "stop_sequences",
          "user",
          "safety_identifier",
          "metadata",
          "service_tier");

  /** What Anthropic has not, and an answer can do without. */
  private static final Set<String> LEFT_OUT =
      Set.of(
          "stream_options",
          "n",
          "store",
          "presence_penalty",
          "frequency_penalty",
          "logit_bias",
          "logprobs",
          "top_logprobs",
          "seed",
          "verbosity",
          "prompt_cache_key",
          "prompt_cache_retention",
          "prompt_cache_options",
          "prediction",
          "modalities");

  private static final Set<String> REFUSED =
      Set.of("web_search_options", "audio", "functions", "function_call");

  private final Map<String, JsonValue> given;
  private final AnthropicModel model;
  private final AnthropicTools tools;
  private final long maxTokens;
  private final boolean thinks;
  private final String thinking;
  private final @Nullable String effort;
  private final @Nullable JsonValue schema;
  private final boolean isAnyJson;

  /**
   * @param lacksThoughts whether a loop of tools is under way whose first thoughts are not known
   * @throws CallFailure for what the server has no form for
   */
  AnthropicParameters(
      String upstream,
      Map<String, JsonValue> given,
      AnthropicModel model,
      AnthropicTools tools,
      long defaultTokens,
      boolean lacksThoughts) {
    this.given = given;
    this.model = model;
    this.tools = tools;
    for (String name : given.keySet()) {
      if (REFUSED.contains(name)) {
        throw AnthropicTools.refusal(upstream, name, name);
      }
    }
    maxTokens = maxTokens(defaultTokens);
    String named = text(given.get("reasoning_effort"));
    String wanted = named == null ? "default" : named;
    boolean asks = !wanted.equals("none") && !wanted.equals("default");
    boolean hasBudget = model.hasBudget();
    // Nobody thinks who must call a tool, has no room to, or has begun without.
    boolean may = !tools.isForced() && !(hasBudget && (lacksThoughts || maxTokens <= LEAST_BUDGET));
    JsonValue own = given.get("thinking");
    if (own != null && own.isObject()) {
      thinking = own.toString();
      thinks = !"disabled".equals(text(own.members().get("type")));
    } else if (asks && may) {
      thinking =
          hasBudget
              ? "{\"type\":\"enabled\",\"budget_tokens\":" + budget(wanted) + "}"
              : "{\"type\":\"adaptive\",\"display\":\"summarized\"}";
      thinks = true;
    } else {
      boolean says = !wanted.equals("default") && model.mayThinkUnasked();
      thinking = says && model.canStopThinking() ? "{\"type\":\"disabled\"}" : "";
      thinks = false;
    }
    boolean hasEffort = !hasBudget && !wanted.equals("default");
    effort = hasEffort && (thinks || thinking.isEmpty()) ? model.effort(wanted) : null;
    Map<String, JsonValue> format = members(given.get("response_format"));
    String type = text(format.get("type"));
    switch (type == null ? "text" : type) {
      case "text" -> {
        schema = null;
        isAnyJson = false;
      }
      case "json_object" -> {
        schema = null;
        isAnyJson = true;
      }
      case "json_schema" -> {
        schema = members(format.get("json_schema")).get("schema");
        isAnyJson = schema == null;
      }
      default ->
          throw AnthropicTools.refusal(
              upstream, "response_format", "response_format of the type " + type);
    }
  }

  private long maxTokens(long otherwise) {
    for (String name : BOUNDS) {
      JsonValue bound = given.get(name);
      if (bound != null && bound.toString().matches("[0-9]{1,18}")) {
        return Long.parseLong(bound.toString());
      }
    }
    return otherwise;
  }

  private long budget(@Nullable String effort) {
    long share = maxTokens * BUDGETS.getOrDefault(effort == null ? "" : effort, 50) / 100;
    return Math.min(Math.clamp(share, LEAST_BUDGET, MOST_BUDGET), maxTokens - 1);
  }

  /** Whether answers are told with their signed thoughts. */
  boolean tellsThoughts() {
    return thinks || model.mayThinkUnasked() && thinking.isEmpty();
  }

  /** What the model is told because its server has no parameter for it, or null. */
  @Nullable String instruction() {
    return isAnyJson ? "Answer with one JSON object and nothing else." : null;
  }

  void writeTo(JsonWriter out, Set<String> called) {
    out.ascii(",\"max_tokens\":").number(maxTokens);
    tools.writeTo(out, called);
    if (!thinking.isEmpty()) {
      out.ascii(",\"thinking\":").raw(Json.of(thinking));
    }
    outputConfig(out);
    metadata(out);
    serviceTier(out);
    stops(out);
    if (!thinks && model.takesSampling()) {
      sampling(out);
    }
    given.forEach((name, value) -> {
      if (!WRITTEN.contains(name)
          && !LEFT_OUT.contains(name)
          && !SAMPLINGS.contains(name)
          && !BOUNDS.contains(name)
          && !value.isNull()) {
        value.writeTo(out.ascii(",").string(name).ascii(":"));
      }
    });
  }

  private void outputConfig(JsonWriter out) {
    Map<String, JsonValue> own = new LinkedHashMap<>(members(given.get("output_config")));
    String before = ",\"output_config\":{";
    for (Map.Entry<String, JsonValue> member : own.entrySet()) {
      member.getValue().writeTo(out.ascii(before).string(member.getKey()).ascii(":"));
      before = ",";
    }
    if (effort != null && !own.containsKey("effort")) {
      out.ascii(before).ascii("\"effort\":").string(effort);
      before = ",";
    }
    if (schema != null && !own.containsKey("format")) {
      out.ascii(before).ascii("\"format\":{\"type\":\"json_schema\",\"schema\":");
      AnthropicSchema.write(schema, out).ascii("}");
      before = ",";
    }
    out.ascii(before.equals(",") ? "}" : "");
  }

  private void metadata(JsonWriter out) {
    JsonValue user = members(given.get("metadata")).get("user_id");
    for (String name : List.of("safety_identifier", "user")) {
      user = user == null || !user.isString() ? given.get(name) : user;
    }
    if (user != null && user.isString()) {
      user.writeTo(out.ascii(",\"metadata\":{\"user_id\":")).ascii("}");
    }
  }

  private void serviceTier(JsonWriter out) {
    String tier = text(given.get("service_tier"));
    switch (tier == null ? "" : tier) {
      case "auto" -> out.ascii(",\"service_tier\":\"auto\"");
      case "default", "standard_only" -> out.ascii(",\"service_tier\":\"standard_only\"");
      default -> {
        // Anthropic has no other.
      }
    }
  }

  private void stops(JsonWriter out) {
    JsonValue stop = given.get("stop");
    JsonValue all = stop == null || stop.isNull() ? given.get("stop_sequences") : stop;
    if (all == null) {
      return;
    }
    String before = ",\"stop_sequences\":[";
    for (JsonValue one : all.isString() ? List.of(all) : all.elements()) {
      // One of nothing but space is refused.
      if (one.isString() && !one.text().isBlank()) {
        one.writeTo(out.ascii(before));
        before = ",";
      }
    }
    out.ascii(before.equals(",") ? "]" : "");
  }

  private void sampling(JsonWriter out) {
    JsonValue temperature = number(given.get("temperature"));
    if (temperature != null) {
      out.ascii(",\"temperature\":");
      boolean isHigh = new BigDecimal(temperature.toString()).compareTo(BigDecimal.ONE) > 0;
      // Anthropic's ends at 1, OpenAI's at 2.
      if (isHigh) {
        out.ascii("1");
      } else {
        temperature.writeTo(out);
      }
    }
    JsonValue topP = number(given.get("top_p"));
    if (topP != null && (temperature == null || model.takesBothSamplings())) {
      topP.writeTo(out.ascii(",\"top_p\":"));
    }
    JsonValue topK = number(given.get("top_k"));
    if (topK != null) {
      topK.writeTo(out.ascii(",\"top_k\":"));
    }
  }

  private static @Nullable JsonValue number(@Nullable JsonValue value) {
    return value != null && value.toString().matches("-?[0-9.]{1,32}([eE][+-]?[0-9]{1,3})?")
        ? value
        : null;
  }

  private static Map<String, JsonValue> members(@Nullable JsonValue object) {
    return object == null ? Map.of() : object.members();
  }

  private static @Nullable String text(@Nullable JsonValue value) {
    return value != null && value.isString() ? value.text() : null;
  }
}
