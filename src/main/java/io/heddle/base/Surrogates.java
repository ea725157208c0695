package io.heddle.base;

/** The surrogate pairs of a string. Half a pair that stands alone has no form in UTF-8. */
public final class Surrogates {

  private static final char REPLACEMENT = '\ufffd';

  private Surrogates() {}

  public static boolean arePaired(String text) {
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
    for (int i = from; i < text.length(); i++) {
      char c = text.charAt(i);
      if (!Character.isSurrogate(c)) {
        continue;
      }
      boolean paired =
          Character.isHighSurrogate(c)
              && i + 1 < text.length()
              && Character.isLowSurrogate(text.charAt(i + 1));
      if (!paired) {
        return i;
      }
      i++;
    }
    return -1;
  }
}
