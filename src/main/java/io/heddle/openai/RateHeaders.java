package io.heddle.openai;

import io.heddle.limit.Admission;
import io.heddle.limit.Decision;
import io.heddle.web.HeaderNames;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;

/** {@code x-ratelimit-*}: what is left of the narrowest limit of each kind. */
final class RateHeaders {

  private RateHeaders() {}

  /** The headers of one kind of limit. */
  enum Of {
    REQUESTS(
        HeaderNames.LIMIT_REQUESTS, HeaderNames.REMAINING_REQUESTS, HeaderNames.RESET_REQUESTS),
    TOKENS(HeaderNames.LIMIT_TOKENS, HeaderNames.REMAINING_TOKENS, HeaderNames.RESET_TOKENS);

    private final String limit;
    private final String remaining;
    private final String reset;

    Of(String limit, String remaining, String reset) {
      this.limit = limit;
      this.remaining = remaining;
      this.reset = reset;
    }
  }

  static void tell(HttpHeaders headers, Admission admission) {
    tell(headers, Of.REQUESTS, Decision.tightest(admission.decisions()));
  }

  static void tell(HttpHeaders headers, Of of, @Nullable Decision decision) {
    if (decision != null) {
      headers.set(of.limit, Long.toString(decision.rule().limit()));
      headers.set(of.remaining, Long.toString(decision.remaining()));
      headers.set(of.reset, go(decision.resetAfter()));
    }
  }

  /** A duration as Go writes it: {@code 20ms}, {@code 1s}, {@code 6m0s}. */
  static String go(Duration duration) {
    long millis = Math.max(0, duration.toMillis());
    if (millis < 1000) {
      return millis == 0 ? "0s" : millis + "ms";
    }
    StringBuilder text = new StringBuilder(16);
    long hours = millis / 3_600_000;
    long minutes = millis / 60_000 % 60;
    if (hours > 0) {
      text.append(hours).append('h');
    }
    if (hours > 0 || minutes > 0) {
      text.append(minutes).append('m');
    }
    text.append(millis / 1000 % 60);
    long rest = millis % 1000;
    if (rest > 0) {
      String digits = Long.toString(1000 + rest);
      int end = digits.length();
      while (digits.charAt(end - 1) == '0') {
        end--;
      }
      text.append('.').append(digits, 1, end);
    }
    return text.append('s').toString();
  }
}
