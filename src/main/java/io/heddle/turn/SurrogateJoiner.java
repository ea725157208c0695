package io.heddle.turn;

import io.heddle.json.SplitCharacters;
import io.heddle.turn.ModelEvent.ToolCall;
import org.jspecify.annotations.Nullable;

/**
 * Puts characters together that a model server cut in two: half a surrogate pair has no UTF-8, so
 * no event could hold it. The first half waits for the piece with the second; one that stays alone
 * becomes U+FFFD.
 */
final class SurrogateJoiner {

  private SplitCharacters characters = new SplitCharacters();
  private String kind = "";

  /** The same piece with whole characters; null when nothing is left of it for now. */
  @Nullable ModelEvent take(ModelEvent piece) {
    if (piece instanceof ModelEvent.Compaction || piece instanceof ModelEvent.Finish) {
      return piece;
    }
    String of =
        piece instanceof ToolCall call ? "call " + call.index() : piece.getClass().getName();
    String growth = piece.growth();
    if (!growth.isEmpty() && !of.equals(kind)) {
      // The other half of what was cut cannot come any more.
      characters = new SplitCharacters();
      kind = of;
    }
    String whole = characters.take(growth);
    boolean says =
        piece instanceof ToolCall call
            && (call.id() != null || call.name() != null || call.opaque() != null);
    return whole.isEmpty() && !says ? null : piece.withGrowth(whole);
  }
}
