package io.heddle.upstream;

import io.heddle.base.Bounds;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The built-in model for demos and tests; a call may say otherwise.
 *
 * @param pace Time from one word of the built-in model {@code echo} to the next, 0 to 1h.
 * @param firstAfter Time before its first word, 0 to 1h.
 * @param timeout Time after which a whole answer of {@code echo} ends, also one that stalls, 1ms to
 *     1h.
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
