package io.heddle.answercache;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * What answers of models and tools may be, and how long they are kept.
 *
 * @param maxBytes Largest body of a cached answer, 1B to 64MB.
 * @param defaultLife How long an answer is kept when its {@code PUT} has no {@code max-age}.
 * @param longestLife Longest {@code max-age} that a caller may ask for.
 * @param longestWait Longest {@code Heddle-Single-Flight}: how long a caller may wait for another
 *     one to compute the answer, or take to compute it.
 */
@ConfigurationProperties("heddle.answers")
public record AnswerProperties(
    @DefaultValue("1MB") DataSize maxBytes,
    @DefaultValue("1h") Duration defaultLife,
    @DefaultValue("7d") Duration longestLife,
    @DefaultValue("60s") Duration longestWait) {

  private static final DataSize MOST_BYTES = DataSize.ofMegabytes(64);

  public AnswerProperties {
    check(
        maxBytes.toBytes() >= 1 && maxBytes.compareTo(MOST_BYTES) <= 0, "max-bytes", "1B to 64MB");
    check(between(longestLife, 1, 3650L * 86_400), "longest-life", "1s to 3650d");
    check(
        between(defaultLife, 1, longestLife.toSeconds()),
        "default-life",
        "1s to heddle.answers.longest-life");
    check(between(longestWait, 1, 600), "longest-wait", "1s to 10m");
  }

  private static boolean between(Duration value, long least, long most) {
    return value.toSeconds() >= least && value.compareTo(Duration.ofSeconds(most)) <= 0;
  }

  private static void check(boolean good, String name, String allowed) {
    if (!good) {
      throw new IllegalArgumentException("heddle.answers." + name + " must be " + allowed);
    }
  }
}
