package io.heddle.json;

import java.math.BigDecimal;
import org.jspecify.annotations.Nullable;

/**
 * Whole numbers as JSON may write them: {@code 60}, {@code 60.0} and {@code 6e1} are one number
 * (RFC 8259, 6), and clients write whichever their language has.
 */
public final class WholeNumbers {

  /** No number that is read here has more digits; those of a larger one say only that it is. */
  private static final int DIGITS = 18;

  private WholeNumbers() {}

  /**
   * @param text a JSON number
   * @return null for what is not whole; the largest or smallest {@code long} for what is larger or
   *     smaller than any that is read here
   */
  public static @Nullable Long parse(String text) {
    BigDecimal number;
    try {
      number = new BigDecimal(text);
    } catch (NumberFormatException _) {
      // Its exponent is one that nobody can mean.
      return null;
    }
    if (number.signum() == 0) {
      return 0L;
    }
    // Digits before the point; counted without writing them out, of which there may be a billion.
    long digits = (long) number.precision() - number.scale();
    if (digits > DIGITS) {
      return number.scale() <= 0 || number.stripTrailingZeros().scale() <= 0
          ? number.signum() > 0 ? Long.MAX_VALUE : Long.MIN_VALUE
          : null;
    }
    if (digits < 1) {
      return null;
    }
    return number.stripTrailingZeros().scale() > 0 ? null : (Long) number.longValueExact();
  }
}
