package io.heddle.nearcache;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * What a replica remembers of the sessions it has read.
 *
 * @param enabled Whether a replica keeps a near cache. Without it every read goes to the store.
 * @param maxBytes Approximate size of the near cache.
 * @param maxAge Longest time that a page is served from the near cache without reading it again, at
 *     most 30s.
 * @param pagesPerSession Different pages of one session that the near cache keeps, 1 to 1000.
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
