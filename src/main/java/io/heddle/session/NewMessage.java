package io.heddle.session;

import io.heddle.json.Json;
import org.jspecify.annotations.Nullable;

/**
 * A message that is not in a thread yet.
 *
 * @param id the client's own id, unique in the session, or null when the store's place names it
 * @param body a JSON object with at least one member, and without {@code id}, {@code seq} and
 *     {@code createdAt}: those are spliced in when it is read
 */
public record NewMessage(@Nullable String id, Json body) {

  /** What it counts against its session's size: a client's id is kept like the body. */
  public long bytes() {
    return bytes(id, body);
  }

  /** Ids are ASCII. */
  public static long bytes(@Nullable String id, Json body) {
    return body.length() + (id == null ? 0 : id.length());
  }
}
