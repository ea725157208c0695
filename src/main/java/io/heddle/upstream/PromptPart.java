package io.heddle.upstream;

import io.heddle.json.JsonValue;
import io.heddle.turn.ItemPart;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A part of a message, in the form of Chat Completions or of Responses: clients of both wires write
 * to one thread, and each part means the same on both.
 */
sealed interface PromptPart {

  /** A part as it is stored, with all its members, for servers that are told it as it came. */
  record Stored(JsonValue json, String type, Members members) {

    /** What a text part has that no model is told: annotations are of answers. */
    static final Set<String> OF_TEXT = Set.of("type", "text", "annotations", "logprobs");

    private static final Set<String> OF_CHAT = Set.of("text", "image_url", "file", "input_audio");

    /** Whether it has the form of Chat Completions. */
    boolean isOfChat() {
      return OF_CHAT.contains(type);
    }
  }

  /**
   * @param text a JSON string
   * @param stored null for a content that is a text alone
   */
  record Text(JsonValue text, @Nullable Stored stored) implements PromptPart {

    /** One that nobody has stored. */
    static Text of(String text) {
      return new Text(Members.quoted(text), null);
    }

    /** Whether nothing else is told beside it. */
    boolean isBare() {
      return stored == null || Stored.OF_TEXT.containsAll(stored.members().all().keySet());
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
    Members members = Members.of(part);
    Stored stored = new Stored(part, members.textOrEmpty("type"), members);
    PromptPart known =
        switch (stored.type()) {
          case "text", "input_text", "output_text" -> {
            JsonValue text = members.string("text");
            yield text == null ? null : new Text(text, stored);
          }
          case "image_url" -> image(stored, members.inner("image_url"));
          case "input_image" ->
              new Image(
                  members.string("image_url"),
                  members.string("file_id"),
                  members.string("detail"),
                  stored);
          case "file" -> file(stored, members.inner("file"));
          case "input_file" -> file(stored, members);
          case "input_audio" -> {
            Members audio = members.inner("input_audio");
            yield new Audio(audio.string("data"), audio.string("format"), stored);
          }
          case "refusal" -> new Refusal(members.stringOrEmpty("refusal"));
          case ItemPart.TYPE -> {
            JsonValue item = members.all().get("item");
            yield new Item(item == null ? part : item);
          }
          default -> null;
        };
    return known == null ? new Other(part) : known;
  }

  private static Image image(Stored stored, Members inner) {
    // Some clients send the address where the object stands.
    Members from = inner.isEmpty() ? stored.members() : inner;
    JsonValue url = from.string(inner.isEmpty() ? "image_url" : "url");
    return new Image(url, null, from.string("detail"), stored);
  }

  private static File file(Stored stored, Members members) {
    return new File(
        members.string("file_data"),
        members.string("file_url"),
        members.string("file_id"),
        members.string("filename"),
        stored);
  }
}
