package io.heddle.session;

import io.heddle.json.Json;
import io.heddle.json.JsonWriter;
import java.time.Instant;

/**
 * A message of a thread.
 *
 * @param id the client's own, or the place's
 * @param seq 1, 2, 3 … in the session, never given twice
 * @param body see {@link NewMessage}
 */
public record Message(String id, long seq, Instant createdAt, Json body) {

  /** Writes the Message object of the native API. */
  public JsonWriter writeTo(JsonWriter out) {
    out.ascii("{\"id\":\"").ascii(id).ascii("\",\"seq\":").number(seq).ascii(",");
    out.raw(body.utf8(), 1, body.length() - 1);
    return out.ascii(",\"createdAt\":").time(createdAt).ascii("}");
  }

  /** About how many bytes {@link #writeTo} needs. */
  public int weight() {
    return body.length() + id.length() + 80;
  }
}
