package io.heddle.openai;

import io.heddle.base.Caller;
import io.heddle.base.IdSource;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.json.JsonWriter;
import io.heddle.session.Session;
import io.heddle.session.SessionAttributes;
import io.heddle.session.SessionProperties;
import io.heddle.web.IdempotencyHashes;
import io.heddle.web.RequestContext;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** What a session is as a conversation. */
final class Conversations {

  private static final String PREFIX = "conv_";

  /** Of a session that a response made for itself: it is no conversation of anybody's. */
  private static final String OWN = "rsp_";

  /** Some clients insist on so many. */
  private static final int ID_BYTES = 24;

  private final IdSource ids;
  private final Duration ttl;

  Conversations(IdSource ids, SessionProperties properties) {
    this.ids = ids;
    this.ttl = properties.defaultTtl();
  }

  /** The id of a new one; with an idempotency key always the same. */
  String newId(RequestContext call) {
    byte[] hash = call.keyHash();
    byte[] bytes =
        hash != null
            ? hash
            : IdempotencyHashes.sha256().digest(ids.token().getBytes(StandardCharsets.US_ASCII));
    return PREFIX + HexFormat.of().formatHex(bytes, 0, ID_BYTES);
  }

  /**
   * The id of a new session that is for a response alone.
   *
   * @param hash of an idempotency key, which makes the id always the same, or null
   */
  String ownId(byte @Nullable [] hash) {
    if (hash != null) {
      return OWN + IdempotencyHashes.uuid(hash);
    }
    String id = ids.sessionId();
    return OWN + id.substring(id.indexOf('_') + 1);
  }

  /** Whether it is one of the sessions that clients know of. */
  static boolean isOne(SessionKey key) {
    return !key.id().startsWith(OWN);
  }

  SessionAttributes description(Caller caller, Json metadata) {
    return new SessionAttributes(
        caller.user(), null, metadata, null, null, SessionAttributes.Status.ACTIVE, ttl);
  }

  static Json json(Session session) {
    Json metadata = Metadata.shown(session.description().metadata());
    return JsonWriter.object(metadata.length() + 192)
        .string("id", session.key().id())
        .string("object", "conversation")
        .number("created_at", session.head().createdAt().getEpochSecond())
        .raw("metadata", metadata)
        .done();
  }

  /** The session that an id names. */
  static SessionKey key(RequestContext call, String id) {
    SessionKey key = call.keyOrNull(id);
    if (key == null) {
      throw notFound(id);
    }
    return key;
  }

  static ProblemException notFound(String id) {
    return Problem.of(ProblemCode.SESSION_NOT_FOUND, "Conversation with id '" + id + "' not found.")
        .toException();
  }

  /** Tells that it is not there, or not any more, in this wire's words. */
  static <T> Mono<T> named(SessionKey key, Mono<T> work) {
    return work.onErrorMap(Conversations::isGone, _ -> notFound(key.id()));
  }

  static boolean isGone(Throwable error) {
    ProblemCode code = ProblemException.codeOf(error);
    return code == ProblemCode.SESSION_NOT_FOUND
        || code == ProblemCode.SESSION_DELETED
        || code == ProblemCode.SESSION_EXPIRED;
  }
}
