package io.heddle.api;

import io.heddle.web.Query;
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
    if (lines.isEmpty()) {
      return new CacheControl(false, null);
    }
    // Lines are one list (RFC 9110, 5.3).
    return new Reader(String.join(",", lines)).read();
  }

  /** Reads one list of directives. */
  private static final class Reader {
    private final String text;
    private int at;
    private boolean anew;
    private @Nullable Long maxAge;

    Reader(String text) {
      this.text = text;
    }

    CacheControl read() {
      while (at < text.length()) {
        skipSpace();
        int from = at;
        while (at < text.length() && isToken(text.charAt(at))) {
          at++;
        }
        String name = text.substring(from, at).toLowerCase(Locale.ROOT);
        skipSpace();
        String argument = null;
        if (at < text.length() && text.charAt(at) == '=') {
          at++;
          skipSpace();
          argument = argument();
          skipSpace();
        }
        if (at < text.length() && text.charAt(at) != ',') {
          throw refuse("cannot be read");
        }
        at++;
        take(name, argument);
      }
      return new CacheControl(anew, maxAge);
    }

    private void take(String name, @Nullable String argument) {
      switch (name) {
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

    private static long seconds(@Nullable String text) {
      if (text == null || text.isEmpty() || !text.chars().allMatch(c -> c >= '0' && c <= '9')) {
        throw refuse("has a max-age that is no number of seconds");
      }
      String digits = text.replaceFirst("^0+(?=.)", "");
      return digits.length() > DIGITS
          ? MOST_SECONDS
          : Math.min(MOST_SECONDS, Long.parseLong(digits));
    }

    /** A token or a quoted string: each is taken wherever the other is (RFC 9111, 5.2). */
    private String argument() {
      if (at == text.length() || text.charAt(at) != '"') {
        int from = at;
        while (at < text.length() && isToken(text.charAt(at))) {
          at++;
        }
        return text.substring(from, at);
      }
      StringBuilder unquoted = new StringBuilder();
      for (at++; at < text.length(); at++) {
        char c = text.charAt(at);
        if (c == '"') {
          at++;
          return unquoted.toString();
        }
        if (c == '\\') {
          at++;
        }
        if (at < text.length()) {
          unquoted.append(text.charAt(at));
        }
      }
      throw refuse("has a quote that does not end");
    }

    private void skipSpace() {
      while (at < text.length() && (text.charAt(at) == ' ' || text.charAt(at) == '\t')) {
        at++;
      }
    }

    private static boolean isToken(char c) {
      return c > 0x20 && c < 0x7f && "\"(),/:;<=>?@[\\]{}".indexOf(c) < 0;
    }

    private static RuntimeException refuse(String detail) {
      return Query.refuse(HttpHeaders.CACHE_CONTROL, detail);
    }
  }
}
