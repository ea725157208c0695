package io.heddle.session;

import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Which sessions a user has: a superset of the truth, which readers check against the sessions and
 * clean. Not atomic with any write. Same errors and threads as {@link SessionReader}.
 */
public interface SessionIndex {

  /**
   * Says that the user's session was active then; an earlier time than the known one is ignored.
   */
  Mono<Void> touch(SessionKey key, String user, Instant active);

  /**
   * A user's sessions by last activity, newest first; without a user, every session of the tenant
   * by expiry, soonest first.
   *
   * @param cursor the {@link Page#next()} of the page before; {@code invalid-cursor} for anything
   *     else
   */
  Mono<Page> list(Tenant tenant, @Nullable String user, int limit, @Nullable String cursor);

  /** Forgets sessions that are not the user's any more. */
  Mono<Void> forget(Tenant tenant, String user, List<String> ids);

  /** The user's current session, or empty. */
  Mono<String> current(Tenant tenant, String user);

  /**
   * Sets the current session if it still is {@code expected} (null: none); answers the one that is
   * current afterwards. Of two at once with the same expectation, one wins and both get its id.
   */
  Mono<String> compareAndSetCurrent(
      Tenant tenant, String user, @Nullable String expected, String next);

  /**
   * @param next where the list goes on, or null at its end
   */
  record Page(List<String> ids, @Nullable String next) {}
}
