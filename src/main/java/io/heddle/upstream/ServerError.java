package io.heddle.upstream;

import io.heddle.json.JsonParsers;
import io.heddle.json.JsonValue;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * What a server says about why it failed, in the forms that are about: OpenAI's {@code
 * {"error":{…}}}, an error that is a string, a bare object with {@code message} or {@code detail},
 * and lists of any of them.
 *
 * @param code a word, {@code context_length_exceeded}
 * @param param where in the request it is wrong, {@code tools[0].function.name}
 * @param status an HTTP status, when the error has one of its own; else 0
 * @param pause what the server asks to wait before the next try, or null
 */
record ServerError(
    @Nullable String message,
    @Nullable String type,
    @Nullable String code,
    @Nullable String param,
    int status,
    @Nullable Duration pause) {

  static final String CONTEXT_LENGTH = "context_length_exceeded";

  private static final Set<Integer> WRONG_REQUEST = Set.of(400, 404, 413, 422);

  private static final Set<String> WRONG_REQUEST_TYPES =
      Set.of(
          "invalid_request_error",
          "not_found_error",
          "request_too_large",
          "BadRequestError",
          "validation");

  private static final Set<Integer> BUSY = Set.of(429, 498, 502, 503, 504, 529);
  private static final Set<String> BUSY_TYPES =
      Set.of("rate_limit_error", "overloaded_error", "overloaded");

  /** How servers that have no code for it say that the thread is too long for the model. */
  private static final List<String> TOO_LONG =
      List.of(
          "maximum context length",
          "context length exceeded",
          "exceeds the context length",
          "context length is only",
          "context length of only",
          "than the context length",
          "context size has been exceeded",
          "exceeded model token limit",
          "maximum prompt length is",
          "prompt exceeds max length",
          "range of input length should be",
          "too many tokens: size limit exceeded",
          "less than max_seq_len",
          "maximum model length",
          CONTEXT_LENGTH,
          "exceeds the available context size",
          "context window",
          "prompt is too long",
          "exceed context limit",
          "input is too long",
          "input token count",
          "maximum number of tokens allowed",
          "too large for model with",
          "reduce the length of the messages");

  /** Of the body of an answer with an error's status; whatever the body is. */
  static ServerError of(byte[] body, boolean isText) {
    ErrorMembers members = new ErrorMembers();
    byte[] json = withoutField(body);
    try (JsonParser in = JsonParsers.parser(json)) {
      JsonToken first = in.nextToken();
      if (first != null && (first.isStructStart() || first == JsonToken.VALUE_STRING)) {
        members.value(in);
        return members.error();
      }
    } catch (JacksonException e) {
      // Not JSON, or cut off: what was read before it counts.
      if (members.hasMessage()) {
        return members.error();
      }
    }
    return isText && !startsLikeJson(json)
        ? new ServerError(new String(body, StandardCharsets.UTF_8), null, null, null, 0, null)
        : members.error();
  }

  /** Of a value that was found in an answer. */
  static ServerError of(JsonValue value) {
    try (JsonParser in = ServerJson.parser(value)) {
      return read(in);
    }
  }

  /** Of the value that the parser is at. */
  static ServerError read(JsonParser in) {
    ErrorMembers members = new ErrorMembers();
    members.value(in);
    return members.error();
  }

  /** Whether an event of this type is an error, whatever it says. */
  static boolean isType(String event) {
    return event.equalsIgnoreCase("error");
  }

  /** The same with what stands beside it, where it does not say so itself. */
  ServerError beside(ServerError other) {
    return new ServerError(
        message == null ? other.message : message,
        type == null ? other.type : type,
        code == null ? other.code : code,
        param == null ? other.param : param,
        status == 0 ? other.status : status,
        pause == null ? other.pause : pause);
  }

  boolean isEmpty() {
    return message == null && type == null && code == null && status == 0;
  }

  /** An error in the form of an event: some servers go on like in a stream. */
  private static byte[] withoutField(byte[] body) {
    String text = new String(body, StandardCharsets.UTF_8).stripLeading();
    if (!text.startsWith("data:") && !text.startsWith("event:")) {
      return body;
    }
    int data = text.startsWith("data:") ? 0 : text.indexOf("\ndata:") + 1;
    int end = text.indexOf('\n', data);
    return text.substring(Math.min(data + 5, text.length()), end < data + 5 ? text.length() : end)
        .getBytes(StandardCharsets.UTF_8);
  }

  private static boolean startsLikeJson(byte[] body) {
    for (byte each : body) {
      if (each > ' ') {
        return each == '{' || each == '[' || each == '<';
      }
    }
    return false;
  }

  /** Whether it finds the request wrong, and not itself. */
  boolean blamesTheRequest() {
    return WRONG_REQUEST.contains(status)
        || type != null && WRONG_REQUEST_TYPES.contains(type)
        || CONTEXT_LENGTH.equals(code);
  }

  /** Whether it has no room now. */
  boolean isBusy() {
    return BUSY.contains(status)
        || type != null && BUSY_TYPES.contains(type)
        || "rate_limit_exceeded".equals(code);
  }

  /** The same with OpenAI's code where only the words have its meaning. */
  ServerError named() {
    if (CONTEXT_LENGTH.equals(code) || status >= 500 || status == 429) {
      return this;
    }
    String words = message == null ? "" : message.toLowerCase(Locale.ROOT);
    boolean tooLong =
        "exceed_context_size_error".equals(type) || TOO_LONG.stream().anyMatch(words::contains);
    return tooLong ? new ServerError(message, type, CONTEXT_LENGTH, param, status, pause) : this;
  }
}
