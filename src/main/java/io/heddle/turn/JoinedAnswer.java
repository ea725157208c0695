package io.heddle.turn;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.session.Message;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One answer of a model that was stored as several messages: its thoughts, its text and its tool
 * calls, each as an item that a client sent.
 */
final class JoinedAnswer {

  private final List<String> texts = new ArrayList<>(1);
  private final List<String> thoughts = new ArrayList<>(1);
  private final Map<String, JsonValue> others = new LinkedHashMap<>();
  private @Nullable JsonWriter parts;
  private @Nullable JsonWriter calls;

  private JoinedAnswer() {}

  /** Of bodies that could be read. */
  static Json of(List<Message> messages) {
    JoinedAnswer answer = new JoinedAnswer();
    for (Message message : messages) {
      answer.add(message.body());
    }
    return answer.toJson();
  }

  private void add(Json body) {
    JsonValue.of(body)
        .members()
        .forEach((name, value) -> {
          switch (name) {
            case "content" -> {
              if (value.isArray()) {
                for (JsonValue part : value.elements()) {
                  parts = MessageShape.isItem(part) ? parts : element(parts, part);
                }
              } else {
                text(texts, value);
              }
            }
            case "refusal" -> text(texts, value);
            case "reasoning" -> text(thoughts, value);
            case "toolCalls" -> {
              for (JsonValue call : value.elements()) {
                calls = element(calls, call);
              }
            }
            default -> others.put(name, value);
          }
        });
  }

  private static void text(List<String> into, JsonValue value) {
    if (value.isString() && !value.text().isEmpty()) {
      into.add(value.text());
    }
  }

  private static JsonWriter element(@Nullable JsonWriter all, JsonValue element) {
    return element.writeTo(all == null ? new JsonWriter(256) : all.ascii(","));
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
        value.writeTo(out.ascii(",").string(name).ascii(":"));
      }
    });
    return out.ascii("}").toJson();
  }
}
