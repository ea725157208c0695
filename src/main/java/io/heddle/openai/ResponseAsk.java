package io.heddle.openai;

import io.heddle.base.Json;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The request for a response.
 *
 * @param conversation the session it is to be in, or null
 * @param previous the response it goes on from, or null
 * @param store whether it is kept where no conversation keeps it
 * @param input items
 * @param parameters as Chat Completions has them
 */
record ResponseAsk(
    @Nullable String model,
    @Nullable String conversation,
    @Nullable String previous,
    boolean store,
    boolean stream,
    boolean background,
    @Nullable String instructions,
    List<Value> input,
    Json parameters,
    Json shown) {

  /** What OpenAI does and Heddle does not; a client must not take silence for consent. */
  private static final List<String> UNSUPPORTED =
      List.of("prompt", "context_management", "moderation", "functions", "function_call", "audio");

  private static final Set<String> TRUNCATIONS = Set.of("auto", "disabled");

  static ResponseAsk read(Fields body) {
    refuseUnsupported(body);
    String conversation = conversation(body.get("conversation"));
    String previous = body.text("previous_response_id");
    if (conversation != null && previous != null) {
      throw Value.refuse("previous_response_id", "cannot be used together with 'conversation'");
    }
    boolean store = body.flag("store", true);
    boolean background = body.flag("background");
    if (background && !store) {
      throw Value.refuse("background", "needs 'store': nobody could ask for the response later");
    }
    return new ResponseAsk(
        body.text("model"),
        conversation,
        previous,
        store,
        body.flag("stream"),
        background,
        instructions(body.get("instructions")),
        input(body.get("input")),
        ResponseParameters.chat(body),
        shown(body));
  }

  /** The model that the notes name until one has answered. */
  ResponseNotes notes(String otherwise) {
    return new ResponseNotes(
        model == null ? otherwise : model, conversation != null, background, store, shown);
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
  private static Json shown(Fields body) {
    Json off = Json.of("null");
    JsonObject out = new JsonObject(512 + body.value().json().length() / 4);
    out.raw("instructions", body.raw("instructions", off))
        .raw("max_output_tokens", body.raw("max_output_tokens", off))
        .raw("max_tool_calls", body.raw("max_tool_calls", off))
        .raw("metadata", Metadata.read(body.get("metadata")))
        .raw("parallel_tool_calls", body.raw("parallel_tool_calls", Json.of("true")))
        .raw("previous_response_id", body.raw("previous_response_id", off))
        .raw("reasoning", reasoning(body.get("reasoning")))
        .raw("service_tier", body.raw("service_tier", Json.of("\"default\"")))
        .bool("store", body.flag("store", true))
        .raw("temperature", body.raw("temperature", Json.of("1.0")))
        .raw("text", text(body.get("text")))
        .raw("tool_choice", body.raw("tool_choice", Json.of("\"auto\"")))
        .raw("tools", body.raw("tools", JsonObject.EMPTY_ARRAY))
        .number("top_logprobs", 0)
        .raw("top_p", body.raw("top_p", Json.of("1.0")))
        .raw("truncation", body.raw("truncation", Json.of("\"disabled\"")));
    for (String name : List.of("prompt_cache_key", "safety_identifier", "user")) {
      out.some(name, body.raw(name));
    }
    return out.toJson();
  }

  private static Json reasoning(@Nullable Value reasoning) {
    JsonObject out = new JsonObject(96);
    Fields given = reasoning == null ? Fields.of(Json.EMPTY_OBJECT) : reasoning.fields();
    given.all().forEach(out::member);
    for (String name : List.of("effort", "summary")) {
      if (!given.all().containsKey(name)) {
        out.raw(name, null);
      }
    }
    return out.toJson();
  }

  private static Json text(@Nullable Value text) {
    Json plain = Json.of("{\"type\":\"text\"}");
    JsonObject out = new JsonObject(128);
    Fields given = text == null ? Fields.of(Json.EMPTY_OBJECT) : text.fields();
    out.raw("format", given.raw("format", plain));
    given
        .all()
        .forEach((name, value) -> {
          if (!name.equals("format")) {
            out.member(name, value);
          }
        });
    return out.toJson();
  }
}
