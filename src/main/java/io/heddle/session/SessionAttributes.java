package io.heddle.session;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What a caller says of a session: all of it that neither the thread nor the store decides.
 *
 * @param user the owner; fixed when the session is created
 * @param metadata a JSON object
 * @param ttl how long the session lives after its last write, whole seconds
 */
public record SessionAttributes(
    @Nullable String user,
    @Nullable String title,
    Json metadata,
    @Nullable String systemPrompt,
    @Nullable String model,
    Status status,
    Duration ttl) {

  /** Whether the session takes messages. */
  public enum Status {
    ACTIVE("active"),
    COMPLETE("complete");

    private final String text;

    Status(String text) {
      this.text = text;
    }

    public String text() {
      return text;
    }

    public static @Nullable Status of(String text) {
      return switch (text) {
        case "active" -> ACTIVE;
        case "complete" -> COMPLETE;
        default -> null;
      };
    }
  }

  /** The stored form: every member, so that reading needs no defaults. */
  public Json toJson() {
    JsonWriter out = new JsonWriter(192 + metadata.length());
    out.ascii("{\"user\":").string(user);
    writeShown(out);
    return out.ascii(",\"ttlSeconds\":").number(ttl.toSeconds()).ascii("}").toJson();
  }

  /** About how many bytes its JSON has. */
  int weight() {
    int texts = 0;
    for (String text : new @Nullable String[] {user, title, systemPrompt, model}) {
      texts += text == null ? 0 : text.length();
    }
    return texts + metadata.length();
  }

  /** The members between {@code user} and {@code ttlSeconds}, as a Session shows them. */
  void writeShown(JsonWriter out) {
    out.ascii(",\"title\":").string(title);
    out.ascii(",\"status\":\"").ascii(status.text()).ascii("\",\"metadata\":").raw(metadata);
    out.some("systemPrompt", systemPrompt);
    out.some("model", model);
  }

  /** Reads {@link #toJson()} back. */
  public static SessionAttributes parse(byte[] stored) {
    JsonValue all = JsonValue.of(new Json(stored)).object();
    Status status = Status.of(all.word("status"));
    return new SessionAttributes(
        all.text("user"),
        all.text("title"),
        all.raw("metadata", Json.EMPTY_OBJECT),
        all.text("systemPrompt"),
        all.text("model"),
        status == null ? Status.ACTIVE : status,
        Duration.ofSeconds(all.number("ttlSeconds")));
  }
}
