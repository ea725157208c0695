package io.heddle.upstream;

import io.heddle.json.JsonValue;
import io.heddle.turn.ModelEvent;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads events of Anthropic Messages, or a whole message. Thoughts are told as text, and their
 * blocks are kept as they came: the server wants them back, signed.
 */
final class AnthropicAnswerReader extends AnswerReader {

  private static final int MOST_BLOCKS = 4096;

  private static final List<String> INNER = List.of("delta", "content_block", "message");

  private final AnthropicNames names;
  private final String thinker;
  private final LinkedHashMap<Integer, AnthropicBlock> open = new LinkedHashMap<>();
  private AnthropicUsage usage = AnthropicUsage.NONE;

  /** Calls of which no argument has come. */
  private final List<AnthropicBlock> bare = new ArrayList<>(0);

  private @Nullable String reason;
  private int blocks;
  private int calls;
  private int thoughts;
  private int textLength;
  private int kept;

  /**
   * @param names of the tools in the request
   * @param thinker who thinks: thoughts are no use to anybody else
   */
  AnthropicAnswerReader(AnswerAssembler answer, AnthropicNames names, String thinker) {
    super(answer);
    this.names = names;
    this.thinker = thinker;
  }

  @Override
  int kept() {
    return answer.kept() + kept;
  }

  @Override
  void event(String type, byte[] data, int length, List<ModelEvent> out) {
    if (answer.isFinished() || length == 0) {
      return;
    }
    if (ServerJson.isDone(data, length)) {
      // Servers that speak Chat Completions too put it behind this as well.
      finish(out);
      return;
    }
    Members event = parse(type, data, length, Members::read);
    if (event == null) {
      return;
    }
    String kind = event.scalarOrEmpty("type");
    kind = kind.isEmpty() ? type : kind;
    ServerError error = error(event);
    if (error != null || kind.equals("error")) {
      throw failure(error, data, length);
    }
    take(kind, event, out);
  }

  private static @Nullable ServerError error(Members event) {
    ServerError error = event.error("error");
    if (error != null
        || inner(event) != null
        || event.hasList("content")
        || stopReason(event) != null) {
      return error;
    }
    ErrorMembers flat = ErrorMembers.of(event, "");
    boolean hasOnlyWords = event.scalar("type") == null && flat.hasMessage();
    return hasOnlyWords || flat.isError() ? flat.error() : null;
  }

  /** The message, the block or the delta that an event is about. */
  private static @Nullable Members inner(Members event) {
    for (String name : INNER) {
      JsonValue inner = event.get(name);
      if (inner != null && inner.isObject()) {
        return Members.of(inner);
      }
    }
    return null;
  }

  private static @Nullable String stopReason(Members from) {
    String said = from.scalarOrEmpty("stop_reason").strip();
    return said.isEmpty() || said.equals("null") || said.equals("false") ? null : said;
  }

  private void take(String kind, Members event, List<ModelEvent> out) {
    Members inner = inner(event);
    switch (kind) {
      case "message" -> {
        message(event, out);
        finish(out);
      }
      case "message_stop" -> finish(out);
      case "content_block_stop" -> stop(event.index("index"), out);
      case "message_delta" -> {
        count(event);
        if (inner != null) {
          count(inner);
          reason(inner, out);
        }
      }
      default -> {
        if (inner != null) {
          begin(kind, event.index("index"), inner, out);
        }
      }
    }
  }

  private void begin(String kind, int index, Members inner, List<ModelEvent> out) {
    switch (kind) {
      case "message_start" -> message(inner, out);
      case "content_block_start" -> start(index, inner, out);
      case "content_block_delta" -> delta(index, inner, out);
      default -> {
        // A ping, or something new.
      }
    }
  }

  @Override
  void whole(byte[] json, List<ModelEvent> out) {
    Members message = json.length == 0 ? null : parse("", json, json.length, Members::read);
    if (message == null) {
      throw faults.brokeOff(answer.hasSaid());
    }
    ServerError error = error(message);
    if (error != null) {
      throw faults.inStream(error, answer.hasSaid());
    }
    if (!message.hasList("content")) {
      throw answer.notA(json, "message");
    }
    message(message, out);
    finish(out);
  }

  @Override
  void end(List<ModelEvent> out) {
    if (answer.isFinished()) {
      return;
    }
    if (!answer.hasReason()) {
      throw faults.brokeOff(answer.hasSaid());
    }
    finish(out);
  }

  // ---- messages

  /** Of a whole one, and of the empty one with which a stream begins. */
  private void message(Members message, List<ModelEvent> out) {
    answer.model(message.scalar("model"));
    count(message);
    for (Members block : message.objects("content")) {
      start(-1, block, out);
      stop(-1, out);
    }
    reason(message, out);
  }

  private void count(Members from) {
    JsonValue counted = from.get("usage");
    if (counted != null && counted.isObject()) {
      usage = usage.with(AnthropicUsage.of(Members.of(counted)));
      answer.usage(usage.toUsage());
    }
  }

  private void reason(Members from, List<ModelEvent> out) {
    String said = stopReason(from);
    if (said == null) {
      return;
    }
    answer.say("", "", from.inner("stop_details").words("explanation"), out);
    answer.reason(said);
    reason = reason == null || !FinishReason.of(reason).isCut() ? said : reason;
  }

  // ---- blocks

  private void start(int index, Members block, List<ModelEvent> out) {
    if (open.containsKey(index)) {
      stop(index, out);
    }
    tellBare(out);
    if (++blocks > MOST_BLOCKS) {
      throw answer.tooLarge();
    }
    AnthropicBlock begun = new AnthropicBlock(block.scalarOrEmpty("type"), calls);
    open.put(index, begun);
    switch (begun.type) {
      case "tool_use" -> {
        calls++;
        begun.input = input(block);
        kept += begun.input.length();
        String name = notBlank(block, "name");
        call(begun, notBlank(block, "id"), name == null ? null : names.given(name), "", out);
      }
      case "redacted_thinking" -> {
        begun.data = block.scalarOrEmpty("data");
        kept += begun.data.length();
      }
      case "thinking" -> {
        if (answer.hasThought()) {
          // Each block is a thought of its own.
          answer.say("\n\n", "", "", out);
        }
        think(begun, block, out);
      }
      case "text" -> say(block.words("text"), out);
      default -> {
        // A tool that the server runs, and what came of it.
      }
    }
  }

  private void delta(int index, Members delta, List<ModelEvent> out) {
    AnthropicBlock block =
        index < 0 && !open.isEmpty() ? open.lastEntry().getValue() : open.get(index);
    if (block == null) {
      // A server that does not say where a block begins.
      say(delta.words("text"), out);
      answer.say(delta.words("thinking"), "", "", out);
      return;
    }
    switch (block.type) {
      case "tool_use" -> {
        String input = input(delta);
        if (!input.isEmpty()) {
          block.hasInput = true;
          call(block, null, null, input, out);
        }
      }
      case "thinking" -> think(block, delta, out);
      case "text", "" -> say(delta.words("text"), out);
      default -> {
        // As above.
      }
    }
  }

  /** Arguments of a call, or the next bit of them. */
  private static String input(Members from) {
    String input = from.json(from.has("partial_json") ? "partial_json" : "input");
    return input == null ? "" : input;
  }

  private static @Nullable String notBlank(Members from, String name) {
    String text = from.scalar(name);
    return text == null || text.isBlank() ? null : text;
  }

  private void stop(int index, List<ModelEvent> out) {
    AnthropicBlock block = open.remove(index);
    if (block == null) {
      return;
    }
    if (block.isCall()) {
      kept -= block.input.length();
      if (!block.hasInput && block.input.length() > 2) {
        block.hasInput = true;
        call(block, null, null, block.input, out);
      } else if (!block.hasInput) {
        bare.add(block);
      }
      block.input = "";
    } else if (block.isThought()) {
      keep(block);
    }
  }

  /** A call without arguments is one of an empty object: clients read them as JSON. */
  private void tellBare(List<ModelEvent> out) {
    for (AnthropicBlock block : bare) {
      call(block, null, null, "{}", out);
    }
    bare.clear();
  }

  private void call(
      AnthropicBlock block,
      @Nullable String id,
      @Nullable String name,
      String input,
      List<ModelEvent> out) {
    answer.calls(List.of(new ToolCallDelta(block.call, id, name, input)), false, out);
  }

  private void say(String text, List<ModelEvent> out) {
    textLength += text.length();
    answer.say("", text, "", out);
  }

  private void think(AnthropicBlock block, Members more, List<ModelEvent> out) {
    String thought = more.words("thinking");
    String signature = more.scalarOrEmpty("signature");
    answer.say(thought, "", "", out);
    block.thinking.append(thought);
    block.signature.append(signature);
    kept += thought.length() + signature.length();
    if (kept > answer.most()) {
      throw answer.tooLarge();
    }
  }

  /** With its place among what is said, which is kept apart from it. */
  private void keep(AnthropicBlock block) {
    kept -= block.size();
    if (block.isEmpty()) {
      return;
    }
    Map<String, Object> all = new LinkedHashMap<>();
    all.put(
        AnthropicThoughts.BLOCKS,
        new ArrayList<Object>(List.of(block.thought(thoughts, textLength, calls))));
    if (thoughts++ == 0) {
      all.put(AnthropicThoughts.THINKER, new StringBuilder(thinker));
    }
    answer.keep(all, false);
  }

  private void finish(List<ModelEvent> out) {
    for (Integer index : List.copyOf(open.keySet())) {
      AnthropicBlock block = open.get(index);
      if (block != null && block.isThought() && !block.isSigned()) {
        // A thought that was cut is none that could be given back.
        open.remove(index);
      } else {
        stop(index, out);
      }
    }
    if (reason == null || !FinishReason.of(reason).isCut()) {
      tellBare(out);
    }
    answer.finish(out);
  }
}
