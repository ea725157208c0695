package io.heddle.turn;

import io.heddle.json.Utf8;
import io.heddle.turn.ModelEvent.Reasoning;
import io.heddle.turn.ModelEvent.Refusal;
import io.heddle.turn.ModelEvent.Text;
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
    return switch (piece) {
      case Text(String text) -> {
        String whole = whole("text", text);
        yield whole.isEmpty() ? null : same(text, whole) ? piece : new Text(whole);
      }
      case Reasoning(String text) -> {
        String whole = whole("reasoning", text);
        yield whole.isEmpty() ? null : same(text, whole) ? piece : new Reasoning(whole);
      }
      case Refusal(String text) -> {
        String whole = whole("refusal", text);
        yield whole.isEmpty() ? null : same(text, whole) ? piece : new Refusal(whole);
      }
      case ToolCall call -> {
        String whole = whole("call " + call.index(), call.arguments());
        boolean bare = call.id() == null && call.name() == null && call.opaque() == null;
        yield whole.isEmpty() && bare
            ? null
            : same(call.arguments(), whole)
                ? piece
                : new ToolCall(
                    call.index(), call.id(), call.name(), whole, call.opaque(), call.custom());
      }
      case ModelEvent.Compaction _, ModelEvent.Finish _ -> piece;
    };
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

  @SuppressWarnings("ReferenceEquality")
  private static boolean same(String one, String other) {
    return one == other;
  }
}
