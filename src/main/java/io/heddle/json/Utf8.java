package io.heddle.json;

/**
 * A check whether bytes, which may come in pieces, are UTF-8 as RFC 3629 says: surrogates, overlong
 * forms and what lies above U+10FFFF are none, though JSON parsers let them pass. The first byte
 * that cannot be is found at once, also when a character lies across two pieces.
 */
public final class Utf8 {

  private static final int LOWEST = 0x80;
  private static final int HIGHEST = 0xbf;

  private static final char REPLACEMENT = '\ufffd';

  /** Bytes that the begun character still needs, and between what the next one must lie. */
  private int missing;

  private int low;
  private int high;

  /** Where the last character began that has more than one byte, or was wrong. */
  private int begun;

  /** False from the first byte that is wrong. */
  public boolean accepts(byte[] bytes, int from, int to) {
    for (int i = from; i < to; i++) {
      int next = bytes[i];
      if (missing == 0) {
        if (next < 0) {
          begun = i;
          if (!begin(next & 0xff)) {
            return false;
          }
        }
      } else {
        int octet = next & 0xff;
        if (octet < low || octet > high) {
          return false;
        }
        missing--;
        low = LOWEST;
        high = HIGHEST;
      }
    }
    return true;
  }

  /** Whether no character has only begun. */
  public boolean isWhole() {
    return missing == 0;
  }

  private boolean begin(int lead) {
    if (lead < 0xc2 || lead > 0xf4) {
      return false;
    }
    missing = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : LOWEST;
    high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : HIGHEST;
    return true;
  }

  /** The offset of the first sequence that is not UTF-8, or -1 when all of it is. */
  static int firstInvalid(byte[] bytes) {
    if (isAscii(bytes)) {
      return -1;
    }
    Utf8 check = new Utf8();
    return check.accepts(bytes, 0, bytes.length) && check.isWhole() ? -1 : check.begun;
  }

  /** Most of what programs send, of which nothing has to be decoded to see that it is sound. */
  private static boolean isAscii(byte[] bytes) {
    int all = 0;
    for (byte one : bytes) {
      all |= one;
    }
    return all >= 0;
  }

  /** Whether a text, which is not empty, begins as one in UTF-16 or UTF-32 does. */
  static boolean isWide(byte[] text) {
    if (text[0] == 0 || text.length == 1) {
      return text[0] == 0;
    }
    boolean marked =
        (text[0] == (byte) 0xfe && text[1] == (byte) 0xff)
            || (text[0] == (byte) 0xff && text[1] == (byte) 0xfe);
    return text[1] == 0 || marked;
  }

  // ---- strings: half a surrogate pair that stands alone has no form in UTF-8

  /** Whether every surrogate of the text is one of a pair. */
  public static boolean canEncode(String text) {
    return alone(text, 0) < 0;
  }

  /** The text itself, or with U+FFFD in the place of each half that stands alone. */
  public static String mended(String text) {
    int alone = alone(text, 0);
    if (alone < 0) {
      return text;
    }
    StringBuilder mended = new StringBuilder(text);
    for (; alone >= 0; alone = alone(text, alone + 1)) {
      mended.setCharAt(alone, REPLACEMENT);
    }
    return mended.toString();
  }

  /** Where the next half stands that is alone, or -1. */
  private static int alone(String text, int from) {
    int i = from;
    while (i < text.length()) {
      char c = text.charAt(i);
      boolean paired =
          Character.isHighSurrogate(c)
              && i + 1 < text.length()
              && Character.isLowSurrogate(text.charAt(i + 1));
      if (Character.isSurrogate(c) && !paired) {
        return i;
      }
      i += paired ? 2 : 1;
    }
    return -1;
  }
}
