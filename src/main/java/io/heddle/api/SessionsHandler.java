package io.heddle.api;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.json.JsonWriter;
import io.heddle.session.Filter;
import io.heddle.session.NewMessage;
import io.heddle.session.PageRequest;
import io.heddle.session.Session;
import io.heddle.session.SessionAttributes;
import io.heddle.session.SessionPage;
import io.heddle.session.WriteContext;
import io.heddle.session.service.SessionService;
import io.heddle.web.BytesResponse;
import io.heddle.web.Callers;
import io.heddle.web.HeaderNames;
import io.heddle.web.Query;
import io.heddle.web.RequestContext;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The calls on sessions as a whole. */
final class SessionsHandler {

  private static final int DEFAULT_LIMIT = 50;
  private static final int MAX_LIMIT = 200;
  private static final int MAX_CURSOR = 1024;
  private static final String METADATA = "metadata.";

  private final SessionService sessions;
  private final WriteCalls calls;

  SessionsHandler(SessionService sessions, WriteCalls calls) {
    this.sessions = sessions;
    this.calls = calls;
  }

  Mono<BytesResponse> create(RequestContext call) {
    call.query();
    return calls
        .reader()
        .json(call.exchange())
        .flatMap(body -> {
          SessionBody asked = calls.bodies().session(body);
          SessionAttributes description = calls.description(call, asked);
          String id = calls.newId(call, asked.id());
          WriteContext request = call.writingOnTerms(call.key(id), body);
          if (!asked.resume()) {
            return calls
                .gate()
                .write(
                    call, request, () -> sessions.create(request, description, asked.messages()));
          }
          if (description.user() == null) {
            throw Query.refuse("user", "must be given to resume that user's session");
          }
          return calls
              .gate()
              .write(
                  call,
                  request,
                  () ->
                      sessions.resume(
                          call.caller(), id, request.requested(), description, asked.messages()));
        })
        .map(written -> ResponseFactory.session(written.created() ? 201 : 200, written));
  }

  Mono<BytesResponse> put(RequestContext call) {
    SessionKey key = call.session();
    call.query();
    return calls
        .write(
            call,
            key,
            calls.reader().json(call.exchange()),
            body -> {
              SessionBody asked = put(key, body);
              return new Put(calls.description(call, asked), asked.messages());
            },
            (request, put) -> sessions.put(request, put.attributes(), put.messages()))
        .map(written -> ResponseFactory.session(written.created() ? 201 : 200, written));
  }

  /** What a body says, of which another's session is refused before the terms are looked at. */
  private record Put(SessionAttributes attributes, List<NewMessage> messages) {}

  private SessionBody put(SessionKey key, byte[] body) {
    SessionBody asked = calls.bodies().session(body);
    if (asked.id() != null && !asked.id().equals(key.id())) {
      throw Query.refuse("id", "is another than the path's");
    }
    if (asked.resume()) {
      throw Query.refuse("resume", "is for POST /v1/sessions only");
    }
    return asked;
  }

  Mono<BytesResponse> get(RequestContext call) {
    SessionKey key = call.session();
    int messages = call.query("messages").integer("messages", 0, ThreadsHandler.MAX_LIMIT, -1);
    PageRequest page = messages < 1 ? PageRequest.NONE : PageRequest.last(messages);
    return sessions
        .load(key, call.viewAtMinPosition(), page)
        .map(found ->
            ResponseFactory.read(
                call, found, () -> messages < 0 ? found.bareSessionJson() : found.sessionJson()));
  }

  Mono<BytesResponse> patch(RequestContext call) {
    SessionKey key = call.session();
    call.query();
    return calls
        .write(
            call,
            key,
            calls.reader().mergePatch(call.exchange()),
            calls.bodies()::patch,
            sessions::patch)
        .map(written -> ResponseFactory.session(200, written));
  }

  Mono<BytesResponse> delete(RequestContext call) {
    SessionKey key = call.session();
    call.query();
    return calls
        .write(call, key, sessions::delete)
        .map(written -> ResponseFactory.replayed(written.replayed(), BytesResponse.empty(204)));
  }

  Mono<BytesResponse> fork(RequestContext call) {
    SessionKey source = call.session();
    call.query();
    return calls
        .reader()
        .jsonOrNothing(call.exchange())
        .flatMap(body -> {
          ForkBody asked = calls.bodies().fork(body);
          SessionKey target = call.key(calls.newId(call, asked.id()));
          if (target.equals(source)) {
            throw Query.refuse("id", "is the source's own");
          }
          WriteContext request = call.writingOnTerms(source, body);
          return calls
              .gate()
              .write(
                  call.admission(),
                  request.requested(),
                  target,
                  () -> sessions.fork(request, target, asked.after()));
        })
        .map(written -> ResponseFactory.session(201, written));
  }

  Mono<BytesResponse> list(RequestContext call) {
    Query query = call.query("user", "status", METADATA, "limit", "cursor");
    String user = user(query);
    Filter filter = new Filter(status(query), metadata(query));
    int limit = query.integer("limit", 1, MAX_LIMIT, DEFAULT_LIMIT);
    String cursor = query.text("cursor");
    if (cursor != null && (cursor.isEmpty() || cursor.length() > MAX_CURSOR)) {
      throw Problem.field(ProblemCode.INVALID_CURSOR, "cursor", "cursor is none of this list")
          .toException();
    }
    return sessions
        .list(call.caller(), user, filter, limit, cursor)
        .map(found ->
            BytesResponse.json(200, write(found))
                .header(HeaderNames.CACHE, ResponseFactory.BYPASS));
  }

  private static byte[] write(SessionPage listing) {
    JsonWriter out = new JsonWriter(64 + listing.sessions().size() * ResponseFactory.SESSION_SIZE);
    out.ascii("{\"data\":").array(listing.sessions(), Session::writeTo);
    return out.string("next", listing.next()).end().toBytes();
  }

  private static @Nullable String user(Query query) {
    String user = query.text("user");
    if (user != null
        && (user.isEmpty() || user.length() > Callers.MAX_USER || Callers.hasControl(user))) {
      throw Query.refuse(
          "user", "must be 1 to " + Callers.MAX_USER + " characters, no control ones");
    }
    return user;
  }

  private static SessionAttributes.@Nullable Status status(Query query) {
    String text = query.text("status");
    if (text == null) {
      return null;
    }
    SessionAttributes.Status status = SessionAttributes.Status.of(text);
    if (status == null) {
      throw Query.refuse("status", "must be active or complete");
    }
    return status;
  }

  private static Map<String, String> metadata(Query query) {
    return query.startingWith(METADATA);
  }
}
