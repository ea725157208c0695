package io.heddle.openai;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.session.Turn;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What of a response does not change while it goes on.
 *
 * @param id {@link ResponseId}
 * @param random names its items
 * @param suffix the end of its items' ids, {@link ItemIds#suffix}; empty for one that is not stored
 * @param createdAt seconds since 1970
 * @param conversation the id to show, or null
 */
record ResponseForm(
    String id,
    String random,
    String suffix,
    long createdAt,
    @Nullable String conversation,
    ResponseNotes notes) {

  static final String IN_PROGRESS = "in_progress";
  static final String QUEUED = "queued";

  static ResponseForm of(Turn turn) {
    ResponseId id = ResponseId.of(turn.id());
    ResponseNotes notes = ResponseNotes.of(turn);
    return new ResponseForm(
        id.toString(),
        id.random(),
        ItemIds.suffix(id.session()),
        turn.createdAt().getEpochSecond(),
        notes.conversation() ? id.session() : null,
        notes);
  }

  /** Whether the client asked for summaries of what the model thinks, and not for all of it. */
  boolean summaries() {
    JsonValue reasoning = OpenAiJson.object(notes.shown()).get("reasoning");
    if (reasoning == null || !reasoning.isObject()) {
      return false;
    }
    JsonValue fields = reasoning.object();
    // The second is the older name of the same.
    return Stream.of("summary", "generate_summary")
        .map(fields::word)
        .anyMatch(wish -> !wish.isEmpty() && !wish.equals("none"));
  }

  /** The functions of the request's namespaces by the name that the model is told. */
  Map<String, Namespaces.Name> namespaces() {
    return Namespaces.of(OpenAiJson.object(notes.shown()).get("tools"));
  }

  /** The whole object. */
  Json json(ResponseEnd end, List<Json> output) {
    int size = 1024 + notes.shown().length();
    for (Json item : output) {
      size += item.length();
    }
    JsonWriter out = open(new JsonWriter(size), end.status(), end.model(), output);
    return out.raw("error", end.error())
        .raw("incomplete_details", end.incompleteDetails())
        .raw("usage", end.usage())
        .raw("completed_at", end.completedAt())
        .done();
  }

  /** The object of one that has not ended. */
  Json json(String status) {
    JsonWriter out = open(new JsonWriter(1024 + notes.shown().length()), status, null, List.of());
    return out.raw("error", null)
        .raw("incomplete_details", null)
        .raw("usage", null)
        .raw("completed_at", null)
        .done();
  }

  private JsonWriter open(
      JsonWriter buffer, String status, @Nullable String model, List<Json> output) {
    JsonWriter out =
        JsonWriter.object(buffer)
            .string("id", id)
            .string("object", "response")
            .number("created_at", createdAt)
            .string("status", status)
            .bool("background", notes.background())
            .string("model", model == null ? notes.model() : model)
            .raw("output", Json.array(output));
    OpenAiJson.object(notes.shown()).members().forEach(out::member);
    if (conversation == null) {
      return out.raw("conversation", null);
    }
    return out.raw("conversation", JsonWriter.object(160).string("id", conversation).done());
  }
}
