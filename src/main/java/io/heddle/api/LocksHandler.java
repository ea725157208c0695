package io.heddle.api;

import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.json.JsonWriter;
import io.heddle.session.SessionLocks.Done;
import io.heddle.session.SessionLocks.Held;
import io.heddle.session.WriteContext;
import io.heddle.session.service.LockService;
import io.heddle.web.BytesResponse;
import io.heddle.web.RequestContext;
import java.util.function.Supplier;
import reactor.core.publisher.Mono;

/** The calls on a session's lock. They change no version, so they have no positions. */
final class LocksHandler {

  private static final byte[] FREE = Json.of("{\"held\":false}").utf8();

  private final LockService locks;
  private final WriteCalls calls;

  LocksHandler(LockService locks, WriteCalls calls) {
    this.locks = locks;
    this.calls = calls;
  }

  Mono<BytesResponse> lock(RequestContext call) {
    SessionKey key = call.session();
    call.query();
    return calls
        .reader()
        .json(call.exchange())
        .flatMap(body -> {
          LockBody asked = calls.bodies().lock(body);
          WriteContext request = call.writingOnTerms(key, body);
          WriteContext waiting =
              asked.waitFor() == null
                  ? request
                  : new WriteContext(request.caller(), key, request.requested(), asked.waitFor());
          return write(call, waiting, () -> locks.lock(waiting, asked.ttl(), asked.label()));
        });
  }

  Mono<BytesResponse> renew(RequestContext call) {
    SessionKey key = call.session();
    call.query();
    return calls
        .reader()
        .json(call.exchange())
        .flatMap(body -> {
          LockBody asked = calls.bodies().renewal(body);
          WriteContext request = call.writingOnTerms(key, body);
          return write(call, request, () -> locks.renew(request, asked.ttl()));
        });
  }

  Mono<BytesResponse> release(RequestContext call) {
    SessionKey key = call.session();
    boolean force = call.query("force").flag("force");
    WriteContext request = call.writingOnTerms(key);
    return write(call, request, () -> locks.release(request, force));
  }

  Mono<BytesResponse> holder(RequestContext call) {
    SessionKey key = call.session();
    call.query();
    return locks
        .holder(key, call.caller().owner())
        .map(held -> BytesResponse.json(200, shown(held)))
        .switchIfEmpty(Mono.fromSupplier(() -> BytesResponse.json(200, FREE)));
  }

  private Mono<BytesResponse> write(
      RequestContext call, WriteContext request, Supplier<Mono<Done>> work) {
    return calls
        .gate()
        .write(call.admission(), request.requested(), request.key(), Done::replayed, work)
        .map(done -> {
          Held held = done.held();
          return ResponseFactory.replayed(
              done.replayed(), held == null ? BytesResponse.empty(204) : taken(held));
        });
  }

  private static BytesResponse taken(Held held) {
    JsonWriter out = new JsonWriter(192);
    out.ascii("{\"lock\":").string(held.token());
    return BytesResponse.json(200, rest(out, held));
  }

  private static byte[] shown(Held held) {
    JsonWriter out = new JsonWriter(192);
    out.ascii("{\"held\":true,\"by\":\"").ascii(held.client() ? "client" : "update").ascii("\"");
    return rest(out, held);
  }

  private static byte[] rest(JsonWriter out, Held held) {
    out.ascii(",\"fence\":").number(held.fence());
    out.ascii(",\"expiresAt\":").time(held.expiresAt());
    out.some("label", held.label());
    return out.ascii("}").toBytes();
  }
}
