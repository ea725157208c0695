package io.heddle.upstream;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
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
          "service_tier",
          "temperature",
          "top_p",
          "top_k");

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

  private static final Set<String> NOT_PASSED_ON =
      Stream.of(WRITTEN, LEFT_OUT, RefusedParameter.BOUNDS)
          .flatMap(Collection::stream)
          .collect(Collectors.toSet());

  private static final List<String> REFUSED =
      List.of("web_search_options", "audio", "functions", "function_call");

  private final Members given;
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
      Members given,
      AnthropicModel model,
      AnthropicTools tools,
      long defaultTokens,
      boolean lacksThoughts) {
    this.given = given;
    this.model = model;
    this.tools = tools;
    for (String name : REFUSED) {
      if (given.all().containsKey(name)) {
        throw AnthropicTools.refusal(upstream, name, name);
      }
    }
    maxTokens = maxTokens(defaultTokens);
    String named = given.text("reasoning_effort");
    String wanted = named == null ? "default" : named;
    boolean asks = !wanted.equals("none") && !wanted.equals("default");
    boolean hasBudget = model.hasBudget();
    // Nobody thinks who must call a tool, has no room to, or has begun without.
    boolean may = !tools.isForced() && !(hasBudget && (lacksThoughts || maxTokens <= LEAST_BUDGET));
    JsonValue own = given.get("thinking");
    if (own != null && own.isObject()) {
      thinking = own.toString();
      thinks = !"disabled".equals(Members.of(own).text("type"));
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
    Members format = given.inner("response_format");
    String type = format.text("type");
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
        schema = format.inner("json_schema").all().get("schema");
        isAnyJson = schema == null;
      }
      default ->
          throw AnthropicTools.refusal(
              upstream, "response_format", "response_format of the type " + type);
    }
  }

  private long maxTokens(long otherwise) {
    for (String name : RefusedParameter.BOUNDS) {
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
    writeOutputConfig(out);
    writeMetadata(out);
    writeServiceTier(out);
    writeStops(out);
    if (!thinks && model.takesSampling()) {
      writeSampling(out);
    }
    given.without(NOT_PASSED_ON).withoutNulls().writeBehind(out);
  }

  private void writeOutputConfig(JsonWriter out) {
    Map<String, JsonValue> config = new LinkedHashMap<>(given.inner("output_config").all());
    if (effort != null) {
      config.putIfAbsent("effort", Members.quoted(effort));
    }
    if (schema != null && !config.containsKey("format")) {
      JsonWriter format = new JsonWriter(256).ascii("{\"type\":\"json_schema\",\"schema\":");
      config.put("format", JsonValue.of(AnthropicSchema.write(schema, format).ascii("}").toJson()));
    }
    if (!config.isEmpty()) {
      new Members(config).writeTo(out.ascii(",\"output_config\":"));
    }
  }

  private void writeMetadata(JsonWriter out) {
    JsonValue user = given.inner("metadata").string("user_id");
    for (String name : List.of("safety_identifier", "user")) {
      user = user == null ? given.string(name) : user;
    }
    if (user != null) {
      user.writeTo(out.ascii(",\"metadata\":{\"user_id\":")).ascii("}");
    }
  }

  private void writeServiceTier(JsonWriter out) {
    switch (given.textOrEmpty("service_tier")) {
      case "auto" -> out.ascii(",\"service_tier\":\"auto\"");
      case "default", "standard_only" -> out.ascii(",\"service_tier\":\"standard_only\"");
      default -> {
        // Anthropic has no other.
      }
    }
  }

  private void writeStops(JsonWriter out) {
    JsonValue stop = given.has("stop") ? given.get("stop") : given.get("stop_sequences");
    List<JsonValue> all = new ArrayList<>();
    if (stop != null) {
      all.addAll(stop.isString() ? List.of(stop) : stop.elements());
    }
    // One of nothing but space is refused.
    all.removeIf(one -> !one.isString() || one.text().isBlank());
    if (!all.isEmpty()) {
      out.ascii(",\"stop_sequences\":").array(all, JsonValue::writeTo);
    }
  }

  private void writeSampling(JsonWriter out) {
    JsonValue temperature = number("temperature");
    if (temperature != null) {
      boolean isHigh = new BigDecimal(temperature.toString()).compareTo(BigDecimal.ONE) > 0;
      // Anthropic's ends at 1, OpenAI's at 2.
      out.ascii(",\"temperature\":").ascii(isHigh ? "1" : temperature.toString());
    }
    JsonValue topP = number("top_p");
    if (topP != null && (temperature == null || model.takesBothSamplings())) {
      topP.writeTo(out.ascii(",\"top_p\":"));
    }
    out.some("top_k", number("top_k"));
  }

  private @Nullable JsonValue number(String name) {
    JsonValue value = given.get(name);
    return value != null && value.toString().matches("-?[0-9.]{1,32}([eE][+-]?[0-9]{1,3})?")
        ? value
        : null;
  }
}
