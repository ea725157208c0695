package io.heddle.session;

import org.jspecify.annotations.Nullable;

/**
 * A client's idempotency key on one request.
 *
 * @param key SHA-256, in hex, of caller, method, path and the client's key
 * @param body SHA-256, in hex, of the request's body
 * @param operation who holds the key while a call of several steps runs; null for a call of one
 */
public record IdempotentRequest(String key, String body, @Nullable String operation) {

  public IdempotentRequest(String key, String body) {
    this(key, body, null);
  }

  public IdempotentRequest heldBy(String operation) {
    return new IdempotentRequest(key, body, operation);
  }
}
