package io.heddle.api;

import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.json.JsonWriter;
import io.heddle.session.Session;
import io.heddle.session.ThreadPage;
import io.heddle.session.WritePreconditions;
import io.heddle.session.WriteResult;
import io.heddle.web.BytesResponse;
import io.heddle.web.HeaderNames;
import io.heddle.web.RequestContext;
import io.heddle.web.RequestHeaders;
import java.util.List;
import java.util.function.Supplier;
import org.springframework.http.HttpHeaders;

/** The forms that the calls' answers have in common. */
final class ResponseFactory {

  static final String BYPASS = "bypass";

  static final int SESSION_SIZE = 768;

  private ResponseFactory() {}

  /**
   * An answer to a read: 304 when the caller has this position already.
   *
   * @param body written only when it is needed
   */
  static BytesResponse read(RequestContext call, ThreadPage page, Supplier<byte[]> body) {
    String origin =
        switch (page.origin()) {
          case HIT -> "hit";
          case MISS -> "miss";
          case BYPASS -> BYPASS;
        };
    return read(call, page.session().position(), page.tag(), origin, body);
  }

  /** The same, of what is always read from the store. */
  static BytesResponse read(RequestContext call, Position position, Supplier<byte[]> body) {
    return read(call, position, tag(position), BYPASS, body);
  }

  private static BytesResponse read(
      RequestContext call, Position position, String tag, String origin, Supplier<byte[]> body) {
    List<Position> wanted = RequestHeaders.ifMatch(call.headers());
    if (!wanted.isEmpty()
        && !wanted.contains(WritePreconditions.THERE)
        && !wanted.contains(position)) {
      throw Problem.of(ProblemCode.VERSION_CONFLICT, "The session is at " + position)
          .with("position", position.toString())
          .toException();
    }
    BytesResponse answer =
        RequestHeaders.noneMatch(call.headers(), position)
            ? BytesResponse.empty(304)
            : BytesResponse.json(200, body.get());
    return answer.header(HttpHeaders.ETAG, tag).header(HeaderNames.CACHE, origin);
  }

  static BytesResponse written(int status, WriteResult<?> written, JsonWriter body) {
    return replayed(
        written.replayed(),
        BytesResponse.json(status, body.toBytes())
            .header(HttpHeaders.ETAG, tag(written.position())));
  }

  static BytesResponse session(int status, WriteResult<Session> written) {
    BytesResponse answer =
        written(status, written, written.value().writeTo(new JsonWriter(SESSION_SIZE)));
    return status == 201
        ? answer.header(HttpHeaders.LOCATION, "/v1/sessions/" + written.value().key().id())
        : answer;
  }

  /** Of a write that leaves nothing to show. */
  static BytesResponse gone(WriteResult<Position> written) {
    return replayed(
        written.replayed(),
        BytesResponse.empty(204).header(HttpHeaders.ETAG, tag(written.position())));
  }

  static BytesResponse replayed(boolean replayed, BytesResponse answer) {
    return replayed ? answer.header(HeaderNames.REPLAYED, "true") : answer;
  }

  static String tag(Position position) {
    return "\"" + position + "\"";
  }
}
