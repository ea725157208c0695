package io.heddle.upstream;

import io.heddle.base.Json;
import io.heddle.base.JsonBuffer;
import io.heddle.turn.ModelCall;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A call as Chat Completions has it, in the dialect of its server. Contents, tool calls and
 * parameters are copied as they are; what is ours in a stored message is left out, and what one
 * server said for itself is not told to another.
 */
final class ChatRequest {

  /** Parts that carry an item of the Responses wire which no chat model understands. */
  private static final String ITEM_PART = "openai.item";

  private static final Set<String> OURS = Set.of("model", "messages", "stream", "stream_options");

  /** The names of one thing: the most tokens of the answer. */
  private static final Set<String> TOKENS = Set.of("max_tokens", "max_completion_tokens");

  /** What Heddle writes itself, and what is a server's of another kind. */
  private static final Set<String> OF_MESSAGE =
      Set.of("role", "content", "name", "tool_calls", "tool_call_id", ResponsesOutput.KEPT);

  /** What a text part has that is not told: annotations are of answers. */
  private static final Set<String> OF_TEXT = Set.of("type", "text", "annotations", "logprobs");

  private final String upstream;
  private final Dialect dialect;
  private final @Nullable String tokenParameter;
  private final JsonBuffer out;
  private final List<Slice> toolFiles = new ArrayList<>(0);
  private boolean first = true;

  private ChatRequest(
      String upstream, Dialect dialect, @Nullable String tokenParameter, int capacity) {
    this.upstream = upstream;
    this.dialect = dialect;
    this.tokenParameter = tokenParameter == null ? dialect.tokenParameter() : tokenParameter;
    out = new JsonBuffer(capacity);
  }

  /**
   * The body of a request to this model.
   *
   * @param upstream the server's name
   * @param tokenParameter in the place of the dialect's, or null
   */
  static byte[] body(
      String model,
      ModelCall call,
      String upstream,
      Dialect dialect,
      @Nullable String tokenParameter) {
    int size = 512 + call.parameters().length();
    for (Json message : call.messages()) {
      size += message.length() + 32;
    }
    return new ChatRequest(upstream, dialect, tokenParameter, size).write(model, call).toBytes();
  }

  private JsonBuffer write(String model, ModelCall call) {
    out.ascii("{\"model\":").string(model).ascii(",\"messages\":[");
    if (call.system() != null) {
      comma();
      out.ascii("{\"role\":\"system\",\"content\":").string(call.system()).ascii("}");
    }
    messages(call.messages());
    out.ascii("]");
    parameters(Slice.of(call.parameters()).members());
    out.ascii(",\"stream\":true");
    return out.ascii(
        dialect.asksForUsage() ? ",\"stream_options\":{\"include_usage\":true}}" : "}");
  }

  private void parameters(Map<String, Slice> parameters) {
    boolean bounded = false;
    for (Map.Entry<String, Slice> parameter : parameters.entrySet()) {
      String name = parameter.getKey();
      if (OURS.contains(name)) {
        continue;
      }
      if (tokenParameter != null && TOKENS.contains(name)) {
        if (bounded || !name.equals(tokenParameter) && parameters.containsKey(tokenParameter)) {
          continue;
        }
        bounded = true;
        name = tokenParameter;
      }
      out.ascii(",").string(name).ascii(":");
      parameter.getValue().writeTo(out);
    }
  }

  private void messages(List<Json> messages) {
    List<Map<String, Slice>> all = new ArrayList<>(messages.size());
    for (Json message : messages) {
      all.add(Slice.of(message).members());
    }
    // Whether tools were called since the last message of a user, and will be before the next.
    int looked = 0;
    boolean loop = false;
    for (int i = 0; i < all.size(); i++) {
      Map<String, Slice> stored = all.get(i);
      if (i == looked) {
        loop = false;
        do {
          loop |= all.get(looked).containsKey("toolCalls");
          looked++;
        } while (looked < all.size() && !is(all.get(looked).get("role"), "user"));
      }
      if (!toolFiles.isEmpty() && !is(stored.get("role"), "tool")) {
        toolFiles();
      }
      message(stored, loop);
    }
    if (!toolFiles.isEmpty()) {
      toolFiles();
    }
  }

  private void message(Map<String, Slice> stored, boolean loop) {
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
    Slice refusal = stored.get("refusal");
    if ((said == null || said.isString() && said.to() - said.from() == 2)
        && refusal != null
        && refusal.isString()
        && !refusal.text().isEmpty()) {
      // The only form of a refusal that every server takes.
      said = refusal;
    }
    if (role == null || said == null && calls == null && isLeftOut(role.text(), parts)) {
      return;
    }
    comma();
    out.ascii("{\"role\":");
    if (is(role, "developer") && !dialect.knows("developer")) {
      out.ascii("\"system\"");
    } else {
      role.writeTo(out);
    }
    out.ascii(",\"content\":");
    if (said == null) {
      out.ascii(calls == null ? "\"\"" : "null");
    } else if (said.isArray() && is(role, "tool")) {
      output(told, stored.get("toolCallId"));
    } else if (said.isArray()) {
      parts(told);
    } else {
      said.writeTo(out);
    }
    member("name", stored.get("name"));
    if (is(role, "assistant")) {
      answer(stored, calls, loop);
    } else {
      member("tool_calls", calls);
    }
    member("tool_call_id", stored.get("toolCallId"));
    out.ascii("}");
  }

  // ---- what a server said for itself

  private void answer(Map<String, Slice> stored, @Nullable Slice calls, boolean loop) {
    Slice kept = stored.get("upstream");
    Map<String, Slice> opaque = kept == null ? Map.of() : kept.members();
    String server = text(opaque.get("name"));
    boolean named = server != null;
    // An answer that was given here is its server's, be that known or not.
    boolean ours = server != null ? server.equals(upstream) : !stored.containsKey("turn");
    boolean takes = ours && (named || dialect.takesUnknown());
    if (calls != null) {
      boolean more = named ? ours : dialect.takesUnknown();
      out.ascii(",\"tool_calls\":");
      new ChatCalls(out, more).write(calls, named && ours ? opaque.get("toolCalls") : null);
    }
    Slice message = opaque.get("message");
    if (takes && message != null) {
      message
          .members()
          .forEach((name, value) -> {
            if (!OF_MESSAGE.contains(name)) {
              out.ascii(",").string(name).ascii(":");
              value.writeTo(out);
            }
          });
    }
    if (takes) {
      reasoning(stored.get("reasoning"), opaque.get("reasoning"), named, loop);
    }
  }

  /**
   * Servers that think between tool calls refuse the next step without what they thought; some
   * refuse it, or pay no attention to it, where no tool was called. What a client of Chat
   * Completions sends is told as it is.
   */
  private void reasoning(
      @Nullable Slice thoughts, @Nullable Slice calledBefore, boolean named, boolean loop) {
    String before = text(calledBefore);
    if (!loop && (named || before == null)) {
      return;
    }
    String name = before != null ? before : named ? null : dialect.reasoning();
    Slice some = thoughts != null && thoughts.isString() ? thoughts : null;
    if (name == null || some == null && before == null || OF_MESSAGE.contains(name)) {
      return;
    }
    out.ascii(",").string(name).ascii(":");
    if (some == null) {
      out.ascii("\"\"");
    } else {
      some.writeTo(out);
    }
  }

  private static @Nullable String text(@Nullable Slice slice) {
    return slice != null && slice.isString() ? slice.text() : null;
  }

  // ---- files that tools gave

  /** A string, unless the server takes more from a tool: not every one takes parts. */
  private void output(List<Slice> parts, @Nullable Slice call) {
    List<Slice> left = withoutFiles(parts, call);
    List<String> texts = new ArrayList<>(left.size());
    for (Slice part : left) {
      Slice text =
          type(part).equals("text") || isOnlyText(part) ? part.members().get("text") : null;
      if (text != null && text.isString() && OF_TEXT.containsAll(part.members().keySet())) {
        texts.add(text.text());
      }
    }
    if (texts.size() == left.size()) {
      out.string(String.join("\n", texts));
    } else {
      parts(left);
    }
  }

  /** What a tool's message can say; the rest is kept for the user's message behind it. */
  private List<Slice> withoutFiles(List<Slice> parts, @Nullable Slice call) {
    if (dialect.toolFiles() == Dialect.ToolFiles.TOOL_MESSAGE
        || parts.stream().noneMatch(ChatRequest::isFile)) {
      return parts;
    }
    toolFiles.add(textPart("Output of the tool call " + (call == null ? "" : call.text()) + ":"));
    List<Slice> texts = new ArrayList<>(parts.size());
    for (Slice part : parts) {
      (isFile(part) ? toolFiles : texts).add(part);
    }
    if (texts.isEmpty()) {
      texts.add(textPart("The output is in the next message of the user."));
    }
    return texts;
  }

  private static Slice textPart(String text) {
    JsonBuffer part = new JsonBuffer(96).ascii("{\"type\":\"input_text\",\"text\":").string(text);
    return Slice.of(part.ascii("}").toJson());
  }

  private static boolean isFile(Slice part) {
    return switch (type(part)) {
      case "input_image", "image_url", "input_file", "file", "input_audio" -> true;
      default -> false;
    };
  }

  private void toolFiles() {
    comma();
    out.ascii("{\"role\":\"user\",\"content\":");
    parts(List.copyOf(toolFiles));
    out.ascii("}");
    toolFiles.clear();
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
        && text.isString()
        && OF_TEXT.containsAll(part.members().keySet());
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
        Slice text = members.get("text");
        if (text == null || !text.isString()) {
          part.writeTo(out);
          return;
        }
        out.ascii("{\"type\":\"text\",\"text\":");
        text.writeTo(out);
        members.forEach((name, value) -> {
          if (!OF_TEXT.contains(name)) {
            out.ascii(",").string(name).ascii(":");
            value.writeTo(out);
          }
        });
        out.ascii("}");
      }
      case "refusal" -> {
        out.ascii("{\"type\":\"text\",\"text\":");
        Slice refusal = members.get("refusal");
        if (refusal == null) {
          out.ascii("\"\"");
        } else {
          refusal.writeTo(out);
        }
        out.ascii("}");
      }
      case "input_image" -> image(members);
      case "input_file" -> file(members);
      default -> part.writeTo(out);
    }
  }

  /** An image that names an uploaded file has no form in Chat Completions: the model is told so. */
  private void image(Map<String, Slice> members) {
    Slice url = members.get("image_url");
    if (url == null || !url.isString()) {
      Slice file = members.get("file_id");
      String name = file != null && file.isString() ? " " + file.text() : "";
      out.ascii("{\"type\":\"text\",\"text\":");
      out.string("[The image" + name + " cannot be shown.]").ascii("}");
      return;
    }
    out.ascii("{\"type\":\"image_url\",\"image_url\":{\"url\":");
    url.writeTo(out);
    member("detail", members.get("detail"));
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

  private static boolean is(@Nullable Slice value, String text) {
    return value != null && value.isString() && value.text().equals(text);
  }

  private static String type(Slice part) {
    Slice type = part.members().get("type");
    return type != null && type.isString() ? type.text() : "";
  }
}
