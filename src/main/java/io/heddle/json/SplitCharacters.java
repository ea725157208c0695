package io.heddle.json;

/**
 * Text of one kind in pieces, of which servers cut characters in two: half a surrogate pair has no
 * UTF-8. The first half waits for the second; one that stays alone becomes U+FFFD.
 */
public final class SplitCharacters {

  private char half;

  /** The same text in whole characters; empty when nothing is left of it for now. */
  public String take(String text) {
    if (text.isEmpty()) {
      return text;
    }
    String all = half == 0 ? text : half + text;
    half = 0;
    int end = all.length() - 1;
    if (Character.isHighSurrogate(all.charAt(end))) {
      half = all.charAt(end);
      all = all.substring(0, end);
    }
    return Utf8.mended(all);
  }

  /** What stands for a half whose other half never came. */
  public String rest() {
    String rest = half == 0 ? "" : "\ufffd";
    half = 0;
    return rest;
  }
}
