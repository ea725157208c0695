package io.heddle.upstream;

import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.turn.ModelCall;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A call as Anthropic Messages has it: instructions apart, user and assistant in turns with the
 * user first and last, the outputs of an answer's calls directly behind it, thoughts where they
 * were.
 */
final class AnthropicRequest {

  /** Stands where the user must have said something. */
  private static final String BEGINNING = "(The conversation begins.)";

  /** Asks for an answer behind an answer: it is not one to be gone on with. */
  private static final String AGAIN = "Continue.";

  private final String upstream;
  private final String model;
  private final AnthropicModel kind;
  private final List<PromptMessage> messages;
  private final AnthropicNames names = new AnthropicNames();
  private final AnthropicParameters parameters;
  private final JsonWriter out;

  /** What is said in turn, and not written yet. */
  private AnthropicContent content = new AnthropicContent(256);

  /** Outputs of calls stand before all else that the user says with them. */
  private AnthropicContent outputs = new AnthropicContent(256);

  private boolean isUsers = true;
  private boolean hasBegun;

  /** Calls of the last answer without an output, and the ids that the server is told. */
  private Map<String, String> open = new LinkedHashMap<>();

  private final Set<String> ids = new HashSet<>();

  private AnthropicRequest(
      String model,
      ModelCall call,
      String upstream,
      UpstreamProperties.Server properties,
      JsonWriter out) {
    this.out = out;
    this.upstream = upstream;
    this.model = model;
    kind = AnthropicModel.of(model, properties.thinking());
    messages = PromptMessage.of(call.messages());
    Members given = Members.of(call.parameters());
    AnthropicTools tools = new AnthropicTools(upstream, kind, names, given);
    parameters =
        new AnthropicParameters(
            upstream, given, kind, tools, properties.maxTokens(), lacksThoughts());
  }

  /**
   * The body of a request to this model.
   *
   * @throws CallFailure for what has no form with this server
   */
  static byte[] body(
      String model, ModelCall call, String upstream, UpstreamProperties.Server properties) {
    return JsonWriter.written(
        out -> new AnthropicRequest(model, call, upstream, properties, out).write(call));
  }

  private void write(ModelCall call) {
    out.ascii("{\"model\":").string(model);
    system(call.system());
    parameters.writeTo(out, called());
    out.ascii(",\"messages\":[");
    for (PromptMessage message : messages) {
      switch (message.role()) {
        case "system", "developer" -> {}
        case "assistant" -> answer(message);
        case "tool" -> output(message);
        default -> user(message);
      }
    }
    end();
    out.ascii("],\"stream\":true}");
  }

  private void system(@Nullable String instructions) {
    AnthropicContent system = new AnthropicContent(256);
    if (instructions != null) {
      system.text(instructions);
    }
    for (PromptMessage message : messages) {
      if (message.isFrom("system") || message.isFrom("developer")) {
        for (PromptPart part : message.parts()) {
          if (part instanceof PromptPart.Text(JsonValue text, PromptPart.Stored whole)) {
            system.text(text, whole);
          }
        }
      }
    }
    String more = parameters.instruction();
    if (more != null) {
      system.text(more);
    }
    if (!system.isEmpty()) {
      system.writeTo(out.ascii(",\"system\":["));
      out.ascii("]");
    }
  }

  private Set<String> called() {
    Set<String> called = new LinkedHashSet<>();
    for (PromptMessage message : messages) {
      for (PromptMessage.Call call : message.calls()) {
        called.add(name(call));
      }
    }
    return called;
  }

  private String name(PromptMessage.Call call) {
    JsonValue name = call.name();
    return names.told(name == null ? "" : name.text());
  }

  /**
   * Whether a loop of tools is under way that did not begin with thoughts of this model: another
   * one began it, or the client has lost them. Who may think must have begun so.
   */
  private boolean lacksThoughts() {
    int from = messages.size() - 1;
    while (from >= 0
        && !(messages.get(from).isFrom("user")
            && (from == 0 || !messages.get(from - 1).isFrom("tool")))) {
      from--;
    }
    for (PromptMessage message : messages.subList(from + 1, messages.size())) {
      if (message.isFrom("assistant")) {
        return !message.calls().isEmpty() && thoughts(message).isEmpty();
      }
    }
    return false;
  }

  private List<AnthropicThoughts.Block> thoughts(PromptMessage message) {
    return AnthropicThoughts.of(message, upstream, model, kind.isClaude());
  }

  // ---- turns

  private void user(PromptMessage message) {
    AnthropicContent said = new AnthropicContent(256);
    said.parts(message);
    if (!said.isEmpty()) {
      turn(true);
      said.writeTo(content.next());
    }
  }

  /** Who says the next block: neighbours of one role are one message. */
  private void turn(boolean toUser) {
    if (isUsers != toUser) {
      flush();
      isUsers = toUser;
    }
  }

  /** Writes what was said in turn. */
  private void flush() {
    if (isUsers) {
      answerAll();
    }
    if (content.isEmpty() && outputs.isEmpty()) {
      return;
    }
    if (!hasBegun && !isUsers) {
      begin();
    }
    out.next().ascii("{\"role\":\"").ascii(isUsers ? "user" : "assistant");
    out.ascii("\",\"content\":[");
    outputs.writeTo(out);
    if (!content.isEmpty()) {
      content.writeTo(out.next());
    }
    out.ascii("]}");
    hasBegun = true;
    content = new AnthropicContent(256);
    outputs = new AnthropicContent(256);
  }

  /** A call that nobody answered is refused. */
  private void answerAll() {
    for (String id : open.values()) {
      JsonWriter block = outputs.next().ascii("{\"type\":\"tool_result\",\"tool_use_id\":");
      block.string(id).ascii(",\"content\":\"No output.\"}");
    }
    open = new LinkedHashMap<>();
  }

  private void end() {
    boolean isAnswer = !isUsers;
    boolean isCall = !open.isEmpty();
    if (isAnswer) {
      turn(true);
      if (!isCall) {
        content.text(AGAIN);
      }
    }
    flush();
    if (!hasBegun) {
      begin();
    }
  }

  private void begin() {
    out.ascii("{\"role\":\"user\",\"content\":").string(BEGINNING).ascii("}");
  }

  // ---- tools and thoughts

  private void output(PromptMessage message) {
    JsonValue call = message.toolCallId();
    String of = call == null ? "" : call.text();
    turn(true);
    String id = open.remove(of);
    if (id == null) {
      // No call asks for it here.
      content.text("Output of the tool call " + of + ":");
      content.parts(message);
      return;
    }
    AnthropicContent parts = new AnthropicContent(256);
    parts.parts(message);
    JsonWriter block = outputs.next();
    block.ascii("{\"type\":\"tool_result\",\"tool_use_id\":").string(id);
    if (!parts.isEmpty()) {
      parts.writeTo(block.ascii(",\"content\":["));
      block.ascii("]");
    }
    boolean failed = "incomplete".equals(message.members().text("status"));
    block.ascii(failed ? ",\"is_error\":true}" : "}");
  }

  private void answer(PromptMessage message) {
    List<PromptMessage.Call> calls = message.calls();
    List<AnthropicThoughts.Block> thoughts =
        parameters.tellsThoughts() ? thoughts(message) : List.of();
    AnthropicContent words = new AnthropicContent(256);
    words.words(message);
    if (words.isEmpty() && calls.isEmpty()) {
      // Thoughts alone are refused, and so are those at the end.
      return;
    }
    turn(false);
    List<PromptPart> parts = message.parts();
    boolean inOrder =
        parts.size() == 1
            && parts.getFirst() instanceof PromptPart.Text
            && thoughts.stream().anyMatch(block -> block.afterText() > 0);
    String said =
        inOrder && parts.getFirst() instanceof PromptPart.Text(JsonValue text, _)
            ? text.text()
            : "";
    int spoken = 0;
    int called = 0;
    for (AnthropicThoughts.Block block : thoughts) {
      int upTo = Math.clamp(block.afterText(), spoken, said.length());
      content.text(said.substring(spoken, upTo));
      spoken = upTo;
      while (called < Math.min(block.afterCalls(), calls.size())) {
        call(calls.get(called++));
      }
      boolean isLast = inOrder ? said.substring(spoken).isBlank() : words.isEmpty();
      if (!isLast || called < calls.size()) {
        block.writeTo(content.next());
      }
    }
    if (inOrder) {
      content.text(said.substring(spoken));
    } else if (!words.isEmpty()) {
      words.writeTo(content.next());
    }
    while (called < calls.size()) {
      call(calls.get(called++));
    }
  }

  private void call(PromptMessage.Call call) {
    JsonValue given = call.id();
    String id = given == null ? "call" : given.text();
    String sound = WireIds.sound(id);
    for (int i = 2; !ids.add(sound); i++) {
      // Some models number their calls from 0 in each answer.
      sound = WireIds.sound(id + "#" + i);
    }
    String key = id;
    while (open.containsKey(key)) {
      key += "#";
    }
    open.put(key, sound);
    JsonWriter block = content.next().ascii("{\"type\":\"tool_use\",\"id\":").string(sound);
    block.ascii(",\"name\":").string(name(call)).ascii(",\"input\":");
    JsonValue arguments = call.arguments();
    String text = arguments == null ? "" : arguments.text();
    block.raw(ToolInput.object(text, call.isCustom())).ascii("}");
  }
}
