package io.heddle.api;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.session.Description;
import io.heddle.session.Request;
import io.heddle.session.Turn;
import io.heddle.session.View;
import io.heddle.session.Written;
import io.heddle.turn.Turns;
import io.heddle.web.Answer;
import io.heddle.web.BodyReader;
import io.heddle.web.Callers;
import io.heddle.web.Connections;
import io.heddle.web.EventStream;
import io.heddle.web.Query;
import io.heddle.web.StreamForm;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** The calls under {@code /v1/sessions/{id}/turns}. */
final class TurnsHandler {

  private static final String PREFERENCE_APPLIED = "Preference-Applied";

  private final TurnStarts starts;
  private final Turns turns;
  private final Gate gate;
  private final BodyReader reader;
  private final Bodies bodies;
  private final Requests requests;
  private final Connections connections;

  TurnsHandler(
      TurnStarts starts,
      Gate gate,
      BodyReader reader,
      Bodies bodies,
      Requests requests,
      Connections connections) {
    this.starts = starts;
    this.turns = starts.turns();
    this.gate = gate;
    this.reader = reader;
    this.bodies = bodies;
    this.requests = requests;
    this.connections = connections;
  }

  Mono<ServerResponse> begin(Call call) {
    SessionKey key = call.session();
    boolean create = call.query("create").flag("create");
    boolean async = Terms.prefersAsync(call.headers());
    Duration cacheFor = Terms.maxAge(call.headers());
    return reader
        .json(call.exchange())
        .flatMap(body -> {
          TurnBody asked = bodies.turn(body);
          if (asked.stream()) {
            LiveHandler.refuseWhenFull(connections);
            gate.refuseConnection(call.caller());
          }
          Request request = requests.writing(call, key, body);
          Description made = create ? requests.description(call) : null;
          return gate.write(call, request, () -> starts.begin(request, asked.order(cacheFor), made))
              .flatMap(begun -> answer(call, begun, asked.stream(), async));
        });
  }

  /** The turn is under way whatever becomes of this answer. */
  private Mono<ServerResponse> answer(
      Call call, Written<Turn> begun, boolean stream, boolean async) {
    Turn turn = begun.value();
    String position = Answers.tag(begun.position());
    if (stream) {
      EventStream events =
          new EventStream(
                  connections,
                  stream(call, turn.id(), 0, () -> turns.runsHere(turn.session(), turn.id())),
                  StreamForm.TURN)
              .header(HttpHeaders.LOCATION, TurnAnswers.location(turn))
              .header(HttpHeaders.ETAG, position);
      return Mono.just(begun.replayed() ? events.header(Answers.REPLAYED, "true") : events);
    }
    if (async) {
      return Mono.just(
          Answers.replayed(
              begun.replayed(),
              accepted(turn)
                  .header(HttpHeaders.ETAG, position)
                  .header(PREFERENCE_APPLIED, Terms.RESPOND_ASYNC)));
    }
    // No position here: the session has moved on since the turn began.
    return turns
        .awaitHere(turn.session(), call.view(), turn.id())
        .map(end ->
            Answer.json(200, TurnAnswers.ended(end))
                .header(HttpHeaders.LOCATION, TurnAnswers.location(turn)))
        // It has begun: whoever is told of a failure would order it again.
        .onErrorResume(TurnsHandler::isPassing, _ -> Mono.empty())
        .defaultIfEmpty(accepted(turn))
        .map(answer -> Answers.replayed(begun.replayed(), answer));
  }

  private static boolean isPassing(Throwable error) {
    return error instanceof ProblemException refusal && refusal.problem().code().retryable();
  }

  private static Answer accepted(Turn turn) {
    return Answer.json(202, TurnAnswers.one(turn))
        .header(HttpHeaders.LOCATION, TurnAnswers.location(turn));
  }

  Mono<Answer> list(Call call) {
    SessionKey key = call.session();
    Turn.Status status = status(call.query("status"));
    return turns.list(key, call.view(), status).map(found -> fresh(TurnAnswers.list(found)));
  }

  Mono<Answer> get(Call call) {
    SessionKey key = call.session();
    String turn = call.turn();
    call.query();
    return turns.get(key, call.view(), turn).map(found -> fresh(TurnAnswers.one(found)));
  }

  private static Answer fresh(byte[] json) {
    return Answer.json(200, json).header(Answers.CACHE, Answers.BYPASS);
  }

  Mono<Answer> cancel(Call call) {
    SessionKey key = call.session();
    String turn = call.turn();
    call.query();
    Request request = requests.writing(call, key);
    return gate.write(
            call, request.conditions(), key, _ -> false, () -> turns.cancel(request, turn))
        .map(TurnsHandler::accepted);
  }

  Mono<ServerResponse> events(Call call) {
    SessionKey key = call.session();
    String turn = call.turn();
    Query query = call.query("after", Callers.QUERY);
    LiveHandler.refuseWhenDraining(connections, "connections");
    LiveHandler.refuseWhenFull(connections);
    gate.refuseConnection(call.caller());
    // A client that comes back sends both: what it has seen last is newer.
    String last = call.headers().getFirst(LiveHandler.LAST_EVENT_ID);
    long after =
        last == null || last.isEmpty()
            ? after("after", query.text("after"))
            : after(LiveHandler.LAST_EVENT_ID, last);
    boolean returns = last != null && !last.isEmpty();
    // The head of the answer is written before the first event: what is refused is found out now.
    return turns
        .isTold(key, call.view(), turn, after)
        .<ServerResponse>map(told ->
            told && returns
                ? LiveHandler.stayAway()
                : new EventStream(
                    connections, stream(call, turn, after, () -> false), StreamForm.FOLLOW))
        .onErrorResume(
            error -> returns && LiveHandler.isGone(error) && EventStream.isAskedFor(call.http()),
            _ -> Mono.just(LiveHandler.stayAway()));
  }

  private TurnStream stream(Call call, String turn, long after, BooleanSupplier runsHere) {
    SessionKey key = call.session();
    View view = call.view();
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
