package io.heddle.api;

import io.heddle.json.Json;
import io.heddle.json.JsonReader;
import io.heddle.session.NewMessage;
import io.heddle.session.OnBusy;
import io.heddle.turn.TurnSpec;
import io.heddle.web.Query;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What {@code POST …/turns} takes. */
record TurnBody(
    List<NewMessage> input,
    @Nullable String model,
    Json parameters,
    boolean stream,
    OnBusy onBusy) {

  private static final int MAX_MODEL = 256;
  private static final int PARAMETERS = 256;

  /** What stands elsewhere in a turn, or would make several answers of one. */
  private static final Set<String> NO_PARAMETERS =
      Set.of("model", "messages", "stream", "stream_options", "n");

  static TurnBody read(JsonReader in, int maxMessage) {
    List<NewMessage> input = null;
    String model = null;
    Json parameters = Json.EMPTY_OBJECT;
    boolean stream = false;
    OnBusy onBusy = OnBusy.ENQUEUE;
    Set<String> seen = new HashSet<>();
    in.object();
    while (in.nextMember(seen)) {
      switch (in.name()) {
        case "content" -> input = input(input, content(in, maxMessage), in);
        case "messages" -> input = input(input, new MessageShape(in, maxMessage).list(0), in);
        case "model" -> model = model(in);
        case "parameters" -> parameters = parameters(in);
        case "stream" -> stream = in.bool();
        case "onBusy" -> onBusy = onBusy(in);
        default -> throw in.unknownField();
      }
    }
    return new TurnBody(given(input), model, parameters, stream, onBusy);
  }

  TurnSpec order(@Nullable Duration cacheFor) {
    return order(input, model, parameters, onBusy, cacheFor);
  }

  static TurnSpec order(
      List<NewMessage> input,
      @Nullable String model,
      Json parameters,
      OnBusy onBusy,
      @Nullable Duration cacheFor) {
    return new TurnSpec(input, model, null, parameters, onBusy, cacheFor, Json.EMPTY_OBJECT);
  }

  // ---- the members, which are the same over a socket

  static List<NewMessage> content(JsonReader in, int maxMessage) {
    return List.of(new MessageShape(in, maxMessage).user());
  }

  static @Nullable String model(JsonReader in) {
    return in.isNull() ? null : in.string(1, MAX_MODEL);
  }

  static Json parameters(JsonReader in) {
    return in.isNull() ? Json.EMPTY_OBJECT : in.copyObject(PARAMETERS, NO_PARAMETERS);
  }

  static OnBusy onBusy(JsonReader in) {
    if (in.isNull()) {
      return OnBusy.ENQUEUE;
    }
    OnBusy onBusy = in.isString() ? OnBusy.of(in.string(0, 1 << 20)) : null;
    if (onBusy == null) {
      throw in.refuse("must be one of enqueue, reject, interrupt, rollback");
    }
    return onBusy;
  }

  /** An empty list of messages asks for an answer to the thread as it is; that must be said. */
  static List<NewMessage> given(@Nullable List<NewMessage> input) {
    if (input == null) {
      throw Query.refuse("content", "is missing, and messages too");
    }
    return input;
  }

  private static List<NewMessage> input(
      @Nullable List<NewMessage> before, List<NewMessage> read, JsonReader in) {
    if (before != null) {
      throw in.refuse("stands beside the other of content and messages");
    }
    return read;
  }
}
