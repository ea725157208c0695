package io.heddle.upstream;

import io.heddle.base.Json;
import io.heddle.base.Surrogates;
import io.heddle.turn.Opaque;
import io.heddle.turn.Piece;
import io.heddle.turn.Usage;
import io.heddle.upstream.CallFailure.Blame;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;

/** Puts a server's chunks together: from objects to pieces, up to the one end. For one thread. */
final class ChatAnswer {

  private static final int MOST_CALLS = 1024;

  private final Faults faults;
  private final long most;
  private final ToolCallAssembler calls = new ToolCallAssembler(this::opaque);
  private final UnknownMembers unknown = new UnknownMembers();
  private @Nullable String thoughtsMember;
  private int unknownSize;
  private final SplitCharacters text = new SplitCharacters();
  private final SplitCharacters reasoning = new SplitCharacters();
  private final SplitCharacters refusal = new SplitCharacters();
  private @Nullable MessageSnapshots messages;
  private @Nullable FinishReason reason;
  private @Nullable String model;
  private @Nullable Usage usage;
  private long said;
  private boolean spoke;
  private boolean ending;
  private boolean saidText;
  private boolean thought;
  private boolean refused;
  private boolean finished;

  /**
   * @param most bytes of text in the whole answer
   */
  ChatAnswer(Faults faults, long most) {
    this.faults = faults;
    this.most = most;
  }

  /** Whether the server has said why it ended. */
  boolean hasReason() {
    return reason != null;
  }

  /** Whether the end was told on. */
  boolean isFinished() {
    return finished;
  }

  /** Whether anything was said. */
  boolean hasSaid() {
    return spoke;
  }

  /** Characters that it keeps because they cannot be told on yet. */
  int kept() {
    return calls.kept() + unknownSize + (messages == null ? 0 : messages.size());
  }

  /** Takes the data of one event. */
  void event(String type, byte[] data, int length, List<Piece> out) {
    if (finished || length == 0) {
      return;
    }
    if (isDone(data, length)) {
      finish(out);
      return;
    }
    ChatChunk chunk = parse(data, length);
    if (chunk == null) {
      return;
    }
    if (chunk.error() != null) {
      throw faults.inStream(chunk.error(), hasSaid());
    }
    if (type.equals("error")) {
      throw faults.inStream(ServerError.of(Arrays.copyOf(data, length), false), hasSaid());
    }
    take(chunk, false, out);
  }

  /**
   * Takes an answer that is no event stream: a completion in one object, or its chunks one after
   * the other.
   */
  void whole(byte[] json, List<Piece> out) {
    boolean isOne = false;
    try (JsonParser in = ChatChunk.parser(json, json.length)) {
      ChatChunk chunk = ChatChunk.next(in, json);
      if (chunk == null) {
        throw faults.brokeOff(hasSaid());
      }
      ChatChunk next = ChatChunk.next(in, json);
      // The first of several chunks is none that is whole.
      isOne = next == null && (chunk.message() != null || chunk.delta().isEmpty());
      while (chunk != null) {
        object(chunk, isOne, json, out);
        chunk = next;
        next = next == null ? null : ChatChunk.next(in, json);
      }
    } catch (JacksonException | ChatChunk.NotAChunk e) {
      throw notOfThisWire(json, json.length);
    }
    if (isOne) {
      finish(out);
    } else {
      end(out);
    }
  }

  private void object(ChatChunk chunk, boolean isOne, byte[] json, List<Piece> out) {
    if (chunk.error() != null) {
      throw faults.inStream(chunk.error(), hasSaid());
    }
    if (isOne && !chunk.hasChoices()) {
      ServerError error = ServerError.of(json, false);
      throw error.message() == null
          ? faults.failed("answered with JSON that is no completion", Blame.SERVER)
          : faults.inStream(error, hasSaid());
    }
    take(chunk, isOne, out);
  }

  /** The bytes are about to end: what is left of them may be cut. */
  void ending() {
    ending = true;
  }

  /** The bytes have ended. */
  void end(List<Piece> out) {
    if (finished) {
      return;
    }
    if (reason == null) {
      throw faults.brokeOff(hasSaid());
    }
    finish(out);
  }

  /** Null for what is cut off behind the end of the answer. */
  private @Nullable ChatChunk parse(byte[] json, int length) {
    try {
      return ChatChunk.read(json, length);
    } catch (JacksonException | ChatChunk.NotAChunk e) {
      if (ending && reason != null) {
        return null;
      }
      throw notOfThisWire(json, length);
    }
  }

  /** Some servers put an error into an array. */
  private CallFailure notOfThisWire(byte[] json, int length) {
    int first = 0;
    while (first < length && json[first] <= ' ') {
      first++;
    }
    if (first < length && json[first] == '[') {
      ServerError error = ServerError.of(Arrays.copyOf(json, length), false);
      if (error.message() != null) {
        return faults.inStream(error, hasSaid());
      }
    }
    return faults.failed(
        "sent something that is not JSON of this wire", hasSaid() ? Blame.NOBODY : Blame.SERVER);
  }

  private void take(ChatChunk chunk, boolean whole, List<Piece> out) {
    if (chunk.model() != null && !chunk.model().isEmpty()) {
      model = chunk.model();
    }
    if (chunk.usage() != null && (usage == null || chunk.usage().total() > 0)) {
      usage = chunk.usage();
    }
    int before = out.size();
    ChatMessage delta = chunk.delta();
    ChatMessage message = chunk.message();
    keep(delta, false);
    if (message != null) {
      keep(message, true);
    }
    if (message == null && messages == null) {
      say(delta.reasoning(), delta.text(), delta.refusal(), out);
      calls(delta.calls(), false, out);
    } else if (whole) {
      ChatMessage all = message == null || message.isEmpty() ? delta : message;
      say(all.reasoning(), all.text(), all.refusal(), out);
      calls(all.calls(), true, out);
    } else {
      snapshot(delta, message, out);
    }
    spoke |= out.size() > before;
    if (chunk.reason() != null) {
      reason(chunk.reason());
    }
  }

  /** What the server may want back. */
  private void keep(ChatMessage from, boolean whole) {
    if (from.thoughtsMember() != null && (thoughtsMember == null || !from.reasoning().isEmpty())) {
      thoughtsMember = from.thoughtsMember();
    }
    if (!from.unknown().isEmpty()) {
      weigh(from.unknown());
      if (whole) {
        unknown.set(from.unknown());
      } else {
        unknown.add(from.unknown());
      }
    }
  }

  private void weigh(Map<String, Object> members) {
    long size = UnknownMembers.size(members);
    said += size;
    counted("");
    // No more than may be said.
    unknownSize += (int) size;
  }

  private @Nullable Opaque opaque(@Nullable UnknownMembers members) {
    Json said = members == null || members.isEmpty() ? null : members.toJson();
    return said == null && thoughtsMember == null
        ? null
        : new Opaque(faults.upstream(), thoughtsMember, said == null ? Json.EMPTY_OBJECT : said);
  }

  /** ChatMessage as a delta, as the whole answer so far, or as both. */
  private void snapshot(ChatMessage delta, @Nullable ChatMessage message, List<Piece> out) {
    if (messages == null) {
      messages = new MessageSnapshots(saidText, thought, refused, calls.begun() > 0);
    }
    MessageSnapshots shots = messages;
    say(
        shots.reasoning(delta, message),
        shots.text(delta, message),
        shots.refusal(delta, message),
        out);
    if (!shots.takesCalls(delta, message)) {
      calls(delta.calls(), false, out);
    }
    if (shots.size() > most || shots.calls().size() > MOST_CALLS) {
      throw faults.failed("gave an answer larger than " + most + " bytes", Blame.NOBODY);
    }
  }

  private void say(String thoughts, String words, String refusing, List<Piece> out) {
    if (!thoughts.isEmpty()) {
      thought = true;
      add(reasoning.take(counted(thoughts)), Piece.Reasoning::new, out);
    }
    if (!words.isEmpty()) {
      saidText = true;
      add(text.take(counted(words)), Piece.Text::new, out);
    }
    if (!refusing.isEmpty()) {
      refused = true;
      add(refusal.take(counted(refusing)), Piece.Refusal::new, out);
    }
  }

  private void add(String whole, Function<String, Piece> kind, List<Piece> out) {
    if (!whole.isEmpty()) {
      calls.tellAll(out);
      out.add(kind.apply(whole));
    }
  }

  private void calls(List<ToolCallDelta> bits, boolean whole, List<Piece> out) {
    for (ToolCallDelta bit : bits) {
      counted(bit.arguments());
      if (!bit.unknown().isEmpty()) {
        weigh(bit.unknown());
      }
      if (bit.name() != null) {
        counted(bit.name());
      }
      // No server cuts a name within one chunk: what only a name tells apart is whole there.
      boolean isBare = bit.index() < 0 && bit.id() == null && bit.name() != null;
      boolean isNext = isBare && bit != bits.getFirst();
      calls.take(bit, whole || isNext, out);
      if (calls.begun() > MOST_CALLS) {
        throw faults.failed("made too many tool calls", Blame.NOBODY);
      }
      if (calls.isNameTooLong()) {
        throw faults.failed("made a tool call with too long a name", Blame.NOBODY);
      }
    }
  }

  /** An answer that was cut stays so, whatever is said later. */
  private void reason(String word) {
    FinishReason given = FinishReason.of(word);
    if (given == FinishReason.FAILURE) {
      throw faults.failed(
          word.equals("error")
              ? "ended its answer with an error"
              : "ended its answer for the reason " + faults.cleaned(word),
          hasSaid() ? Blame.NOBODY : Blame.SERVER);
    }
    reason = reason == null || !reason.isCut() ? given : reason;
  }

  private String counted(String more) {
    said += utf8Length(more);
    if (said > most) {
      throw faults.failed("gave an answer larger than " + most + " bytes", Blame.NOBODY);
    }
    return more;
  }

  private void finish(List<Piece> out) {
    if (messages != null) {
      calls(messages.calls(), true, out);
    }
    add(reasoning.rest(), Piece.Reasoning::new, out);
    add(text.rest(), Piece.Text::new, out);
    add(refusal.rest(), Piece.Refusal::new, out);
    boolean isCut = reason == null ? calls.isCut() : reason.isCut();
    if (!calls.finish(out) && !isCut) {
      throw faults.failed("made a tool call without a name", Blame.NOBODY);
    }
    finished = true;
    FinishReason end = reason != null ? reason : isCut ? FinishReason.LENGTH : FinishReason.STOP;
    if (end == FinishReason.STOP && calls.told() > 0) {
      // Clients run tools by this word only.
      end = FinishReason.TOOL_CALLS;
    }
    boolean isCounted = usage != null && (usage.total() > 0 || !spoke);
    out.add(
        new Piece.Finish(
            end.word(),
            isCounted ? usage : null,
            model == null ? null : Surrogates.mended(model),
            thought || calls.told() > 0 || !unknown.isEmpty() ? opaque(unknown) : null));
  }

  private static boolean isDone(byte[] data, int length) {
    int end = length;
    while (end > 0 && data[end - 1] == ' ') {
      end--;
    }
    return end == 6
        && data[0] == '['
        && data[1] == 'D'
        && data[2] == 'O'
        && data[3] == 'N'
        && data[4] == 'E'
        && data[5] == ']';
  }

  private static long utf8Length(String text) {
    long length = text.length();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      // Each half of a pair counts 2, a pair has 4.
      length += c < 0x80 ? 0 : c < 0x800 || Character.isSurrogate(c) ? 1 : 2;
    }
    return length;
  }
}
