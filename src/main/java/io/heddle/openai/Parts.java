package io.heddle.openai;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The parts of a message as its items show them. Parts are stored as they came, in the form of
 * Responses or of Chat Completions; a message that is nothing but text is stored as a string.
 */
final class Parts {

  private Parts() {}

  /**
   * The stored form of a content: a string when nothing is lost by it.
   *
   * @param content a string or an array of parts; anything else is refused
   */
  static Json stored(JsonValue content) {
    if (textOrParts(content).isString()) {
      return content.json();
    }
    List<JsonValue> parts = content.array();
    JsonValue last = null;
    for (JsonValue part : parts) {
      last = checked(part);
    }
    Json text = parts.size() == 1 && last != null ? plainText(last) : null;
    return text == null ? content.json() : text;
  }

  /** Refuses what is no list of parts, each of which says what its type has to say. */
  static void check(JsonValue parts) {
    parts.array().forEach(Parts::checked);
  }

  /** What no server could read is refused here, where the client is told which part it is. */
  private static JsonValue checked(JsonValue part) {
    if (!part.isObject()) {
      throw part.refuse("must be a part: an object with a type");
    }
    JsonValue fields = part.object();
    switch (fields.required("type").text()) {
      case "text", "input_text", "output_text" -> fields.required("text").text();
      case "refusal" -> fields.required("refusal").text();
      case "image_url" -> {
        JsonValue image = fields.required("image_url");
        if (!image.isString()) {
          image.object().required("url").text();
        }
      }
      case "input_image" -> {
        if (fields.text("file_id") == null) {
          fields.required("image_url");
        }
        fields.text("image_url");
      }
      case "input_file" -> {
        if (!fields.has("file_data") && !fields.has("file_url")) {
          fields.required("file_id");
        }
      }
      default -> {}
    }
    return fields;
  }

  /** A content as all wires have it. */
  static JsonValue textOrParts(JsonValue content) {
    if (!content.isString() && !content.isArray()) {
      throw content.wrongType("a string or an array of parts");
    }
    return content;
  }

  /** The text of a part that has nothing else, as a JSON string. */
  private static @Nullable Json plainText(JsonValue part) {
    boolean text =
        switch (part.word("type")) {
          case "input_text", "output_text", "text" -> true;
          default -> false;
        };
    JsonValue value = part.get("text");
    if (!text || value == null || !value.isString()) {
      return null;
    }
    for (var member : part.members().entrySet()) {
      JsonValue other = member.getValue();
      boolean empty = other.isNull() || other.json().equals(Json.EMPTY_ARRAY);
      if (!empty && !member.getKey().equals("type") && !member.getKey().equals("text")) {
        return null;
      }
    }
    return value.json();
  }

  /** Parts of somebody who asks. */
  static Json input(@Nullable JsonValue content) {
    if (content == null) {
      return Json.EMPTY_ARRAY;
    }
    if (content.isString()) {
      return Json.array(List.of(text("input_text", content.json(), false)));
    }
    return Json.array(content.array().stream().map(Parts::inputPart).toList());
  }

  /**
   * Parts of an answer.
   *
   * @param refusal a string beside the content, or null
   */
  static Json output(@Nullable JsonValue content, @Nullable JsonValue refusal) {
    JsonWriter out = new JsonWriter(256).ascii("[");
    if (content != null && content.isString()) {
      out.raw(text("output_text", content.json(), true));
    } else if (content != null && content.isArray()) {
      for (JsonValue part : content.array()) {
        out.next().raw(outputPart(part));
      }
    }
    if (refusal != null) {
      out.next().raw(refusal(refusal.json()));
    }
    return out.ascii("]").toJson();
  }

  static Json outputText(String text) {
    return text("output_text", Json.text(text), true);
  }

  static Json thought(String type, Json text) {
    return JsonWriter.object(text.length() + 48).string("type", type).raw("text", text).done();
  }

  static Json refusal(Json text) {
    return JsonWriter.object(text.length() + 48)
        .string("type", "refusal")
        .raw("refusal", text)
        .done();
  }

  /** A tool's output: text stays a string. */
  static Json toolOutput(@Nullable JsonValue content) {
    if (content == null) {
      return Json.of("\"\"");
    }
    return content.isString() ? content.json() : input(content);
  }

  private static Json text(String type, Json text, boolean output) {
    JsonWriter part = JsonWriter.object(text.length() + 96).string("type", type).raw("text", text);
    return output
        ? part.raw("annotations", Json.EMPTY_ARRAY).raw("logprobs", Json.EMPTY_ARRAY).done()
        : part.done();
  }

  private static Json inputPart(JsonValue part) {
    if (!part.isObject()) {
      return part.json();
    }
    JsonValue fields = part.object();
    return switch (fields.word("type")) {
      case "text" -> retyped(fields, "input_text").done();
      case "image_url" -> image(part, fields);
      case "file" -> file(part, fields);
      default -> part.json();
    };
  }

  private static Json outputPart(JsonValue part) {
    if (!part.isObject()) {
      return part.json();
    }
    JsonValue fields = part.object();
    String type = fields.word("type");
    if (!type.equals("text") && !type.equals("output_text")) {
      return part.json();
    }
    JsonWriter out = retyped(fields, "output_text");
    for (String list : List.of("annotations", "logprobs")) {
      if (!fields.members().containsKey(list)) {
        out.raw(list, Json.EMPTY_ARRAY);
      }
    }
    return out.done();
  }

  private static JsonWriter retyped(JsonValue part, String type) {
    JsonWriter out = JsonWriter.object(part.length() + 64).string("type", type);
    out.members(part, name -> !name.equals("type"));
    return out;
  }

  /** {@code {"type":"image_url","image_url":{"url","detail"}}} of Chat Completions. */
  private static Json image(JsonValue part, JsonValue fields) {
    JsonValue image = fields.get("image_url");
    if (image == null || !image.isObject()) {
      return part.json();
    }
    JsonValue inner = image.object();
    return JsonWriter.object(part.json().length() + 64)
        .string("type", "input_image")
        .raw("image_url", inner.raw("url"))
        .raw("file_id", null)
        .raw("detail", inner.raw("detail", Json.of("\"auto\"")))
        .done();
  }

  private static Json file(JsonValue part, JsonValue fields) {
    JsonValue file = fields.get("file");
    if (file == null || !file.isObject()) {
      return part.json();
    }
    JsonWriter out = JsonWriter.object(part.json().length() + 64).string("type", "input_file");
    file.object().members().forEach(out::member);
    return out.done();
  }
}
