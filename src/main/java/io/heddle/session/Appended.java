package io.heddle.session;

import io.heddle.json.JsonWriter;
import java.util.List;
import java.util.Map;

/**
 * The messages of one append.
 *
 * @param ids all of them, in order
 * @param messages by id, those that are still in the thread
 */
public record Appended(List<String> ids, Map<String, Message> messages) {

  /** A JSON array: each message, or its id and {@code "deleted":true} when it is gone since. */
  public JsonWriter writeTo(JsonWriter out) {
    out.ascii("[");
    for (String id : ids) {
      out.next();
      Message message = messages.get(id);
      if (message == null) {
        out.ascii("{\"id\":").string(id).ascii(",\"deleted\":true}");
      } else {
        message.writeTo(out);
      }
    }
    return out.ascii("]");
  }

  /** About how many bytes {@link #writeTo} needs. */
  public int weight() {
    int weight = 16 + 64 * ids.size();
    for (Message message : messages.values()) {
      weight += message.weight();
    }
    return weight;
  }
}
