package io.heddle.session;

import io.heddle.base.Position;
import io.heddle.json.Json;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The state document as one write saved it.
 *
 * @param saved the position of that write; its checkpoint id is {@code cp_<position>}
 */
public record Checkpoint(Position saved, Instant savedAt, Json document) {

  private static final String PREFIX = "cp_";

  public String id() {
    return idOf(saved);
  }

  public static String idOf(Position saved) {
    return PREFIX + saved;
  }

  /** The position a checkpoint id names, or null when it is none. */
  public static @Nullable Position parseId(String id) {
    return id.startsWith(PREFIX) ? Position.parse(id.substring(PREFIX.length())) : null;
  }
}
