package io.heddle.upstream;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A part of a message, in the form of Chat Completions or of Responses: clients of both wires write
 * to one thread, and each part means the same on both.
 */
sealed interface PromptPart {

  /**
   * @param text a JSON string
   * @param part with all its members; null for a content that is a text alone
   */
  record Text(Slice text, @Nullable Slice part) implements PromptPart {}

  /**
   * @param url a JSON string, of an address or the data itself ({@code data:image/png;base64,…});
   *     null when the image was uploaded elsewhere
   * @param fileId a JSON string, or null
   * @param detail a JSON string, or null
   */
  record Image(@Nullable Slice url, @Nullable Slice fileId, @Nullable Slice detail)
      implements PromptPart {}

  /**
   * JSON strings, or null.
   *
   * @param data with its type: {@code data:application/pdf;base64,…}
   */
  record File(
      @Nullable Slice data, @Nullable Slice url, @Nullable Slice fileId, @Nullable Slice filename)
      implements PromptPart {}

  /**
   * JSON strings, or null.
   *
   * @param data base64
   * @param format {@code wav}, {@code mp3}
   */
  record Audio(@Nullable Slice data, @Nullable Slice format) implements PromptPart {}

  /**
   * @param text a JSON string
   */
  record Refusal(Slice text) implements PromptPart {}

  /** An item of the Responses wire that no chat model understands. */
  record Item(Slice item) implements PromptPart {}

  /** What nobody here knows. */
  record Other(Slice part) implements PromptPart {}

  static PromptPart of(Slice part) {
    Map<String, Slice> members = part.members();
    Slice type = string(members, "type");
    PromptPart known =
        switch (type == null ? "" : type.text()) {
          case "text", "input_text", "output_text" -> {
            Slice text = string(members, "text");
            yield text == null ? null : new Text(text, part);
          }
          case "image_url" -> image(members, inner(members, "image_url"));
          case "input_image" ->
              new Image(
                  string(members, "image_url"),
                  string(members, "file_id"),
                  string(members, "detail"));
          case "file" -> file(inner(members, "file"));
          case "input_file" -> file(members);
          case "input_audio" -> {
            Map<String, Slice> audio = inner(members, "input_audio");
            yield new Audio(string(audio, "data"), string(audio, "format"));
          }
          case "refusal" -> {
            Slice text = string(members, "refusal");
            yield text == null ? null : new Refusal(text);
          }
          case "openai.item" -> {
            Slice item = members.get("item");
            yield item == null ? null : new Item(item);
          }
          default -> null;
        };
    return known == null ? new Other(part) : known;
  }

  private static Image image(Map<String, Slice> members, Map<String, Slice> inner) {
    // Some clients send the address where the object stands.
    Slice url = inner.isEmpty() ? string(members, "image_url") : string(inner, "url");
    return new Image(url, null, string(inner.isEmpty() ? members : inner, "detail"));
  }

  private static File file(Map<String, Slice> members) {
    return new File(
        string(members, "file_data"),
        string(members, "file_url"),
        string(members, "file_id"),
        string(members, "filename"));
  }

  private static Map<String, Slice> inner(Map<String, Slice> members, String name) {
    Slice inner = members.get(name);
    return inner == null ? Map.of() : inner.members();
  }

  private static @Nullable Slice string(Map<String, Slice> members, String name) {
    Slice value = members.get(name);
    return value != null && value.isString() ? value : null;
  }
}
