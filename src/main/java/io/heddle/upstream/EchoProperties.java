package io.heddle.upstream;

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
    check("pace", pace);
    check("first-after", firstAfter);
    if (timeout.toMillis() < 1 || timeout.compareTo(LONGEST) > 0) {
      throw new IllegalArgumentException("heddle.echo.timeout must be 1ms to 1h");
    }
  }

  private static void check(String name, Duration value) {
    if (value.isNegative() || value.compareTo(LONGEST) > 0) {
      throw new IllegalArgumentException("heddle.echo." + name + " must be 0 to 1h");
    }
  }
}
