package io.heddle.api;

import io.heddle.json.Json;
import io.heddle.json.JsonReader;
import io.heddle.session.NewMessage;
import io.heddle.session.SessionProperties;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What {@code POST /v1/sessions} and {@code PUT /v1/sessions/{id}} take. */
record SessionBody(
    @Nullable String id,
    @Nullable String user,
    @Nullable String title,
    Json metadata,
    @Nullable String systemPrompt,
    @Nullable String model,
    @Nullable Duration ttl,
    List<NewMessage> messages,
    boolean resume) {

  static final int MAX_TITLE = 1024;
  static final int MAX_SYSTEM_PROMPT = 64 << 10;
  static final int MAX_MODEL = 256;

  static SessionBody read(JsonReader in, int maxMessage) {
    String id = null;
    String user = null;
    String title = null;
    Json metadata = Json.EMPTY_OBJECT;
    String systemPrompt = null;
    String model = null;
    Duration ttl = null;
    List<NewMessage> messages = List.of();
    boolean resume = false;
    Set<String> seen = new HashSet<>();
    in.object();
    while (in.nextMember(seen)) {
      switch (in.name()) {
        case "id" -> id = in.isNull() ? null : Ids.session(in);
        case "user" -> user = in.isNull() ? null : Ids.user(in);
        case "title" -> title = in.isNull() ? null : in.string(0, MAX_TITLE);
        case "metadata" -> metadata = in.isNull() ? Json.EMPTY_OBJECT : Metadata.read(in);
        case "systemPrompt" -> systemPrompt = in.isNull() ? null : in.string(0, MAX_SYSTEM_PROMPT);
        case "model" -> model = in.isNull() ? null : in.string(1, MAX_MODEL);
        case "ttlSeconds" -> ttl = in.isNull() ? null : ttl(in);
        case "messages" ->
            messages = in.isNull() ? List.of() : new MessageShape(in, maxMessage).list(0);
        case "resume" -> resume = !in.isNull() && in.bool();
        default -> throw in.unknownField();
      }
    }
    return new SessionBody(id, user, title, metadata, systemPrompt, model, ttl, messages, resume);
  }

  static Duration ttl(JsonReader in) {
    return Duration.ofSeconds(
        in.integer(SessionProperties.MIN_TTL.toSeconds(), SessionProperties.MAX_TTL.toSeconds()));
  }
}
