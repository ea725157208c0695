package io.heddle.session;

import io.heddle.base.SessionKey;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Reads sessions. Each answer is of one moment: what it holds stood together at its position.
 *
 * <p>Never empty. Errors are {@code ProblemException}s: {@code session-not-found} (also for another
 * owner's), {@code session-deleted}, {@code session-expired} (from {@code expiresAt} on, swept or
 * not), {@code position-lost}, {@code store-unavailable}. Answers on an engine thread.
 */
public interface SessionReader {

  /**
   * The session and a page of its thread; {@code invalid-cursor} for a cursor of another session.
   */
  Mono<ThreadPage> load(SessionKey key, ReadContext view, PageRequest page);

  /** One message, by the client's id or Heddle's; else {@code message-not-found}. */
  Mono<ThreadPage> message(SessionKey key, ReadContext view, String message);

  Mono<StateView> state(SessionKey key, ReadContext view);

  /**
   * Checkpoints, newest first.
   *
   * @param before only ones older than this checkpoint, there or not
   */
  Mono<CheckpointPage> checkpoints(
      SessionKey key, ReadContext view, int limit, @Nullable String before);

  /** One checkpoint, {@code latest} for the newest; else {@code checkpoint-not-found}. */
  Mono<StateView> checkpoint(SessionKey key, ReadContext view, String checkpoint);
}
