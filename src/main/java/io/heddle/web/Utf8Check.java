package io.heddle.web;

/**
 * Whether bytes that come in pieces are UTF-8: the first byte that cannot be is found at once, also
 * when a character lies across two pieces. Surrogates, overlong forms and what lies above U+10FFFF
 * are none (RFC 3629).
 */
final class Utf8Check {

  private static final int LOWEST = 0x80;
  private static final int HIGHEST = 0xbf;

  /** Bytes that the begun character still needs, and between what the next one must lie. */
  private int missing;

  private int low;
  private int high;

  /** False from the first byte that is wrong. */
  boolean accepts(byte[] bytes, int from, int to) {
    for (int i = from; i < to; i++) {
      int next = bytes[i];
      if (missing == 0) {
        if (next < 0 && !begin(next & 0xff)) {
          return false;
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
  boolean isWhole() {
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
}
