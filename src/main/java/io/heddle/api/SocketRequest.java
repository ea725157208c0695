package io.heddle.api;

import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.json.JsonReader;
import io.heddle.session.NewMessage;
import io.heddle.session.OnBusy;
import io.heddle.session.SessionProperties;
import io.heddle.web.Query;
import io.heddle.web.RequestHeaders;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What a client asks over a socket. */
sealed interface SocketRequest {

  String session();

  @Nullable String ref();

  record Watch(String session, @Nullable String ref, @Nullable Position since)
      implements SocketRequest {}

  record Unwatch(String session, @Nullable String ref) implements SocketRequest {}

  record Typing(String session, @Nullable String ref) implements SocketRequest {}

  /** One that changes something, and so is limited. */
  sealed interface Writing extends SocketRequest {}

  /**
   * On what terms something is written, as the headers say it over HTTP.
   *
   * @param create whether the session is made if it was never there
   * @param waitFor null when the client does not say
   */
  record On(
      boolean create,
      @Nullable String key,
      @Nullable String lock,
      List<Position> ifMatch,
      @Nullable Duration waitFor) {}

  record Append(String session, @Nullable String ref, List<NewMessage> messages, On on)
      implements Writing {}

  record Turn(
      String session,
      @Nullable String ref,
      List<NewMessage> input,
      @Nullable String model,
      Json parameters,
      OnBusy onBusy,
      On on)
      implements Writing {}

  record Cancel(String session, @Nullable String ref, String turn) implements Writing {}

  int MAX_REF = 128;

  /** What a refused request is answered with: which it was, as far as that can be told. */
  record Name(@Nullable String session, @Nullable String ref) {

    static Name read(JsonReader in) {
      String session = null;
      String ref = null;
      in.object();
      while (in.nextMember()) {
        String text = in.shortString(MAX_REF);
        if (text != null && in.name().equals("ref")) {
          ref = text;
        } else if (text != null && in.name().equals("session") && SessionKey.isId(text)) {
          session = text;
        }
      }
      return new Name(session, ref);
    }
  }

  static SocketRequest read(JsonReader in, int maxMessage) {
    return new Draft(maxMessage).read(in);
  }

  /** One that is being read. */
  final class Draft {
    private static final Set<String> ANY = Set.of("type", "session", "ref");
    private static final Set<String> WATCH = Set.of("since");
    private static final Set<String> APPEND =
        Set.of("message", "messages", "create", "key", "ifMatch", "lock", "wait");
    private static final Set<String> TURN =
        Set.of(
            "content",
            "messages",
            "model",
            "parameters",
            "onBusy",
            "create",
            "key",
            "ifMatch",
            "lock",
            "wait");
    private static final Set<String> CANCEL = Set.of("turn");

    private final int maxMessage;
    private final Set<String> given = new HashSet<>();
    private @Nullable String type;
    private @Nullable String session;
    private @Nullable String ref;
    private @Nullable Position since;
    private @Nullable List<NewMessage> messages;
    private @Nullable String turn;
    private @Nullable String model;
    private Json parameters = Json.EMPTY_OBJECT;
    private OnBusy onBusy = OnBusy.ENQUEUE;
    private boolean create;
    private @Nullable String key;
    private @Nullable String lock;
    private List<Position> ifMatch = List.of();
    private @Nullable Duration waitFor;

    Draft(int maxMessage) {
      this.maxMessage = maxMessage;
    }

    SocketRequest read(JsonReader in) {
      in.object();
      while (in.nextMember(given)) {
        member(in, in.name());
      }
      return build();
    }

    private void member(JsonReader in, String name) {
      switch (name) {
        case "type" -> type = in.string(1, 64);
        case "session" -> session = SessionBody.id(in);
        case "ref" -> ref = in.isNull() ? null : in.string(0, MAX_REF);
        case "since" ->
            since = in.isNull() ? null : RequestHeaders.position(name, in.string(1, 64));
        case "message" -> add(List.of(new MessageShape(in, maxMessage).one()), in);
        case "messages" -> add(new MessageShape(in, maxMessage).list(0), in);
        case "content" -> add(TurnBody.content(in, maxMessage), in);
        case "turn" -> turn = in.string(1, 1 << 10);
        case "model" -> model = TurnBody.model(in);
        case "parameters" -> parameters = TurnBody.parameters(in);
        case "onBusy" -> onBusy = TurnBody.onBusy(in);
        case "create" -> create = in.bool();
        case "key" -> key = in.isNull() ? null : RequestHeaders.key(name, in.string(0, 1 << 16));
        case "lock" -> lock = in.isNull() ? null : RequestHeaders.lock(name, in.string(0, 1 << 16));
        case "ifMatch" ->
            ifMatch =
                in.isNull()
                    ? List.of()
                    : RequestHeaders.ifMatch(name, List.of(in.string(1, 1 << 16)));
        case "wait" ->
            waitFor =
                in.isNull()
                    ? null
                    : Duration.ofSeconds(in.integer(0, SessionProperties.MAX_WAIT.toSeconds()));
        default -> throw in.unknownField();
      }
    }

    private void add(List<NewMessage> read, JsonReader in) {
      if (messages != null) {
        throw Query.refuse(in.name(), "stands beside other messages of the request");
      }
      messages = read;
    }

    private SocketRequest build() {
      if (type == null) {
        throw Query.refuse("type", "is missing");
      }
      Set<String> own =
          switch (type) {
            case "watch" -> WATCH;
            case "unwatch", "typing" -> Set.of();
            case "append" -> APPEND;
            case "turn" -> TURN;
            case "cancel" -> CANCEL;
            default ->
                throw Query.refuse(
                    "type", "must be one of watch, unwatch, append, turn, cancel, typing");
          };
      for (String name : given) {
        if (!ANY.contains(name) && !own.contains(name)) {
          throw Problem.field(
                  ProblemCode.UNKNOWN_FIELD, name, "A " + type + " does not have the field " + name)
              .toException();
        }
      }
      if (session == null) {
        throw Query.refuse("session", "is missing");
      }
      return switch (type) {
        case "watch" -> new Watch(session, ref, since);
        case "unwatch" -> new Unwatch(session, ref);
        case "typing" -> new Typing(session, ref);
        case "turn" ->
            new Turn(session, ref, TurnBody.given(messages), model, parameters, onBusy, on());
        case "cancel" -> {
          if (turn == null) {
            throw Query.refuse("turn", "is missing");
          }
          yield new Cancel(session, ref, turn);
        }
        default -> {
          if (messages == null || messages.isEmpty()) {
            throw Query.refuse(
                "messages", messages == null ? "is missing" : "must have at least one message");
          }
          yield new Append(session, ref, messages, on());
        }
      };
    }

    private On on() {
      return new On(create, key, lock, ifMatch, waitFor);
    }
  }
}
