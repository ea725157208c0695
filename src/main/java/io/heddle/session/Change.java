package io.heddle.session;

import io.heddle.base.Position;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.json.JsonWriter;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What one version did to a session. */
public sealed interface Change {

  /** The type on the wire, {@code message.appended}. */
  String type();

  /** The durable form: everything but session, position and time, which its entry has. */
  default Json toJson() {
    return new JsonWriter(64).ascii("{\"type\":\"").ascii(type()).ascii("\"}").toJson();
  }

  record MessagesAppended(List<Message> messages) implements Change {
    @Override
    public String type() {
      return "message.appended";
    }

    @Override
    public Json toJson() {
      JsonWriter out = JsonWriter.object(256).string("type", type()).name("messages");
      return out.array(messages, Message::writeTo).done();
    }
  }

  record MessageDeleted(String message) implements Change {
    @Override
    public String type() {
      return "message.deleted";
    }

    @Override
    public Json toJson() {
      return member(type(), "message", message);
    }
  }

  record ThreadCleared() implements Change {
    @Override
    public String type() {
      return "thread.cleared";
    }
  }

  record ThreadCut(String after) implements Change {
    @Override
    public String type() {
      return "thread.cut";
    }

    @Override
    public Json toJson() {
      return member(type(), "after", after);
    }
  }

  /** The session was made; with messages if it was made with some. */
  record SessionCreated() implements Change {
    @Override
    public String type() {
      return "session.created";
    }
  }

  record SessionUpdated(SessionAttributes description) implements Change {
    @Override
    public String type() {
      return "session.updated";
    }

    @Override
    public Json toJson() {
      JsonWriter out = new JsonWriter(256).ascii("{\"type\":\"session.updated\"");
      description.writeShown(out);
      out.ascii(",\"ttlSeconds\":").number(description.ttl().toSeconds());
      return out.ascii("}").toJson();
    }
  }

  record StateSaved() implements Change {
    @Override
    public String type() {
      return "state.saved";
    }
  }

  record SessionDeleted() implements Change {
    @Override
    public String type() {
      return "session.deleted";
    }
  }

  record SessionExpired() implements Change {
    @Override
    public String type() {
      return "session.expired";
    }
  }

  /** A turn began to wait. */
  record TurnQueued(String turn, int queuePosition) implements Change {
    @Override
    public String type() {
      return "turn.queued";
    }

    @Override
    public Json toJson() {
      JsonWriter out =
          new JsonWriter(128).ascii("{\"type\":\"turn.queued\",\"turn\":\"").ascii(turn);
      return out.ascii("\",\"queuePosition\":").number(queuePosition).ascii("}").toJson();
    }
  }

  /**
   * A change that is logged in two parts: its head among the other changes, its messages in the
   * thread, which has them anyway.
   */
  sealed interface OfTurn extends Change {

    /** {@link #toJson()} without its last member, the messages. */
    Json head();

    List<Message> messages();

    @Override
    default Json toJson() {
      return withMessages(head(), messages());
    }

    static Json withMessages(Json head, List<Message> messages) {
      JsonWriter out = new JsonWriter(256).raw(head.utf8(), 0, head.length() - 1);
      return out.name("messages").array(messages, Message::writeTo).done();
    }
  }

  /** A turn began to run; its input was added. */
  record TurnStarted(String turn, List<Message> messages) implements OfTurn {
    @Override
    public String type() {
      return "turn.started";
    }

    @Override
    public Json head() {
      return member(type(), "turn", turn);
    }
  }

  /**
   * A turn ended; its output was added.
   *
   * @param status an end
   * @param end an object with at least one member; they are told as the change's own
   * @param removed ids of messages that were taken back out of the thread
   */
  record TurnEnded(
      String turn, Turn.Status status, Json end, List<String> removed, List<Message> messages)
      implements OfTurn {
    @Override
    public String type() {
      return "turn." + status.text();
    }

    @Override
    public Json head() {
      JsonWriter out = new JsonWriter(256).ascii("{\"type\":\"").ascii(type());
      out.ascii("\",\"turn\":\"").ascii(turn).ascii("\",\"removed\":");
      out.array(removed, (id, to) -> to.string(id));
      return out.ascii(",").raw(end.utf8(), 1, end.length()).toJson();
    }
  }

  /** A change is published with its body up to this many bytes, and without it above. */
  int MAX_PUBLISHED_BYTES = 2048;

  /**
   * A change as an engine publishes it.
   *
   * @param partitionSeq counts the partition's changes without a hole
   * @param previousTag the tag of the version before, empty for a first one
   * @param counters the session's as of this version; of an ended one 0, and the end is now
   * @param body {@link Change#toJson()}, or null when it is longer than {@link
   *     #MAX_PUBLISHED_BYTES}
   * @param appended the messages in the body of an append; none when it has none, and none of a
   *     turn's change, which does more to a session than to add them
   */
  record Published(
      SessionKey session,
      long partitionSeq,
      String previousTag,
      Position position,
      Counters counters,
      @Nullable Json body,
      List<Message> appended) {

    /** One that appends nothing, or does not say what. */
    public Published(
        SessionKey session,
        long partitionSeq,
        String previousTag,
        Position position,
        Counters counters,
        @Nullable Json body) {
      this(session, partitionSeq, previousTag, position, counters, body, List.of());
    }
  }

  /** What a change makes of the session's {@link Head}, so that a reader need not ask for it. */
  record Counters(
      long lastSeq, long messageCount, long bytes, Instant updatedAt, Instant expiresAt) {}

  private static Json member(String type, String name, String value) {
    JsonWriter out = new JsonWriter(96).ascii("{\"type\":\"").ascii(type).ascii("\",\"");
    return out.ascii(name).ascii("\":").string(value).ascii("}").toJson();
  }
}
