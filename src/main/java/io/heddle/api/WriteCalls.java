package io.heddle.api;

import io.heddle.base.Caller;
import io.heddle.base.IdSource;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.SessionAttributes;
import io.heddle.session.SessionProperties;
import io.heddle.session.WriteContext;
import io.heddle.session.WritePreconditions;
import io.heddle.session.WriteResult;
import io.heddle.web.AdmissionGate;
import io.heddle.web.BodyReader;
import io.heddle.web.IdempotencyHashes;
import io.heddle.web.RequestContext;
import java.time.Duration;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The way of every call that writes: its body, its terms and its limits. */
final class WriteCalls {

  private final AdmissionGate gate;
  private final BodyReader reader;
  private final RequestBodies bodies;
  private final IdSource ids;
  private final Duration defaultTtl;
  private final Duration lockWait;

  WriteCalls(AdmissionGate gate, BodyReader reader, IdSource ids, SessionProperties properties) {
    this.gate = gate;
    this.reader = reader;
    this.bodies = new RequestBodies(properties);
    this.ids = ids;
    this.defaultTtl = properties.defaultTtl();
    this.lockWait = properties.lockWait();
  }

  AdmissionGate gate() {
    return gate;
  }

  BodyReader reader() {
    return reader;
  }

  RequestBodies bodies() {
    return bodies;
  }

  /** A write without a body. */
  <T> Mono<WriteResult<T>> write(
      RequestContext call, SessionKey key, Function<WriteContext, Mono<WriteResult<T>>> write) {
    WriteContext request = call.writingOnTerms(key);
    return gate.write(call, request, () -> write.apply(request));
  }

  /**
   * A write of what the body says.
   *
   * @param sent the body
   * @param shape what the call makes of it
   */
  <B, T> Mono<WriteResult<T>> write(
      RequestContext call,
      SessionKey key,
      Mono<byte[]> sent,
      Function<byte[], B> shape,
      BiFunction<WriteContext, B, Mono<WriteResult<T>>> write) {
    return sent.flatMap(body -> {
      B asked = shape.apply(body);
      WriteContext request = call.writingOnTerms(key, body);
      return gate.write(call, request, () -> write.apply(request, asked));
    });
  }

  /** An append over a socket. */
  WriteContext writing(
      Caller caller, SessionKey key, WritePreconditions conditions, @Nullable Duration wait) {
    return new WriteContext(caller, key, conditions, wait == null ? lockWait : wait);
  }

  /** The id a new session gets when its maker does not name one. */
  String newId(RequestContext call, @Nullable String given) {
    if (given != null) {
      return given;
    }
    return call.idempotencyKey() == null ? ids.sessionId() : derivedId(call);
  }

  /**
   * The id of a session that a request makes and does not name: with an idempotency key always the
   * same one, so that the record of the key is found under it.
   */
  static String derivedId(RequestContext call) {
    byte[] hash = call.keyHash();
    if (hash == null) {
      throw new IllegalStateException("the request has no idempotency key");
    }
    return "ses_" + IdempotencyHashes.uuid(hash);
  }

  SessionAttributes description(RequestContext call, SessionBody body) {
    return new SessionAttributes(
        owner(call.caller(), body.user()),
        body.title(),
        body.metadata(),
        body.systemPrompt(),
        body.model(),
        SessionAttributes.Status.ACTIVE,
        body.ttl() == null ? defaultTtl : body.ttl());
  }

  /** The user a new session belongs to: the body's, which must be the caller's if it has one. */
  private static @Nullable String owner(Caller caller, @Nullable String given) {
    String own = caller.owner();
    if (own != null && given != null && !own.equals(given)) {
      throw Problem.field(ProblemCode.FORBIDDEN, "user", "The user is another than the caller")
          .toException();
    }
    return given != null ? given : caller.user();
  }

  /** Of a session that is made because somebody appends to it. */
  SessionAttributes description(Caller caller) {
    return new SessionAttributes(
        caller.user(),
        null,
        Json.EMPTY_OBJECT,
        null,
        null,
        SessionAttributes.Status.ACTIVE,
        defaultTtl);
  }
}
