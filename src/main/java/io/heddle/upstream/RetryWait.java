package io.heddle.upstream;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** How long a server asks to wait before the next try, in the forms that servers say it. */
final class RetryWait {

  private static final Pattern NUMBER = Pattern.compile("[0-9]+(\\.[0-9]*)?");

  /** As {@code 1h2m3.5s} and {@code 120ms}. */
  private static final Pattern STEPS =
      Pattern.compile("([0-9]+(?:\\.[0-9]*)?)\\s*(ms|s|m|h|d)(?:[a-z]*)\\s*");

  private static final int LONGEST = 64;

  private static final List<DateTimeFormatter> DATES =
      List.of(
          DateTimeFormatter.RFC_1123_DATE_TIME.withLocale(Locale.ROOT),
          DateTimeFormatter.ofPattern("EEEE, dd-MMM-yy HH:mm:ss zzz", Locale.ENGLISH),
          DateTimeFormatter.ISO_OFFSET_DATE_TIME);

  private RetryWait() {}

  /**
   * Null when neither says one.
   *
   * @param millis of the header {@code retry-after-ms}, which is the more exact one, or null
   * @param after of the header {@code Retry-After}, or null
   */
  static @Nullable Duration of(@Nullable String millis, @Nullable String after) {
    if (millis != null && NUMBER.matcher(millis.strip()).matches()) {
      return ofMillis(Double.parseDouble(millis.strip()));
    }
    return after == null ? null : of(after);
  }

  /** Seconds, or steps of a time, or a date; null for what is none of them. */
  static @Nullable Duration of(String said) {
    String text = said.strip();
    if (text.length() > LONGEST) {
      return null;
    }
    if (NUMBER.matcher(text).matches()) {
      return ofMillis(Double.parseDouble(text) * 1000);
    }
    Duration steps = steps(text.toLowerCase(Locale.ROOT));
    return steps == null ? until(text) : steps;
  }

  private static @Nullable Duration steps(String text) {
    Matcher step = STEPS.matcher(text);
    double millis = 0;
    int end = 0;
    while (end < text.length() && step.find(end) && step.start() == end) {
      double unit =
          switch (step.group(2)) {
            case "ms" -> 1;
            case "s" -> 1000;
            case "m" -> 60_000;
            case "h" -> 3_600_000;
            default -> 86_400_000;
          };
      millis += Double.parseDouble(step.group(1)) * unit;
      end = step.end();
    }
    return end == 0 || end < text.length() ? null : ofMillis(millis);
  }

  private static @Nullable Duration until(String date) {
    for (DateTimeFormatter format : DATES) {
      try {
        Duration wait = Duration.between(Instant.now(), format.parse(date, Instant::from));
        return wait.isPositive() ? wait : Duration.ofMillis(1);
      } catch (DateTimeException e) {
        // Perhaps in the next form.
      }
    }
    return null;
  }

  private static Duration ofMillis(double millis) {
    return Duration.ofMillis((long) Math.ceil(Math.clamp(millis, 1, 1e12)));
  }
}
