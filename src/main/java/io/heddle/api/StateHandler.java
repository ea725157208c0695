package io.heddle.api;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.json.JsonWriter;
import io.heddle.session.Checkpoint;
import io.heddle.session.CheckpointPage;
import io.heddle.session.StateView;
import io.heddle.session.WriteContext;
import io.heddle.session.WriteResult;
import io.heddle.session.service.StateService;
import io.heddle.web.BytesResponse;
import io.heddle.web.HeaderNames;
import io.heddle.web.Query;
import io.heddle.web.RequestContext;
import java.util.function.BiFunction;
import reactor.core.publisher.Mono;

/** The calls on a session's state document and its checkpoints. */
final class StateHandler {

  private static final String LATEST = "latest";
  private static final int DEFAULT_LIMIT = 20;
  private static final int MAX_LIMIT = 100;

  private final StateService states;
  private final WriteCalls calls;

  StateHandler(StateService states, WriteCalls calls) {
    this.states = states;
    this.calls = calls;
  }

  Mono<BytesResponse> get(RequestContext call) {
    SessionKey key = call.session();
    call.query();
    return states.get(key, call.viewAtMinPosition()).map(state -> read(call, state));
  }

  Mono<BytesResponse> put(RequestContext call) {
    return save(call, calls.reader().json(call.exchange()), states::put);
  }

  Mono<BytesResponse> patch(RequestContext call) {
    return save(call, calls.reader().mergePatch(call.exchange()), states::patch);
  }

  private Mono<BytesResponse> save(
      RequestContext call,
      Mono<byte[]> sent,
      BiFunction<WriteContext, Json, Mono<WriteResult<Checkpoint>>> how) {
    SessionKey key = call.session();
    call.query();
    return calls.write(call, key, sent, calls.bodies()::document, how).map(StateHandler::saved);
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
        .checkpoints(key, call.viewAtMinPosition(), limit, before)
        .map(page -> ResponseFactory.read(call, page.position(), () -> write(key, page).toBytes()));
  }

  Mono<BytesResponse> checkpoint(RequestContext call) {
    SessionKey key = call.session();
    String id = checkpointId(call);
    call.query();
    return states.checkpoint(key, call.viewAtMinPosition(), id).map(state -> read(call, state));
  }

  Mono<BytesResponse> restore(RequestContext call) {
    SessionKey key = call.session();
    String id = checkpointId(call);
    call.query();
    return calls.write(call, key, request -> states.restore(request, id)).map(StateHandler::saved);
  }

  private static String checkpointId(RequestContext call) {
    String id = call.id("checkpointId");
    if (!id.equals(LATEST) && Checkpoint.parseId(id) == null) {
      throw Query.refuse("checkpointId", "in the path is no checkpoint's id");
    }
    return id;
  }

  private static BytesResponse read(RequestContext call, StateView state) {
    BytesResponse answer =
        ResponseFactory.read(call, state.position(), () -> document(state.document()).toBytes());
    Checkpoint checkpoint = state.checkpoint();
    return checkpoint == null ? answer : answer.header(HeaderNames.CHECKPOINT, checkpoint.id());
  }

  private static BytesResponse saved(WriteResult<Checkpoint> written) {
    return ResponseFactory.written(200, written, document(written.value().document()))
        .header(HeaderNames.CHECKPOINT, Checkpoint.idOf(written.position()));
  }

  private static JsonWriter document(Json document) {
    return new JsonWriter(document.length()).raw(document);
  }

  private static JsonWriter write(SessionKey key, CheckpointPage page) {
    JsonWriter out = new JsonWriter(96 + page.checkpoints().size() * 96);
    out.ascii("{\"session\":\"").ascii(key.id());
    out.ascii("\",\"position\":\"").ascii(page.position().toString()).ascii("\",\"data\":[");
    for (CheckpointPage.Saved checkpoint : page.checkpoints()) {
      out.next().ascii("{\"id\":\"").ascii(checkpoint.id());
      out.ascii("\",\"savedAt\":").time(checkpoint.savedAt());
      out.ascii(",\"bytes\":").number(checkpoint.bytes()).ascii("}");
    }
    return out.ascii("],\"hasMore\":").ascii(Boolean.toString(page.hasMore())).ascii("}");
  }
}
