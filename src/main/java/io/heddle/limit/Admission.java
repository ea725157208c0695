package io.heddle.limit;

import io.heddle.base.Problem;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whether a request may go on, and what its caller is told about its limits.
 *
 * @param decisions one a rule that was asked; none when nothing is limited or the store was silent
 * @param refusal {@code rate-limited} or {@code limiter-unavailable}, or null when it may go on
 * @param policy the {@code RateLimit-Policy} header, {@code "requests";q=6000;w=60}, or null
 * @param askedAt when the rules were asked, on the monotonic clock
 */
public record Admission(
    Subject subject,
    List<Decision> decisions,
    @Nullable Problem refusal,
    @Nullable String policy,
    long askedAt) {

  public boolean allowed() {
    return refusal == null;
  }

  /** The {@code RateLimit} header, {@code "requests";r=12;t=30}, or null when there is none. */
  public @Nullable String rateLimit() {
    return rateLimit(decisions);
  }

  static @Nullable String rateLimit(List<Decision> decisions) {
    StringBuilder header = new StringBuilder(64);
    for (Decision decision : decisions) {
      header.append(header.isEmpty() ? "\"" : ", \"").append(decision.rule().name());
      header.append("\";r=").append(decision.remaining());
      header.append(";t=").append(seconds(decision.resetAfter()));
    }
    return header.isEmpty() ? null : header.toString();
  }

  /** Whole seconds, rounded up: whoever waits that long has waited long enough. */
  static long seconds(Duration duration) {
    return Math.max(1, (duration.toMillis() + 999) / 1000);
  }
}
