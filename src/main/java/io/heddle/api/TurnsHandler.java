package io.heddle.api;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.session.ReadContext;
import io.heddle.session.SessionAttributes;
import io.heddle.session.Turn;
import io.heddle.session.WriteContext;
import io.heddle.session.WriteResult;
import io.heddle.turn.Turns;
import io.heddle.web.BytesResponse;
import io.heddle.web.Callers;
import io.heddle.web.Connections;
import io.heddle.web.EventStream;
import io.heddle.web.HeaderNames;
import io.heddle.web.Query;
import io.heddle.web.RequestContext;
import io.heddle.web.RequestHeaders;
import io.heddle.web.StreamForm;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** The calls under {@code /v1/sessions/{id}/turns}. */
final class TurnsHandler {

  private final TurnStarts starts;
  private final Turns turns;
  private final WriteCalls calls;
  private final Connections connections;

  TurnsHandler(TurnStarts starts, WriteCalls calls, Connections connections) {
    this.starts = starts;
    this.turns = starts.turns();
    this.calls = calls;
    this.connections = connections;
  }

  Mono<ServerResponse> begin(RequestContext call) {
    SessionKey key = call.session();
    boolean create = call.query("create").flag("create");
    boolean async = RequestHeaders.prefersAsync(call.headers());
    Duration cacheFor = RequestHeaders.maxAge(call.headers());
    return calls
        .reader()
        .json(call.exchange())
        .flatMap(body -> {
          TurnBody asked = calls.bodies().turn(body);
          if (asked.stream()) {
            connections.refuseWhenFull();
            calls.gate().refuseConnection(call.caller());
          }
          WriteContext request = call.writingOnTerms(key, body);
          SessionAttributes made = create ? calls.description(call.caller()) : null;
          return calls
              .gate()
              .write(call, request, () -> starts.begin(request, asked.order(cacheFor), made))
              .flatMap(begun -> answer(call, begun, asked.stream(), async));
        });
  }

  /** The turn is under way whatever becomes of this answer. */
  private Mono<ServerResponse> answer(
      RequestContext call, WriteResult<Turn> begun, boolean stream, boolean async) {
    Turn turn = begun.value();
    String position = ResponseFactory.tag(begun.position());
    if (stream) {
      EventStream events =
          new EventStream(
                  connections,
                  stream(call, turn.id(), 0, () -> turns.runsHere(turn.session(), turn.id())),
                  StreamForm.TURN)
              .header(HttpHeaders.LOCATION, TurnAnswers.location(turn))
              .header(HttpHeaders.ETAG, position);
      return Mono.just(begun.replayed() ? events.header(HeaderNames.REPLAYED, "true") : events);
    }
    if (async) {
      return Mono.just(
          ResponseFactory.replayed(
              begun.replayed(),
              accepted(turn)
                  .header(HttpHeaders.ETAG, position)
                  .header(HeaderNames.PREFERENCE_APPLIED, RequestHeaders.RESPOND_ASYNC)));
    }
    // No position here: the session has moved on since the turn began.
    return turns
        .awaitHere(turn.session(), call.viewAtMinPosition(), turn.id())
        .map(end ->
            BytesResponse.json(200, TurnAnswers.ended(end))
                .header(HttpHeaders.LOCATION, TurnAnswers.location(turn)))
        // It has begun: whoever is told of a failure would order it again.
        .onErrorResume(TurnsHandler::isPassing, _ -> Mono.empty())
        .defaultIfEmpty(accepted(turn))
        .map(answer -> ResponseFactory.replayed(begun.replayed(), answer));
  }

  private static boolean isPassing(Throwable error) {
    return error instanceof ProblemException refusal && refusal.problem().code().retryable();
  }

  private static BytesResponse accepted(Turn turn) {
    return BytesResponse.json(202, TurnAnswers.one(turn))
        .header(HttpHeaders.LOCATION, TurnAnswers.location(turn));
  }

  Mono<BytesResponse> list(RequestContext call) {
    SessionKey key = call.session();
    Turn.Status status = status(call.query("status"));
    return turns
        .list(key, call.viewAtMinPosition(), status)
        .map(found -> fresh(TurnAnswers.list(found)));
  }

  Mono<BytesResponse> get(RequestContext call) {
    SessionKey key = call.session();
    String turn = TurnAnswers.turnId(call);
    call.query();
    return turns
        .get(key, call.viewAtMinPosition(), turn)
        .map(found -> fresh(TurnAnswers.one(found)));
  }

  private static BytesResponse fresh(byte[] json) {
    return BytesResponse.json(200, json).header(HeaderNames.CACHE, ResponseFactory.BYPASS);
  }

  Mono<BytesResponse> cancel(RequestContext call) {
    SessionKey key = call.session();
    String turn = TurnAnswers.turnId(call);
    call.query();
    WriteContext request = call.writingOnTerms(key);
    return calls
        .gate()
        .write(
            call.admission(),
            request.requested(),
            key,
            _ -> false,
            () -> turns.cancel(request, turn))
        .map(TurnsHandler::accepted);
  }

  Mono<ServerResponse> events(RequestContext call) {
    SessionKey key = call.session();
    String turn = TurnAnswers.turnId(call);
    Query query = call.query("after", Callers.QUERY);
    connections.requireRoom();
    calls.gate().refuseConnection(call.caller());
    // A client that comes back sends both: what it has seen last is newer.
    String last = call.headers().getFirst(HeaderNames.LAST_EVENT_ID);
    long after =
        last == null || last.isEmpty()
            ? after("after", query.text("after"))
            : after(HeaderNames.LAST_EVENT_ID, last);
    boolean returns = last != null && !last.isEmpty();
    // The head of the answer is written before the first event: what is refused is found out now.
    return turns
        .isTold(key, call.viewAtMinPosition(), turn, after)
        .<ServerResponse>map(told ->
            told && returns
                ? LiveHandler.stayAway()
                : new EventStream(
                    connections, stream(call, turn, after, () -> false), StreamForm.FOLLOW))
        .onErrorResume(
            error -> returns && LiveHandler.isGone(error) && EventStream.isAskedFor(call.http()),
            _ -> Mono.just(LiveHandler.stayAway()));
  }

  private TurnStream stream(
      RequestContext call, String turn, long after, BooleanSupplier runsHere) {
    SessionKey key = call.session();
    ReadContext view = call.viewAtMinPosition();
    return new TurnStream(key, turn, seq -> turns.follow(key, view, turn, seq), after, runsHere);
  }

  /** Who names no seq begins with all that was said so far, in one event. */
  private static long after(String name, @Nullable String text) {
    if (text == null) {
      return -1;
    }
    if (text.isEmpty() || text.length() > 15 || !text.chars().allMatch(c -> c >= '0' && c <= '9')) {
      throw Query.refuse(name, "must be the id of an event of the turn, a number");
    }
    return Long.parseLong(text);
  }

  private static Turn.@Nullable Status status(Query query) {
    String text = query.text("status");
    if (text == null) {
      return null;
    }
    Turn.Status status = Turn.Status.of(text);
    if (status == null) {
      throw Problem.field(
              ProblemCode.INVALID_REQUEST,
              "status",
              "status must be one of queued, running, completed, failed, cancelled, incomplete")
          .toException();
    }
    return status;
  }
}
