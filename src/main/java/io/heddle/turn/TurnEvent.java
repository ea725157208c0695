package io.heddle.turn;

import io.heddle.session.Message;
import io.heddle.session.Turn;
import java.util.ArrayList;
import java.util.List;

/** What a follower of a turn is told, in order. */
public sealed interface TurnEvent {

  /** It waits; again whenever its place changes. */
  record Queued(int position) implements TurnEvent {}

  /** It runs. */
  record Started(Turn turn) implements TurnEvent {}

  /**
   * All that was said up to this seq, in the place of what the follower has: the first one after
   * {@link Started} for who comes late, and whenever something was missed.
   */
  record SoFar(long seq, Said said) implements TurnEvent {}

  /** What was said next. {@code seq} is one more than the last event's. */
  record Delta(long seq, ModelEvent piece) implements TurnEvent {}

  /**
   * The end; nothing follows.
   *
   * @param messages its output, as the thread has it
   */
  record Ended(Turn turn, List<Message> messages) implements TurnEvent {}

  /**
   * An answer so far.
   *
   * @param toolCalls whole ones, by index; a last one perhaps with the beginning of its arguments
   */
  record Said(String text, String reasoning, String refusal, List<ModelEvent.ToolCall> toolCalls) {
    public static final Said NOTHING = new Said("", "", "", List.of());

    /** The same as pieces, one of each kind and tool call. */
    public List<ModelEvent> pieces() {
      List<ModelEvent> pieces = new ArrayList<>();
      if (!reasoning.isEmpty()) {
        pieces.add(new ModelEvent.Reasoning(reasoning));
      }
      if (!text.isEmpty()) {
        pieces.add(new ModelEvent.Text(text));
      }
      if (!refusal.isEmpty()) {
        pieces.add(new ModelEvent.Refusal(refusal));
      }
      pieces.addAll(toolCalls);
      return pieces;
    }
  }
}
