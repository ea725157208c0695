package io.heddle.openai;

import io.heddle.base.ProblemCode;
import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.session.Turn;
import io.heddle.turn.ModelEvent;
import io.heddle.turn.Usage;
import java.time.Instant;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * How a response ended.
 *
 * @param event the type of its last event
 * @param model the one that answered, or null
 */
record ResponseEnd(
    String status,
    String event,
    @Nullable Json error,
    @Nullable Json incompleteDetails,
    @Nullable Json usage,
    @Nullable Json completedAt,
    @Nullable String model) {

  private static final String COMPLETED = "response.completed";
  private static final String INCOMPLETE = "response.incomplete";
  private static final String FAILED = "response.failed";

  static ResponseEnd of(Turn turn) {
    JsonValue end = OpenAiJson.object(turn.end() == null ? Json.EMPTY_OBJECT : turn.end());
    Json usage = end.get("usage") == null ? null : usage(end.required("usage").object());
    String model = end.text("model");
    String reason = end.word("finishReason");
    return switch (turn.status()) {
      case COMPLETED -> finished(reason, usage, model, turn.endedAt());
      // Clients know no event of its own for this.
      case CANCELLED -> new ResponseEnd("cancelled", INCOMPLETE, null, null, usage, null, model);
      default ->
          isCut(reason)
              ? finished(reason, usage, model, turn.endedAt())
              : new ResponseEnd("failed", FAILED, error(end), null, usage, null, model);
    };
  }

  /** Of a call that no turn stands behind. */
  static ResponseEnd of(ModelEvent.Finish finish, Instant endedAt) {
    Usage usage = finish.usage();
    return finished(finish.reason(), usage == null ? null : usage(usage), finish.model(), endedAt);
  }

  /** Of a call that no turn stands behind, and that failed. */
  static ResponseEnd failed(WireError error) {
    Json shown = error("server_error", error.message());
    return new ResponseEnd("failed", FAILED, shown, null, null, null, null);
  }

  boolean isWhole() {
    return status.equals("completed");
  }

  private static boolean isCut(String reason) {
    return reason.equals("length") || reason.equals("content_filter");
  }

  private static ResponseEnd finished(
      String reason, @Nullable Json usage, @Nullable String model, @Nullable Instant at) {
    if (!isCut(reason)) {
      Json completed = at == null ? null : Json.of(Long.toString(at.getEpochSecond()));
      return new ResponseEnd("completed", COMPLETED, null, null, usage, completed, model);
    }
    String why = reason.equals("length") ? "max_output_tokens" : "content_filter";
    Json details = JsonWriter.object(64).string("reason", why).done();
    return new ResponseEnd("incomplete", INCOMPLETE, null, details, usage, null, model);
  }

  private static Json error(JsonValue end) {
    JsonValue error = end.get("error");
    JsonValue fields = error == null ? OpenAiJson.object(Json.EMPTY_OBJECT) : error.object();
    ProblemCode code = code(fields.word("code"));
    String shown =
        switch (code) {
          case RATE_LIMITED -> "rate_limit_exceeded";
          case MODEL_REFUSED -> {
            String upstream = fields.word("upstreamCode");
            yield WireError.isModels(upstream) ? upstream : "invalid_prompt";
          }
          default -> "server_error";
        };
    String detail = fields.word("detail");
    return error(shown, detail.isEmpty() ? "The answer broke off." : detail);
  }

  private static Json error(String code, String message) {
    return JsonWriter.object(message.length() + 64)
        .string("code", code)
        .string("message", message)
        .done();
  }

  /** What went wrong in a turn. */
  static ProblemCode code(String code) {
    try {
      return ProblemCode.valueOf(code.toUpperCase(Locale.ROOT).replace('-', '_'));
    } catch (IllegalArgumentException _) {
      return ProblemCode.MODEL_FAILED;
    }
  }

  private static Json usage(JsonValue usage) {
    return usage(
        new Usage(
            number(usage, "inputTokens"),
            number(usage, "outputTokens"),
            number(usage, "cachedTokens"),
            number(usage, "reasoningTokens")));
  }

  static Usage usageOf(Turn turn) {
    JsonValue end = OpenAiJson.object(turn.end() == null ? Json.EMPTY_OBJECT : turn.end());
    JsonValue usage = end.get("usage");
    JsonValue fields = usage == null ? OpenAiJson.object(Json.EMPTY_OBJECT) : usage.object();
    return new Usage(
        number(fields, "inputTokens"),
        number(fields, "outputTokens"),
        number(fields, "cachedTokens"),
        number(fields, "reasoningTokens"));
  }

  private static long number(JsonValue fields, String name) {
    JsonValue value = fields.get(name);
    return value == null ? 0 : value.integer(0, Long.MAX_VALUE);
  }

  static Json usage(Usage usage) {
    Json input =
        JsonWriter.object(64)
            .number("cached_tokens", usage.cached())
            .number("cache_write_tokens", 0)
            .done();
    Json output = JsonWriter.object(64).number("reasoning_tokens", usage.reasoning()).done();
    return JsonWriter.object(256)
        .number("input_tokens", usage.input())
        .raw("input_tokens_details", input)
        .number("output_tokens", usage.output())
        .raw("output_tokens_details", output)
        .number("total_tokens", usage.total())
        .done();
  }
}
