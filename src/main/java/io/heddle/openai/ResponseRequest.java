package io.heddle.openai;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The request for a response.
 *
 * @param conversation the session it is to be in, or null
 * @param previous the response it goes on from, or null
 * @param store whether it is kept where no conversation keeps it
 * @param input items
 * @param sealed whether the client wants with it what only the model's server understands
 * @param parameters as Chat Completions has them
 * @param compactAt from how many tokens of the prompt the conversation is summarised first; 0:
 *     never
 * @param compacts whether a summary is all that is asked for
 * @param brought tools of items, of the thread before too
 */
record ResponseRequest(
    @Nullable String model,
    @Nullable String conversation,
    @Nullable String previous,
    boolean store,
    boolean stream,
    boolean background,
    @Nullable String instructions,
    List<JsonValue> input,
    boolean sealed,
    Json parameters,
    Json shown,
    long compactAt,
    boolean compacts,
    List<JsonValue> brought) {

  /** What OpenAI does and Heddle does not; a client must not take silence for consent. */
  private static final List<String> UNSUPPORTED =
      List.of("prompt", "moderation", "functions", "function_call", "audio");

  private static final String LOGPROBS = "message.output_text.logprobs";

  private static final long LEAST_THRESHOLD = 1000;
  private static final long MOST_TOKENS = 1_000_000_000;

  private static final Json OFF = Json.of("null");
  private static final Json ZERO = Json.of("0");
  private static final Json ONE = Json.of("1.0");

  /** What a response repeats as it came, and what stands there otherwise. */
  private static final Map<String, Json> SHOWN =
      inOrder(
          "instructions", OFF,
          "max_output_tokens", OFF,
          "max_tool_calls", OFF,
          "parallel_tool_calls", Json.of("true"),
          "previous_response_id", OFF,
          "service_tier", Json.of("\"default\""),
          "store", Json.of("true"),
          "temperature", ONE,
          "top_p", ONE,
          "presence_penalty", ZERO,
          "frequency_penalty", ZERO,
          "truncation", Json.of("\"disabled\""),
          "safety_identifier", OFF,
          "prompt_cache_key", OFF);

  private static final Map<String, Json> REASONING = inOrder("effort", OFF, "summary", OFF);

  private static final Map<String, Json> FUNCTION =
      inOrder("description", OFF, "parameters", OFF, "strict", OFF);

  private static final Map<String, Json> SCHEMA =
      inOrder("description", OFF, "schema", OFF, "strict", Json.of("false"));

  private static final Set<String> TRUNCATIONS = Set.of("auto", "disabled");

  static ResponseRequest read(JsonValue body) {
    return read(body, HostedTools.REFUSE);
  }

  static ResponseRequest read(JsonValue body, HostedTools hosted) {
    return read(body, hosted, List.of());
  }

  /**
   * @param before tools that items of the thread before have brought
   */
  static ResponseRequest read(JsonValue body, HostedTools hosted, List<JsonValue> before) {
    refuseUnsupported(body);
    ParameterRanges.responses(body);
    List<JsonValue> input = input(body.get("input"));
    List<JsonValue> brought = ToolItems.brought(body.get("input"), before);
    ResponseTools tools = ResponseTools.read(body, hosted, brought);
    boolean compacts = CompactionItem.isAsked(input);
    String conversation = conversation(body.get("conversation"));
    String previous = body.text("previous_response_id");
    if (conversation != null && previous != null) {
      throw OpenAiJson.refuse(
          "previous_response_id",
          "mutually_exclusive_parameters",
          "cannot be used together with 'conversation'");
    }
    boolean store = body.flag("store", true);
    boolean background = body.flag("background");
    if (background && !store) {
      throw OpenAiJson.refuse(
          "background", "needs 'store': nobody could ask for the response later");
    }
    return new ResponseRequest(
        body.text("model"),
        conversation,
        previous,
        store,
        body.flag("stream"),
        background,
        instructions(body.get("instructions")),
        compacts ? input.subList(0, input.size() - 1) : input,
        isSealed(body.get("include")),
        ResponseParameters.chat(body, tools),
        shown(body, tools),
        compactAt(body.get("context_management")),
        compacts,
        brought);
  }

  /** Refuses to summarise at once what is stored. */
  ResponseRequest notCompactedInStore() {
    if (compacts && (store || conversation != null)) {
      throw WireError.unsupported(
              "input",
              "Heddle takes a "
                  + CompactionItem.TRIGGER
                  + " only for what it does not store ('store': false, and no 'conversation'); use"
                  + " 'context_management'.")
          .toException();
    }
    return this;
  }

  /** {@code [{"type":"compaction","compact_threshold":…}]}; without a number, where it must be. */
  private static long compactAt(@Nullable JsonValue management) {
    if (management == null) {
      return 0;
    }
    if (!management.isArray()) {
      throw management.wrongType("an array");
    }
    long at = 0;
    for (JsonValue entry : management.array()) {
      JsonValue fields = entry.object();
      JsonValue type = fields.required("type");
      if (!type.text().equals(CompactionItem.TYPE)) {
        throw WireError.unsupported(
                type.path(), "Heddle does not manage contexts by '" + type.text() + "'.")
            .toException();
      }
      JsonValue threshold = fields.get("compact_threshold");
      at = threshold == null ? MOST_TOKENS : threshold.integer(LEAST_THRESHOLD, MOST_TOKENS);
    }
    return at;
  }

  /** The model that the notes name until one has answered. */
  ResponseNotes notes(String otherwise) {
    return new ResponseNotes(
        model == null ? otherwise : model, conversation != null, background, store, shown);
  }

  private static Map<String, Json> inOrder(Object... pairs) {
    Map<String, Json> map = new LinkedHashMap<>();
    for (int i = 0; i < pairs.length; i += 2) {
      map.put((String) pairs[i], (Json) pairs[i + 1]);
    }
    return Collections.unmodifiableMap(map);
  }

  private static boolean isSealed(@Nullable JsonValue include) {
    return include != null
        && include.isArray()
        && include.array().stream()
            .anyMatch(name -> name.isString() && name.text().equals("reasoning.encrypted_content"));
  }

  private static void refuseUnsupported(JsonValue body) {
    for (String name : UNSUPPORTED) {
      JsonValue value = body.get(name);
      if (value != null && !value.json().equals(Json.EMPTY_ARRAY)) {
        throw WireError.unsupported(name, "Heddle does not support '" + name + "'.").toException();
      }
    }
    JsonValue logprobs = body.get("top_logprobs");
    if (logprobs != null && logprobs.integer(0, 20) > 0) {
      throw WireError.unsupported("top_logprobs", "Heddle does not pass on 'top_logprobs'.")
          .toException();
    }
    JsonValue include = body.get("include");
    for (JsonValue name : include == null ? List.<JsonValue>of() : include.array()) {
      if (name.text().equals(LOGPROBS)) {
        throw WireError.unsupported(name.path(), "Heddle does not pass on '" + LOGPROBS + "'.")
            .toException();
      }
    }
    // Of Chat Completions; its servers would do as they are told, and nobody would see the rest.
    JsonValue choices = body.get("n");
    if (choices != null && choices.integer(1, 128) > 1) {
      throw WireError.unsupported("n", "Heddle gives one answer.").toException();
    }
    if (body.flag("logprobs")) {
      throw WireError.unsupported("logprobs", "Heddle does not pass on 'logprobs'.").toException();
    }
    JsonValue truncation = body.get("truncation");
    if (truncation != null && !TRUNCATIONS.contains(truncation.text())) {
      throw truncation.refuse("must be auto or disabled");
    }
  }

  /** {@code "conv_…"} or {@code {"id":"conv_…"}}. */
  private static @Nullable String conversation(@Nullable JsonValue conversation) {
    if (conversation == null) {
      return null;
    }
    return conversation.isString()
        ? conversation.text()
        : conversation.object().required("id").text();
  }

  private static @Nullable String instructions(@Nullable JsonValue instructions) {
    return instructions == null || instructions.text().isEmpty() ? null : instructions.text();
  }

  private static List<JsonValue> input(@Nullable JsonValue input) {
    if (input == null) {
      return List.of();
    }
    if (input.isString()) {
      Json message =
          JsonWriter.object(input.json().length() + 32)
              .string("role", "user")
              .raw("content", input.json())
              .done();
      return List.of(OpenAiJson.value(message, "input"));
    }
    if (!input.isArray()) {
      throw input.wrongType("a string or an array of items");
    }
    return input.array();
  }

  /** Members of the response that repeat the request, each with what it is by default. */
  private static Json shown(JsonValue body, ResponseTools tools) {
    JsonWriter out = JsonWriter.object(768 + body.length() / 4);
    SHOWN.forEach((name, otherwise) -> out.raw(name, body.raw(name, otherwise)));
    out.raw("metadata", Metadata.read(body.get("metadata")))
        .raw("reasoning", reasoning(body.get("reasoning")))
        .raw("text", text(body.get("text")))
        .raw("tool_choice", choice(body.get("tool_choice")))
        .raw("tools", tools(tools.kept()))
        .number("top_logprobs", 0)
        .some("user", body.raw("user"));
    return out.done();
  }

  /** The same of a request that an earlier version took, and kept with fewer members. */
  static Json shownWhole(Json kept) {
    JsonValue fields = OpenAiJson.object(kept);
    if (SHOWN.keySet().stream().allMatch(fields.members()::containsKey)) {
      return kept;
    }
    JsonWriter out = JsonWriter.object(kept.length() + 512);
    fields
        .members()
        .forEach((name, value) -> {
          switch (name) {
            case "text" -> out.raw(name, text(value));
            case "tools" -> out.raw(name, tools(value.array()));
            default -> out.member(name, value);
          }
        });
    SHOWN.forEach((name, otherwise) -> {
      if (!fields.members().containsKey(name)) {
        out.raw(name, otherwise);
      }
    });
    return out.done();
  }

  private static Json tools(List<JsonValue> tools) {
    return Json.array(
        tools.stream()
            .map(tool ->
                tool.object().word("type").equals("function")
                    ? with(tool.object(), FUNCTION)
                    : tool.json())
            .toList());
  }

  private static Json choice(@Nullable JsonValue choice) {
    if (choice == null) {
      return Json.of("\"auto\"");
    }
    return choice.isObject() && choice.object().word("type").equals("allowed_tools")
        ? with(choice.object(), Map.of("mode", Json.of("\"auto\"")))
        : choice.json();
  }

  private static Json reasoning(@Nullable JsonValue reasoning) {
    return with(
        reasoning == null ? OpenAiJson.object(Json.EMPTY_OBJECT) : reasoning.object(), REASONING);
  }

  private static Json text(@Nullable JsonValue text) {
    JsonValue given = text == null ? OpenAiJson.object(Json.EMPTY_OBJECT) : text.object();
    JsonValue asked = given.get("format");
    Json format =
        asked == null
            ? Json.of("{\"type\":\"text\"}")
            : asked.object().word("type").equals("json_schema")
                ? with(asked.object(), SCHEMA)
                : asked.json();
    JsonWriter out = JsonWriter.object(128 + format.length()).raw("format", format);
    given
        .members()
        .forEach((name, value) -> {
          if (!name.equals("format") && !value.isNull()) {
            out.member(name, value);
          }
        });
    return out.done();
  }

  /** The object with what it lacks; where that is no null, null is lacking too. */
  private static Json with(JsonValue given, Map<String, Json> otherwise) {
    JsonWriter out = JsonWriter.object(given.length() + 96);
    given
        .members()
        .forEach((name, value) -> {
          if (!value.isNull() || !otherwise.containsKey(name)) {
            out.member(name, value);
          }
        });
    otherwise.forEach((name, value) -> {
      if (!given.has(name)) {
        out.raw(name, value);
      }
    });
    return out.done();
  }
}
