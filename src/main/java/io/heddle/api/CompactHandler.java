package io.heddle.api;

import io.heddle.base.JsonBuffer;
import io.heddle.base.SessionKey;
import io.heddle.session.Message;
import io.heddle.session.Request;
import io.heddle.session.Written;
import io.heddle.turn.Compaction;
import io.heddle.turn.Turns;
import io.heddle.web.Answer;
import io.heddle.web.BodyReader;
import reactor.core.publisher.Mono;

/** {@code POST /v1/sessions/{id}/compact}. */
final class CompactHandler {

  private final Turns turns;
  private final Gate gate;
  private final BodyReader reader;
  private final Bodies bodies;
  private final Requests requests;

  CompactHandler(Turns turns, Gate gate, BodyReader reader, Bodies bodies, Requests requests) {
    this.turns = turns;
    this.gate = gate;
    this.reader = reader;
    this.bodies = bodies;
    this.requests = requests;
  }

  Mono<Answer> compact(Call call) {
    SessionKey key = call.session();
    call.query();
    return reader
        .jsonOrNothing(call.exchange())
        .flatMap(body -> {
          Compaction.Order order = bodies.compact(body).order();
          Request request = requests.writing(call, key, body);
          return gate.write(call, request, () -> turns.compact(request, order));
        })
        .map(CompactHandler::answer);
  }

  private static Answer answer(Written<Compaction> written) {
    Compaction compaction = written.value();
    Message message = compaction.message();
    JsonBuffer out = new JsonBuffer(256 + (message == null ? 0 : message.weight()));
    out.ascii("{\"position\":\"").ascii(written.position().toString());
    out.ascii("\",\"messages\":").number(compaction.messages()).ascii(",\"summary\":");
    if (message == null) {
      out.ascii("null");
    } else {
      message.writeTo(out);
    }
    if (compaction.model() != null) {
      out.ascii(",\"model\":").string(compaction.model());
    }
    if (compaction.usage() != null) {
      compaction.usage().writeTo(out.ascii(",\"usage\":"));
    }
    boolean made = written.replayed() || message != null;
    return Answers.written(made ? 201 : 200, written, out.ascii("}"));
  }
}
