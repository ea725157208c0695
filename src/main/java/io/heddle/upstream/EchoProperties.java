package io.heddle.upstream;

import io.heddle.base.Bounds;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The built-in model for demos and tests; a call may say otherwise.
 *
 * @param pace from one word to the next
 * @param firstAfter before the first word
 * @param timeout for a whole answer; one that stalls ends then
 */
@ConfigurationProperties("heddle.echo")
public record EchoProperties(
    @DefaultValue("20ms") Duration pace,
    @DefaultValue("0ms") Duration firstAfter,
    @DefaultValue("10m") Duration timeout) {

  static final Duration LONGEST = Duration.ofHours(1);

  public EchoProperties {
    Bounds.of("heddle.echo")
        .within("pace", pace, "0s", "1h")
        .within("first-after", firstAfter, "0s", "1h")
        .within("timeout", timeout, "1ms", "1h");
  }
}
