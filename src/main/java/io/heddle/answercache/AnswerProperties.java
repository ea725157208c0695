package io.heddle.answercache;

import io.heddle.base.Bounds;
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

  public AnswerProperties {
    Bounds.of("heddle.answers")
        .within("max-bytes", maxBytes, "1B", "64MB")
        .within("longest-life", longestLife, "1s", "3650d")
        .atLeast("default-life", defaultLife, "1s")
        .require(
            defaultLife.compareTo(longestLife) <= 0,
            "default-life",
            "at most heddle.answers.longest-life")
        .within("longest-wait", longestWait, "1s", "10m");
  }
}
