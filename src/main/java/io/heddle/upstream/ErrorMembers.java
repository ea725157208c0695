package io.heddle.upstream;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/** Members of an error, picked up one by one, under all the names that servers have for them. */
final class ErrorMembers {

  private static final int LONGEST_WORD = 64;
  private static final int LONGEST_PATH = 256;

  /** Of a list of errors more would not be shown. */
  private static final int MOST_OF_LIST = 5;

  private static final int NO_MESSAGE = 100;

  private @Nullable String message;
  private int rank = NO_MESSAGE;
  private @Nullable ErrorMembers inner;
  private @Nullable String type;
  private @Nullable String code;
  private @Nullable String param;
  private @Nullable String place;
  private int status;
  private boolean isError;
  private @Nullable String behind;
  private @Nullable Duration pause;

  /**
   * Of an object that is an error if it is no answer, without a member that means something else.
   */
  static ErrorMembers of(Members object, String except) {
    ErrorMembers error = new ErrorMembers();
    object
        .all()
        .forEach((name, value) -> {
          if (!name.equals(except)) {
            try (JsonParser in = ServerJson.parser(value)) {
              error.take(name, in);
            }
          }
        });
    return error;
  }

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
      case START_OBJECT -> ServerJson.eachMember(in, name -> take(name, in));
      case START_ARRAY -> list(in);
      default -> {
        // A flag or a number says nothing.
      }
    }
  }

  private void list(JsonParser in) {
    int taken = 0;
    while (in.nextToken() != JsonToken.END_ARRAY) {
      ErrorMembers one = new ErrorMembers();
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
      pause = pause == null ? error.pause() : pause;
    }
  }

  /** Takes a member's value, or skips it. */
  void take(String name, JsonParser in) {
    switch (name) {
      case "error", "errors", "Error" -> nested(in);
      case "ResponseMetadata", "Response" -> frame(in);
      case "metadata" -> metadata(in);
      case "details" -> details(in);
      case "retryDelay", "retry_after", "retryAfter", "estimated_time" -> {
        String said = LenientValues.scalar(in);
        pause = said == null || pause != null ? pause : RetryWait.of(said);
      }
      case "message" -> message(in, 0);
      case "detail" -> {
        boolean isStruct = in.currentToken().isStructStart();
        message(in, 1);
        isError |= isStruct && rank == 1;
      }
      case "msg", "status_msg", "error_msg", "error_message", "errorMessage" -> message(in, 2);
      case "error_description", "description", "reason" -> message(in, 3);
      case "title" -> message(in, 4);
      case "Message" -> message(in, 5);
      case "loc" -> place = place(in);
      case "param" -> {
        if (in.currentToken() == JsonToken.VALUE_STRING) {
          param = word(in.getString(), LONGEST_PATH);
        }
        in.skipChildren();
      }
      case "type", "error_type", "__type" -> {
        if (in.currentToken() == JsonToken.VALUE_STRING) {
          type = word(in.getString());
        }
        in.skipChildren();
      }
      case "code", "Code", "error_code", "status", "status_code", "statusCode" -> code(name, in);
      default -> {
        if (name.endsWith("Exception")) {
          // Amazon's errors have their names.
          nested(in);
        }
        in.skipChildren();
      }
    }
  }

  /** What some servers have around an error, and around an answer. */
  private void frame(JsonParser in) {
    ServerJson.eachMember(
        in,
        name -> {
          if (name.equals("Error")) {
            nested(in);
          }
        });
  }

  /** Google says there how long to wait. */
  private void details(JsonParser in) {
    if (in.currentToken() != JsonToken.START_ARRAY) {
      in.skipChildren();
      return;
    }
    while (in.nextToken() != JsonToken.END_ARRAY) {
      ServerJson.eachMember(
          in,
          name -> {
            if (name.equals("retryDelay")) {
              take(name, in);
            }
          });
    }
  }

  /** A router has there what the server behind it said. */
  private void metadata(JsonParser in) {
    ServerJson.eachMember(
        in,
        name -> {
          if (name.equals("raw") && in.currentToken() == JsonToken.VALUE_STRING) {
            byte[] said = in.getString().getBytes(StandardCharsets.UTF_8);
            String raw = ServerError.of(said, true).message();
            behind = raw == null || raw.isBlank() ? null : raw;
          }
        });
  }

  private void nested(JsonParser in) {
    if (in.currentToken() == JsonToken.VALUE_NULL || in.currentToken() == JsonToken.VALUE_FALSE) {
      return;
    }
    ErrorMembers within = new ErrorMembers();
    // One that says nothing does not hide the next; and what is cut off within counts.
    inner = inner == null || !inner.hasMessage() ? within : inner;
    within.value(in);
    isError |= within.hasMessage();
  }

  private void message(JsonParser in, int as) {
    if (in.currentToken() == JsonToken.VALUE_STRING) {
      words(in.getString(), as);
    } else if (in.currentToken().isStructStart()) {
      ServerError within = ServerError.read(in);
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
      int number = Integer.parseInt(said);
      // Some servers have the status of their answer beside the error.
      status = number >= 300 ? number : status;
    } else if (!said.matches("-?0*") && !name.equals("status") && !name.equals("statusCode")) {
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
              status(within.status()),
              within.pause() == null ? pause : within.pause())
          .named();
    }
    String words = message == null || place == null ? message : place + ": " + message;
    if (words != null && behind != null && !behind.equals(words)) {
      words = words + ": " + behind;
    }
    return new ServerError(words, type, code, first(param, ofBody()), status, pause).named();
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
