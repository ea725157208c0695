package io.heddle.openai;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.json.Json;
import io.heddle.json.JsonParsers;
import io.heddle.json.JsonValue;
import io.heddle.session.NewMessage;
import io.heddle.session.SessionProperties;
import io.heddle.web.BodyReader;
import io.heddle.web.RequestContext;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import tools.jackson.core.json.JsonFactory;

/** Reads the bodies of the calls. Members that a call does not know are no error on this wire. */
final class RequestBodies {

  /** So many items may be added by one call: OpenAI takes 20, and not every client splits. */
  static final int MAX_ITEMS = 100;

  private final BodyReader reader;
  private final JsonFactory factory;
  private final long maxMessage;

  RequestBodies(BodyReader reader, SessionProperties properties) {
    this.reader = reader;
    this.factory = JsonParsers.factory(properties.maxNesting());
    this.maxMessage = properties.maxMessage().toBytes();
  }

  /**
   * A body that is a JSON object.
   *
   * @param bytes as they came
   */
  record Body(byte[] bytes, JsonValue fields) {}

  Mono<Body> object(RequestContext call) {
    return reader.json(call.exchange()).map(this::body);
  }

  /** The same, or an empty object when there is no body. */
  Mono<Body> objectOrNothing(RequestContext call) {
    return reader
        .jsonOrNothing(call.exchange())
        .map(bytes ->
            bytes.length == 0
                ? new Body(bytes, OpenAiJson.object(Json.EMPTY_OBJECT))
                : body(bytes));
  }

  /** A message of a socket, which must be a JSON object. */
  JsonValue message(byte[] bytes) {
    return OpenAiJson.read(factory, bytes).object();
  }

  private Body body(byte[] bytes) {
    JsonValue value = OpenAiJson.read(factory, bytes);
    // Some clients send null for nothing.
    return new Body(bytes, value.isNull() ? OpenAiJson.object(Json.EMPTY_OBJECT) : value.object());
  }

  /** The items of a call that adds them. */
  static List<JsonValue> items(@Nullable JsonValue items, int least) {
    if (items == null) {
      return List.of();
    }
    List<JsonValue> elements = items.array();
    if (elements.size() < least || elements.size() > MAX_ITEMS) {
      throw items.refuseAs(
          elements.size() < least ? "array_below_min_length" : "array_above_max_length",
          "has " + elements.size() + " items; " + least + " to " + MAX_ITEMS + " are allowed");
    }
    return elements;
  }

  /** One item, as the message it is stored as. */
  NewMessage newItem(JsonValue item) {
    return checked(ItemInput.message(item), item.path());
  }

  NewMessage checked(NewMessage message, String path) {
    if (message.body().length() > maxMessage) {
      throw Problem.field(
              ProblemCode.MESSAGE_TOO_LARGE,
              path,
              "'"
                  + path
                  + "' has "
                  + message.body().length()
                  + " bytes; at most "
                  + maxMessage
                  + " are allowed")
          .toException();
    }
    return message;
  }
}
