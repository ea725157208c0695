package io.heddle.nearcache;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * What a replica remembers of the sessions it has read.
 *
 * @param enabled whether it remembers anything; without it every read goes to the store
 * @param maxBytes about how much all that is remembered takes
 * @param maxAge how long a page is served at most without reading it again, whatever was told
 * @param pagesPerSession how many different pages of one session are remembered
 */
@ConfigurationProperties("heddle.cache")
public record CoherenceProperties(
    @DefaultValue("true") boolean enabled,
    @DefaultValue("64MB") DataSize maxBytes,
    @DefaultValue("30s") Duration maxAge,
    @DefaultValue("8") int pagesPerSession) {

  /** Keys that were removed by other hands than Heddle's are told by nobody. */
  private static final Duration MAX_AGE = Duration.ofSeconds(30);

  public CoherenceProperties {
    check(maxBytes.toBytes() > 0, "max-bytes", "more than 0");
    check(maxAge.isPositive() && maxAge.compareTo(MAX_AGE) <= 0, "max-age", "more than 0, to 30s");
    check(pagesPerSession >= 1 && pagesPerSession <= 1000, "pages-per-session", "1 to 1000");
  }

  private static void check(boolean good, String name, String allowed) {
    if (!good) {
      throw new IllegalArgumentException("heddle.cache." + name + " must be " + allowed);
    }
  }
}
