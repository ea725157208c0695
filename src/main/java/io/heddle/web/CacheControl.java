package io.heddle.web;

import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;

/**
 * What a client says in {@code Cache-Control} (RFC 9111, 5.2). Directives that are not known here
 * are passed over; one that is known and cannot be read is refused.
 *
 * @param anew whether it says {@code no-store} or {@code no-cache}, which win over all others
 * @param maxAge in seconds; null when it is not there
 */
record CacheControl(boolean anew, @Nullable Long maxAge) {

  /** What a number counts as that is larger (RFC 9111, 1.2.2). */
  static final long MOST_SECONDS = Integer.MAX_VALUE;

  private static final int DIGITS = 10;

  static CacheControl of(HttpHeaders headers) {
    List<String> lines = headers.getOrEmpty(HttpHeaders.CACHE_CONTROL);
    boolean anew = false;
    Long maxAge = null;
    // Lines are one list (RFC 9110, 5.3).
    for (String directive : Quoted.split(String.join(",", lines), ',')) {
      int equals = directive.indexOf('=');
      String name = directive.substring(0, equals < 0 ? directive.length() : equals).strip();
      String argument = equals < 0 ? null : argument(directive.substring(equals + 1).strip());
      if (!isToken(name)) {
        throw refuse("cannot be read");
      }
      switch (name.toLowerCase(Locale.ROOT)) {
        case "no-store", "no-cache" -> anew = true;
        case "max-age" -> {
          if (maxAge != null) {
            throw refuse("has max-age twice");
          }
          maxAge = seconds(argument);
        }
        default -> {}
      }
    }
    return new CacheControl(anew, maxAge);
  }

  /** A token or a quoted string: each is taken wherever the other is (RFC 9111, 5.2). */
  private static String argument(String text) {
    if (!text.startsWith("\"")) {
      if (!isToken(text)) {
        throw refuse("cannot be read");
      }
      return text;
    }
    if (!Quoted.isWhole(text)) {
      throw refuse("has a quote that does not end, or something behind it");
    }
    return Quoted.unquote(text);
  }

  private static long seconds(@Nullable String text) {
    if (text == null || text.isEmpty() || !text.chars().allMatch(c -> c >= '0' && c <= '9')) {
      throw refuse("has a max-age that is no number of seconds");
    }
    String digits = text.replaceFirst("^0+(?=.)", "");
    return digits.length() > DIGITS ? MOST_SECONDS : Math.min(MOST_SECONDS, Long.parseLong(digits));
  }

  private static boolean isToken(String text) {
    return text.chars().allMatch(c -> c > 0x20 && c < 0x7f && "\"(),/:;<=>?@[\\]{}".indexOf(c) < 0);
  }

  private static RuntimeException refuse(String detail) {
    return Query.refuse(HttpHeaders.CACHE_CONTROL, detail);
  }
}
