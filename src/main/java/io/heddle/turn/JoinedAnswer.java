package io.heddle.turn;

import io.heddle.json.Json;
import io.heddle.json.JsonWriter;
import io.heddle.session.Message;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * One answer of a model that was stored as several messages: its thoughts, its text and its tool
 * calls, each as an item that a client sent.
 */
final class JoinedAnswer {

  private final List<String> texts = new ArrayList<>(1);
  private final List<String> thoughts = new ArrayList<>(1);
  private final Map<String, Json> others = new LinkedHashMap<>();
  private @Nullable JsonWriter parts;
  private @Nullable JsonWriter calls;

  private JoinedAnswer() {}

  /** Of bodies that could be read. */
  static Json of(List<Message> messages) {
    JoinedAnswer answer = new JoinedAnswer();
    for (Message message : messages) {
      answer.add(message.body().utf8());
    }
    return answer.toJson();
  }

  private void add(byte[] utf8) {
    try (JsonParser in = ModelEventCodec.parser(utf8)) {
      in.nextToken();
      while (in.nextToken() == JsonToken.PROPERTY_NAME) {
        String name = in.currentName();
        JsonToken value = in.nextToken();
        switch (name) {
          case "content" -> content(in, value, utf8);
          case "refusal" -> text(texts, in, value);
          case "reasoning" -> text(thoughts, in, value);
          case "toolCalls" -> {
            if (value == JsonToken.START_ARRAY) {
              while (in.nextToken() != JsonToken.END_ARRAY) {
                calls = element(calls, ModelEventCodec.raw(in, utf8));
              }
            }
          }
          default -> others.put(name, ModelEventCodec.raw(in, utf8));
        }
      }
    }
  }

  private void content(JsonParser in, JsonToken value, byte[] utf8) {
    if (value != JsonToken.START_ARRAY) {
      text(texts, in, value);
      return;
    }
    while (in.nextToken() != JsonToken.END_ARRAY) {
      int from = (int) in.currentTokenLocation().getByteOffset();
      if (in.currentToken() != JsonToken.START_OBJECT || !MessageShape.Content.isItem(in)) {
        parts = element(parts, ModelEventCodec.raw(in, utf8, from));
      }
    }
  }

  private static void text(List<String> into, JsonParser in, JsonToken value) {
    if (value == JsonToken.VALUE_STRING && !in.getString().isEmpty()) {
      into.add(in.getString());
    }
    in.skipChildren();
  }

  private static JsonWriter element(@Nullable JsonWriter all, Json element) {
    return (all == null ? new JsonWriter(256) : all.ascii(",")).raw(element);
  }

  private Json toJson() {
    JsonWriter out = new JsonWriter(1024).ascii("{\"role\":\"assistant\",\"content\":");
    if (parts == null) {
      out.string(texts.isEmpty() ? null : String.join("\n\n", texts));
    } else {
      out.ascii("[").raw(parts.toJson());
      for (String text : texts) {
        out.ascii(",{\"type\":\"output_text\",\"text\":").string(text).ascii("}");
      }
      out.ascii("]");
    }
    if (!thoughts.isEmpty()) {
      out.ascii(",\"reasoning\":").string(String.join("\n\n", thoughts));
    }
    if (calls != null) {
      out.ascii(",\"toolCalls\":[").raw(calls.toJson()).ascii("]");
    }
    others.forEach((name, value) -> {
      if (!name.equals("role") && !name.equals("status") && !name.equals("metadata")) {
        out.ascii(",").string(name).ascii(":").raw(value);
      }
    });
    return out.ascii("}").toJson();
  }
}
