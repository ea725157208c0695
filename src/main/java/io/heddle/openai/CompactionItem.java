package io.heddle.openai;

import io.heddle.json.Json;
import io.heddle.json.JsonParsers;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.turn.Summary;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.json.JsonFactory;

/**
 * Items of the type {@code compaction}: summaries of what stands before them. Clients may keep a
 * conversation themselves, so the item has all of the summary in its {@code encrypted_content},
 * which is neither encrypted nor signed: it says nothing that its reader could not say himself.
 */
final class CompactionItem {

  static final String TYPE = "compaction";

  /** An item that asks for one of all that stands before it, and for no answer. */
  static final String TRIGGER = "compaction_trigger";

  /** What the Codex CLI calls the same. */
  private static final String OLD_TYPE = "compaction_summary";

  private static final String SEAL = "heddle1.";

  private static final JsonFactory FACTORY = JsonParsers.factory(8);

  private CompactionItem() {}

  static boolean isOne(String type) {
    return type.equals(TYPE) || type.equals(OLD_TYPE);
  }

  /** Whether the input ends with the wish for a summary. */
  static boolean isAsked(List<JsonValue> input) {
    JsonValue last = input.isEmpty() ? null : input.getLast();
    return last != null && last.isObject() && last.object().word("type").equals(TRIGGER);
  }

  /**
   * @param body of the summary's message
   */
  static Json json(String id, Json body) {
    Summary summary = Summary.of(body);
    Json sealed =
        JsonWriter.object(body.length())
            .raw("summary", OpenAiJson.object(body).raw("content", Json.of("\"\"")))
            .number("kept", summary == null ? 0 : summary.kept())
            .done();
    String content = SEAL + Base64.getUrlEncoder().withoutPadding().encodeToString(sealed.utf8());
    return JsonWriter.object(content.length() + 96)
        .string("id", id)
        .string("type", TYPE)
        .string("encrypted_content", content)
        .done();
  }

  /** The body of the summary's message; refused when its content was made by somebody else. */
  static Json body(JsonValue item) {
    JsonValue content = item.required("encrypted_content");
    Json body = content.isString() ? opened(content.text()) : null;
    if (body == null) {
      throw OpenAiJson.refuse(
          content.path(),
          "invalid_encrypted_content",
          "could not be read: it must be the content of a compaction item of this server");
    }
    return body;
  }

  private static @Nullable Json opened(String content) {
    if (!content.startsWith(SEAL)) {
      return null;
    }
    try {
      byte[] json = Base64.getUrlDecoder().decode(content.substring(SEAL.length()));
      JsonValue fields = OpenAiJson.read(FACTORY, json).object();
      JsonValue text = fields.get("summary");
      JsonValue kept = fields.get("kept");
      return text == null || !text.isString() || text.text().isEmpty()
          ? null
          : new Summary(kept == null ? 0 : (int) kept.integer(0, 1_000_000), 0).body(text.text());
    } catch (RuntimeException _) {
      return null;
    }
  }
}
