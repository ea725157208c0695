package io.heddle.upstream;

import io.heddle.turn.Piece;
import io.heddle.turn.Usage;
import io.heddle.upstream.CallFailure.Blame;
import io.heddle.upstream.ChatChunk.CallBit;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;

/** Puts a server's chunks together: from objects to pieces, up to the one end. For one thread. */
final class ChatAnswer {

  private static final int MOST_CALLS = 1024;

  private final Faults faults;
  private final long most;
  private final Map<Integer, Call> calls = new HashMap<>();
  private @Nullable String reason;
  private @Nullable String model;
  private @Nullable Usage usage;
  private int lastCall = -1;
  private long said;
  private boolean spoke;
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
    if (chunk.error() != null) {
      throw faults.inStream(chunk.error(), hasSaid());
    }
    if (type.equals("error")) {
      throw faults.inStream(ServerError.of(Arrays.copyOf(data, length), false), hasSaid());
    }
    take(chunk, out);
  }

  /** Takes a completion in one object, of a server that does not stream. */
  void whole(byte[] json, List<Piece> out) {
    ChatChunk completion = parse(json, json.length);
    if (completion.error() != null) {
      throw faults.inStream(completion.error(), false);
    }
    if (!completion.hasChoices()) {
      throw faults.failed("answered with JSON that is no completion", Blame.SERVER);
    }
    take(completion, out);
    finish(out);
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

  private ChatChunk parse(byte[] json, int length) {
    try {
      return ChatChunk.read(json, length);
    } catch (JacksonException | ChatChunk.NotAChunk e) {
      throw faults.failed(
          "sent something that is not JSON of this wire", hasSaid() ? Blame.NOBODY : Blame.SERVER);
    }
  }

  private void take(ChatChunk chunk, List<Piece> out) {
    if (chunk.model() != null && !chunk.model().isEmpty()) {
      model = chunk.model();
    }
    if (chunk.usage() != null) {
      usage = chunk.usage();
    }
    if (!chunk.reasoning().isEmpty()) {
      out.add(new Piece.Reasoning(counted(chunk.reasoning())));
    }
    if (!chunk.text().isEmpty()) {
      out.add(new Piece.Text(counted(chunk.text())));
    }
    if (!chunk.refusal().isEmpty()) {
      out.add(new Piece.Refusal(counted(chunk.refusal())));
    }
    for (CallBit bit : chunk.calls()) {
      call(bit, out);
    }
    spoke |= !out.isEmpty();
    if (chunk.reason() != null) {
      if (chunk.reason().equals("error")) {
        throw faults.failed("ended its answer with an error", Blame.NOBODY);
      }
      reason = common(chunk.reason());
    }
  }

  private void call(CallBit bit, List<Piece> out) {
    int index = index(bit);
    if (index >= MOST_CALLS) {
      throw faults.failed("made too many tool calls", Blame.NOBODY);
    }
    lastCall = Math.max(lastCall, index);
    Call call = calls.computeIfAbsent(index, _ -> new Call());
    if (call.begun) {
      if (!bit.arguments().isEmpty()) {
        out.add(new Piece.ToolCall(index, null, null, counted(bit.arguments())));
      }
      return;
    }
    call.id = bit.id() == null ? call.id : bit.id();
    call.early.append(counted(bit.arguments()));
    if (bit.name() != null) {
      call.begun = true;
      // Some servers give none, and the tool's output could name no call.
      String id = call.id == null ? newId() : call.id;
      out.add(new Piece.ToolCall(index, id, bit.name(), call.early.toString()));
      call.early.setLength(0);
    }
  }

  /** Some servers do not number their calls: then an id or a name begins the next one. */
  private int index(CallBit bit) {
    if (bit.index() >= 0) {
      return bit.index();
    }
    boolean begins = bit.id() != null || bit.name() != null;
    return begins || lastCall < 0 ? lastCall + 1 : lastCall;
  }

  private String counted(String text) {
    said += utf8Length(text);
    if (said > most) {
      throw faults.failed("gave an answer larger than " + most + " bytes", Blame.NOBODY);
    }
    return text;
  }

  private void finish(List<Piece> out) {
    if (calls.values().stream().anyMatch(call -> !call.begun)) {
      throw faults.failed("made a tool call without a name", Blame.NOBODY);
    }
    finished = true;
    String end = reason != null ? reason : calls.isEmpty() ? "stop" : "tool_calls";
    out.add(new Piece.Finish(end, usage, model));
  }

  private static String newId() {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    return "call_%016x%08x".formatted(random.nextLong(), random.nextInt());
  }

  private static String common(String reason) {
    return switch (reason) {
      case "length", "max_tokens" -> "length";
      case "tool_calls", "function_call", "tool_use" -> "tool_calls";
      case "content_filter", "safety", "SAFETY" -> "content_filter";
      default -> "stop";
    };
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

  private static final class Call {
    private @Nullable String id;
    private final StringBuilder early = new StringBuilder();
    private boolean begun;
  }
}
