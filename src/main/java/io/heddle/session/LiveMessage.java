package io.heddle.session;

import io.heddle.json.Json;
import io.heddle.json.JsonParsers;
import io.heddle.json.JsonWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * One message of a session's {@link LiveChannel}. {@link #toJson} and {@link #parse} are the only
 * codec of its bytes; replicas of other releases read and send them too.
 */
public sealed interface LiveMessage {

  /**
   * The log of a running turn took events.
   *
   * @param seq of the first of them; 0 when it is not known
   * @param events as the log has them, perhaps none
   */
  record TurnFlushed(TurnAttempt attempt, long seq, List<Json> events) implements LiveMessage {

    /** How its bytes begin, before the seq, for an engine that puts the rest behind it. */
    public static byte[] prefix(TurnAttempt attempt) {
      return open(attempt).toBytes();
    }

    private static JsonWriter open(TurnAttempt attempt) {
      JsonWriter out = new JsonWriter(256).ascii("{\"turn\":\"").ascii(attempt.turn());
      return out.ascii("\",\"attempt\":").number(attempt.attempt()).ascii(",\"seq\":");
    }
  }

  /** Somebody asked that a turn ends: its owner, who may be waiting for its model, looks. */
  record TurnCancelled(String turn) implements LiveMessage {}

  /** A client's lock was released. */
  record LockReleased() implements LiveMessage {}

  /** A user is writing something. */
  record Typing(String user) implements LiveMessage {}

  /** A replica asks the others to tell who watches there. */
  record PresenceAsked(String replica) implements LiveMessage {}

  /** A replica tells who watches there. */
  record PresenceTold(String replica, List<String> users) implements LiveMessage {}

  default Json toJson() {
    return switch (this) {
      case TurnFlushed(TurnAttempt attempt, long seq, List<Json> events) -> {
        JsonWriter out = TurnFlushed.open(attempt).number(seq).ascii(",\"events\":[");
        for (int i = 0; i < events.size(); i++) {
          (i == 0 ? out : out.ascii(",")).raw(events.get(i));
        }
        yield out.ascii("]}").toJson();
      }
      case TurnCancelled(String turn) -> Json.of("{\"turn\":\"" + turn + "\",\"cancel\":true}");
      case LockReleased _ -> Json.of("{\"released\":true}");
      case Typing(String user) ->
          new JsonWriter(96).ascii("{\"typing\":").string(user).ascii("}").toJson();
      case PresenceAsked(String replica) -> Json.of("{\"who\":\"" + replica + "\"}");
      case PresenceTold(String replica, List<String> users) -> {
        JsonWriter out = new JsonWriter(128).ascii("{\"replica\":\"").ascii(replica);
        out.ascii("\",\"users\":[");
        for (int i = 0; i < users.size(); i++) {
          (i == 0 ? out : out.ascii(",")).string(users.get(i));
        }
        yield out.ascii("]}").toJson();
      }
    };
  }

  /** Null for what cannot be read, or is a message of a newer Heddle. */
  static @Nullable LiveMessage parse(byte[] utf8) {
    try (JsonParser in = JsonParsers.parser(utf8)) {
      return in.nextToken() == JsonToken.START_OBJECT ? parse(in, utf8) : null;
    } catch (JacksonException _) {
      return null;
    }
  }

  private static @Nullable LiveMessage parse(JsonParser in, byte[] utf8) {
    String turn = null;
    int attempt = 0;
    long seq = 0;
    String replica = "";
    List<String> users = List.of();
    LiveMessage message = null;
    while (in.nextToken() == JsonToken.PROPERTY_NAME) {
      String name = in.currentName();
      JsonToken value = in.nextToken();
      switch (name) {
        case "turn" -> turn = in.getValueAsString();
        case "attempt" -> attempt = in.getValueAsInt();
        case "seq" -> seq = in.getValueAsLong();
        case "events" -> {
          // They are the last member, behind what says whose they are.
          if (turn != null && value == JsonToken.START_ARRAY) {
            message = new TurnFlushed(new TurnAttempt(turn, attempt), seq, events(in, utf8));
          }
        }
        case "cancel" -> message = turn == null ? null : new TurnCancelled(turn);
        case "released" -> message = new LockReleased();
        case "typing" -> {
          String user = in.getValueAsString("");
          message = user.isEmpty() ? null : new Typing(user);
        }
        case "who" -> {
          String asking = in.getValueAsString("");
          message = asking.isEmpty() ? null : new PresenceAsked(asking);
        }
        case "replica" -> replica = in.getValueAsString("");
        case "users" -> users = strings(in, value);
        default -> {}
      }
      in.skipChildren();
    }
    return replica.isEmpty() ? message : new PresenceTold(replica, users);
  }

  private static List<Json> events(JsonParser in, byte[] utf8) {
    List<Json> events = new ArrayList<>(1);
    while (in.nextToken() == JsonToken.START_OBJECT) {
      int from = (int) in.currentTokenLocation().getByteOffset();
      in.skipChildren();
      int to = (int) in.currentLocation().getByteOffset();
      events.add(new Json(Arrays.copyOfRange(utf8, from, to)));
    }
    return events;
  }

  private static List<String> strings(JsonParser in, JsonToken value) {
    List<String> strings = new ArrayList<>();
    while (value == JsonToken.START_ARRAY && in.nextToken() != JsonToken.END_ARRAY) {
      strings.add(in.getValueAsString(""));
      in.skipChildren();
    }
    return strings;
  }
}
