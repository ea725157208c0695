package io.heddle.session;

import io.heddle.base.Caller;
import io.heddle.base.SessionKey;
import java.time.Duration;

/**
 * One request to write: who, to which session, on what terms.
 *
 * @param conditions their owner is not looked at, it follows from the caller
 * @param waitFor how long to wait for somebody else's lock
 */
public record Request(Caller caller, SessionKey key, Conditions conditions, Duration waitFor) {

  /** The conditions as the store is told them. */
  public Conditions terms() {
    return conditions.withOwner(caller.owner());
  }

  /** What this caller may read. */
  public View view() {
    return new View(caller.owner(), null);
  }
}
