package io.heddle.openai;

import io.heddle.base.Caller;
import io.heddle.base.SessionKey;
import io.heddle.limit.Admission;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.OnBusy;
import io.heddle.session.ReadContext;
import io.heddle.session.WriteContext;
import io.heddle.session.WritePreconditions;
import io.heddle.web.IdempotencyHashes;
import io.heddle.web.Query;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.server.ServerWebExchange;

/** One request on its way through a handler. */
final class RequestContext {

  private static final HexFormat HEX = HexFormat.of();
  private static final String KEY = "Idempotency-Key";
  private static final String ON_BUSY = "Heddle-On-Busy";
  private static final int MAX_KEY = 255;

  /** How many tries of the same request there were before this one, says the client's library. */
  private static final String RETRY_COUNT = "x-stainless-retry-count";

  private final ServerRequest request;
  private final ServerHttpRequest http;
  private final Caller caller;
  private final Admission admission;
  private final Duration lockWait;
  private final boolean message;

  RequestContext(ServerRequest request, Caller caller, Admission admission, Duration lockWait) {
    this(request, caller, admission, lockWait, false);
  }

  private RequestContext(
      ServerRequest request,
      Caller caller,
      Admission admission,
      Duration lockWait,
      boolean message) {
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
    return new RequestContext(request, caller, counted, lockWait, true);
  }

  ServerWebExchange exchange() {
    return request.exchange();
  }

  HttpHeaders headers() {
    return http.getHeaders();
  }

  Caller caller() {
    return caller;
  }

  Admission admission() {
    return admission;
  }

  Query query() {
    return Query.lenient(http.getURI().getRawQuery());
  }

  String variable(String name) {
    return request.pathVariable(name);
  }

  ReadContext view() {
    return new ReadContext(caller.owner(), null);
  }

  /** The session of an id; null for what cannot be one. */
  @Nullable SessionKey key(String id) {
    return SessionKey.isId(id) ? new SessionKey(caller.tenant(), id) : null;
  }

  /** A write to a session; the body is part of what an idempotency key stands for. */
  WriteContext writing(SessionKey key, byte[] body) {
    return new WriteContext(
        caller,
        key,
        new WritePreconditions(caller.owner(), retry(body), null, List.of()),
        lockWait);
  }

  /** The same with another place for the idempotency key's record. */
  WriteContext writing(SessionKey key, WritePreconditions conditions) {
    return new WriteContext(caller, key, conditions, lockWait);
  }

  private @Nullable IdempotentRequest retry(byte[] body) {
    String key = idempotencyKey();
    return key == null ? null : new IdempotentRequest(HEX.formatHex(keyHash(key)), bodyHash(body));
  }

  /** The key with no body in particular; null without a key. */
  @Nullable IdempotentRequest anyRetry() {
    String key = idempotencyKey();
    return key == null ? null : new IdempotentRequest(HEX.formatHex(keyHash(key)), "");
  }

  /** The session that has the record of the key; null where the body says which. */
  @Nullable SessionKey recordedAt() {
    String named =
        request.pathVariables().containsKey("id") && path().contains("/conversations/")
            ? request.pathVariable("id")
            : path().endsWith("/chat/completions") ? headers().getFirst(ChatHandler.SESSION) : null;
    return named == null ? null : key(named);
  }

  /** Of the body as it is declared; more than any when it is not. */
  long bodyLength() {
    long length = headers().getContentLength();
    if (length >= 0) {
      return length;
    }
    return headers().getFirst(HttpHeaders.TRANSFER_ENCODING) == null ? 0 : Long.MAX_VALUE;
  }

  /** SHA-256 of query and body, in hex. */
  String bodyHash(byte[] body) {
    var digest = IdempotencyHashes.sha256();
    String query = http.getURI().getRawQuery();
    if (query != null) {
      digest.update(query.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }
    digest.update((byte) 0);
    digest.update(body);
    return HEX.formatHex(digest.digest());
  }

  @Nullable String idempotencyKey() {
    String key = message ? null : headers().getFirst(KEY);
    if (key == null) {
      return null;
    }
    if (key.isEmpty()
        || key.length() > MAX_KEY
        || !key.chars().allMatch(c -> c >= 0x20 && c < 0x7f)) {
      throw Query.refuse(KEY, "must be 1 to " + MAX_KEY + " printable ASCII characters");
    }
    return key;
  }

  /** SHA-256 of the idempotency key in its scope; null without a key. */
  byte @Nullable [] keyHash() {
    String key = idempotencyKey();
    return key == null ? null : keyHash(key);
  }

  private byte[] keyHash(String key) {
    return IdempotencyHashes.hash(caller, http.getMethod().name(), path(), key);
  }

  String path() {
    return Objects.requireNonNullElse(http.getURI().getPath(), "");
  }

  /** Names this request of this caller's, however often it is sent. */
  String fingerprint(byte[] body) {
    return HEX.formatHex(
        IdempotencyHashes.hash(caller, http.getMethod().name(), path(), bodyHash(body)));
  }

  /** Whether the client's library counts how often it sends a request. */
  boolean countsRetries() {
    return !message && headers().getFirst(RETRY_COUNT) != null;
  }

  /** What is to become of a turn while another one runs; the client may say it in a header. */
  OnBusy onBusy() {
    String text = headers().getFirst(ON_BUSY);
    OnBusy onBusy = text == null ? OnBusy.ENQUEUE : OnBusy.of(text);
    if (onBusy == null) {
      throw Query.refuse(ON_BUSY, "must be enqueue, reject, interrupt or rollback");
    }
    return onBusy;
  }

  /** Whether a client's library says that it sends the same request again. */
  boolean isRetry() {
    String count = message ? null : headers().getFirst(RETRY_COUNT);
    return count != null && !count.isEmpty() && !count.equals("0");
  }
}
