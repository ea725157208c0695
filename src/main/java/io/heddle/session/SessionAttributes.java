package io.heddle.session;

import io.heddle.json.Json;
import io.heddle.json.JsonParsers;
import io.heddle.json.JsonWriter;
import java.time.Duration;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

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

  private static final JsonFactory FACTORY = JsonParsers.factory();

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
    if (systemPrompt != null) {
      out.ascii(",\"systemPrompt\":").string(systemPrompt);
    }
    if (model != null) {
      out.ascii(",\"model\":").string(model);
    }
  }

  /** Reads {@link #toJson()} back. */
  public static SessionAttributes parse(byte[] stored) {
    String user = null;
    String title = null;
    String systemPrompt = null;
    String model = null;
    Json metadata = Json.EMPTY_OBJECT;
    Status status = Status.ACTIVE;
    long ttl = 0;
    try (JsonParser in = FACTORY.createParser(ObjectReadContext.empty(), stored)) {
      in.nextToken();
      while (in.nextToken() == JsonToken.PROPERTY_NAME) {
        String name = in.currentName();
        JsonToken value = in.nextToken();
        switch (name) {
          case "user" -> user = in.getValueAsString();
          case "title" -> title = in.getValueAsString();
          case "systemPrompt" -> systemPrompt = in.getValueAsString();
          case "model" -> model = in.getValueAsString();
          case "status" -> {
            Status known = Status.of(in.getString());
            status = known == null ? Status.ACTIVE : known;
          }
          case "ttlSeconds" -> ttl = in.getLongValue();
          case "metadata" -> {
            int from = (int) in.currentTokenLocation().getByteOffset();
            in.skipChildren();
            int to = (int) in.currentLocation().getByteOffset();
            metadata = new Json(Arrays.copyOfRange(stored, from, to));
          }
          // A newer Heddle may have stored more; an older one must still read the rest.
          default -> {
            if (value.isStructStart()) {
              in.skipChildren();
            }
          }
        }
      }
    }
    return new SessionAttributes(
        user, title, metadata, systemPrompt, model, status, Duration.ofSeconds(ttl));
  }
}
