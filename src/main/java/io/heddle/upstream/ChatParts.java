package io.heddle.upstream;

import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Writes parts of messages and of tools' outputs as Chat Completions has them. */
final class ChatParts {

  /** The member of an answer that has the signature of its thoughts. */
  static final String SEAL = "thinking_signature";

  private final JsonWriter out;
  private final Dialect dialect;

  ChatParts(JsonWriter out, Dialect dialect) {
    this.out = out;
    this.dialect = dialect;
  }

  /**
   * A content of thoughts and what was said behind them.
   *
   * @param thoughts a JSON string
   * @param seal with which their server signed them, or null
   */
  void thoughtful(JsonValue thoughts, @Nullable JsonValue seal, List<PromptPart> said) {
    out.ascii("[{\"type\":\"thinking\",\"thinking\":[");
    textOf(thoughts).ascii("}],\"closed\":true");
    if (seal != null && seal.isString()) {
      seal.writeTo(out.ascii(",\"signature\":"));
    }
    out.ascii("}");
    for (PromptPart part : said) {
      out.ascii(",");
      part(part);
    }
    out.ascii("]");
  }

  /** Text alone as a string: not every server takes parts from every role. */
  void content(List<PromptPart> parts) {
    if (parts.size() == 1
        && parts.getFirst() instanceof PromptPart.Text text
        && text.isBare()
        && !isOfChat(text)) {
      text.text().writeTo(out);
      return;
    }
    list(parts);
  }

  /** Texts alone as a string: not every server takes parts from a tool. */
  void output(List<PromptPart> parts) {
    String texts = PromptPart.joined(parts, PromptPart.Text::isBare);
    if (texts == null) {
      list(parts);
    } else {
      out.string(texts);
    }
  }

  private void list(List<PromptPart> parts) {
    out.array(parts, (part, _) -> part(part));
  }

  private void part(PromptPart part) {
    switch (part) {
      case PromptPart.Text text -> text(text);
      case PromptPart.Refusal(JsonValue text) -> textOf(text).ascii("}");
      case PromptPart.Image image -> image(image);
      case PromptPart.File file -> {
        if (dialect.has(Dialect.Quirk.MISTRALS_FORMS)) {
          document(file);
        } else {
          file(file.stored());
        }
      }
      case PromptPart.Audio audio -> audio.stored().json().writeTo(out);
      case PromptPart.Item(JsonValue item) -> item.writeTo(out);
      case PromptPart.Other(JsonValue other) -> other.writeTo(out);
    }
  }

  private JsonWriter textOf(JsonValue text) {
    return text.writeTo(out.ascii("{\"type\":\"text\",\"text\":"));
  }

  private static boolean isOfChat(PromptPart.Text text) {
    return text.stored() != null && text.stored().isOfChat();
  }

  private void text(PromptPart.Text text) {
    PromptPart.Stored stored = text.stored();
    boolean bare = dialect.refusesUnknown();
    if (stored != null && stored.isOfChat() && !bare) {
      stored.json().writeTo(out);
      return;
    }
    textOf(text.text());
    if (stored != null && !text.isBare() && !bare) {
      stored.members().without(PromptPart.Stored.OF_TEXT).writeBehind(out);
    }
    out.ascii("}");
  }

  /** An image that names an uploaded file has no form in Chat Completions: the model is told so. */
  private void image(PromptPart.Image image) {
    if (image.stored().isOfChat()) {
      image.stored().json().writeTo(out);
    } else if (image.url() == null) {
      String name = image.fileId() == null ? "" : " " + image.fileId().text();
      out.ascii("{\"type\":\"text\",\"text\":");
      out.string("[The image" + name + " cannot be shown.]").ascii("}");
    } else {
      image.url().writeTo(out.ascii("{\"type\":\"image_url\",\"image_url\":{\"url\":"));
      out.some("detail", image.detail());
      out.ascii("}}");
    }
  }

  private void file(PromptPart.Stored stored) {
    if (stored.isOfChat()) {
      stored.json().writeTo(out);
      return;
    }
    stored.members().without(Set.of("type")).writeTo(out.ascii("{\"type\":\"file\",\"file\":"));
    out.ascii("}");
  }

  /** Mistral reads documents by their address, be it one of data. */
  private void document(PromptPart.File file) {
    JsonValue address = file.data() == null ? file.url() : file.data();
    if (address == null) {
      JsonValue id = file.fileId() == null ? Members.EMPTY : file.fileId();
      id.writeTo(out.ascii("{\"type\":\"file\",\"file_id\":")).ascii("}");
      return;
    }
    address.writeTo(out.ascii("{\"type\":\"document_url\",\"document_url\":"));
    out.some("document_name", file.filename());
    out.ascii("}");
  }
}
