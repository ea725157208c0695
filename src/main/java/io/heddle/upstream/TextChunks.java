package io.heddle.upstream;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Chunks that differ from the one before in their text only: most of a stream's do, and parsing
 * them takes longer than all that is done with them. The bytes around the text are the same, and
 * the text is a string without escapes: so it is known what a parser would find.
 */
final class TextChunks {

  /** A longer text, or chunk, is left to the parser: one is kept, and nobody counts it. */
  private static final int LONGEST = 8 << 10;

  private static final byte[] NONE = {};
  private static final char REPLACEMENT = '\ufffd';

  private byte[] chunk = NONE;
  private int from;
  private int to;

  /**
   * Takes a chunk as the one to compare with, if it is short.
   *
   * @param quote where the string begins that is all that the chunk says; -1 when it says more, or
   *     says it in another form
   */
  void learn(byte[] json, int length, int quote) {
    if (quote < 0 || length > LONGEST) {
      chunk = NONE;
      from = 0;
      to = 0;
      return;
    }
    chunk = Arrays.copyOf(json, length);
    from = quote + 1;
    int end = from;
    while (chunk[end] != '"') {
      end += chunk[end] == '\\' ? 2 : 1;
    }
    to = end;
  }

  /** What the chunk says, or null when only a parser can tell. */
  @Nullable String text(byte[] json, int length) {
    int after = chunk.length - to;
    int end = length - after;
    if (after == 0
        || end < from
        || end - from > LONGEST
        || !Arrays.equals(json, 0, from, chunk, 0, from)
        || !Arrays.equals(json, end, length, chunk, to, chunk.length)) {
      return null;
    }
    boolean isAscii = true;
    for (int at = from; at < end; at++) {
      byte next = json[at];
      if (next == '"' || next == '\\' || next >= 0 && next < ' ') {
        return null;
      }
      isAscii &= next >= 0;
    }
    if (isAscii) {
      return new String(json, from, end - from, StandardCharsets.ISO_8859_1);
    }
    String text = new String(json, from, end - from, StandardCharsets.UTF_8);
    // Where a byte was replaced, the parser says what becomes of it.
    return text.indexOf(REPLACEMENT) < 0 ? text : null;
  }
}
