package io.heddle.api;

import io.heddle.base.SessionKey;
import io.heddle.json.JsonWriter;
import io.heddle.session.Message;
import io.heddle.session.WriteContext;
import io.heddle.session.WriteResult;
import io.heddle.turn.Compaction;
import io.heddle.turn.Turns;
import io.heddle.web.BodyReader;
import io.heddle.web.BytesResponse;
import reactor.core.publisher.Mono;

/** {@code POST /v1/sessions/{id}/compact}. */
final class CompactHandler {

  private final Turns turns;
  private final AdmissionGate gate;
  private final BodyReader reader;
  private final RequestBodies bodies;
  private final WriteContexts requests;

  CompactHandler(
      Turns turns,
      AdmissionGate gate,
      BodyReader reader,
      RequestBodies bodies,
      WriteContexts requests) {
    this.turns = turns;
    this.gate = gate;
    this.reader = reader;
    this.bodies = bodies;
    this.requests = requests;
  }

  Mono<BytesResponse> compact(RequestContext call) {
    SessionKey key = call.session();
    call.query();
    return reader
        .jsonOrNothing(call.exchange())
        .flatMap(body -> {
          Compaction.Order order = bodies.compact(body).order();
          WriteContext request = requests.writing(call, key, body);
          return gate.write(call, request, () -> turns.compact(request, order));
        })
        .map(CompactHandler::answer);
  }

  private static BytesResponse answer(WriteResult<Compaction> written) {
    Compaction compaction = written.value();
    Message message = compaction.message();
    JsonWriter out = new JsonWriter(256 + (message == null ? 0 : message.weight()));
    out.ascii("{\"position\":\"").ascii(written.position().toString());
    out.ascii("\",\"messages\":").number(compaction.messages()).ascii(",\"summary\":");
    if (message == null) {
      out.ascii("null");
    } else {
      message.writeTo(out);
    }
    out.some("model", compaction.model());
    if (compaction.usage() != null) {
      compaction.usage().writeTo(out.ascii(",\"usage\":"));
    }
    boolean made = written.replayed() || message != null;
    return ResponseFactory.written(made ? 201 : 200, written, out.ascii("}"));
  }
}
