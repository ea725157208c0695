package io.heddle.api;

import io.heddle.base.Json;
import io.heddle.base.JsonWriter;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.session.Checkpoint;
import io.heddle.session.CheckpointPage;
import io.heddle.session.StateView;
import io.heddle.session.WriteContext;
import io.heddle.session.WriteResult;
import io.heddle.session.service.StateService;
import io.heddle.web.BodyReader;
import io.heddle.web.BytesResponse;
import io.heddle.web.Query;
import java.util.function.BiFunction;
import reactor.core.publisher.Mono;

/** The calls on a session's state document and its checkpoints. */
final class StateHandler {

  static final String CHECKPOINT = "Heddle-Checkpoint";

  private static final String LATEST = "latest";
  private static final int DEFAULT_LIMIT = 20;
  private static final int MAX_LIMIT = 100;

  private final StateService states;
  private final AdmissionGate gate;
  private final BodyReader reader;
  private final RequestBodies bodies;
  private final WriteContexts requests;

  StateHandler(
      StateService states,
      AdmissionGate gate,
      BodyReader reader,
      RequestBodies bodies,
      WriteContexts requests) {
    this.states = states;
    this.gate = gate;
    this.reader = reader;
    this.bodies = bodies;
    this.requests = requests;
  }

  Mono<BytesResponse> get(RequestContext call) {
    SessionKey key = call.session();
    call.query();
    return states.get(key, call.view()).map(state -> read(call, state));
  }

  Mono<BytesResponse> put(RequestContext call) {
    return save(call, reader.json(call.exchange()), states::put);
  }

  Mono<BytesResponse> patch(RequestContext call) {
    return save(call, reader.mergePatch(call.exchange()), states::patch);
  }

  private Mono<BytesResponse> save(
      RequestContext call,
      Mono<byte[]> sent,
      BiFunction<WriteContext, Json, Mono<WriteResult<Checkpoint>>> how) {
    SessionKey key = call.session();
    call.query();
    return sent.flatMap(
            body -> {
              Json document = bodies.document(body);
              WriteContext request = requests.writing(call, key, body);
              return gate.write(call, request, () -> how.apply(request, document));
            })
        .map(StateHandler::saved);
  }

  Mono<BytesResponse> checkpoints(RequestContext call) {
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
        .map(page -> ResponseFactory.read(call, page.position(), () -> write(key, page).toBytes()));
  }

  Mono<BytesResponse> checkpoint(RequestContext call) {
    SessionKey key = call.session();
    String id = checkpointId(call);
    call.query();
    return states.checkpoint(key, call.view(), id).map(state -> read(call, state));
  }

  Mono<BytesResponse> restore(RequestContext call) {
    SessionKey key = call.session();
    String id = checkpointId(call);
    call.query();
    WriteContext request = requests.writing(call, key);
    return gate.write(call, request, () -> states.restore(request, id)).map(StateHandler::saved);
  }

  private static String checkpointId(RequestContext call) {
    String id = call.checkpoint();
    if (!id.equals(LATEST) && Checkpoint.parseId(id) == null) {
      throw Query.refuse("checkpointId", "in the path is no checkpoint's id");
    }
    return id;
  }

  private static BytesResponse read(RequestContext call, StateView state) {
    BytesResponse answer =
        ResponseFactory.read(call, state.position(), () -> document(state.document()).toBytes());
    Checkpoint checkpoint = state.checkpoint();
    return checkpoint == null ? answer : answer.header(CHECKPOINT, checkpoint.id());
  }

  private static BytesResponse saved(WriteResult<Checkpoint> written) {
    return ResponseFactory.written(200, written, document(written.value().document()))
        .header(CHECKPOINT, Checkpoint.idOf(written.position()));
  }

  private static JsonWriter document(Json document) {
    return new JsonWriter(document.length()).raw(document);
  }

  private static JsonWriter write(SessionKey key, CheckpointPage page) {
    JsonWriter out = new JsonWriter(96 + page.checkpoints().size() * 96);
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
