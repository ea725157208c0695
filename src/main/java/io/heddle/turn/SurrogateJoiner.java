package io.heddle.turn;

import io.heddle.json.Utf8;
import io.heddle.turn.ModelEvent.ToolCall;
import org.jspecify.annotations.Nullable;

/**
 * Puts characters together that a model server cut in two: half a surrogate pair has no UTF-8, so
 * no event could hold it. The first half waits for the piece with the second; one that stays alone
 * becomes U+FFFD.
 */
final class SurrogateJoiner {

  private char half;
  private @Nullable String halfOf;

  /** The same piece with whole characters; null when nothing is left of it for now. */
  @Nullable ModelEvent take(ModelEvent piece) {
    if (piece instanceof ModelEvent.Compaction || piece instanceof ModelEvent.Finish) {
      return piece;
    }
    String kind =
        piece instanceof ToolCall call ? "call " + call.index() : piece.getClass().getName();
    String whole = whole(kind, piece.growth());
    boolean says =
        piece instanceof ToolCall call
            && (call.id() != null || call.name() != null || call.opaque() != null);
    return whole.isEmpty() && !says ? null : piece.withGrowth(whole);
  }

  private String whole(String kind, String text) {
    if (text.isEmpty()) {
      return text;
    }
    String all = text;
    if (halfOf != null) {
      if (halfOf.equals(kind)) {
        all = half + text;
      }
      halfOf = null;
    }
    int length = all.length();
    if (Character.isHighSurrogate(all.charAt(length - 1))) {
      half = all.charAt(length - 1);
      halfOf = kind;
      all = all.substring(0, length - 1);
    }
    return Utf8.mended(all);
  }
}
