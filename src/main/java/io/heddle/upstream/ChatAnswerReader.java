package io.heddle.upstream;

import io.heddle.turn.ModelEvent;
import io.heddle.upstream.ServerJson.UnexpectedJson;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;

/** Reads chunks of Chat Completions, or a whole completion, in all forms that servers give them. */
final class ChatAnswerReader extends AnswerReader {

  private static final int MOST_CALLS = 1024;

  /** Types of events whose data may be anything. */
  private static final Set<String> SIGNS_OF_LIFE =
      Set.of("ping", "heartbeat", "keepalive", "keep-alive", "keep_alive");

  private @Nullable MessageSnapshots messages;
  private @Nullable ServerError words;
  private final TextChunks alike = new TextChunks();
  private @Nullable String seal;
  private boolean manySeals;

  ChatAnswerReader(AnswerAssembler answer) {
    super(answer);
  }

  @Override
  int kept() {
    return answer.kept() + (messages == null ? 0 : messages.size());
  }

  @Override
  void event(String type, byte[] data, int length, List<ModelEvent> out) {
    if (answer.isFinished() || length == 0) {
      return;
    }
    if (ServerJson.isDone(data, length)) {
      checkAnswered();
      finish(out);
      return;
    }
    String text = messages == null && !ServerError.isType(type) ? alike.text(data, length) : null;
    if (text != null) {
      answer.say("", text, "", out);
      return;
    }
    ChatChunk chunk = parse(type, data, length, ChatChunk::read);
    if (chunk == null) {
      return;
    }
    alike.learn(data, length, chunk.isOf(data) ? chunk.textAt() : -1);
    words = words == null ? chunk.words() : words;
    if (chunk.error() != null || ServerError.isType(type)) {
      throw failure(chunk.error(), data, length);
    }
    take(chunk, false, out);
  }

  /**
   * Takes an answer that is no event stream: a completion in one object, or its chunks one after
   * the other.
   */
  @Override
  void whole(byte[] json, List<ModelEvent> out) {
    boolean isOne = false;
    try {
      isOne = objects(json, out);
    } catch (JacksonException | UnexpectedJson e) {
      whole(answer.mended(json), out);
      return;
    }
    if (isOne) {
      finish(out);
    } else {
      end(out);
    }
  }

  /** Whether it is all in one object. */
  private boolean objects(byte[] json, List<ModelEvent> out) {
    try (JsonParser in = ServerJson.parser(json, json.length)) {
      ChatChunk chunk = ChatChunk.next(in, json);
      if (chunk == null) {
        throw faults.brokeOff(answer.hasSaid());
      }
      ChatChunk next = ChatChunk.next(in, json);
      // The first of several chunks is none that is whole.
      boolean isOne = next == null && (chunk.message() != null || chunk.delta().isEmpty());
      while (chunk != null) {
        object(chunk, isOne, json, out);
        chunk = next;
        next = next == null ? null : ChatChunk.next(in, json);
      }
      return isOne;
    }
  }

  private void object(ChatChunk chunk, boolean isOne, byte[] json, List<ModelEvent> out) {
    if (chunk.error() != null) {
      throw faults.inStream(chunk.error(), answer.hasSaid());
    }
    if (isOne && !chunk.hasChoices()) {
      throw answer.notA(json, "completion");
    }
    take(chunk, isOne, out);
  }

  @Override
  void end(List<ModelEvent> out) {
    if (answer.isFinished()) {
      return;
    }
    checkAnswered();
    if (!answer.hasReason()) {
      throw words == null
          ? faults.brokeOff(answer.hasSaid())
          : faults.inStream(words, answer.hasSaid());
    }
    finish(out);
  }

  /** A server that says nothing and no reason has not answered, be its stream whole or not. */
  private void checkAnswered() {
    boolean hasBegun = answer.hasSaid() || answer.begunCalls() > 0 || messages != null;
    if (answer.hasReason() || hasBegun && words == null) {
      return;
    }
    throw words == null ? faults.brokeOff(false) : faults.inStream(words, answer.hasSaid());
  }

  /** A sign of life, or what stands behind the end of the answer. */
  @Override
  boolean isIgnored(String type, byte[] data) {
    boolean isBehind = answer.hasReason() && (isEnding() || isNoJson(type, data));
    return isBehind || SIGNS_OF_LIFE.contains(type.toLowerCase(Locale.ROOT));
  }

  /** Some servers say goodbye in words. */
  private static boolean isNoJson(String type, byte[] data) {
    return data[0] != '{' && data[0] != '[' && !ServerError.isType(type);
  }

  private void take(ChatChunk chunk, boolean whole, List<ModelEvent> out) {
    answer.model(chunk.model());
    answer.usage(chunk.usage());
    ChatMessage delta = chunk.delta();
    ChatMessage message = chunk.message();
    keep(delta, false);
    if (message != null) {
      keep(message, true);
    }
    if (message == null && messages == null) {
      answer.say(delta.reasoning(), delta.text(), delta.refusal(), out);
      answer.calls(delta.calls(), false, out);
    } else if (whole) {
      ChatMessage all = message == null || message.isEmpty() ? delta : message;
      answer.say(all.reasoning(), all.text(), all.refusal(), out);
      answer.calls(all.calls(), true, out);
    } else {
      snapshot(delta, message, out);
    }
    if (chunk.reason() != null) {
      answer.reason(chunk.reason());
    }
  }

  /** What the server may want back. */
  private void keep(ChatMessage from, boolean whole) {
    String member = from.thoughtsMember();
    if (member != null && (answer.thoughtsMember() == null || !from.reasoning().isEmpty())) {
      answer.thoughtsMember(member);
    }
    answer.keep(from.unknown(), whole);
    if (from.seal() != null) {
      manySeals |= seal != null && !seal.equals(from.seal());
      seal = from.seal();
    }
  }

  /** A message as a delta, as the whole answer so far, or as both. */
  private void snapshot(ChatMessage delta, @Nullable ChatMessage message, List<ModelEvent> out) {
    if (messages == null) {
      messages =
          new MessageSnapshots(
              answer.hasSaidText(),
              answer.hasThought(),
              answer.hasRefused(),
              answer.begunCalls() > 0);
    }
    MessageSnapshots shots = messages;
    answer.say(
        shots.reasoning(delta, message),
        shots.text(delta, message),
        shots.refusal(delta, message),
        out);
    if (!shots.takesCalls(delta, message)) {
      answer.calls(delta.calls(), false, out);
    }
    if (shots.size() > answer.most() || shots.calls().size() > MOST_CALLS) {
      throw answer.tooLarge();
    }
  }

  private void finish(List<ModelEvent> out) {
    if (messages != null) {
      answer.calls(messages.calls(), true, out);
    }
    if (seal != null && !manySeals) {
      // Of several parts nobody could tell any more what each of them had signed.
      answer.keep(Map.of(ChatParts.SEAL, new StringBuilder(seal)), false);
    }
    answer.finish(out);
  }
}
