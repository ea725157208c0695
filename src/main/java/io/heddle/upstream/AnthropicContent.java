package io.heddle.upstream;

import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.json.Utf8;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Blocks of content, one behind the other, out of the parts of stored messages. */
final class AnthropicContent {

  /** How the ids of files begin that were uploaded to Anthropic. */
  private static final String FILE = "file_";

  private static final String PDF = "application/pdf";

  private final JsonWriter out;

  AnthropicContent(int capacity) {
    out = new JsonWriter(capacity);
  }

  boolean isEmpty() {
    return out.length() == 0;
  }

  void writeTo(JsonWriter to) {
    to.raw(out, 0, out.length());
  }

  /** For one block that the caller writes whole. */
  JsonWriter next() {
    return out.next();
  }

  /** A text of nothing but space is refused. */
  void text(String text) {
    if (!text.isBlank()) {
      next().ascii("{\"type\":\"text\",\"text\":").string(Utf8.mended(text)).ascii("}");
    }
  }

  /**
   * @param text a JSON string
   * @param part that it stands in, or null
   */
  void text(JsonValue text, PromptPart.@Nullable Stored part) {
    if (text.isBlank()) {
      return;
    }
    text.writeTo(next().ascii("{\"type\":\"text\",\"text\":"));
    end(part);
  }

  /** Ends a block with the mark for Anthropic's cache that its part has. */
  private void end(PromptPart.@Nullable Stored part) {
    JsonValue mark = part == null ? null : part.members().get("cache_control");
    out.some("cache_control", mark != null && mark.isObject() ? mark : null).end();
  }

  /** Parts of a message of the user's, or of a tool's output. */
  void parts(PromptMessage message) {
    message.told().forEach(this::part);
  }

  /** Words of an answer: all that an assistant's message may have beside calls and thoughts. */
  void words(PromptMessage message) {
    for (PromptPart part : message.parts()) {
      switch (part) {
        case PromptPart.Text(JsonValue text, PromptPart.Stored whole) -> text(text, whole);
        case PromptPart.Refusal(JsonValue text) -> text(text, null);
        case PromptPart.Image _, PromptPart.Audio _, PromptPart.File _ ->
            text("[What was shown here cannot be told.]");
        case PromptPart.Item _, PromptPart.Other _ -> {}
      }
    }
    JsonValue refusal = message.refusal();
    if (isEmpty() && refusal != null) {
      text(refusal, null);
    }
  }

  private void part(PromptPart part) {
    switch (part) {
      case PromptPart.Text(JsonValue text, PromptPart.Stored whole) -> text(text, whole);
      case PromptPart.Refusal(JsonValue text) -> text(text, null);
      case PromptPart.Image image -> image(image.url(), image.fileId(), image.stored());
      case PromptPart.File file -> file(file, file.stored());
      case PromptPart.Audio _ -> text("[The recording cannot be heard.]");
      case PromptPart.Item _ -> {}
      // A block in Anthropic's own form.
      case PromptPart.Other(JsonValue other) -> other.writeTo(next());
    }
  }

  private void image(@Nullable JsonValue url, @Nullable JsonValue fileId, PromptPart.Stored part) {
    if (url != null) {
      String address = url.text();
      if (address.startsWith("data:")) {
        data("image", Data.of(address), null, part);
      } else {
        url.writeTo(next().ascii("{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":"));
        out.ascii("}");
        end(part);
      }
    } else if (fileId != null && fileId.text().startsWith(FILE)) {
      uploaded("image", fileId, part);
    } else {
      text("[The image" + named(fileId) + " cannot be shown.]");
    }
  }

  private void file(PromptPart.File file, PromptPart.Stored part) {
    JsonValue bytes = file.data();
    JsonValue url = file.url();
    JsonValue id = file.fileId();
    if (bytes != null) {
      String text = bytes.text();
      boolean isData = text.startsWith("data:");
      data("document", isData ? Data.of(text) : new Data(PDF, text, true), file.filename(), part);
    } else if (url != null) {
      url.writeTo(next().ascii("{\"type\":\"document\",\"source\":{\"type\":\"url\",\"url\":"));
      out.ascii("}");
      title(file.filename());
      end(part);
    } else if (id != null && id.text().startsWith(FILE)) {
      uploaded("document", id, part);
    } else {
      text("[The file" + named(file.filename() == null ? id : file.filename()) + " is not there.]");
    }
  }

  private void uploaded(String type, JsonValue id, PromptPart.Stored part) {
    next().ascii("{\"type\":\"").ascii(type).ascii("\",\"source\":{\"type\":\"file\",\"file_id\":");
    id.writeTo(out).ascii("}");
    end(part);
  }

  private void data(String type, Data data, @Nullable JsonValue title, PromptPart.Stored part) {
    boolean isImage = data.type().startsWith("image/");
    boolean isText = !isImage && (data.type().startsWith("text/") || data.type().endsWith("json"));
    if (!isImage && !isText && !data.type().equals(PDF) || type.equals("image") && !isImage) {
      text("[The file" + named(title) + " of the type " + data.type() + " cannot be read.]");
      return;
    }
    next().ascii("{\"type\":\"").ascii(isImage ? "image" : "document");
    out.ascii("\",\"source\":{\"type\":\"").ascii(isText ? "text" : "base64");
    out.ascii("\",\"media_type\":").string(isText ? "text/plain" : data.type());
    out.ascii(",\"data\":").string(isText ? data.decoded() : data.base64()).ascii("}");
    if (!isImage) {
      title(title);
    }
    end(part);
  }

  private void title(@Nullable JsonValue title) {
    out.some("title", title != null && title.isBlank() ? null : title);
  }

  private static String named(@Nullable JsonValue name) {
    return name == null ? "" : " " + name.text();
  }

  /** What stands in an address itself: {@code data:image/png;base64,…}. */
  private record Data(String type, String content, boolean isBase64) {

    static Data of(String address) {
      int comma = Math.max(address.indexOf(','), 5);
      String head = address.substring(5, comma).toLowerCase(Locale.ROOT);
      int end = head.indexOf(';');
      String type = (end < 0 ? head : head.substring(0, end)).strip();
      return new Data(
          type.equals("image/jpg") ? "image/jpeg" : type.isEmpty() ? "text/plain" : type,
          address.substring(Math.min(comma + 1, address.length())),
          head.endsWith("base64"));
    }

    String base64() {
      return isBase64
          ? content
          : Base64.getEncoder().encodeToString(content.getBytes(StandardCharsets.UTF_8));
    }

    String decoded() {
      if (!isBase64) {
        return content;
      }
      try {
        return new String(Base64.getMimeDecoder().decode(content), StandardCharsets.UTF_8);
      } catch (IllegalArgumentException _) {
        return content;
      }
    }
  }
}
