package io.heddle.turn;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a model's server said of its answer, or of one of its tool calls, that only this server
 * understands: signatures of thoughts and the like. It is kept as it came, and given back to the
 * same server only.
 *
 * @param upstream its name in the settings
 * @param reasoning the member in which the server says its thoughts, and wants them back; null when
 *     it said none
 * @param members an object
 */
public record Opaque(String upstream, @Nullable String reasoning, Json members) {

  boolean isBare() {
    return members.length() <= 2;
  }

  void writeTo(JsonWriter out) {
    out.ascii("{\"upstream\":").string(upstream);
    out.some("reasoning", reasoning);
    out.ascii(",\"members\":").raw(members).ascii("}");
  }

  /**
   * The member {@code upstream} of a stored message.
   *
   * @param message members of the message, or null
   * @param calls members of its tool calls, by id
   */
  public static Json stored(
      String upstream,
      @Nullable String reasoning,
      @Nullable Json message,
      Map<String, Json> calls) {
    JsonWriter out = new JsonWriter(256).ascii("{\"name\":").string(upstream);
    out.some("reasoning", reasoning);
    out.some("message", message);
    if (!calls.isEmpty()) {
      out.name("toolCalls").ascii('{');
      calls.forEach((id, call) -> out.next().string(id).ascii(':').raw(call));
      out.end();
    }
    return out.done();
  }

  /** Reads what {@link #writeTo} wrote; null when it is not there, or something else. */
  static @Nullable Opaque read(@Nullable JsonValue stored) {
    String upstream = stored == null ? null : stored.text("upstream");
    return stored == null || upstream == null
        ? null
        : new Opaque(upstream, stored.text("reasoning"), stored.raw("members", Json.EMPTY_OBJECT));
  }
}
