package io.heddle.session;

import io.heddle.base.SessionKey;
import reactor.core.publisher.Mono;

/** The one way to change a session. */
public interface SessionWriter {

  /**
   * Decides and writes in one atomic step in the store: the conditions hold, the data, the version,
   * the idempotency record and the published change are one. At most once; with a {@link
   * IdempotentRequest} exactly once for 24 h, because the engine may then send it again and let the
   * record decide.
   *
   * <p>Never empty. Refusals are {@link Outcome.Refused}. Errors are {@code store-unavailable}
   * (nothing was written), {@code store-full} and {@code outcome-unknown}. Cancelling does not undo
   * what was sent. Answers on an engine thread that must not be blocked.
   */
  Mono<Outcome> apply(SessionKey key, Write write, WritePreconditions conditions);
}
