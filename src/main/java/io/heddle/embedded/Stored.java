package io.heddle.embedded;

import io.heddle.base.Json;
import io.heddle.base.Position;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The small values of the tables. Times are milliseconds since 1970. */
final class Stored {

  private Stored() {}

  /**
   * @param tag of the write that appended it
   * @param name the client's own id, or null
   */
  record Row(long seq, long created, String tag, @Nullable String name, Json body) {}

  /** Where the message of a client's id stands, or stood. */
  record Place(long version, int index) {}

  record Saved(String tag, long time, Json document) {}

  /**
   * @param body the change, or null when it is too long to be kept
   */
  record Made(String tag, @Nullable Json body) {}

  /**
   * An idempotency record.
   *
   * @param operation who holds the key while its call runs, or null when it is done
   * @param until when the record ends
   * @param position of the write, or null while the call runs
   * @param messages the ids it appended
   */
  record Kept(
      String body,
      @Nullable String operation,
      long until,
      @Nullable Position position,
      List<String> messages) {}

  /** An answer of a model or a tool. */
  record Cached(String contentType, long storedAt, long expiresAt, byte[] body) {}
}
