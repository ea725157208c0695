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
    if (reasoning != null) {
      out.ascii(",\"reasoning\":").string(reasoning);
    }
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
    if (reasoning != null) {
      out.ascii(",\"reasoning\":").string(reasoning);
    }
    if (message != null) {
      out.ascii(",\"message\":").raw(message);
    }
    String before = ",\"toolCalls\":{";
    for (Map.Entry<String, Json> call : calls.entrySet()) {
      out.ascii(before).string(call.getKey()).ascii(":").raw(call.getValue());
      before = ",";
    }
    return out.ascii(calls.isEmpty() ? "}" : "}}").toJson();
  }

  /** Reads what {@link #writeTo} wrote; null when it is not there, or something else. */
  static @Nullable Opaque read(@Nullable JsonValue stored) {
    String upstream = stored == null ? null : stored.text("upstream");
    return upstream == null
        ? null
        : new Opaque(upstream, stored.text("reasoning"), stored.raw("members", Json.EMPTY_OBJECT));
  }
}
