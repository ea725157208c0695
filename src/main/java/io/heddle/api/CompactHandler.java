package io.heddle.api;

import io.heddle.base.SessionKey;
import io.heddle.json.JsonWriter;
import io.heddle.session.Message;
import io.heddle.session.WriteResult;
import io.heddle.turn.Compaction;
import io.heddle.turn.Turns;
import io.heddle.web.BytesResponse;
import io.heddle.web.RequestContext;
import reactor.core.publisher.Mono;

/** {@code POST /v1/sessions/{id}/compact}. */
final class CompactHandler {

  private final Turns turns;
  private final WriteCalls calls;

  CompactHandler(Turns turns, WriteCalls calls) {
    this.turns = turns;
    this.calls = calls;
  }

  Mono<BytesResponse> compact(RequestContext call) {
    SessionKey key = call.session();
    call.query();
    return calls
        .write(
            call,
            key,
            calls.reader().jsonOrNothing(call.exchange()),
            calls.bodies()::compact,
            (request, asked) -> turns.compact(request, asked.order()))
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
