package io.heddle.upstream;

import io.heddle.base.UntrustedJson;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/**
 * What a server says about why it failed, in the forms that are about: OpenAI's {@code
 * {"error":{…}}}, an error that is a string, and a bare object with {@code message} or {@code
 * detail}.
 *
 * @param code a word, {@code context_length_exceeded}
 * @param status an HTTP status, when the error has one of its own; else 0
 */
record ServerError(
    @Nullable String message, @Nullable String type, @Nullable String code, int status) {

  private static final JsonFactory FACTORY = UntrustedJson.factory();
  private static final ServerError NONE = new ServerError(null, null, null, 0);
  private static final int LONGEST_WORD = 64;

  /** Of the body of an answer with an error's status; whatever the body is. */
  static ServerError of(byte[] body, boolean isText) {
    try (JsonParser in = FACTORY.createParser(ObjectReadContext.empty(), body)) {
      if (in.nextToken() == JsonToken.START_OBJECT) {
        return read(in);
      }
    } catch (JacksonException | ChatChunk.NotAChunk e) {
      // Not JSON, or cut off.
    }
    return isText ? new ServerError(new String(body, StandardCharsets.UTF_8), null, null, 0) : NONE;
  }

  /** Of the value that the parser is at. */
  static ServerError read(JsonParser in) {
    if (in.currentToken() == JsonToken.VALUE_STRING) {
      return new ServerError(in.getString(), null, null, 0);
    }
    if (in.currentToken() != JsonToken.START_OBJECT) {
      in.skipChildren();
      return NONE;
    }
    Members members = new Members();
    ServerError inner = null;
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      if (name.equals("error") && in.currentToken() != JsonToken.VALUE_NULL) {
        inner = read(in);
      } else {
        members.take(name, in);
      }
    }
    return inner == null ? members.error() : inner;
  }

  /** Whether it finds the request wrong, and not itself. */
  boolean blamesTheRequest() {
    return status == 400
        || status == 404
        || status == 413
        || status == 422
        || "invalid_request_error".equals(type)
        || "BadRequestError".equals(type)
        || "context_length_exceeded".equals(code);
  }

  /** Whether it has no room now. */
  boolean isBusy() {
    return status == 429
        || status == 502
        || status == 503
        || status == 504
        || status == 529
        || "rate_limit_exceeded".equals(code)
        || "overloaded_error".equals(type);
  }

  /** Members of an error, picked up one by one. */
  static final class Members {
    private @Nullable String message;
    private @Nullable String type;
    private @Nullable String code;
    private int status;

    /** Takes a member's value, or skips it. */
    void take(String name, JsonParser in) {
      boolean isString = in.currentToken() == JsonToken.VALUE_STRING;
      boolean isNumber = in.currentToken() == JsonToken.VALUE_NUMBER_INT;
      if (isString && (name.equals("message") || name.equals("detail"))) {
        message = in.getString();
      } else if (isString && name.equals("type")) {
        type = word(in.getString());
      } else if (isString && name.equals("code")) {
        String said = in.getString();
        if (said.matches("[1-5][0-9]{2}")) {
          status = Integer.parseInt(said);
        } else {
          code = word(said);
        }
      } else if (isNumber && (name.equals("code") || name.equals("status"))) {
        status = in.getStringLength() == 3 ? in.getIntValue() : status;
      } else {
        in.skipChildren();
      }
    }

    ServerError error() {
      return new ServerError(message, type, code, status);
    }

    private static @Nullable String word(String text) {
      boolean sound = text.chars().allMatch(c -> c > 0x20 && c < 0x7f);
      return text.length() <= LONGEST_WORD && sound ? text : null;
    }
  }
}
