package io.heddle.session;

import io.heddle.base.Position;

/**
 * The answer to a write.
 *
 * @param value what was written; of a replay, as it is now
 * @param position of this write, or of the first time when it is a replay
 * @param replayed whether the same request had been done before, under its idempotency key
 * @param created whether the session was made by this request rather than found
 */
public record WriteResult<T>(T value, Position position, boolean replayed, boolean created) {}
