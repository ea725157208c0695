package io.heddle.api;

import io.heddle.answercache.AnswerKey;
import io.heddle.base.Caller;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.limit.Admission;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.WritePreconditions;
import io.heddle.web.IdempotencyHashes;
import io.heddle.web.Query;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.server.ServerWebExchange;

/** One HTTP request on its way through a handler. */
final class RequestContext {

  private static final HexFormat HEX = HexFormat.of();

  private final ServerRequest request;
  private final ServerHttpRequest http;
  private final Caller caller;
  private final Admission admission;

  RequestContext(ServerRequest request, Caller caller, Admission admission) {
    this.request = request;
    this.http = request.exchange().getRequest();
    this.caller = caller;
    this.admission = admission;
  }

  ServerWebExchange exchange() {
    return request.exchange();
  }

  ServerHttpRequest http() {
    return http;
  }

  HttpHeaders headers() {
    return http.getHeaders();
  }

  Caller caller() {
    return caller;
  }

  /** What the caller's limits say of this call. */
  Admission admission() {
    return admission;
  }

  Query query(String... names) {
    return Query.of(http.getURI().getRawQuery(), names);
  }

  // ---- the path

  SessionKey session() {
    return new SessionKey(caller.tenant(), id("id"));
  }

  /** The path's id of a message. */
  String message() {
    return id("messageId");
  }

  String checkpoint() {
    return id("checkpointId");
  }

  /** The path's id of a turn, which must be one of the path's session. */
  String turn() {
    String turn = request.pathVariable("turnId");
    TurnAnswers.check(session(), turn);
    return turn;
  }

  /** The path's key of an answer, in the caller's own space. */
  AnswerKey answer() {
    String name = request.pathVariable("key");
    boolean cut = http.getURI().getRawPath().indexOf(';') >= 0;
    // The server puts it where the path's bytes are no UTF-8.
    if (!AnswerKey.isName(name) || name.indexOf('\ufffd') >= 0 || cut) {
      throw Query.refuse(
          "key",
          "in the path must be 1 to "
              + AnswerKey.LONGEST
              + " characters in UTF-8, none of them a control character; / ? # % ; are"
              + " percent-encoded");
    }
    return AnswerKey.of(caller, AnswerKey.Kind.CLIENT, name);
  }

  SessionKey key(String id) {
    return new SessionKey(caller.tenant(), id);
  }

  private String id(String variable) {
    String id = request.pathVariable(variable);
    // What follows a semicolon is cut off as a parameter before the variable is filled.
    if (!SessionKey.isId(id) || http.getURI().getRawPath().indexOf(';') >= 0) {
      throw Query.refuse(variable, "in the path " + Ids.SESSION_RULE);
    }
    return id;
  }

  // ---- the terms

  ReadContext view() {
    return new ReadContext(caller.owner(), RequestHeaders.minPosition(headers()));
  }

  @Nullable String idempotencyKey() {
    return RequestHeaders.key(headers());
  }

  /** What a write must meet; the body is part of what an idempotency key stands for. */
  WritePreconditions conditions(byte[] body) {
    HttpHeaders headers = headers();
    return new WritePreconditions(
        caller.owner(),
        retry(body),
        RequestHeaders.lock(headers),
        RequestHeaders.preconditions(headers));
  }

  private @Nullable IdempotentRequest retry(byte[] body) {
    String key = idempotencyKey();
    if (key == null) {
      return null;
    }
    MessageDigest digest = IdempotencyHashes.sha256();
    String query = http.getURI().getRawQuery();
    if (query != null) {
      digest.update(query.getBytes(StandardCharsets.UTF_8));
    }
    digest.update((byte) 0);
    digest.update(body);
    return new IdempotentRequest(HEX.formatHex(keyHash(key)), HEX.formatHex(digest.digest()));
  }

  /**
   * The key of this request with no body in particular: enough to find out whether there is a
   * record of it. Null without a key.
   */
  @Nullable IdempotentRequest anyRetry() {
    String key = idempotencyKey();
    return key == null ? null : new IdempotentRequest(HEX.formatHex(keyHash(key)), "");
  }

  /** The session that has the record of the key, as far as can be told without the body. */
  SessionKey recordedAt() {
    String derived = derivedId();
    return makesSession() && derived != null ? key(derived) : session();
  }

  /** Whether the body may name another session than {@link #recordedAt()}. */
  boolean mayBeRecordedElsewhere() {
    return makesSession();
  }

  private boolean makesSession() {
    String path = Objects.requireNonNullElse(http.getURI().getPath(), "");
    return !request.pathVariables().containsKey("id") || path.endsWith("/fork");
  }

  /** Of the body as it is declared; more than any when it is not. */
  long bodyLength() {
    long length = headers().getContentLength();
    if (length >= 0) {
      return length;
    }
    return headers().getFirst(HttpHeaders.TRANSFER_ENCODING) == null ? 0 : Long.MAX_VALUE;
  }

  /**
   * The id of a session that this request makes and does not name: with an idempotency key always
   * the same one, so that the record of the key is found under it.
   */
  @Nullable String derivedId() {
    String key = idempotencyKey();
    if (key == null) {
      return null;
    }
    return "ses_" + IdempotencyHashes.uuid(keyHash(key));
  }

  private byte[] keyHash(String key) {
    String path = Objects.requireNonNullElse(http.getURI().getPath(), "");
    return IdempotencyHashes.hash(caller, http.getMethod().name(), path, key);
  }

  /** The user a new session belongs to: the body's, which must be the caller's if it has one. */
  @Nullable String owner(@Nullable String given) {
    String own = caller.owner();
    if (own != null && given != null && !own.equals(given)) {
      throw Problem.field(ProblemCode.FORBIDDEN, "user", "The user is another than the caller")
          .toException();
    }
    return given != null ? given : caller.user();
  }
}
