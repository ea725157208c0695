package io.heddle.redis;

import io.heddle.base.SessionKey;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;

/**
 * A write as it is sent. Made once, tag and all, so that a write that is sent again is the same.
 */
record ScriptCall(
    SessionKey key,
    Write write,
    WritePreconditions conditions,
    RedisScript script,
    byte[][] keys,
    byte[][] args) {

  /** Whether the store can tell that it has run already, and then answers what it did. */
  boolean isSafeTwice() {
    return conditions.retry() != null
        || switch (write) {
          case Write.BeginTurn _,
              Write.NextTurn _,
              Write.RetakeTurn _,
              Write.CancelTurn _,
              Write.EndTurn _,
              Write.DropTurn _ ->
              true;
          default -> false;
        };
  }
}
