package io.heddle.api;

import io.heddle.base.Json;
import io.heddle.base.JsonBuffer;
import io.heddle.base.SessionKey;
import io.heddle.session.Locks;
import io.heddle.session.Request;
import io.heddle.session.SessionLocks.Done;
import io.heddle.session.SessionLocks.Held;
import io.heddle.web.Answer;
import io.heddle.web.BodyReader;
import java.util.function.Supplier;
import reactor.core.publisher.Mono;

/** The calls on a session's lock. They change no version, so they have no positions. */
final class LocksHandler {

  private static final byte[] FREE = Json.of("{\"held\":false}").utf8();

  private final Locks locks;
  private final Gate gate;
  private final BodyReader reader;
  private final Bodies bodies;
  private final Requests requests;

  LocksHandler(Locks locks, Gate gate, BodyReader reader, Bodies bodies, Requests requests) {
    this.locks = locks;
    this.gate = gate;
    this.reader = reader;
    this.bodies = bodies;
    this.requests = requests;
  }

  Mono<Answer> lock(Call call) {
    SessionKey key = call.session();
    call.query();
    return reader
        .json(call.exchange())
        .flatMap(body -> {
          LockBody asked = bodies.lock(body);
          Request request = requests.writing(call, key, body);
          Request waiting =
              asked.waitFor() == null
                  ? request
                  : new Request(request.caller(), key, request.conditions(), asked.waitFor());
          return write(call, waiting, () -> locks.lock(waiting, asked.ttl(), asked.label()));
        });
  }

  Mono<Answer> renew(Call call) {
    SessionKey key = call.session();
    call.query();
    return reader
        .json(call.exchange())
        .flatMap(body -> {
          LockBody asked = bodies.renewal(body);
          Request request = requests.writing(call, key, body);
          return write(call, request, () -> locks.renew(request, asked.ttl()));
        });
  }

  Mono<Answer> release(Call call) {
    SessionKey key = call.session();
    boolean force = call.query("force").flag("force");
    Request request = requests.writing(call, key);
    return write(call, request, () -> locks.release(request, force));
  }

  Mono<Answer> holder(Call call) {
    SessionKey key = call.session();
    call.query();
    return locks
        .holder(key, call.caller().owner())
        .map(held -> Answer.json(200, shown(held)))
        .switchIfEmpty(Mono.fromSupplier(() -> Answer.json(200, FREE)));
  }

  private Mono<Answer> write(Call call, Request request, Supplier<Mono<Done>> work) {
    return gate.write(call, request.conditions(), request.key(), Done::replayed, work)
        .map(done -> {
          Held held = done.held();
          return Answers.replayed(done.replayed(), held == null ? Answer.empty(204) : taken(held));
        });
  }

  private static Answer taken(Held held) {
    JsonBuffer out = new JsonBuffer(192);
    out.ascii("{\"lock\":").string(held.token());
    return Answer.json(200, rest(out, held));
  }

  private static byte[] shown(Held held) {
    JsonBuffer out = new JsonBuffer(192);
    out.ascii("{\"held\":true,\"by\":\"").ascii(held.client() ? "client" : "update").ascii("\"");
    return rest(out, held);
  }

  private static byte[] rest(JsonBuffer out, Held held) {
    out.ascii(",\"fence\":").number(held.fence());
    out.ascii(",\"expiresAt\":").time(held.expiresAt());
    if (held.label() != null) {
      out.ascii(",\"label\":").string(held.label());
    }
    return out.ascii("}").toBytes();
  }
}
