package io.heddle.upstream;

import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Writes parts of messages and of tools' outputs as Responses has them. */
final class ResponsesParts {

  private static final JsonValue AUTO = Members.quoted("auto");
  private static final JsonValue PDF = Members.quoted("file.pdf");
  private static final JsonValue FILE = Members.quoted("file");

  private final JsonWriter out;

  ResponsesParts(JsonWriter out) {
    this.out = out;
  }

  /** A text alone as a string: every server takes that, from every role. */
  void content(List<PromptPart> parts, boolean isAnswer) {
    if (parts.size() == 1 && parts.getFirst() instanceof PromptPart.Text(JsonValue text, _)) {
      text.writeTo(out);
      return;
    }
    list(parts, isAnswer);
  }

  /** What an answer said before it refused, and the refusal. */
  void refused(String text, JsonValue refusal) {
    out.ascii("[");
    if (!text.isEmpty()) {
      out.ascii("{\"type\":\"output_text\",\"text\":").string(text).ascii(",\"annotations\":[]},");
    }
    refusal.writeTo(out.ascii("{\"type\":\"refusal\",\"refusal\":")).ascii("}]");
  }

  /** Texts alone as a string. */
  void output(List<PromptPart> parts) {
    String texts = PromptPart.joined(parts, _ -> true);
    if (texts == null) {
      list(parts, false);
    } else {
      out.string(texts);
    }
  }

  private void list(List<PromptPart> parts, boolean isAnswer) {
    out.array(parts, (part, _) -> part(part, isAnswer));
  }

  private void part(PromptPart part, boolean isAnswer) {
    switch (part) {
      case PromptPart.Text(JsonValue text, _) -> text(text, isAnswer);
      case PromptPart.Refusal(JsonValue text) -> {
        if (isAnswer) {
          text.writeTo(out.ascii("{\"type\":\"refusal\",\"refusal\":")).ascii("}");
        } else {
          text(text, false);
        }
      }
      case PromptPart.Image image -> {
        if (isAnswer || image.url() == null && image.fileId() == null) {
          hidden("image", image.fileId(), isAnswer);
        } else {
          image(image);
        }
      }
      case PromptPart.File file -> {
        if (isAnswer || file.data() == null && file.url() == null && file.fileId() == null) {
          hidden("file", file.filename(), isAnswer);
        } else {
          file(file);
        }
      }
      case PromptPart.Audio audio -> {
        if (isAnswer) {
          hidden("sound", null, true);
        } else {
          out.ascii("{\"type\":\"input_audio\",\"input_audio\":{");
          out.some("data", audio.data()).some("format", audio.format()).ascii("}}");
        }
      }
      case PromptPart.Item(JsonValue item) -> item.writeTo(out);
      case PromptPart.Other(JsonValue other) -> other.writeTo(out);
    }
  }

  private void text(JsonValue text, boolean isAnswer) {
    text.writeTo(
        out.ascii("{\"type\":")
            .string(isAnswer ? "output_text" : "input_text")
            .ascii(",\"text\":"));
    out.ascii(isAnswer ? ",\"annotations\":[]}" : "}");
  }

  /** The model is told that there was something. */
  private void hidden(String what, @Nullable JsonValue name, boolean isAnswer) {
    String called = name == null ? "" : " " + name.text();
    text(Members.quoted("[The " + what + called + " cannot be shown.]"), isAnswer);
  }

  private void image(PromptPart.Image image) {
    out.ascii("{\"type\":\"input_image\"");
    out.some(
        image.url() == null ? "file_id" : "image_url",
        image.url() == null ? image.fileId() : image.url());
    out.some("detail", image.detail() == null ? AUTO : image.detail());
    out.ascii("}");
  }

  /** One source of a file is taken; data needs a name. */
  private void file(PromptPart.File file) {
    out.ascii("{\"type\":\"input_file\"");
    if (file.fileId() != null) {
      out.some("file_id", file.fileId());
    } else if (file.data() != null) {
      boolean isPdf = file.data().text().startsWith("data:application/pdf");
      out.some("file_data", file.data());
      out.some("filename", file.filename() == null ? isPdf ? PDF : FILE : file.filename());
    } else {
      out.some("file_url", file.url());
    }
    out.ascii("}");
  }
}
