package io.heddle.upstream;

import io.heddle.turn.ModelEvent;
import java.util.List;

/**
 * Reads an answer in its server's form, and tells an {@link AnswerAssembler} what it says. Pieces
 * are put behind {@code out}. Everything throws {@link CallFailure}: for what is not of the form,
 * what the server says went wrong, and an answer that is too large. For one thread.
 */
interface AnswerReader {

  /**
   * Takes one event of a stream; nothing once the end was told.
   *
   * @param type of the event, empty when it has none
   * @param data only valid during the call
   */
  void event(String type, byte[] data, int length, List<ModelEvent> out);

  /** Takes an answer that is no event stream, whole. */
  void whole(byte[] json, List<ModelEvent> out);

  /** The bytes are about to end: what is left of them may be cut. */
  void ending();

  /** The bytes of a stream have ended: tells the end, or throws because the server said none. */
  void end(List<ModelEvent> out);

  /** Characters that it keeps because they cannot be told on yet. */
  int kept();
}
