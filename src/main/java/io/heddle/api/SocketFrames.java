package io.heddle.api;

import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.json.JsonWriter;
import io.heddle.limit.Admission;
import io.heddle.limit.Decision;
import io.heddle.live.Frame;
import io.heddle.session.Appended;
import io.heddle.session.Turn;
import io.heddle.session.WriteResult;
import io.heddle.web.ProblemWriter;
import org.jspecify.annotations.Nullable;

/** The answers on a socket. */
final class SocketFrames {

  private SocketFrames() {}

  static Frame ack(@Nullable String ref, String session) {
    return Frame.of("ack", ack(128, ref, session).ascii("}").toJson());
  }

  static Frame ack(@Nullable String ref, String session, WriteResult<Appended> written) {
    Position position = written.position();
    JsonWriter out = ack(written.value().weight() + 192, ref, session);
    out.ascii(",\"position\":\"").ascii(position.toString()).ascii("\"");
    if (written.replayed()) {
      out.ascii(",\"replayed\":true");
    }
    written.value().writeTo(out.ascii(",\"data\":")).ascii("}");
    return Frame.of("ack", out.toJson());
  }

  /** A turn was begun, or waits. */
  static Frame ack(@Nullable String ref, WriteResult<Turn> begun) {
    Turn turn = begun.value();
    JsonWriter out = ack(320, ref, turn.session().id());
    out.ascii(",\"position\":\"").ascii(begun.position().toString()).ascii("\"");
    if (begun.replayed()) {
      out.ascii(",\"replayed\":true");
    }
    return Frame.of("ack", turn(turn, out).ascii("}").toJson());
  }

  /** A turn was asked to end. */
  static Frame ack(@Nullable String ref, Turn turn) {
    return Frame.of("ack", turn(turn, ack(320, ref, turn.session().id())).ascii("}").toJson());
  }

  private static JsonWriter turn(Turn turn, JsonWriter out) {
    out.ascii(",\"turn\":\"").ascii(turn.id());
    out.ascii("\",\"status\":\"").ascii(turn.status().text()).ascii("\"");
    if (turn.queuePosition() > 0) {
      out.ascii(",\"queuePosition\":").number(turn.queuePosition());
    }
    return out;
  }

  private static JsonWriter ack(int size, @Nullable String ref, String session) {
    JsonWriter out = new JsonWriter(size).ascii("{\"type\":\"ack\"");
    ref(ref, out);
    return out.ascii(",\"session\":\"").ascii(session).ascii("\"");
  }

  static Frame error(SocketRequest request, Problem problem) {
    return error(request.ref(), request.session(), problem);
  }

  static Frame error(@Nullable String ref, @Nullable String session, Problem problem) {
    JsonWriter out = new JsonWriter(384).ascii("{\"type\":\"error\"");
    ref(ref, out);
    if (session != null) {
      out.ascii(",\"session\":\"").ascii(session).ascii("\"");
    }
    byte[] json = ProblemWriter.json(problem);
    out.ascii(",\"problem\":").raw(json, 0, json.length).ascii("}");
    return Frame.of("error", out.toJson());
  }

  /** What is left of the limits that were asked; null when none was. */
  static @Nullable Frame limits(Admission admission) {
    if (admission.decisions().isEmpty()) {
      return null;
    }
    JsonWriter out = new JsonWriter(256).ascii("{\"type\":\"limits\",\"limits\":");
    out.ascii("[");
    for (Decision decision : admission.decisions()) {
      out.next().ascii("{\"name\":\"").ascii(decision.rule().name());
      out.ascii("\",\"limit\":").number(decision.rule().limit());
      out.ascii(",\"remaining\":").number(decision.remaining());
      long seconds = Math.max(1, (decision.resetAfter().toMillis() + 999) / 1000);
      out.ascii(",\"resetAfter\":").number(seconds).ascii("}");
    }
    return Frame.of("limits", out.ascii("]}").toJson());
  }

  private static void ref(@Nullable String ref, JsonWriter out) {
    out.some("ref", ref);
  }
}
