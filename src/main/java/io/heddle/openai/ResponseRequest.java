package io.heddle.openai;

import io.heddle.base.Json;
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
    List<Value> input,
    boolean sealed,
    Json parameters,
    Json shown,
    long compactAt,
    boolean compacts,
    List<Value> brought) {

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

  static ResponseRequest read(Fields body) {
    return read(body, HostedTools.REFUSE);
  }

  static ResponseRequest read(Fields body, HostedTools hosted) {
    return read(body, hosted, List.of());
  }

  /**
   * @param before tools that items of the thread before have brought
   */
  static ResponseRequest read(Fields body, HostedTools hosted, List<Value> before) {
    refuseUnsupported(body);
    ParameterRanges.responses(body);
    List<Value> input = input(body.get("input"));
    List<Value> brought = ToolItems.brought(body.get("input"), before);
    ResponseTools tools = ResponseTools.read(body, hosted, brought);
    boolean compacts = CompactionItem.isAsked(input);
    String conversation = conversation(body.get("conversation"));
    String previous = body.text("previous_response_id");
    if (conversation != null && previous != null) {
      throw Value.refuse(
          "previous_response_id",
          "mutually_exclusive_parameters",
          "cannot be used together with 'conversation'");
    }
    boolean store = body.flag("store", true);
    boolean background = body.flag("background");
    if (background && !store) {
      throw Value.refuse("background", "needs 'store': nobody could ask for the response later");
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
  private static long compactAt(@Nullable Value management) {
    if (management == null) {
      return 0;
    }
    if (!management.isArray()) {
      throw management.wrongType("an array");
    }
    long at = 0;
    for (Value entry : management.elements()) {
      Fields fields = entry.fields();
      Value type = fields.required("type");
      if (!type.text().equals(CompactionItem.TYPE)) {
        throw WireError.unsupported(
                type.path(), "Heddle does not manage contexts by '" + type.text() + "'.")
            .toException();
      }
      Value threshold = fields.get("compact_threshold");
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

  private static boolean isSealed(@Nullable Value include) {
    return include != null
        && include.isArray()
        && include.elements().stream()
            .anyMatch(name -> name.isString() && name.text().equals("reasoning.encrypted_content"));
  }

  private static void refuseUnsupported(Fields body) {
    for (String name : UNSUPPORTED) {
      Value value = body.get(name);
      if (value != null && !value.json().equals(JsonObject.EMPTY_ARRAY)) {
        throw WireError.unsupported(name, "Heddle does not support '" + name + "'.").toException();
      }
    }
    Value logprobs = body.get("top_logprobs");
    if (logprobs != null && logprobs.integer(0, 20) > 0) {
      throw WireError.unsupported("top_logprobs", "Heddle does not pass on 'top_logprobs'.")
          .toException();
    }
    Value include = body.get("include");
    for (Value name : include == null ? List.<Value>of() : include.elements()) {
      if (name.text().equals(LOGPROBS)) {
        throw WireError.unsupported(name.path(), "Heddle does not pass on '" + LOGPROBS + "'.")
            .toException();
      }
    }
    // Of Chat Completions; its servers would do as they are told, and nobody would see the rest.
    Value choices = body.get("n");
    if (choices != null && choices.integer(1, 128) > 1) {
      throw WireError.unsupported("n", "Heddle gives one answer.").toException();
    }
    if (body.flag("logprobs")) {
      throw WireError.unsupported("logprobs", "Heddle does not pass on 'logprobs'.").toException();
    }
    Value truncation = body.get("truncation");
    if (truncation != null && !TRUNCATIONS.contains(truncation.text())) {
      throw truncation.refuse("must be auto or disabled");
    }
  }

  /** {@code "conv_…"} or {@code {"id":"conv_…"}}. */
  private static @Nullable String conversation(@Nullable Value conversation) {
    if (conversation == null) {
      return null;
    }
    return conversation.isString()
        ? conversation.text()
        : conversation.fields().required("id").text();
  }

  private static @Nullable String instructions(@Nullable Value instructions) {
    return instructions == null || instructions.text().isEmpty() ? null : instructions.text();
  }

  private static List<Value> input(@Nullable Value input) {
    if (input == null) {
      return List.of();
    }
    if (input.isString()) {
      Json message =
          new JsonObject(input.json().length() + 32)
              .string("role", "user")
              .raw("content", input.json())
              .toJson();
      return List.of(new Value(message, "input"));
    }
    if (!input.isArray()) {
      throw input.wrongType("a string or an array of items");
    }
    return input.elements();
  }

  /** Members of the response that repeat the request, each with what it is by default. */
  private static Json shown(Fields body, ResponseTools tools) {
    JsonObject out = new JsonObject(768 + body.value().json().length() / 4);
    SHOWN.forEach((name, otherwise) -> out.raw(name, body.raw(name, otherwise)));
    out.raw("metadata", Metadata.read(body.get("metadata")))
        .raw("reasoning", reasoning(body.get("reasoning")))
        .raw("text", text(body.get("text")))
        .raw("tool_choice", choice(body.get("tool_choice")))
        .raw("tools", tools(tools.kept()))
        .number("top_logprobs", 0)
        .some("user", body.raw("user"));
    return out.toJson();
  }

  /** The same of a request that an earlier version took, and kept with fewer members. */
  static Json shownWhole(Json kept) {
    Fields fields = Fields.of(kept);
    if (SHOWN.keySet().stream().allMatch(fields.all()::containsKey)) {
      return kept;
    }
    JsonObject out = new JsonObject(kept.length() + 512);
    fields
        .all()
        .forEach((name, value) -> {
          switch (name) {
            case "text" -> out.raw(name, text(value));
            case "tools" -> out.raw(name, tools(value.elements()));
            default -> out.member(name, value);
          }
        });
    SHOWN.forEach((name, otherwise) -> {
      if (!fields.all().containsKey(name)) {
        out.raw(name, otherwise);
      }
    });
    return out.toJson();
  }

  private static Json tools(List<Value> tools) {
    return JsonObject.array(
        tools.stream()
            .map(tool ->
                tool.fields().word("type").equals("function")
                    ? with(tool.fields(), FUNCTION)
                    : tool.json())
            .toList());
  }

  private static Json choice(@Nullable Value choice) {
    if (choice == null) {
      return Json.of("\"auto\"");
    }
    return choice.isObject() && choice.fields().word("type").equals("allowed_tools")
        ? with(choice.fields(), Map.of("mode", Json.of("\"auto\"")))
        : choice.json();
  }

  private static Json reasoning(@Nullable Value reasoning) {
    return with(reasoning == null ? Fields.of(Json.EMPTY_OBJECT) : reasoning.fields(), REASONING);
  }

  private static Json text(@Nullable Value text) {
    Fields given = text == null ? Fields.of(Json.EMPTY_OBJECT) : text.fields();
    Value asked = given.get("format");
    Json format =
        asked == null
            ? Json.of("{\"type\":\"text\"}")
            : asked.fields().word("type").equals("json_schema")
                ? with(asked.fields(), SCHEMA)
                : asked.json();
    JsonObject out = new JsonObject(128 + format.length()).raw("format", format);
    given
        .all()
        .forEach((name, value) -> {
          if (!name.equals("format") && !value.isNull()) {
            out.member(name, value);
          }
        });
    return out.toJson();
  }

  /** The object with what it lacks; where that is no null, null is lacking too. */
  private static Json with(Fields given, Map<String, Json> otherwise) {
    JsonObject out = new JsonObject(given.value().json().length() + 96);
    given
        .all()
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
    return out.toJson();
  }
}
