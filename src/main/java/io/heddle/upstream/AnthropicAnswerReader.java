package io.heddle.upstream;

import io.heddle.turn.ModelEvent;
import io.heddle.upstream.ServerJson.UnexpectedJson;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;

/**
 * Reads events of Anthropic Messages, or a whole message. Thoughts are told as text, and their
 * blocks are kept as they came: the server wants them back, signed.
 */
final class AnthropicAnswerReader implements AnswerReader {

  private static final int MOST_BLOCKS = 4096;

  private final AnswerAssembler answer;
  private final FailureMapper faults;
  private final AnthropicNames names;
  private final String thinker;
  private final Map<Integer, AnthropicBlock> open = new LinkedHashMap<>();
  private AnthropicUsage usage = AnthropicUsage.NONE;

  /** Calls of which no argument has come. */
  private final List<AnthropicBlock> bare = new ArrayList<>(0);

  private @Nullable String reason;
  private int blocks;
  private int calls;
  private int thoughts;
  private int textLength;
  private int kept;
  private boolean ending;

  /**
   * @param names of the tools in the request
   * @param thinker who thinks: thoughts are no use to anybody else
   */
  AnthropicAnswerReader(AnswerAssembler answer, AnthropicNames names, String thinker) {
    this.answer = answer;
    this.names = names;
    this.thinker = thinker;
    faults = answer.faults();
  }

  @Override
  public int kept() {
    return answer.kept() + kept;
  }

  @Override
  public void event(String type, byte[] data, int length, List<ModelEvent> out) {
    if (answer.isFinished() || length == 0) {
      return;
    }
    if (ServerJson.isDone(data, length)) {
      // Servers that speak Chat Completions too put it behind this as well.
      finish(out);
      return;
    }
    AnthropicObject event = parse(type, data, length);
    if (event == null) {
      return;
    }
    String kind = event.type().isEmpty() ? type : event.type();
    if (event.error() != null || kind.equals("error")) {
      ServerError error = event.error();
      throw faults.inStream(
          error == null ? ServerError.of(Arrays.copyOf(data, length), false) : error,
          answer.hasSaid());
    }
    take(kind, event, out);
  }

  private void take(String kind, AnthropicObject event, List<ModelEvent> out) {
    AnthropicObject inner = event.inner();
    switch (kind) {
      case "message_start" -> {
        if (inner != null) {
          message(inner, out);
        }
      }
      case "content_block_start" -> {
        if (inner != null) {
          start(event.index(), inner, out);
        }
      }
      case "content_block_delta" -> {
        if (inner != null) {
          delta(event.index(), inner, out);
        }
      }
      case "content_block_stop" -> stop(event.index(), out);
      case "message_delta" -> {
        count(event.usage());
        if (inner != null) {
          count(inner.usage());
          reason(inner, out);
        }
      }
      case "message" -> {
        message(event, out);
        finish(out);
      }
      case "message_stop" -> finish(out);
      default -> {
        // A ping, or something new.
      }
    }
  }

  @Override
  public void whole(byte[] json, List<ModelEvent> out) {
    AnthropicObject message = json.length == 0 ? null : parse("", json, json.length);
    if (message == null) {
      throw faults.brokeOff(answer.hasSaid());
    }
    if (message.error() != null) {
      throw faults.inStream(message.error(), answer.hasSaid());
    }
    if (message.content() == null) {
      throw answer.notA(json, "message");
    }
    message(message, out);
    finish(out);
  }

  @Override
  public void ending() {
    ending = true;
  }

  @Override
  public void end(List<ModelEvent> out) {
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
  private void message(AnthropicObject message, List<ModelEvent> out) {
    answer.model(message.model());
    count(message.usage());
    List<AnthropicObject> content = message.content();
    if (content != null) {
      for (AnthropicObject block : content) {
        start(-1, block, out);
        stop(-1, out);
      }
    }
    reason(message, out);
  }

  private void count(@Nullable AnthropicUsage counted) {
    if (counted != null) {
      usage = usage.with(counted);
      answer.usage(usage.toUsage());
    }
  }

  private void reason(AnthropicObject from, List<ModelEvent> out) {
    String said = from.stopReason();
    if (said == null) {
      return;
    }
    answer.say("", "", from.explanation(), out);
    answer.reason(said);
    reason = reason == null || !FinishReason.of(reason).isCut() ? said : reason;
  }

  // ---- blocks

  private void start(int index, AnthropicObject block, List<ModelEvent> out) {
    if (open.containsKey(index)) {
      stop(index, out);
    }
    tellBare(out);
    if (++blocks > MOST_BLOCKS) {
      throw answer.tooLarge();
    }
    AnthropicBlock begun = new AnthropicBlock(block.type(), calls);
    open.put(index, begun);
    switch (begun.type) {
      case "tool_use" -> {
        calls++;
        begun.input = block.input();
        kept += begun.input.length();
        String name = block.name();
        call(begun, block.id(), name == null ? null : names.given(name), "", out);
      }
      case "redacted_thinking" -> {
        begun.data = block.data();
        kept += begun.data.length();
      }
      case "thinking" -> {
        if (answer.hasThought()) {
          // Each block is a thought of its own.
          answer.say("\n\n", "", "", out);
        }
        think(begun, block, out);
      }
      case "text" -> say(block.text(), out);
      default -> {
        // A tool that the server runs, and what came of it.
      }
    }
  }

  private void delta(int index, AnthropicObject delta, List<ModelEvent> out) {
    AnthropicBlock block = index < 0 && !open.isEmpty() ? last() : open.get(index);
    if (block == null) {
      // A server that does not say where a block begins.
      say(delta.text(), out);
      answer.say(delta.thinking(), "", "", out);
      return;
    }
    switch (block.type) {
      case "tool_use" -> {
        if (!delta.input().isEmpty()) {
          block.hasInput = true;
          call(block, null, null, delta.input(), out);
        }
      }
      case "thinking" -> think(block, delta, out);
      case "text", "" -> say(delta.text(), out);
      default -> {
        // As above.
      }
    }
  }

  private AnthropicBlock last() {
    AnthropicBlock last = null;
    for (AnthropicBlock block : open.values()) {
      last = block;
    }
    return last == null ? new AnthropicBlock("", 0) : last;
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

  private void think(AnthropicBlock block, AnthropicObject more, List<ModelEvent> out) {
    answer.say(more.thinking(), "", "", out);
    block.thinking.append(more.thinking());
    block.signature.append(more.signature());
    kept += more.thinking().length() + more.signature().length();
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

  // ---- bytes

  /** Null for what is cut off behind the end of the answer. */
  private @Nullable AnthropicObject parse(String type, byte[] json, int length) {
    try {
      return ServerJson.read(json, length, AnthropicObject::read);
    } catch (JacksonException | UnexpectedJson e) {
      if (ending && answer.hasReason()) {
        return null;
      }
      throw answer.notOfThisWire(type, json, length);
    }
  }
}
