package io.heddle.answercache;

import io.heddle.base.Bounds;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * What answers of models and tools may be, and how long they are kept.
 *
 * @param maxBytes the largest body
 * @param defaultLife how long one is kept when its caller does not say
 * @param longestLife that a caller may ask for
 * @param longestWait that a caller may wait for somebody else to compute, and compute itself
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
