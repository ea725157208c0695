package io.heddle.upstream;

import io.heddle.turn.ModelEvent;
import io.heddle.upstream.ServerJson.UnexpectedJson;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;

/**
 * Reads an answer in its server's form, and tells an {@link AnswerAssembler} what it says. Pieces
 * are put behind {@code out}. Everything throws {@link CallFailure}: for what is not of the form,
 * what the server says went wrong, and an answer that is too large. For one thread.
 */
abstract class AnswerReader {

  final AnswerAssembler answer;
  final FailureMapper faults;

  /** Whether the bytes are about to end: what is left of them may be cut. */
  private boolean ending;

  AnswerReader(AnswerAssembler answer) {
    this.answer = answer;
    faults = answer.faults();
  }

  /**
   * Takes one event of a stream; nothing once the end was told.
   *
   * @param type of the event, empty when it has none
   * @param data only valid during the call
   */
  abstract void event(String type, byte[] data, int length, List<ModelEvent> out);

  /** Takes an answer that is no event stream, whole. */
  abstract void whole(byte[] json, List<ModelEvent> out);

  /** The bytes of a stream have ended: tells the end, or throws because the server said none. */
  abstract void end(List<ModelEvent> out);

  /** Characters that it keeps because they cannot be told on yet. */
  int kept() {
    return answer.kept();
  }

  final void ending() {
    ending = true;
  }

  final boolean isEnding() {
    return ending;
  }

  /** Null for what may be ignored where it cannot be read. */
  final <T> @Nullable T parse(String type, byte[] json, int length, ServerJson.Reader<T> reader) {
    try {
      return ServerJson.read(json, length, reader);
    } catch (JacksonException | UnexpectedJson e) {
      if (isIgnored(type, json)) {
        return null;
      }
      throw answer.notOfThisWire(type, json, length);
    }
  }

  /** Whether data that cannot be read is no failure: what is cut off behind the answer's end. */
  boolean isIgnored(String type, byte[] data) {
    return ending && answer.hasReason();
  }

  /** An error in a stream; it is read of the whole event where it is not at its place. */
  final CallFailure failure(@Nullable ServerError error, byte[] data, int length) {
    return faults.inStream(
        error == null ? ServerError.of(Arrays.copyOf(data, length), false) : error,
        answer.hasSaid());
  }
}
