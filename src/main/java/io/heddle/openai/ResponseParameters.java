package io.heddle.openai;

import io.heddle.base.ProblemException;
import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.turn.Parameters;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Says what a request for a response asks of the model in the words of Chat Completions. Members
 * that Responses does not know are passed on as they are: servers have parameters of their own.
 */
final class ResponseParameters {

  /** Members that mean the same in both. */
  private static final Set<String> SAME =
      Set.of(
          "temperature",
          "top_p",
          "parallel_tool_calls",
          "service_tier",
          "prompt_cache_key",
          "prompt_cache_retention",
          "prompt_cache_options",
          "safety_identifier",
          "user");

  /** Members that are no parameters, or have another form. */
  private static final Set<String> OTHER =
      Set.of(
          "model",
          "input",
          "instructions",
          "conversation",
          "previous_response_id",
          "store",
          "stream",
          "stream_options",
          "background",
          "metadata",
          "include",
          "context_management",
          "client_metadata",
          "moderation",
          "prompt",
          "truncation",
          "max_tool_calls",
          "max_output_tokens",
          "top_logprobs",
          "tools",
          "tool_choice",
          "text",
          "reasoning",
          "messages");

  /** Names of Chat Completions for the same. */
  private static final Set<String> OTHER_BOUNDS = Set.of("max_tokens", "max_completion_tokens");

  private static final long LEAST_OUTPUT = 16;

  private ResponseParameters() {}

  /** What a request for a response calls a parameter of Chat Completions. */
  static String nameOf(String chat) {
    String name = chat.split("[.\\[]", 2)[0];
    return switch (name) {
      case "messages" -> "input";
      case "max_tokens", "max_completion_tokens" -> "max_output_tokens";
      case "response_format" -> "text.format";
      case "verbosity" -> "text.verbosity";
      case "reasoning_effort" -> "reasoning.effort";
      // Their form is another.
      case "tools", "tool_choice" -> name;
      default -> chat;
    };
  }

  /** A refusal by the model's server, with the name that the request has for what is wrong. */
  static Throwable named(Throwable error) {
    return error instanceof ProblemException refused
            && refused.problem().members().get(WireError.PARAM) instanceof String chat
        ? refused.problem().with(WireError.PARAM, nameOf(chat)).toException()
        : error;
  }

  static Json chat(JsonValue body, ResponseTools tools) {
    JsonWriter out = JsonWriter.object(256);
    body.members()
        .forEach((name, value) -> {
          if (name.equals("parallel_tool_calls") && tools.isEmpty()) {
            return;
          }
          if (!value.isNull() && (SAME.contains(name) || !OTHER.contains(name))) {
            out.member(name, value);
          }
        });
    JsonValue most = body.get("max_output_tokens");
    if (most != null) {
      // It is sent under another name: beside that name the model would be told two bounds.
      for (String name : OTHER_BOUNDS) {
        if (body.has(name)) {
          throw OpenAiJson.refuse(
              body.pathOf(name),
              "mutually_exclusive_parameters",
              "cannot be used together with 'max_output_tokens'");
        }
      }
      out.number("max_tokens", most.integer(LEAST_OUTPUT, Integer.MAX_VALUE));
    }
    if (!tools.isEmpty()) {
      out.raw("tools", tools.functions()).some("tool_choice", tools.choice());
    }
    JsonValue text = body.get("text");
    if (text != null) {
      text(text.object(), out);
    }
    JsonValue reasoning = body.get("reasoning");
    if (reasoning != null) {
      out.some("reasoning_effort", reasoning.object().raw("effort"));
    }
    Json rest = rest(reasoning, body.get("include"));
    if (rest.length() > 2) {
      Json carried = JsonWriter.object(rest.length() + 32).raw(Parameters.RESPONSES, rest).done();
      out.raw(Parameters.STREAM_OPTIONS, carried);
    }
    return out.done();
  }

  /** What Chat Completions has no words for. */
  private static Json rest(@Nullable JsonValue reasoning, @Nullable JsonValue include) {
    JsonWriter rest = JsonWriter.object(128);
    JsonWriter more = JsonWriter.object(96);
    if (reasoning != null) {
      reasoning
          .object()
          .members()
          .forEach((name, value) -> {
            if (!name.equals("effort") && !value.isNull()) {
              more.member(name, value);
            }
          });
    }
    Json thinking = more.done();
    if (thinking.length() > 2) {
      rest.raw("reasoning", thinking);
    }
    if (include != null && !include.array().isEmpty()) {
      rest.raw("include", include.json());
    }
    return rest.done();
  }

  private static void text(JsonValue text, JsonWriter out) {
    out.some("verbosity", text.raw("verbosity"));
    JsonValue format = text.get("format");
    if (format == null) {
      return;
    }
    JsonValue fields = format.object();
    String type = fields.required("type").text();
    switch (type) {
      case "text" -> {}
      case "json_object" -> out.raw("response_format", format.json());
      case "json_schema" -> {
        JsonWriter schema = JsonWriter.object(format.json().length());
        fields
            .members()
            .forEach((name, value) -> {
              if (!name.equals("type") && !value.isNull()) {
                schema.member(name, value);
              }
            });
        out.raw(
            "response_format",
            JsonWriter.object(format.json().length() + 64)
                .string("type", type)
                .raw("json_schema", schema.done())
                .done());
      }
      default ->
          throw WireError.unsupported(
                  fields.pathOf("type"),
                  "Heddle does not support a text.format of the type '" + type + "'.")
              .toException();
    }
  }
}
