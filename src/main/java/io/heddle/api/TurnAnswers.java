package io.heddle.api;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.live.Frame;
import io.heddle.live.TurnFrames;
import io.heddle.session.Message;
import io.heddle.session.Turn;
import io.heddle.session.TurnId;
import io.heddle.turn.ModelEvent;
import io.heddle.turn.TurnEvent;
import io.heddle.web.RequestContext;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Turns as the native API shows them: as objects, and as events of a stream. */
final class TurnAnswers {

  private static final int TURN_SIZE = 512;

  private TurnAnswers() {}

  /** Refuses what is no id of a turn of this session, as if the session had been looked through. */
  static void check(SessionKey session, String turn) {
    TurnId id = TurnId.parse(turn);
    if (id == null || !id.session().equals(session.id())) {
      throw Problem.of(ProblemCode.TURN_NOT_FOUND, "The session has no such turn").toException();
    }
  }

  /** The path's id of a turn, which must be one of the path's session. */
  static String turnId(RequestContext call) {
    String turn = call.variable("turnId");
    check(call.session(), turn);
    return turn;
  }

  static String location(Turn turn) {
    return "/v1/sessions/" + turn.session().id() + "/turns/" + turn.id();
  }

  // ---- objects

  static byte[] one(Turn turn) {
    return open(turn, new JsonWriter(TURN_SIZE)).ascii("}").toBytes();
  }

  /** A Turn with the messages of its output. */
  static byte[] ended(TurnEvent.Ended end) {
    JsonWriter out = open(end.turn(), new JsonWriter(TURN_SIZE + weight(end.messages())));
    return messages(end.messages(), out.ascii(",\"messages\":")).ascii("}").toBytes();
  }

  static byte[] list(List<Turn> turns) {
    JsonWriter out = JsonWriter.object(64 + turns.size() * TURN_SIZE).name("data");
    return out.array(turns, (turn, to) -> open(turn, to).end()).end().toBytes();
  }

  private static JsonWriter open(Turn turn, JsonWriter out) {
    out.ascii("{\"id\":\"").ascii(turn.id());
    out.ascii("\",\"session\":\"").ascii(turn.session().id());
    out.ascii("\",\"status\":\"").ascii(turn.status().text()).ascii("\"");
    if (!namesModel(turn.end())) {
      out.ascii(",\"model\":").string(turn.model());
    }
    out.ascii(",\"createdAt\":").time(turn.createdAt());
    if (turn.startedAt() != null) {
      out.ascii(",\"startedAt\":").time(turn.startedAt());
    }
    if (turn.endedAt() != null) {
      out.ascii(",\"endedAt\":").time(turn.endedAt());
    }
    ids(turn.input(), out.ascii(",\"input\":"));
    ids(turn.output(), out.ascii(",\"output\":"));
    if (turn.queuePosition() > 0) {
      out.ascii(",\"queuePosition\":").number(turn.queuePosition());
    }
    return end(turn, out);
  }

  /** Whether the end says which model answered; it is another than the one asked for, perhaps. */
  private static boolean namesModel(@Nullable Json end) {
    return end != null && JsonValue.of(end).members().containsKey("model");
  }

  private static JsonWriter end(Turn turn, JsonWriter out) {
    Json end = turn.end();
    return end == null || end.length() <= 2
        ? out
        : out.ascii(",").raw(end.utf8(), 1, end.length() - 1);
  }

  private static JsonWriter ids(List<String> ids, JsonWriter out) {
    return out.array(ids, (id, to) -> to.string(id));
  }

  private static JsonWriter messages(List<Message> messages, JsonWriter out) {
    return out.array(messages, Message::writeTo);
  }

  private static int weight(List<Message> messages) {
    return messages.stream().mapToInt(Message::weight).sum();
  }

  // ---- events

  /**
   * What stands in the turn's log has an id, its seq, from which one goes on; and so has the end,
   * as the event after the last one: who comes back with that has been told everything.
   *
   * @param before seq of the last event before this one
   */
  static Frame frame(SessionKey key, String turn, TurnEvent event, long before) {
    return switch (event) {
      case TurnEvent.Queued(int position) -> {
        JsonWriter out = event("turn.queued", key, turn, 0);
        out.ascii(",\"queuePosition\":").number(position);
        yield Frame.of("turn.queued", out.ascii("}").toJson());
      }
      case TurnEvent.Started(Turn started) -> {
        JsonWriter out = event("turn.started", key, turn, 0);
        out.ascii(",\"model\":").string(started.model());
        ids(started.input(), out.ascii(",\"input\":"));
        yield Frame.of("turn.started", out.ascii("}").toJson());
      }
      case TurnEvent.SoFar(long seq, TurnEvent.Said said) ->
          Frame.event(TurnFrames.TEXT, Long.toString(seq), soFar(key, turn, seq, said));
      case TurnEvent.Delta(long seq, ModelEvent piece) -> delta(key, turn, seq, piece);
      case TurnEvent.Ended(Turn ended, List<Message> messages) -> {
        String type = "turn." + ended.status().text();
        JsonWriter out = event(type, key, turn, weight(messages));
        ids(removed(ended), out.ascii(",\"removed\":"));
        messages(messages, end(ended, out).ascii(",\"messages\":"));
        String id = Long.toString(Math.max(0, before) + 1);
        yield Frame.event(type, id, out.ascii("}").toJson());
      }
    };
  }

  private static Json soFar(SessionKey key, String turn, long seq, TurnEvent.Said said) {
    List<TurnFrames.ToolCall> calls = said.toolCalls().stream().map(TurnAnswers::call).toList();
    return TurnFrames.text(key, turn, seq, said.text(), said.reasoning(), said.refusal(), calls);
  }

  private static Frame delta(SessionKey key, String turn, long seq, ModelEvent piece) {
    return switch (piece) {
      case ModelEvent.Text(String text) -> bit(key, turn, seq, TurnFrames.DELTA, text);
      case ModelEvent.Reasoning(String text) -> bit(key, turn, seq, TurnFrames.REASONING, text);
      case ModelEvent.Refusal(String text) -> bit(key, turn, seq, TurnFrames.REFUSAL, text);
      case ModelEvent.ToolCall call ->
          Frame.event(
              TurnFrames.TOOL_CALL,
              Long.toString(seq),
              TurnFrames.toolCall(key, turn, seq, call(call)));
      // The summary is a message of the thread, and told as such; its place here stays numbered.
      case ModelEvent.Compaction _ -> bit(key, turn, seq, TurnFrames.DELTA, "");
      case ModelEvent.Finish _ -> throw new IllegalStateException("an end is no bit of an answer");
    };
  }

  private static Frame bit(SessionKey key, String turn, long seq, String type, String text) {
    return Frame.event(type, Long.toString(seq), TurnFrames.bit(key, turn, seq, type, text));
  }

  private static TurnFrames.ToolCall call(ModelEvent.ToolCall call) {
    return new TurnFrames.ToolCall(
        call.index(), call.id(), call.name(), call.arguments(), call.custom());
  }

  /** Of a turn that another one took the place of, all that it had added. */
  private static List<String> removed(Turn ended) {
    Json end = ended.end();
    boolean rolledBack =
        end != null && JsonValue.of(end).word("finishReason").equals("rolled_back");
    return rolledBack ? ended.input() : List.of();
  }

  private static JsonWriter event(String type, SessionKey key, String turn, int more) {
    JsonWriter out = new JsonWriter(TURN_SIZE + more).ascii("{\"type\":\"").ascii(type);
    out.ascii("\",\"session\":\"").ascii(key.id());
    return out.ascii("\",\"turn\":\"").ascii(turn).ascii("\"");
  }
}
