package io.heddle.upstream;

import io.heddle.base.Json;
import io.heddle.base.JsonBuffer;
import io.heddle.turn.ModelCall;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A call as Chat Completions has it. Contents, tool calls and parameters are copied as they are;
 * what is ours in a stored message is left out.
 */
final class ChatRequest {

  /** Parts that carry an item of the Responses wire which no chat model understands. */
  static final String ITEM_PART = "openai.item";

  private static final Set<String> OURS = Set.of("model", "messages", "stream", "stream_options");

  private final JsonBuffer out;
  private boolean first = true;

  private ChatRequest(int capacity) {
    out = new JsonBuffer(capacity);
  }

  /** The body of a request to this model. */
  static byte[] body(String model, ModelCall call) {
    int size = 512 + call.parameters().length();
    for (Json message : call.messages()) {
      size += message.length() + 32;
    }
    return new ChatRequest(size).write(model, call).toBytes();
  }

  private JsonBuffer write(String model, ModelCall call) {
    out.ascii("{\"model\":").string(model).ascii(",\"messages\":[");
    if (call.system() != null) {
      comma();
      out.ascii("{\"role\":\"system\",\"content\":").string(call.system()).ascii("}");
    }
    for (Json message : call.messages()) {
      message(Slice.of(message).members());
    }
    out.ascii("]");
    for (Map.Entry<String, Slice> parameter : Slice.of(call.parameters()).members().entrySet()) {
      if (!OURS.contains(parameter.getKey())) {
        out.ascii(",").string(parameter.getKey()).ascii(":");
        parameter.getValue().writeTo(out);
      }
    }
    return out.ascii(",\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
  }

  private void message(Map<String, Slice> stored) {
    Slice role = stored.get("role");
    Slice content = stored.get("content");
    Slice calls = stored.get("toolCalls");
    // An empty array of tool calls is refused by the servers.
    if (calls != null && calls.elements().isEmpty()) {
      calls = null;
    }
    List<Slice> parts = content == null ? List.of() : content.elements();
    List<Slice> told = parts.stream().filter(part -> !type(part).equals(ITEM_PART)).toList();
    boolean isNothing = content == null || content.isNull() || content.isArray() && told.isEmpty();
    Slice said = isNothing ? null : content;
    if (role == null || said == null && calls == null && isLeftOut(role.text(), parts)) {
      return;
    }
    comma();
    out.ascii("{\"role\":");
    role.writeTo(out);
    out.ascii(",\"content\":");
    if (said == null) {
      out.ascii(calls == null ? "\"\"" : "null");
    } else if (said.isArray()) {
      parts(told);
    } else {
      said.writeTo(out);
    }
    member("name", stored.get("name"));
    member("tool_calls", calls);
    member("tool_call_id", stored.get("toolCallId"));
    out.ascii("}");
  }

  /**
   * Whether a message that says nothing is not told: an assistant's is refused by the servers, and
   * one of nothing but items is none. A tool's output is told in any case: its call waits for it.
   */
  private static boolean isLeftOut(String role, List<Slice> parts) {
    return role.equals("assistant") || !role.equals("tool") && !parts.isEmpty();
  }

  private void parts(List<Slice> parts) {
    if (parts.size() == 1 && isOnlyText(parts.getFirst())) {
      // Text alone as a string: not every server takes parts from every role.
      text(parts.getFirst().members()).writeTo(out);
      return;
    }
    out.ascii("[");
    for (int i = 0; i < parts.size(); i++) {
      if (i > 0) {
        out.ascii(",");
      }
      part(parts.get(i));
    }
    out.ascii("]");
  }

  private static boolean isOnlyText(Slice part) {
    String type = type(part);
    Slice text = part.members().get("text");
    return (type.equals("input_text") || type.equals("output_text"))
        && text != null
        && text.isString();
  }

  private static Slice text(Map<String, Slice> members) {
    Slice text = members.get("text");
    if (text == null) {
      throw new IllegalArgumentException("a part without text");
    }
    return text;
  }

  private void part(Slice part) {
    Map<String, Slice> members = part.members();
    switch (type(part)) {
      case "input_text", "output_text" -> {
        if (isOnlyText(part)) {
          out.ascii("{\"type\":\"text\",\"text\":");
          text(members).writeTo(out);
          out.ascii("}");
        } else {
          part.writeTo(out);
        }
      }
      case "input_image" -> image(part, members.get("image_url"), members.get("detail"));
      case "input_file" -> file(members);
      default -> part.writeTo(out);
    }
  }

  /** One that names an uploaded file has no form in Chat Completions, and is passed as it is. */
  private void image(Slice part, @Nullable Slice url, @Nullable Slice detail) {
    if (url == null || !url.isString()) {
      part.writeTo(out);
      return;
    }
    out.ascii("{\"type\":\"image_url\",\"image_url\":{\"url\":");
    url.writeTo(out);
    member("detail", detail);
    out.ascii("}}");
  }

  private void file(Map<String, Slice> members) {
    out.ascii("{\"type\":\"file\",\"file\":{");
    boolean more = false;
    for (Map.Entry<String, Slice> member : members.entrySet()) {
      if (!member.getKey().equals("type")) {
        out.ascii(more ? "," : "").string(member.getKey()).ascii(":");
        member.getValue().writeTo(out);
        more = true;
      }
    }
    out.ascii("}}");
  }

  private void member(String name, @Nullable Slice value) {
    if (value != null && !value.isNull()) {
      out.ascii(",\"").ascii(name).ascii("\":");
      value.writeTo(out);
    }
  }

  private void comma() {
    if (!first) {
      out.ascii(",");
    }
    first = false;
  }

  private static String type(Slice part) {
    Slice type = part.members().get("type");
    return type != null && type.isString() ? type.text() : "";
  }
}
