package io.heddle.base;

import java.util.Locale;

/**
 * Every problem Heddle answers with: its stable code, HTTP status, and whether the same request may
 * succeed when it is sent again. The code on the wire is the constant's name in lower case with
 * dashes.
 */
public enum ProblemCode {
  INVALID_JSON(400, false, "The body is not JSON that Heddle can read"),
  INVALID_REQUEST(400, false, "A field, parameter or header is not as it must be"),
  UNKNOWN_FIELD(400, false, "The request has a field that this call does not know"),
  INVALID_CURSOR(400, false, "The cursor is not one of this list"),
  FORBIDDEN(403, false, "The caller may not do this"),
  NOT_FOUND(404, false, "There is nothing at this path"),
  SESSION_NOT_FOUND(404, false, "There is no such session"),
  MESSAGE_NOT_FOUND(404, false, "There is no such message in the session"),
  CHECKPOINT_NOT_FOUND(404, false, "There is no such checkpoint in the session"),
  TURN_NOT_FOUND(404, false, "There is no such turn in the session"),
  MODEL_NOT_FOUND(404, false, "No model server here has this model"),
  METHOD_NOT_ALLOWED(405, false, "The path does not take this method"),
  NOT_ACCEPTABLE(406, false, "The call cannot answer in any of the accepted types"),
  REQUEST_TIMEOUT(408, true, "The body did not arrive in time"),
  SESSION_EXISTS(409, false, "The session id is taken"),
  MESSAGE_EXISTS(409, false, "The message id is taken in this session"),
  SESSION_COMPLETE(409, false, "The session is complete and takes no messages until it is active"),
  POSITION_LOST(409, false, "The position is not part of the session's history"),
  TURN_RUNNING(409, true, "A turn is running"),
  TURN_ENDED(409, false, "The turn has ended"),
  TURN_QUEUE_FULL(409, true, "Too many turns wait in the session"),
  KEY_IN_PROGRESS(409, true, "A request with this idempotency key is still running"),
  SESSION_DELETED(410, false, "The session was deleted"),
  SESSION_EXPIRED(410, false, "The session has expired"),
  VERSION_CONFLICT(412, false, "The session is at another position than If-Match asks for"),
  STALE_FENCE(412, false, "The lock token does not hold the session's lock"),
  BODY_TOO_LARGE(413, false, "The request is larger than this server takes"),
  MESSAGE_TOO_LARGE(413, false, "A message is larger than this server takes"),
  SESSION_TOO_LARGE(413, false, "The session would grow larger than this server keeps"),
  UNSUPPORTED_MEDIA_TYPE(415, false, "The body has a content type that this call does not read"),
  MISDIRECTED_REQUEST(421, false, "This server does not answer under the name that was asked"),
  KEY_REUSED(422, false, "The idempotency key was used with another request"),
  SESSION_LOCKED(423, true, "Somebody else holds the session's lock"),
  UPGRADE_REQUIRED(426, false, "The call answers as a WebSocket only"),
  RATE_LIMITED(429, true, "The caller has used up a limit"),
  QUOTA_EXCEEDED(429, true, "The caller has as much as one user may have"),
  INTERNAL(500, false, "Heddle failed"),
  NOT_IMPLEMENTED(501, false, "The request uses a part of HTTP that this server does not know"),
  MODEL_FAILED(502, false, "The model server failed"),
  MODEL_REFUSED(502, false, "The model server refused the request"),
  MODEL_UNAVAILABLE(503, true, "The model server cannot be reached or is overloaded"),
  MODEL_TIMEOUT(504, true, "The model server did not answer in time"),
  TURN_QUEUE_TIMEOUT(503, true, "The turn waited too long for those before it"),
  TURNS_FULL(503, true, "This replica runs as many turns as it may"),
  STORE_UNAVAILABLE(503, true, "The store cannot be reached; nothing was written"),
  STORE_FULL(503, true, "The store is full; nothing was written"),
  OUTCOME_UNKNOWN(503, false, "The write was sent and not answered; it may have happened"),
  LIMITER_UNAVAILABLE(503, true, "The limit could not be asked; nothing was written"),
  OVERLOADED(503, true, "This replica has as many bytes in flight as it may"),
  RESTARTING(503, true, "This replica is stopping; another one, or it later, will answer");

  private final int status;
  private final boolean retryable;
  private final String title;
  private final String code;

  ProblemCode(int status, boolean retryable, String title) {
    this.status = status;
    this.retryable = retryable;
    this.title = title;
    this.code = name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  public int status() {
    return status;
  }

  /** Whether sending the same request again, later, may succeed. */
  public boolean retryable() {
    return retryable;
  }

  public String title() {
    return title;
  }

  /** The code on the wire, {@code session-not-found}. */
  public String code() {
    return code;
  }
}
