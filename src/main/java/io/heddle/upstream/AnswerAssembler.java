package io.heddle.upstream;

import io.heddle.json.Json;
import io.heddle.json.SplitCharacters;
import io.heddle.json.Utf8;
import io.heddle.turn.ModelEvent;
import io.heddle.turn.Opaque;
import io.heddle.turn.Usage;
import io.heddle.upstream.CallFailure.Blame;
import io.netty.buffer.ByteBufUtil;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * An answer as it comes, whatever its server's form: what is said becomes pieces, in order and
 * bounded, up to the one end. The readers of all kinds of model servers translate to here. For one
 * thread.
 */
final class AnswerAssembler {

  private static final int MOST_CALLS = 1024;

  private final FailureMapper faults;
  private final long most;
  private final ToolCallAssembler calls = new ToolCallAssembler(this::opaque);
  private final UnknownMembers unknown = new UnknownMembers();
  private @Nullable String thoughtsMember;
  private int unknownSize;
  private final SplitCharacters text = new SplitCharacters();
  private final SplitCharacters reasoning = new SplitCharacters();
  private final SplitCharacters refusal = new SplitCharacters();
  private @Nullable FinishReason reason;
  private @Nullable String model;
  private @Nullable Usage usage;
  private long said;
  private boolean spoke;
  private boolean saidText;
  private boolean thought;
  private boolean refused;
  private boolean finished;

  /**
   * @param most bytes of text in the whole answer
   */
  AnswerAssembler(FailureMapper faults, long most) {
    this.faults = faults;
    this.most = most;
  }

  /** Custom tools that the server was told as functions. */
  void wrapped(Set<String> customTools) {
    calls.wrapped(customTools);
  }

  FailureMapper faults() {
    return faults;
  }

  /** Bytes of text that the whole answer may have. */
  long most() {
    return most;
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

  boolean hasSaidText() {
    return saidText;
  }

  boolean hasThought() {
    return thought;
  }

  boolean hasRefused() {
    return refused;
  }

  /** How many tool calls were begun. */
  int begunCalls() {
    return calls.begun();
  }

  /** Characters that it keeps because they cannot be told on yet. */
  int kept() {
    return calls.kept() + unknownSize;
  }

  /** The model that the server says it is. */
  void model(@Nullable String name) {
    if (name != null && !name.isEmpty()) {
      model = name;
    }
  }

  /** Tokens so far: the last count that counts something. */
  void usage(@Nullable Usage counted) {
    if (counted != null && (usage == null || counted.total() > 0)) {
      usage = counted;
    }
  }

  /** The member in which the server says its thoughts, and wants them back. */
  void thoughtsMember(String name) {
    thoughtsMember = name;
  }

  @Nullable String thoughtsMember() {
    return thoughtsMember;
  }

  /**
   * Keeps what only the server understands and may want back.
   *
   * @param whole whether it is all there is so far, and not the next bit
   */
  void keep(Map<String, Object> members, boolean whole) {
    if (members.isEmpty()) {
      return;
    }
    weigh(members);
    if (whole) {
      unknown.set(members);
    } else {
      unknown.add(members);
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

  /** What is said next, each perhaps nothing. */
  void say(String thoughts, String words, String refusing, List<ModelEvent> out) {
    int before = out.size();
    if (!thoughts.isEmpty()) {
      thought = true;
      add(reasoning.take(counted(thoughts)), ModelEvent.Reasoning::new, out);
    }
    if (!words.isEmpty()) {
      saidText = true;
      add(text.take(counted(words)), ModelEvent.Text::new, out);
    }
    if (!refusing.isEmpty()) {
      refused = true;
      add(refusal.take(counted(refusing)), ModelEvent.Refusal::new, out);
    }
    spoke |= out.size() > before;
  }

  private void add(String whole, Function<String, ModelEvent> kind, List<ModelEvent> out) {
    if (!whole.isEmpty()) {
      calls.tellAll(out);
      out.add(kind.apply(whole));
    }
  }

  /**
   * Bits of tool calls.
   *
   * @param whole whether nothing of them comes later
   */
  void calls(List<ToolCallDelta> bits, boolean whole, List<ModelEvent> out) {
    int before = out.size();
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
    spoke |= out.size() > before;
  }

  /** Why the server ends: an answer that was cut stays so, whatever is said later. */
  void reason(String word) {
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
    said += ByteBufUtil.utf8Bytes(more);
    if (said > most) {
      throw tooLarge();
    }
    return more;
  }

  /**
   * Of what cannot be read; some servers put an error into an array, or say it in words.
   *
   * @param type of the event, empty when it has none
   */
  CallFailure notOfThisWire(String type, byte[] json, int length) {
    int first = 0;
    while (first < length && json[first] <= ' ') {
      first++;
    }
    boolean isError = ServerError.isType(type);
    if (isError || first < length && json[first] == '[') {
      ServerError error = ServerError.of(Arrays.copyOf(json, length), isError);
      if (error.message() != null) {
        return faults.inStream(error, spoke);
      }
    }
    return faults.failed(
        "sent something that is not JSON of this wire", spoke ? Blame.NOBODY : Blame.SERVER);
  }

  /**
   * What cannot be read, with a mark in the place of bytes that are no characters, to be read once
   * more from its beginning.
   *
   * @throws CallFailure when there are none, or when something was taken from it already
   */
  byte[] mended(byte[] json) {
    boolean hasBegun = spoke || calls.begun() > 0;
    byte[] mended = hasBegun ? null : ServerJson.mended(json, json.length);
    if (mended == null) {
      throw notOfThisWire("", json, json.length);
    }
    return mended;
  }

  /**
   * Of an object that is not what a server of this kind answers with: perhaps an error in a form of
   * its own.
   *
   * @param wanted what it should be
   */
  CallFailure notA(byte[] json, String wanted) {
    ServerError error = ServerError.of(json, false);
    return error.message() == null
        ? faults.failed("answered with JSON that is no " + wanted, Blame.SERVER)
        : faults.inStream(error, spoke);
  }

  CallFailure tooLarge() {
    return faults.failed("gave an answer larger than " + most + " bytes", Blame.NOBODY);
  }

  /** Tells the end, and what was kept until then. */
  void finish(List<ModelEvent> out) {
    add(reasoning.rest(), ModelEvent.Reasoning::new, out);
    add(text.rest(), ModelEvent.Text::new, out);
    add(refusal.rest(), ModelEvent.Refusal::new, out);
    // Some servers say that they call a tool when the answer was cut in its arguments.
    boolean isSaidCut = reason != null && reason.isCut();
    boolean isCut = isSaidCut || calls.isCut(reason != null);
    if (!calls.finish(isCut, out) && !isSaidCut && (reason != null || !isCut)) {
      throw faults.failed("made a tool call without a name", Blame.NOBODY);
    }
    finished = true;
    FinishReason end = reason == null ? FinishReason.STOP : reason;
    if (isCut && !isSaidCut) {
      end = FinishReason.LENGTH;
    }
    if (end == FinishReason.STOP && calls.told() > 0) {
      // Clients run tools by this word only.
      end = FinishReason.TOOL_CALLS;
    }
    boolean isCounted = usage != null && (usage.total() > 0 || !spoke);
    out.add(
        new ModelEvent.Finish(
            end.word(),
            isCounted ? usage : null,
            model == null ? null : Utf8.mended(model),
            thought || calls.told() > 0 || !unknown.isEmpty() ? opaque(unknown) : null));
  }
}
