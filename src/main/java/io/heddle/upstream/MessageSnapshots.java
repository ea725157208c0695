package io.heddle.upstream;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Makes deltas of a stream whose chunks carry a {@code message}: the answer so far, beside the
 * delta or in its place. What deltas have said is not taken once more.
 */
final class MessageSnapshots {

  private final Text text;
  private final Text reasoning;
  private final Text refusal;
  private final List<ToolCallDelta> calls = new ArrayList<>();
  private boolean deltaCalls;
  private int size;

  /** Each for whether deltas have said something of the kind before the first message came. */
  MessageSnapshots(boolean text, boolean reasoning, boolean refusal, boolean calls) {
    this.text = new Text(text);
    this.reasoning = new Text(reasoning);
    this.refusal = new Text(refusal);
    deltaCalls = calls;
  }

  /** The tool calls of the messages; they are whole at the end of the stream. */
  List<ToolCallDelta> calls() {
    return calls;
  }

  /** Characters that it keeps. */
  int size() {
    return size + text.soFar.length() + reasoning.soFar.length() + refusal.soFar.length();
  }

  String text(ChatMessage delta, @Nullable ChatMessage message) {
    return text.next(delta.text(), message == null ? "" : message.text());
  }

  String reasoning(ChatMessage delta, @Nullable ChatMessage message) {
    return reasoning.next(delta.reasoning(), message == null ? "" : message.reasoning());
  }

  String refusal(ChatMessage delta, @Nullable ChatMessage message) {
    return refusal.next(delta.refusal(), message == null ? "" : message.refusal());
  }

  /**
   * Takes the tool calls of a message: all so far, or the next ones.
   *
   * @return whether they are taken from messages, and not from the delta
   */
  boolean takesCalls(ChatMessage delta, @Nullable ChatMessage message) {
    deltaCalls |= calls.isEmpty() && !delta.calls().isEmpty();
    if (deltaCalls || message == null || message.calls().isEmpty()) {
      return false;
    }
    if (message.calls().size() >= calls.size()) {
      calls.clear();
      size = 0;
    }
    for (ToolCallDelta call : message.calls()) {
      calls.add(call);
      size += call.arguments().length() + 64;
    }
    return true;
  }

  private enum Form {
    UNKNOWN,
    DELTAS,
    WHOLE,
    BITS
  }

  private static final class Text {
    private final StringBuilder soFar = new StringBuilder();
    private Form form;

    Text(boolean byDeltas) {
      form = byDeltas ? Form.DELTAS : Form.UNKNOWN;
    }

    /** What is new in a chunk. */
    String next(String delta, String message) {
      if (form == Form.UNKNOWN && soFar.isEmpty() && !delta.isEmpty()) {
        form = Form.DELTAS;
      }
      if (form == Form.DELTAS || message.isEmpty()) {
        if (form == Form.UNKNOWN || form == Form.WHOLE) {
          soFar.append(delta);
        }
        return delta;
      }
      int known = soFar.length();
      boolean goesOn =
          message.length() >= known
              && CharSequence.compare(soFar, message.subSequence(0, known)) == 0;
      if (form != Form.BITS && goesOn) {
        form = known == 0 ? form : Form.WHOLE;
        soFar.append(message, known, message.length());
        return message.substring(known);
      }
      if (form == Form.WHOLE) {
        return "";
      }
      form = Form.BITS;
      soFar.setLength(0);
      return message;
    }
  }
}
