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
public record WriteContext(
    Caller caller, SessionKey key, WritePreconditions requested, Duration waitFor) {

  /** The conditions as the store is told them. */
  public WritePreconditions preconditions() {
    return requested.withOwner(caller.owner());
  }

  /** What this caller may read. */
  public ReadContext view() {
    return new ReadContext(caller.owner(), null);
  }
}
