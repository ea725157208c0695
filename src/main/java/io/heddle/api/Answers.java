package io.heddle.api;

import io.heddle.base.JsonBuffer;
import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.session.Conditions;
import io.heddle.session.Session;
import io.heddle.session.ThreadPage;
import io.heddle.session.Written;
import io.heddle.web.Answer;
import java.util.List;
import java.util.function.Supplier;
import org.springframework.http.HttpHeaders;

/** The forms that the calls' answers have in common. */
final class Answers {

  static final String REPLAYED = "Idempotency-Replayed";
  static final String CACHE = "Heddle-Cache";
  static final String BYPASS = "bypass";

  static final int SESSION_SIZE = 768;

  private Answers() {}

  /**
   * An answer to a read: 304 when the caller has this position already.
   *
   * @param body written only when it is needed
   */
  static Answer read(Call call, ThreadPage page, Supplier<byte[]> body) {
    String origin =
        switch (page.origin()) {
          case HIT -> "hit";
          case MISS -> "miss";
          case BYPASS -> BYPASS;
        };
    return read(call, page.session().position(), page.tag(), origin, body);
  }

  /** The same, of what is always read from the store. */
  static Answer read(Call call, Position position, Supplier<byte[]> body) {
    return read(call, position, tag(position), BYPASS, body);
  }

  private static Answer read(
      Call call, Position position, String tag, String origin, Supplier<byte[]> body) {
    List<Position> wanted = Terms.ifMatch(call.headers());
    if (!wanted.isEmpty() && !wanted.contains(Conditions.THERE) && !wanted.contains(position)) {
      throw Problem.of(ProblemCode.VERSION_CONFLICT, "The session is at " + position)
          .with("position", position.toString())
          .toException();
    }
    Answer answer =
        Terms.noneMatch(call.headers(), position)
            ? Answer.empty(304)
            : Answer.json(200, body.get());
    return answer.header(HttpHeaders.ETAG, tag).header(CACHE, origin);
  }

  static Answer written(int status, Written<?> written, JsonBuffer body) {
    return replayed(
        written.replayed(),
        Answer.json(status, body.toBytes()).header(HttpHeaders.ETAG, tag(written.position())));
  }

  static Answer session(int status, Written<Session> written) {
    Answer answer = written(status, written, written.value().writeTo(new JsonBuffer(SESSION_SIZE)));
    return status == 201
        ? answer.header(HttpHeaders.LOCATION, "/v1/sessions/" + written.value().key().id())
        : answer;
  }

  /** Of a write that leaves nothing to show. */
  static Answer gone(Written<Position> written) {
    return replayed(
        written.replayed(), Answer.empty(204).header(HttpHeaders.ETAG, tag(written.position())));
  }

  static Answer replayed(boolean replayed, Answer answer) {
    return replayed ? answer.header(REPLAYED, "true") : answer;
  }

  static String tag(Position position) {
    return "\"" + position + "\"";
  }
}
