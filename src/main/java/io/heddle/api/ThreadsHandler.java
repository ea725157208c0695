package io.heddle.api;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.json.JsonWriter;
import io.heddle.session.PageRequest;
import io.heddle.session.SessionAttributes;
import io.heddle.session.service.ThreadService;
import io.heddle.web.BytesResponse;
import io.heddle.web.Query;
import io.heddle.web.RequestContext;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The calls under {@code /v1/sessions/{id}/messages}. */
final class ThreadsHandler {

  static final int DEFAULT_LIMIT = 50;
  static final int MAX_LIMIT = 1000;

  private final ThreadService threads;
  private final WriteCalls calls;

  ThreadsHandler(ThreadService threads, WriteCalls calls) {
    this.threads = threads;
    this.calls = calls;
  }

  Mono<BytesResponse> append(RequestContext call) {
    SessionKey key = call.session();
    boolean create = call.query("create").flag("create");
    SessionAttributes made = create ? calls.description(call.caller()) : null;
    return calls
        .write(
            call,
            key,
            calls.reader().json(call.exchange()),
            calls.bodies()::messages,
            (request, messages) -> threads.append(request, messages, made))
        .map(written -> {
          JsonWriter out = new JsonWriter(written.value().weight() + 64);
          out.ascii("{\"position\":\"").ascii(written.position().toString());
          written.value().writeTo(out.ascii("\",\"data\":")).ascii("}");
          return ResponseFactory.written(201, written, out);
        });
  }

  Mono<BytesResponse> page(RequestContext call) {
    SessionKey key = call.session();
    PageRequest page = pageRequest(call.query("limit", "order", "after", "before"));
    return threads
        .page(key, call.viewAtMinPosition(), page)
        .map(found -> ResponseFactory.read(call, found, found::json));
  }

  Mono<BytesResponse> message(RequestContext call) {
    SessionKey key = call.session();
    String id = call.id("messageId");
    call.query();
    return threads
        .message(key, call.viewAtMinPosition(), id)
        .map(found ->
            ResponseFactory.read(
                call,
                found,
                () ->
                    found.messages().getFirst().writeTo(new JsonWriter(found.weight())).toBytes()));
  }

  Mono<BytesResponse> delete(RequestContext call) {
    SessionKey key = call.session();
    String id = call.id("messageId");
    call.query();
    return calls
        .write(call, key, request -> threads.deleteMessage(request, id))
        .map(ResponseFactory::gone);
  }

  /** Clears the thread, or cuts it after a message. */
  Mono<BytesResponse> cut(RequestContext call) {
    SessionKey key = call.session();
    String after = cursor(call.query("after"), "after");
    return calls
        .write(call, key, request -> threads.cut(request, after))
        .map(ResponseFactory::gone);
  }

  static PageRequest pageRequest(Query query) {
    int limit = query.integer("limit", 1, MAX_LIMIT, DEFAULT_LIMIT);
    String after = cursor(query, "after");
    String before = cursor(query, "before");
    String order = query.text("order");
    if (order == null) {
      // Going back from a cursor shows what stands before it, still oldest first.
      return new PageRequest(limit, after, before, after == null, false);
    }
    return switch (order) {
      case "asc" -> new PageRequest(limit, after, before, false, false);
      case "desc" -> new PageRequest(limit, after, before, true, true);
      default -> throw Query.refuse("order", "must be asc or desc");
    };
  }

  static @Nullable String cursor(Query query, String name) {
    String id = query.text(name);
    if (id != null && !SessionKey.isId(id)) {
      throw Problem.field(ProblemCode.INVALID_CURSOR, name, name + " is no message id")
          .toException();
    }
    return id;
  }
}
