package io.heddle.limit;

import io.heddle.base.Problem;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Whether a request may go on, and what its caller is told about its limits. */
public final class Admission {

  private final Subject subject;
  private final List<Decision> decisions;
  private final @Nullable Problem refusal;
  private final @Nullable String policy;
  private final long askedAt;
  private volatile boolean givenBack;

  /**
   * @param decisions one a rule that was asked; none when nothing is limited or the store was
   *     silent
   * @param refusal {@code rate-limited} or {@code limiter-unavailable}, or null when it may go on
   * @param policy the {@code RateLimit-Policy} header, {@code "requests";q=6000;w=60}, or null
   * @param askedAt when the rules were asked, on the monotonic clock
   */
  public Admission(
      Subject subject,
      List<Decision> decisions,
      @Nullable Problem refusal,
      @Nullable String policy,
      long askedAt) {
    this.subject = subject;
    this.decisions = decisions;
    this.refusal = refusal;
    this.policy = policy;
    this.askedAt = askedAt;
  }

  public Subject subject() {
    return subject;
  }

  /** What is left; of a request that was given back, as if it had not been counted. */
  public List<Decision> decisions() {
    return givenBack ? decisions.stream().map(Admission::uncounted).toList() : decisions;
  }

  public @Nullable Problem refusal() {
    return refusal;
  }

  public @Nullable String policy() {
    return policy;
  }

  public long askedAt() {
    return askedAt;
  }

  /** Whether the request turned out to be none that counts, after its caller may have been told. */
  public boolean isGivenBack() {
    return givenBack;
  }

  void giveBack() {
    givenBack = true;
  }

  private static Decision uncounted(Decision counted) {
    Rule rule = counted.rule();
    long remaining = Math.min(rule.limit(), counted.remaining() + 1);
    return new Decision(rule, counted.allowed(), remaining, counted.resetAfter());
  }

  public boolean allowed() {
    return refusal == null;
  }

  /** The {@code RateLimit} header, {@code "requests";r=12;t=30}, or null when there is none. */
  public @Nullable String rateLimit() {
    return rateLimit(decisions());
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
