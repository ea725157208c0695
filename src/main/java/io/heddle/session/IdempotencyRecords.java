package io.heddle.session;

import io.heddle.base.SessionKey;
import java.time.Duration;
import reactor.core.publisher.Mono;

/**
 * The idempotency records, for those who need them outside a write: calls of several steps, and the
 * limiter's refusals. Same errors and threads as {@link SessionWriter}.
 */
public interface IdempotencyRecords {

  /**
   * What the record of a key says: {@link Outcome.Replayed}, {@link Outcome.Refused} with {@code
   * key-reused} or {@code key-in-progress}, or empty when there is none.
   */
  Mono<Outcome> find(SessionKey key, IdempotentRequest retry);

  /**
   * Marks the key as in progress for {@link IdempotentRequest#operation()}, atomically with looking
   * at it. Empty when it is now held (also when that operation held it already), else what {@link
   * #find} says.
   *
   * @param lease after which the mark goes by itself, should its holder die
   */
  Mono<Outcome> hold(SessionKey key, IdempotentRequest retry, Duration lease);

  /**
   * Takes back a mark of {@link IdempotentRequest#operation()}; does nothing to any other record.
   */
  Mono<Void> drop(SessionKey key, IdempotentRequest retry);
}
