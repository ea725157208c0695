package io.heddle.upstream;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.turn.ItemPart;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A part of a message, in the form of Chat Completions or of Responses: clients of both wires write
 * to one thread, and each part means the same on both.
 */
sealed interface PromptPart {

  /** A text without a word. */
  JsonValue NOTHING = JsonValue.of(Json.of("\"\""));

  /** A part as it is stored, with all its members, for servers that are told it as it came. */
  record Stored(JsonValue json, String type, Map<String, JsonValue> members) {

    /** What a text part has that no model is told: annotations are of answers. */
    private static final Set<String> OF_TEXT = Set.of("type", "text", "annotations", "logprobs");

    private static final Set<String> OF_CHAT = Set.of("text", "image_url", "file", "input_audio");

    /** Whether it has the form of Chat Completions. */
    boolean isOfChat() {
      return OF_CHAT.contains(type);
    }

    /** Members of a text that models are told beside it: marks for a cache. */
    static boolean isToldBesideText(String name) {
      return !OF_TEXT.contains(name);
    }

    @Nullable JsonValue string(String name) {
      return PromptPart.string(members, name);
    }
  }

  /**
   * @param text a JSON string
   * @param stored null for a content that is a text alone
   */
  record Text(JsonValue text, @Nullable Stored stored) implements PromptPart {

    /** One that nobody has stored. */
    static Text of(String text) {
      return new Text(JsonValue.of(new JsonWriter(text.length() + 16).string(text).toJson()), null);
    }

    /** Whether nothing else is told beside it. */
    boolean isBare() {
      return stored == null || Stored.OF_TEXT.containsAll(stored.members().keySet());
    }
  }

  /**
   * @param url a JSON string, of an address or the data itself ({@code data:image/png;base64,…});
   *     null when the image was uploaded elsewhere
   * @param fileId a JSON string, or null
   * @param detail a JSON string, or null
   */
  record Image(
      @Nullable JsonValue url,
      @Nullable JsonValue fileId,
      @Nullable JsonValue detail,
      Stored stored)
      implements PromptPart {}

  /**
   * JSON strings, or null.
   *
   * @param data with its type: {@code data:application/pdf;base64,…}
   */
  record File(
      @Nullable JsonValue data,
      @Nullable JsonValue url,
      @Nullable JsonValue fileId,
      @Nullable JsonValue filename,
      Stored stored)
      implements PromptPart {}

  /**
   * JSON strings, or null.
   *
   * @param data base64
   * @param format {@code wav}, {@code mp3}
   */
  record Audio(@Nullable JsonValue data, @Nullable JsonValue format, Stored stored)
      implements PromptPart {}

  /**
   * @param text a JSON string
   */
  record Refusal(JsonValue text) implements PromptPart {}

  /** An item of the Responses wire that no chat model understands. */
  record Item(JsonValue item) implements PromptPart {}

  /** What nobody here knows. */
  record Other(JsonValue part) implements PromptPart {}

  /** Whether it is something to look at, to read or to hear. */
  default boolean isFile() {
    return this instanceof Image || this instanceof File || this instanceof Audio;
  }

  static PromptPart of(JsonValue part) {
    Map<String, JsonValue> members = part.members();
    JsonValue type = string(members, "type");
    Stored stored = new Stored(part, type == null ? "" : type.text(), members);
    PromptPart known =
        switch (stored.type()) {
          case "text", "input_text", "output_text" -> {
            JsonValue text = stored.string("text");
            yield text == null ? null : new Text(text, stored);
          }
          case "image_url" -> image(stored, inner(members, "image_url"));
          case "input_image" ->
              new Image(
                  stored.string("image_url"),
                  stored.string("file_id"),
                  stored.string("detail"),
                  stored);
          case "file" -> file(stored, inner(members, "file"));
          case "input_file" -> file(stored, members);
          case "input_audio" -> {
            Map<String, JsonValue> audio = inner(members, "input_audio");
            yield new Audio(string(audio, "data"), string(audio, "format"), stored);
          }
          case "refusal" -> {
            JsonValue text = stored.string("refusal");
            yield new Refusal(text == null ? NOTHING : text);
          }
          case ItemPart.TYPE -> {
            JsonValue item = members.get("item");
            yield new Item(item == null ? part : item);
          }
          default -> null;
        };
    return known == null ? new Other(part) : known;
  }

  private static Image image(Stored stored, Map<String, JsonValue> inner) {
    // Some clients send the address where the object stands.
    Map<String, JsonValue> from = inner.isEmpty() ? stored.members() : inner;
    JsonValue url = string(from, inner.isEmpty() ? "image_url" : "url");
    return new Image(url, null, string(from, "detail"), stored);
  }

  private static File file(Stored stored, Map<String, JsonValue> members) {
    return new File(
        string(members, "file_data"),
        string(members, "file_url"),
        string(members, "file_id"),
        string(members, "filename"),
        stored);
  }

  private static Map<String, JsonValue> inner(Map<String, JsonValue> members, String name) {
    JsonValue inner = members.get(name);
    return inner == null ? Map.of() : inner.members();
  }

  private static @Nullable JsonValue string(Map<String, JsonValue> members, String name) {
    JsonValue value = members.get(name);
    return value != null && value.isString() ? value : null;
  }
}
