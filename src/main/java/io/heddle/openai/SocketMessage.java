package io.heddle.openai;

import io.heddle.base.ProblemException;
import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One message of a client on a socket.
 *
 * @param lane what it waits for: the messages of one lane are answered one after the other; empty
 *     for the one without a name
 * @param body the request for a response
 * @param generate whether the model is to be asked
 * @param wrong why it is no request; its answer waits for its turn as any other
 */
record SocketMessage(
    String lane, JsonValue body, byte[] bytes, boolean generate, @Nullable RuntimeException wrong) {

  private static final String LANE = "stream_id";
  private static final String CREATE = "response.create";
  private static final String RESPONSE = "response";
  private static final String GENERATE = "generate";
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_.-]{1,256}");
  private static final JsonValue NOTHING = OpenAiJson.object(Json.EMPTY_OBJECT);

  /** What a message has beside the body of a request, and what of that says nothing on a socket. */
  private static final Set<String> ENVELOPE =
      Set.of("type", "event_id", LANE, GENERATE, "stream", "stream_options");

  /**
   * @param known whether there may be a lane of that name
   */
  static SocketMessage read(RequestBodies bodies, byte[] bytes, Predicate<String> known) {
    String lane = "";
    try {
      JsonValue message = bodies.message(bytes);
      lane = lane(message.get(LANE));
      if (!lane.isEmpty() && !known.test(lane)) {
        throw tooMany();
      }
      String type = message.word("type");
      if (!type.equals(CREATE)) {
        throw WireError.invalid(
                "type", "invalid_value", "A message of the type '" + type + "' is not known here.")
            .toException();
      }
      // Some clients wrap the request as they do on the Realtime API.
      JsonValue wrapped = message.get(RESPONSE);
      JsonValue body = wrapped != null && wrapped.isObject() ? wrapped.object() : message;
      boolean generate = body.flag(GENERATE, message.flag(GENERATE, true));
      return new SocketMessage(lane, body.without(ENVELOPE), bytes, generate, null);
    } catch (WireException | ProblemException e) {
      return new SocketMessage(lane, NOTHING, bytes, true, e);
    }
  }

  private static String lane(@Nullable JsonValue name) {
    if (name == null) {
      return "";
    }
    if (!name.isString() || !NAME.matcher(name.text()).matches()) {
      throw WireError.invalid(
              LANE,
              "invalid_stream_id",
              "'stream_id' must be 1 to 256 letters, digits, underscores, hyphens and periods.")
          .toException();
    }
    return name.text();
  }

  private static WireException tooMany() {
    return WireError.invalid(
            LANE,
            "websocket_stream_limit_reached",
            "This connection has as many names of streams as it may ("
                + ResponsesSocket.MOST_LANES
                + "). Use one of them, or another connection.")
        .toException();
  }

  /** The response that it goes on from, if it is a request and says so. */
  @Nullable String previous() {
    String previous = body.word("previous_response_id");
    return previous.isEmpty() ? null : previous;
  }
}
