package io.heddle.upstream;

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
