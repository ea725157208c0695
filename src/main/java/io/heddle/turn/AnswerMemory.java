package io.heddle.turn;

import io.heddle.base.ByteBudget.Hold;
import io.heddle.base.ByteShare;
import io.heddle.json.Json;

/**
 * The bytes of one model call: what the model is told, and its answer as it grows. Not for more
 * than one thread at a time, but for its end.
 */
final class AnswerMemory implements AutoCloseable {

  /** What is told stands in the messages and in the request to the model's server. */
  private static final int COPIES_TOLD = 2;

  /** An answer stands in its builder, in what is flushed, at its followers, in its message. */
  private static final int COPIES_SAID = 4;

  /** Most answers are shorter than this, and cost nothing to count. */
  private static final int SMALL = 8 << 10;

  private static final int STEP = 64 << 10;

  private final Hold told;
  private final Hold said;
  private long counted = SMALL;

  AnswerMemory(ByteShare share) {
    told = share.hold();
    said = share.hold();
  }

  /** Whether there is room for what the model is told. */
  boolean tell(ModelCall call) {
    long bytes = call.system() == null ? 0 : call.system().length();
    for (Json message : call.messages()) {
      bytes += message.length();
    }
    return bytes <= SMALL || told.tryGrow(COPIES_TOLD * bytes);
  }

  /** Whether there is room for an answer of so many characters. */
  boolean say(long characters) {
    if (characters <= counted) {
      return true;
    }
    long room = characters + STEP;
    if (!said.tryResize(COPIES_SAID * room)) {
      return false;
    }
    counted = room;
    return true;
  }

  @Override
  public void close() {
    told.close();
    said.close();
  }
}
