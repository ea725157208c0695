package io.heddle.upstream;

import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Writes parts of messages and of tools' outputs as Responses has them. */
final class ResponsesParts {

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
    out.ascii("{\"type\":\"refusal\",\"refusal\":");
    refusal.writeTo(out);
    out.ascii("}]");
  }

  /** Texts alone as a string. */
  void output(List<PromptPart> parts) {
    List<String> texts = new ArrayList<>(parts.size());
    for (PromptPart part : parts) {
      if (part instanceof PromptPart.Text(JsonValue text, _)) {
        texts.add(text.text());
      }
    }
    if (texts.size() == parts.size()) {
      out.string(String.join("\n", texts));
    } else {
      list(parts, false);
    }
  }

  private void list(List<PromptPart> parts, boolean isAnswer) {
    out.ascii("[");
    for (PromptPart part : parts) {
      out.next();
      part(part, isAnswer);
    }
    out.ascii("]");
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
          String before = member("", "data", audio.data());
          member(before, "format", audio.format());
          out.ascii("}}");
        }
      }
      case PromptPart.Item(JsonValue item) -> item.writeTo(out);
      case PromptPart.Other(JsonValue other) -> other.writeTo(out);
    }
  }

  private void text(JsonValue text, boolean isAnswer) {
    out.ascii(
        isAnswer ? "{\"type\":\"output_text\",\"text\":" : "{\"type\":\"input_text\",\"text\":");
    text.writeTo(out).ascii(isAnswer ? ",\"annotations\":[]}" : "}");
  }

  /** The model is told that there was something. */
  private void hidden(String what, @Nullable JsonValue name, boolean isAnswer) {
    String called = name == null ? "" : " " + name.text();
    out.ascii(
        isAnswer ? "{\"type\":\"output_text\",\"text\":" : "{\"type\":\"input_text\",\"text\":");
    out.string("[The " + what + called + " cannot be shown.]");
    out.ascii(isAnswer ? ",\"annotations\":[]}" : "}");
  }

  private void image(PromptPart.Image image) {
    out.ascii("{\"type\":\"input_image\"");
    if (image.url() != null) {
      member(",", "image_url", image.url());
    } else {
      member(",", "file_id", image.fileId());
    }
    if (image.detail() == null) {
      out.ascii(",\"detail\":\"auto\"}");
    } else {
      member(",", "detail", image.detail());
      out.ascii("}");
    }
  }

  /** One source of a file is taken; data needs a name. */
  private void file(PromptPart.File file) {
    out.ascii("{\"type\":\"input_file\"");
    if (file.fileId() != null) {
      member(",", "file_id", file.fileId());
    } else if (file.data() != null) {
      member(",", "file_data", file.data());
      if (file.filename() == null) {
        boolean isPdf = file.data().text().startsWith("data:application/pdf");
        out.ascii(",\"filename\":").string(isPdf ? "file.pdf" : "file");
      } else {
        member(",", "filename", file.filename());
      }
    } else {
      member(",", "file_url", file.url());
    }
    out.ascii("}");
  }

  private String member(String before, String name, @Nullable JsonValue value) {
    if (value == null) {
      return before;
    }
    value.writeTo(out.ascii(before).ascii("\"").ascii(name).ascii("\":"));
    return ",";
  }
}
