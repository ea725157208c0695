package io.heddle.limit;

import java.time.Duration;
import reactor.core.publisher.Mono;

/**
 * Keeps what users have, beside the sessions and never in a write of one: it is some seconds late,
 * and may be wrong by what a crash left untold. Errors are {@code store-unavailable} and {@code
 * store-full}; then it is not known whether anything was added. Answers on an engine thread that
 * must not be blocked.
 */
public interface UsageStore {

  /** After so long a replica that says nothing more of its turns has none. */
  Duration LEASE = Duration.ofSeconds(15);

  /** How long it is kept of who does nothing. */
  Duration LIFE = Duration.ofDays(7);

  /** Adds, never below 0, and tells what there is then. */
  Mono<Usage> add(Subject subject, String replica, Usage.Change change);

  /**
   * Puts what was counted in the place of what was added up; documents are cut down to what so many
   * sessions can have.
   *
   * @param mostDocuments bytes that the documents of all sessions may have
   */
  Mono<Usage> put(Subject subject, Usage.Counted counted, long mostDocuments);
}
