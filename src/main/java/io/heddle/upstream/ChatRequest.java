package io.heddle.upstream;

import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.turn.ModelCall;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A call as Chat Completions has it, in the dialect of its server. Contents, tool calls and
 * parameters are copied as they are; what is ours in a stored message is left out, and what one
 * server said for itself is not told to another.
 */
final class ChatRequest {

  /** What Heddle writes itself, and what is a server's of another kind. */
  private static final Set<String> OF_MESSAGE =
      Set.of(
          "role",
          "content",
          "name",
          "tool_calls",
          "tool_call_id",
          // Sources are for who reads.
          "annotations",
          ResponsesOutput.KEPT,
          ChatParts.SEAL);

  private final String upstream;
  private final Dialect dialect;
  private final @Nullable String tokenParameter;
  private final JsonWriter out;
  private final ChatParts parts;
  private final List<PromptPart> toolFiles = new ArrayList<>(0);

  private ChatRequest(
      String upstream, Dialect dialect, @Nullable String tokenParameter, JsonWriter out) {
    this.upstream = upstream;
    this.dialect = dialect;
    this.tokenParameter = tokenParameter == null ? dialect.tokenParameter() : tokenParameter;
    this.out = out;
    parts = new ChatParts(out, dialect);
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
      @Nullable String tokenParameter,
      boolean stream) {
    return JsonWriter.written(
        out -> new ChatRequest(upstream, dialect, tokenParameter, out).write(model, call, stream));
  }

  private void write(String model, ModelCall call, boolean stream) {
    out.ascii("{\"model\":").string(model).ascii(",\"messages\":[");
    ChatOrder order = ChatOrder.of(call.system(), PromptMessage.of(call.messages()), dialect);
    if (order.system() != null) {
      out.next().ascii("{\"role\":\"system\",\"content\":").string(order.system()).ascii("}");
    }
    messages(order.messages());
    out.ascii("]");
    ChatParameters.write(out, Members.of(call.parameters()), dialect, tokenParameter);
    if (!stream) {
      out.ascii(",\"stream\":false}");
      return;
    }
    out.ascii(",\"stream\":true");
    out.ascii(
        dialect.has(Dialect.Quirk.MISTRALS_FORMS)
            ? "}"
            : ",\"stream_options\":{\"include_usage\":true}}");
  }

  private void messages(List<PromptMessage> messages) {
    // Whether tools were called since the last message of a user, and will be before the next.
    int looked = 0;
    boolean loop = false;
    for (int i = 0; i < messages.size(); i++) {
      PromptMessage message = messages.get(i);
      if (i == looked) {
        loop = false;
        do {
          loop |= messages.get(looked).hasCalls();
          looked++;
        } while (looked < messages.size() && !messages.get(looked).isFrom("user"));
      }
      if (!toolFiles.isEmpty() && !message.isFrom("tool")) {
        toolFiles();
      }
      message(message, loop);
    }
    if (!toolFiles.isEmpty()) {
      toolFiles();
    }
  }

  private void message(PromptMessage message, boolean loop) {
    JsonValue role = message.members().get("role");
    JsonValue content = message.members().get("content");
    List<PromptPart> told = content != null && content.isArray() ? message.told() : List.of();
    JsonValue said = content != null && content.isArray() && told.isEmpty() ? null : content;
    if (said == null || PromptMessage.isEmpty(said)) {
      JsonValue refusal = message.refusal();
      // The only form of a refusal that every server takes.
      said = refusal == null ? said : refusal;
    }
    // An empty array of tool calls is refused by the servers.
    List<PromptMessage.Call> calls = message.calls();
    if (role == null || said == null && calls.isEmpty() && isLeftOut(message)) {
      return;
    }
    out.next().ascii("{\"role\":");
    if (message.isFrom("developer") && !dialect.has(Dialect.Quirk.DEVELOPER_ROLE)) {
      out.ascii("\"system\"");
    } else {
      role.writeTo(out);
    }
    out.ascii(",\"content\":");
    JsonValue thoughts = thoughtsInContent(message, loop);
    if (thoughts != null) {
      JsonValue seal = message.kept().message().string(ChatParts.SEAL);
      parts.thoughtful(thoughts, seal, said == null || said.isArray() ? told : text(said));
    } else if (said == null) {
      out.ascii(calls.isEmpty() ? "\"\"" : "null");
    } else if (!said.isArray()) {
      said.writeTo(out);
    } else if (message.isFrom("tool")) {
      parts.output(withoutFiles(told, message.toolCallId()));
    } else {
      parts.content(told);
    }
    if (!dialect.refusesUnknown() || message.isFrom("tool")) {
      out.some("name", message.members().get("name"));
    }
    if (message.isFrom("assistant")) {
      answer(message, calls, loop);
    } else if (!calls.isEmpty()) {
      calls(calls, Members.NONE, !dialect.refusesUnknown());
    }
    JsonValue call = message.members().get("toolCallId");
    if (call != null) {
      ChatCalls.writeId(out.ascii(",\"tool_call_id\":"), call, dialect);
    }
    out.ascii("}");
  }

  /**
   * Whether a message that says nothing is not told: an assistant's is refused by the servers, and
   * one of nothing but items is none. A tool's output is told in any case: its call waits for it.
   */
  private static boolean isLeftOut(PromptMessage message) {
    return message.isFrom("assistant") || !message.isFrom("tool") && !message.parts().isEmpty();
  }

  // ---- what a server said for itself

  private void answer(PromptMessage message, List<PromptMessage.Call> calls, boolean loop) {
    PromptMessage.Kept kept = message.kept();
    boolean named = kept.server() != null;
    boolean ours = message.isKeptFor(upstream, kept);
    boolean takesUnknown = dialect.takesUnknown(named);
    if (!calls.isEmpty()) {
      boolean back = named && ours && takesUnknown;
      calls(calls, back ? kept.toolCalls() : Members.NONE, named ? back : takesUnknown);
    }
    if (!ours) {
      return;
    }
    kept.message()
        .all()
        .forEach((name, value) -> {
          if (!OF_MESSAGE.contains(name) && dialect.takes(name, named)) {
            out.member(name, value);
          }
        });
    if (takesUnknown) {
      reasoning(message.members().string("reasoning"), kept.reasoning(), named, loop);
    }
  }

  private void calls(List<PromptMessage.Call> calls, Members kept, boolean takesUnknown) {
    ChatCalls.write(out.ascii(",\"tool_calls\":"), calls, kept, takesUnknown, dialect);
  }

  /**
   * Servers that think between tool calls refuse the next step without what they thought; some
   * refuse it, or pay no attention to it, where no tool was called. What a client of Chat
   * Completions sends is told as it is.
   */
  private void reasoning(
      @Nullable JsonValue thoughts, @Nullable String before, boolean named, boolean loop) {
    if (!loop && (named || before == null)) {
      return;
    }
    boolean only = dialect.has(Dialect.Quirk.ONE_NAME_OF_REASONING);
    String name = before != null && !only ? before : named && !only ? null : dialect.reasoning();
    boolean isNone = thoughts == null && (before == null || only);
    if (name == null || isNone || OF_MESSAGE.contains(name)) {
      return;
    }
    out.member(name, thoughts == null ? Members.EMPTY : thoughts);
  }

  /** Those that the server wants back as a part of the content, between calls of tools. */
  private @Nullable JsonValue thoughtsInContent(PromptMessage message, boolean loop) {
    if (!loop
        || !"content".equals(dialect.reasoning())
        || !message.isFrom("assistant")
        || !message.isKeptFor(upstream, message.kept())) {
      return null;
    }
    return message.reasoning();
  }

  private static List<PromptPart> text(JsonValue said) {
    return PromptMessage.isEmpty(said) ? List.of() : List.of(new PromptPart.Text(said, null));
  }

  // ---- files that tools gave

  /** What a tool's message can say; the rest is kept for the user's message behind it. */
  private List<PromptPart> withoutFiles(List<PromptPart> parts, @Nullable JsonValue call) {
    if (dialect.has(Dialect.Quirk.FILES_IN_TOOL_MESSAGES)
        || parts.stream().noneMatch(PromptPart::isFile)) {
      return parts;
    }
    String id = call == null ? "" : call.text();
    toolFiles.add(PromptPart.Text.of("Output of the tool call " + id + ":"));
    List<PromptPart> left = new ArrayList<>(parts.size());
    for (PromptPart part : parts) {
      (part.isFile() ? toolFiles : left).add(part);
    }
    if (left.isEmpty()) {
      left.add(PromptPart.Text.of("The output is in the next message of the user."));
    }
    return left;
  }

  private void toolFiles() {
    out.next().ascii("{\"role\":\"user\",\"content\":");
    parts.content(toolFiles);
    out.ascii("}");
    toolFiles.clear();
  }
}
