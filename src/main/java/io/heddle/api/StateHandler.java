package io.heddle.api;

import io.heddle.base.Json;
import io.heddle.base.JsonBuffer;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.session.Checkpoint;
import io.heddle.session.CheckpointPage;
import io.heddle.session.Request;
import io.heddle.session.StateView;
import io.heddle.session.States;
import io.heddle.session.Written;
import io.heddle.web.Answer;
import io.heddle.web.BodyReader;
import io.heddle.web.Query;
import java.util.function.BiFunction;
import reactor.core.publisher.Mono;

/** The calls on a session's state document and its checkpoints. */
final class StateHandler {

  static final String CHECKPOINT = "Heddle-Checkpoint";

  private static final String LATEST = "latest";
  private static final int DEFAULT_LIMIT = 20;
  private static final int MAX_LIMIT = 100;

  private final States states;
  private final Gate gate;
  private final BodyReader reader;
  private final Bodies bodies;
  private final Requests requests;

  StateHandler(States states, Gate gate, BodyReader reader, Bodies bodies, Requests requests) {
    this.states = states;
    this.gate = gate;
    this.reader = reader;
    this.bodies = bodies;
    this.requests = requests;
  }

  Mono<Answer> get(Call call) {
    SessionKey key = call.session();
    call.query();
    return states.get(key, call.view()).map(state -> read(call, state));
  }

  Mono<Answer> put(Call call) {
    return save(call, reader.json(call.exchange()), states::put);
  }

  Mono<Answer> patch(Call call) {
    return save(call, reader.mergePatch(call.exchange()), states::patch);
  }

  private Mono<Answer> save(
      Call call, Mono<byte[]> sent, BiFunction<Request, Json, Mono<Written<Checkpoint>>> how) {
    SessionKey key = call.session();
    call.query();
    return sent.flatMap(
            body -> {
              Json document = bodies.document(body);
              Request request = requests.writing(call, key, body);
              return gate.write(call, request, () -> how.apply(request, document));
            })
        .map(StateHandler::saved);
  }

  Mono<Answer> checkpoints(Call call) {
    SessionKey key = call.session();
    Query query = call.query("limit", "before");
    int limit = query.integer("limit", 1, MAX_LIMIT, DEFAULT_LIMIT);
    String before = query.text("before");
    if (before != null && Checkpoint.parseId(before) == null) {
      throw Problem.field(ProblemCode.INVALID_CURSOR, "before", "before is no checkpoint's id")
          .toException();
    }
    return states
        .checkpoints(key, call.view(), limit, before)
        .map(page -> Answers.read(call, page.position(), () -> write(key, page).toBytes()));
  }

  Mono<Answer> checkpoint(Call call) {
    SessionKey key = call.session();
    String id = checkpointId(call);
    call.query();
    return states.checkpoint(key, call.view(), id).map(state -> read(call, state));
  }

  Mono<Answer> restore(Call call) {
    SessionKey key = call.session();
    String id = checkpointId(call);
    call.query();
    Request request = requests.writing(call, key);
    return gate.write(call, request, () -> states.restore(request, id)).map(StateHandler::saved);
  }

  private static String checkpointId(Call call) {
    String id = call.checkpoint();
    if (!id.equals(LATEST) && Checkpoint.parseId(id) == null) {
      throw Query.refuse("checkpointId", "in the path is no checkpoint's id");
    }
    return id;
  }

  private static Answer read(Call call, StateView state) {
    Answer answer =
        Answers.read(call, state.position(), () -> document(state.document()).toBytes());
    Checkpoint checkpoint = state.checkpoint();
    return checkpoint == null ? answer : answer.header(CHECKPOINT, checkpoint.id());
  }

  private static Answer saved(Written<Checkpoint> written) {
    return Answers.written(200, written, document(written.value().document()))
        .header(CHECKPOINT, Checkpoint.idOf(written.position()));
  }

  private static JsonBuffer document(Json document) {
    return new JsonBuffer(document.length()).raw(document);
  }

  private static JsonBuffer write(SessionKey key, CheckpointPage page) {
    JsonBuffer out = new JsonBuffer(96 + page.checkpoints().size() * 96);
    out.ascii("{\"session\":\"").ascii(key.id());
    out.ascii("\",\"position\":\"").ascii(page.position().toString()).ascii("\",\"data\":[");
    String comma = "";
    for (CheckpointPage.Saved checkpoint : page.checkpoints()) {
      out.ascii(comma).ascii("{\"id\":\"").ascii(checkpoint.id());
      out.ascii("\",\"savedAt\":").time(checkpoint.savedAt());
      out.ascii(",\"bytes\":").number(checkpoint.bytes()).ascii("}");
      comma = ",";
    }
    return out.ascii("],\"hasMore\":").ascii(Boolean.toString(page.hasMore())).ascii("}");
  }
}
