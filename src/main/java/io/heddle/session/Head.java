package io.heddle.session;

import io.heddle.base.Position;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What the store keeps count of in a session.
 *
 * @param lastSeq the seq of the newest message there ever was; deleting does not lower it
 * @param messageCount messages that are there now
 * @param bytes of the thread's messages that are there now: bodies, and ids that clients gave
 * @param expiresAt when the session ends unless it is written to before, in the store's clock
 * @param activeTurn the running turn
 */
public record Head(
    Position position,
    long lastSeq,
    long messageCount,
    long bytes,
    Instant createdAt,
    Instant updatedAt,
    Instant expiresAt,
    @Nullable String activeTurn) {

  /** How many messages were deleted. */
  public long deleted() {
    return lastSeq - messageCount;
  }
}
