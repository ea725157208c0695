package io.heddle.upstream;

import io.heddle.base.UntrustedJson;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/**
 * What a server says about why it failed, in the forms that are about: OpenAI's {@code
 * {"error":{…}}}, an error that is a string, a bare object with {@code message} or {@code detail},
 * and lists of any of them.
 *
 * @param code a word, {@code context_length_exceeded}
 * @param param where in the request it is wrong, {@code tools[0].function.name}
 * @param status an HTTP status, when the error has one of its own; else 0
 */
record ServerError(
    @Nullable String message,
    @Nullable String type,
    @Nullable String code,
    @Nullable String param,
    int status) {

  static final String CONTEXT_LENGTH = "context_length_exceeded";

  private static final JsonFactory FACTORY = UntrustedJson.factory();
  private static final int LONGEST_WORD = 64;
  private static final int LONGEST_PATH = 256;

  /** Of a list of errors more would not be shown. */
  private static final int MOST_OF_LIST = 5;

  /** How servers that have no code for it say that the thread is too long for the model. */
  private static final List<String> TOO_LONG =
      List.of(
          "maximum context length",
          "context length exceeded",
          "exceeds the context length",
          "context length is only",
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
    Members members = new Members();
    byte[] json = withoutField(body);
    try (JsonParser in = FACTORY.createParser(ObjectReadContext.empty(), json)) {
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
        ? new ServerError(new String(body, StandardCharsets.UTF_8), null, null, null, 0)
        : members.error();
  }

  /** Of the value that the parser is at. */
  static ServerError read(JsonParser in) {
    Members members = new Members();
    members.value(in);
    return members.error();
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
        || CONTEXT_LENGTH.equals(code);
  }

  /** Whether it has no room now. */
  boolean isBusy() {
    return status == 429
        || status == 502
        || status == 503
        || status == 504
        || status == 529
        || "rate_limit_exceeded".equals(code)
        || "rate_limit_error".equals(type)
        || "overloaded_error".equals(type);
  }

  /** Members of an error, picked up one by one. */
  static final class Members {
    private static final int NO_MESSAGE = 100;

    private @Nullable String message;
    private int rank = NO_MESSAGE;
    private @Nullable Members inner;
    private @Nullable String type;
    private @Nullable String code;
    private @Nullable String param;
    private @Nullable String place;
    private int status;
    private boolean isError;

    boolean hasMessage() {
      return message != null || (inner != null && inner.hasMessage());
    }

    /** Whether an object with these members, and without an answer, can only be an error. */
    boolean isError() {
      boolean typed = type != null && type.toLowerCase(Locale.ROOT).contains("error");
      return isError || (message != null && (typed || code != null || status >= 400));
    }

    /** Takes a whole value: words, an object, or a list of them. */
    void value(JsonParser in) {
      switch (in.currentToken()) {
        case VALUE_STRING -> words(in.getString(), 0);
        case START_OBJECT -> {
          while (in.nextToken() != JsonToken.END_OBJECT) {
            String name = in.currentName();
            in.nextToken();
            take(name, in);
          }
        }
        case START_ARRAY -> list(in);
        default -> {
          // A flag or a number says nothing.
        }
      }
    }

    private void list(JsonParser in) {
      int taken = 0;
      while (in.nextToken() != JsonToken.END_ARRAY) {
        Members one = new Members();
        one.value(in);
        ServerError error = one.error();
        if (error.message() != null && taken++ < MOST_OF_LIST) {
          message = message == null ? error.message() : message + "; " + error.message();
          rank = 0;
        }
        type = type == null ? error.type() : type;
        code = code == null ? error.code() : code;
        param = param == null ? error.param() : param;
        status = status == 0 ? error.status() : status;
      }
    }

    /** Takes a member's value, or skips it. */
    void take(String name, JsonParser in) {
      switch (name) {
        case "error", "errors" -> nested(in);
        case "message" -> message(in, 0);
        case "detail" -> {
          boolean isStruct = in.currentToken().isStructStart();
          message(in, 1);
          isError |= isStruct && rank == 1;
        }
        case "msg", "status_msg", "error_msg", "error_message", "errorMessage" -> message(in, 2);
        case "error_description", "description", "reason" -> message(in, 3);
        case "title" -> message(in, 4);
        case "loc" -> place = place(in);
        case "param" -> {
          if (in.currentToken() == JsonToken.VALUE_STRING) {
            param = word(in.getString(), LONGEST_PATH);
          }
          in.skipChildren();
        }
        case "type" -> {
          if (in.currentToken() == JsonToken.VALUE_STRING) {
            type = word(in.getString());
          }
          in.skipChildren();
        }
        case "code", "status", "status_code", "statusCode" -> code(name, in);
        default -> in.skipChildren();
      }
    }

    private void nested(JsonParser in) {
      if (in.currentToken() == JsonToken.VALUE_NULL || in.currentToken() == JsonToken.VALUE_FALSE) {
        return;
      }
      Members within = new Members();
      inner = inner == null ? within : inner;
      within.value(in);
      isError |= within.hasMessage();
    }

    private void message(JsonParser in, int as) {
      if (in.currentToken() == JsonToken.VALUE_STRING) {
        words(in.getString(), as);
      } else if (in.currentToken().isStructStart()) {
        ServerError within = read(in);
        if (within.message() != null) {
          words(within.message(), as);
        }
        type = type == null ? within.type() : type;
        code = code == null ? within.code() : code;
        param = param == null ? within.param() : param;
        status = status == 0 ? within.status() : status;
      }
    }

    private void words(String said, int as) {
      if (as < rank && !said.isBlank()) {
        message = said;
        rank = as;
      }
    }

    /** Where in the request it is wrong, {@code body.messages.0}. */
    private static @Nullable String place(JsonParser in) {
      if (in.currentToken() != JsonToken.START_ARRAY) {
        in.skipChildren();
        return null;
      }
      StringBuilder all = new StringBuilder();
      while (in.nextToken() != JsonToken.END_ARRAY) {
        if (in.currentToken().isScalarValue() && all.length() < LONGEST_WORD) {
          all.append(all.isEmpty() ? "" : ".").append(in.getString());
        } else {
          in.skipChildren();
        }
      }
      return all.isEmpty() ? null : all.toString();
    }

    private void code(String name, JsonParser in) {
      boolean isNumber = in.currentToken() == JsonToken.VALUE_NUMBER_INT;
      if (!isNumber && in.currentToken() != JsonToken.VALUE_STRING) {
        in.skipChildren();
        return;
      }
      String said = in.getString();
      if (said.matches("[1-5][0-9]{2}")) {
        status = Integer.parseInt(said);
      } else if (!said.matches("-?0*") && (name.equals("code") || name.equals("status_code"))) {
        code = word(said);
      }
    }

    ServerError error() {
      ServerError within = inner == null ? null : inner.error();
      if (within != null && !within.isEmpty()) {
        String words = within.message() == null ? message : within.message();
        return new ServerError(
                words,
                first(within.type(), type),
                first(within.code(), code),
                first(within.param(), param),
                status(within.status()))
            .named();
      }
      String words = message == null || place == null ? message : place + ": " + message;
      return new ServerError(words, type, code, first(param, ofBody()), status).named();
    }

    /** The same without the name of what all of it stands in. */
    private @Nullable String ofBody() {
      return place != null && place.startsWith("body.") ? place.substring(5) : null;
    }

    private int status(int within) {
      return within == 0 ? status : within;
    }

    private static @Nullable String first(@Nullable String one, @Nullable String other) {
      return one == null ? other : one;
    }

    private static @Nullable String word(String text) {
      return word(text, LONGEST_WORD);
    }

    private static @Nullable String word(String text, int longest) {
      boolean sound = text.chars().allMatch(c -> c > 0x20 && c < 0x7f);
      return !text.isEmpty() && text.length() <= longest && sound ? text : null;
    }
  }

  /** The same with OpenAI's code where only the words have its meaning. */
  private ServerError named() {
    if (CONTEXT_LENGTH.equals(code) || status >= 500 || status == 429) {
      return this;
    }
    String words = message == null ? "" : message.toLowerCase(Locale.ROOT);
    boolean tooLong =
        "exceed_context_size_error".equals(type) || TOO_LONG.stream().anyMatch(words::contains);
    return tooLong ? new ServerError(message, type, CONTEXT_LENGTH, param, status) : this;
  }
}
