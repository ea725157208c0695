package io.heddle.web;

import io.heddle.base.Caller;
import io.heddle.base.SessionKey;
import io.heddle.limit.Admission;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.WriteContext;
import io.heddle.session.WritePreconditions;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.server.ServerWebExchange;

/** One request on its way through a handler. */
public final class RequestContext {

  /** The rule for ids in paths and bodies. */
  public static final String ID_RULE = "must be [A-Za-z0-9._:@-]{1,128}, not . or ..";

  private static final HexFormat HEX = HexFormat.of();
  private static final byte[] NO_BODY = new byte[0];

  private final Wire wire;
  private final ServerRequest request;
  private final ServerHttpRequest http;
  private final Caller caller;
  private final Admission admission;
  private final Duration lockWait;
  private final boolean message;

  RequestContext(
      Wire wire, ServerRequest request, Caller caller, Admission admission, Duration lockWait) {
    this(wire, request, caller, admission, lockWait, false);
  }

  private RequestContext(
      Wire wire,
      ServerRequest request,
      Caller caller,
      Admission admission,
      Duration lockWait,
      boolean message) {
    this.wire = wire;
    this.request = request;
    this.http = request.exchange().getRequest();
    this.caller = caller;
    this.admission = admission;
    this.lockWait = lockWait;
    this.message = message;
  }

  /**
   * What came as a message of the socket that this call opened. The handshake's headers say who
   * calls and what becomes of a busy conversation; a key or a count of theirs would be every
   * message's.
   */
  RequestContext message(Admission counted) {
    return new RequestContext(wire, request, caller, counted, lockWait, true);
  }

  public ServerWebExchange exchange() {
    return request.exchange();
  }

  public ServerHttpRequest http() {
    return http;
  }

  public HttpHeaders headers() {
    return http.getHeaders();
  }

  public Caller caller() {
    return caller;
  }

  /** What the caller's limits say of this call. */
  public Admission admission() {
    return admission;
  }

  /** The parameters, which must be some of these. */
  public Query query(String... names) {
    return Query.of(http.getURI().getRawQuery(), names);
  }

  /** Whatever parameters there are. */
  public Query anyQuery() {
    return Query.lenient(http.getURI().getRawQuery());
  }

  // ---- the path

  public String path() {
    return Objects.requireNonNullElse(http.getURI().getPath(), "");
  }

  /** The names of the path's variables. */
  public Set<String> variables() {
    return request.pathVariables().keySet();
  }

  public String variable(String name) {
    return request.pathVariable(name);
  }

  /** The path's {@code id}, as that of a session of the caller's tenant. */
  public SessionKey session() {
    return key(id("id"));
  }

  /** The session of an id; null for what cannot be one. */
  public @Nullable SessionKey keyOrNull(String id) {
    return SessionKey.isId(id) ? key(id) : null;
  }

  public SessionKey key(String id) {
    return new SessionKey(caller.tenant(), id);
  }

  /** A variable that must be an id. */
  public String id(String variable) {
    String id = request.pathVariable(variable);
    if (!SessionKey.isId(id) || hasParameter()) {
      throw Query.refuse(variable, "in the path " + ID_RULE);
    }
    return id;
  }

  /** What follows a semicolon is cut off as a parameter before the path's variables are filled. */
  public boolean hasParameter() {
    return http.getURI().getRawPath().indexOf(';') >= 0;
  }

  // ---- the terms

  public ReadContext view() {
    return new ReadContext(caller.owner(), null);
  }

  /** The same, no older than the position that the caller has. */
  public ReadContext viewAtMinPosition() {
    return new ReadContext(caller.owner(), RequestHeaders.minPosition(headers()));
  }

  /** A write on no terms but an idempotency key's. */
  public WriteContext writing(SessionKey key) {
    return writing(key, NO_BODY);
  }

  /** The same; the body is part of what the key stands for. */
  public WriteContext writing(SessionKey key, byte[] body) {
    return writing(key, new WritePreconditions(caller.owner(), retry(body), null, List.of()));
  }

  public WriteContext writing(SessionKey key, WritePreconditions conditions) {
    return new WriteContext(caller, key, conditions, lockWait);
  }

  /** A write on all terms that headers can say. */
  public WriteContext writingOnTerms(SessionKey key) {
    return writingOnTerms(key, NO_BODY);
  }

  public WriteContext writingOnTerms(SessionKey key, byte[] body) {
    HttpHeaders headers = headers();
    WritePreconditions conditions =
        new WritePreconditions(
            caller.owner(),
            retry(body),
            RequestHeaders.lock(headers),
            RequestHeaders.preconditions(headers));
    return new WriteContext(caller, key, conditions, RequestHeaders.waitFor(headers, lockWait));
  }

  // ---- repetitions

  public @Nullable String idempotencyKey() {
    return message ? null : wire.idempotencyKey(headers());
  }

  private @Nullable IdempotentRequest retry(byte[] body) {
    byte[] hash = keyHash();
    return hash == null ? null : new IdempotentRequest(HEX.formatHex(hash), bodyHash(body));
  }

  /**
   * The key of this request with no body in particular: enough to find out whether there is a
   * record of it. Null without a key.
   */
  @Nullable IdempotentRequest anyRetry() {
    byte[] hash = keyHash();
    return hash == null ? null : new IdempotentRequest(HEX.formatHex(hash), "");
  }

  /** SHA-256 of the idempotency key in its scope; null without a key. */
  public byte @Nullable [] keyHash() {
    String key = idempotencyKey();
    return key == null ? null : hash(key);
  }

  private byte[] hash(String key) {
    return IdempotencyHashes.hash(caller, http.getMethod().name(), path(), key);
  }

  /** SHA-256 of query and body, in hex. */
  private String bodyHash(byte[] body) {
    MessageDigest digest = IdempotencyHashes.sha256();
    String query = http.getURI().getRawQuery();
    if (query != null) {
      digest.update(query.getBytes(StandardCharsets.UTF_8));
    }
    digest.update((byte) 0);
    digest.update(body);
    return HEX.formatHex(digest.digest());
  }

  /** Names this request of this caller's, however often it is sent. */
  public String fingerprint(byte[] body) {
    return HEX.formatHex(hash(bodyHash(body)));
  }

  /** Of the body as it is declared; more than any when it is not. */
  long bodyLength() {
    long length = headers().getContentLength();
    if (length >= 0) {
      return length;
    }
    return headers().getFirst(HttpHeaders.TRANSFER_ENCODING) == null ? 0 : Long.MAX_VALUE;
  }

  /** Whether the client's library counts how often it sends a request. */
  public boolean countsRetries() {
    return !message && headers().getFirst(HeaderNames.RETRY_COUNT) != null;
  }

  /** Whether a client's library says that it sends the same request again. */
  public boolean isRetry() {
    String count = message ? null : headers().getFirst(HeaderNames.RETRY_COUNT);
    return count != null && !count.isEmpty() && !count.equals("0");
  }
}
