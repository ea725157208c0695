package io.heddle.upstream;

import io.heddle.json.JsonParsers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
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
        message,
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
    return status == 400
        || status == 404
        || status == 413
        || status == 422
        || "invalid_request_error".equals(type)
        || "not_found_error".equals(type)
        || "request_too_large".equals(type)
        || "BadRequestError".equals(type)
        || "validation".equals(type)
        || CONTEXT_LENGTH.equals(code);
  }

  /** Whether it has no room now. */
  boolean isBusy() {
    return status == 429
        || status == 498
        || status == 502
        || status == 503
        || status == 504
        || status == 529
        || "rate_limit_exceeded".equals(code)
        || "rate_limit_error".equals(type)
        || "overloaded_error".equals(type)
        || "overloaded".equals(type);
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
