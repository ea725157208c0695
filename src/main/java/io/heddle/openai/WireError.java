package io.heddle.openai;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.Refusals;
import io.heddle.json.Json;
import io.heddle.json.JsonWriter;
import io.heddle.web.BytesResponse;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;

/**
 * An error as clients of OpenAI know it. They look at {@code x-should-retry} before the status, and
 * repeat 408, 409, 429 and 5xx by themselves when it is not there: so it is said wherever the
 * status alone would mislead them.
 *
 * @param param the field of the request that is wrong
 * @param repeat whether the same request may be sent again; null when the status says enough
 * @param afterMillis when it may be; 0 for the client's own choice
 */
record WireError(
    int status,
    String message,
    String type,
    @Nullable String param,
    @Nullable String code,
    @Nullable Boolean repeat,
    long afterMillis) {

  /** The member of a problem that says OpenAI's code for it. */
  static final String CODE = "openai";

  /** The member of a problem that says which parameter the model's server refused. */
  static final String PARAM = "upstreamParam";

  static final String INVALID = "invalid_request_error";
  static final String SERVER = "server_error";

  private static final Set<String> MODELS =
      Set.of(
          "context_length_exceeded",
          "content_policy_violation",
          "content_filter",
          "invalid_prompt",
          "invalid_value",
          "invalid_type",
          "unsupported_value",
          "missing_required_parameter",
          "unknown_parameter",
          "invalid_function_parameters",
          "invalid_image",
          "invalid_image_url",
          "invalid_image_format",
          "image_too_large",
          "image_too_small",
          "image_parse_error",
          "image_content_policy_violation",
          "image_file_too_large",
          "image_file_not_found",
          "invalid_base64_image",
          "invalid_image_mode",
          "unsupported_image_media_type",
          "empty_image_file",
          "failed_to_download_image",
          "invalid_json_schema",
          "invalid_encrypted_content",
          "string_above_max_length",
          "array_above_max_length",
          "integer_above_max_value",
          "integer_below_min_value",
          "decimal_above_max_value",
          "decimal_below_min_value");

  static final long LOCKED_MILLIS = 800;
  private static final String LOCKED =
      "Another process is currently operating on this conversation. Please retry in a few seconds.";

  static WireError invalid(@Nullable String param, String message) {
    return new WireError(400, message, INVALID, param, null, null, 0);
  }

  static WireError invalid(@Nullable String param, String code, String message) {
    return new WireError(400, message, INVALID, param, code, null, 0);
  }

  /** Something that OpenAI has and Heddle has not. */
  static WireError unsupported(String param, String what) {
    return invalid(param, "unsupported_parameter", what);
  }

  static WireError notFound(String message) {
    return new WireError(404, message, INVALID, null, null, null, 0);
  }

  static WireError locked() {
    return new WireError(
        400, LOCKED, INVALID, "conversation", "conversation_locked", true, LOCKED_MILLIS);
  }

  static WireError of(Problem problem) {
    ProblemCode code = problem.code();
    String param = problem.members().get("field") instanceof String field ? field : null;
    String detail = problem.detail();
    return switch (code) {
      case TURN_RUNNING, TURN_QUEUE_FULL, TURN_QUEUE_TIMEOUT, SESSION_LOCKED -> locked();
      // The session's end is told like one that never was, as OpenAI does.
      case SESSION_DELETED, SESSION_EXPIRED -> notFound(detail);
      case MODEL_NOT_FOUND -> noModel("model", detail);
      case MESSAGE_EXISTS ->
          invalid("items", "item_exists", "An item's id is taken in this conversation.");
      case SESSION_COMPLETE ->
          invalid("conversation", "conversation_complete", "The conversation takes no more items.");
      case MODEL_REFUSED -> refusedByModel(problem);
      case RATE_LIMITED -> limited(problem);
      case QUOTA_EXCEEDED -> tooMuch(problem);
      case NOT_FOUND -> new WireError(404, detail, INVALID, null, "unknown_url", null, 0);
      case INVALID_JSON -> invalid(null, "invalid_json", detail);
      case KEY_REUSED -> new WireError(422, detail, INVALID, null, "idempotency_error", false, 0);
      default ->
          new WireError(
              code.status(),
              detail,
              code.status() < 500 ? INVALID : SERVER,
              param,
              code.status() < 500 ? openAis(problem) : code.code().replace('-', '_'),
              repeat(code),
              seconds(problem) * 1000);
    };
  }

  private static @Nullable String openAis(Problem problem) {
    if (problem.members().get(CODE) instanceof String code) {
      return code;
    }
    return problem.code() == ProblemCode.INVALID_REQUEST ? "invalid_value" : null;
  }

  /** The same, after which the request must not be sent again: its effect stands. */
  WireError once() {
    return new WireError(status, message, type, param, code, false, 0);
  }

  /** Only where the status alone would mislead a client: it repeats just these. */
  private static @Nullable Boolean repeat(ProblemCode code) {
    int status = code.status();
    return status == 408 || status == 409 || status >= 500 ? (Boolean) code.retryable() : null;
  }

  private static WireError noModel(@Nullable String param, String message) {
    return new WireError(404, message, INVALID, param, "model_not_found", null, 0);
  }

  /** What the model's server says of the request is the caller's to mend. */
  private static WireError refusedByModel(Problem problem) {
    long upstream =
        problem.members().get("upstreamStatus") instanceof Number status ? status.longValue() : 0;
    String code = problem.members().get("upstreamCode") instanceof String said ? said : "";
    String param = problem.members().get(PARAM) instanceof String said ? said : null;
    boolean isNamed = code.equals("model_not_found") && upstream >= 400 && upstream < 500;
    if (isNamed || upstream == 404 && "model".equals(param)) {
      return noModel(param, problem.detail());
    }
    boolean isOpenAis = isModels(code) || code.equals("unsupported_parameter");
    return upstream >= 400 && upstream < 500 && upstream != 401 && upstream != 403
        ? invalid(param, isOpenAis ? code : "model_refused", problem.detail())
        : new WireError(502, problem.detail(), SERVER, null, "model_refused", false, 0);
  }

  /** Whether clients know a code of OpenAI's models, and Heddle does not give it a meaning. */
  static boolean isModels(String code) {
    return MODELS.contains(code);
  }

  private static WireError limited(Problem problem) {
    // Only what asks for more than one names how many.
    boolean tokens = problem.members().containsKey("requested");
    // What the limit never has enough for is not waited for.
    Boolean repeat = problem.members().containsKey("retryAfter") ? null : (Boolean) false;
    return new WireError(
        429,
        "Rate limit reached for " + (tokens ? "tokens" : "requests") + ": " + problem.detail(),
        tokens ? "tokens" : "requests",
        null,
        "rate_limit_exceeded",
        repeat,
        seconds(problem) * 1000);
  }

  /** What the caller has is not less after a while, unless that is said. */
  private static WireError tooMuch(Problem problem) {
    Boolean repeat = problem.members().containsKey("retryAfter") ? null : (Boolean) false;
    return new WireError(
        429,
        problem.detail(),
        "insufficient_quota",
        null,
        "insufficient_quota",
        repeat,
        seconds(problem) * 1000);
  }

  private static long seconds(Problem problem) {
    return problem.members().get("retryAfter") instanceof Number seconds ? seconds.longValue() : 0;
  }

  WireException toException() {
    return new WireException(this);
  }

  /** {@code {"error":{…}}}, with all four keys. */
  Json json() {
    Refusals.count(kind());
    Json error =
        JsonWriter.object(message.length() + 128)
            .string("message", message)
            .string("type", type)
            .string("param", param)
            .string("code", code)
            .done();
    return JsonWriter.object(message.length() + 160).raw("error", error).done();
  }

  /**
   * The same as a message of a socket.
   *
   * @param lane whose request it was about, or null
   */
  Json message(@Nullable String lane) {
    Refusals.count(kind());
    Json error =
        JsonWriter.object(message.length() + 128)
            .string("type", type)
            .string("code", code == null ? type : code)
            .string("message", message)
            .string("param", param)
            .done();
    JsonWriter out =
        JsonWriter.object(message.length() + 384)
            .string("type", "error")
            .number("status", status)
            .raw("error", error);
    if (lane != null) {
      out.string("stream_id", lane);
    }
    if (afterMillis > 0) {
      // Clients read them as they read those of an answer.
      out.raw(
          "headers",
          JsonWriter.object(96)
              .string("retry-after-ms", Long.toString(afterMillis))
              .string("retry-after", afterSeconds())
              .done());
    }
    return out.done();
  }

  private String afterSeconds() {
    return Long.toString((afterMillis + 999) / 1000);
  }

  /** The native problem that says the same, or the one that is nearest to it. */
  private ProblemCode kind() {
    for (ProblemCode one : ProblemCode.values()) {
      if (one.name().equalsIgnoreCase(code)) {
        return one;
      }
    }
    if (code != null && isModels(code)) {
      return ProblemCode.MODEL_REFUSED;
    }
    return switch (code) {
      case "conversation_locked" -> ProblemCode.SESSION_LOCKED;
      case "rate_limit_exceeded" -> ProblemCode.RATE_LIMITED;
      case "idempotency_error" -> ProblemCode.KEY_REUSED;
      case "item_exists" -> ProblemCode.MESSAGE_EXISTS;
      case "conversation_complete" -> ProblemCode.SESSION_COMPLETE;
      case null, default ->
          status == 404
              ? ProblemCode.NOT_FOUND
              : status < 500 ? ProblemCode.INVALID_REQUEST : ProblemCode.INTERNAL;
    };
  }

  BytesResponse answer() {
    BytesResponse answer = BytesResponse.json(status, json().utf8());
    if (repeat != null) {
      answer.header("x-should-retry", repeat.toString());
    }
    if (afterMillis > 0) {
      answer.header("retry-after-ms", Long.toString(afterMillis));
      answer.header(HttpHeaders.RETRY_AFTER, afterSeconds());
    }
    return answer;
  }
}
