package io.heddle.nearcache;

import io.heddle.base.Bounds;
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

  public CoherenceProperties {
    Bounds.of("heddle.cache")
        .atLeast("max-bytes", maxBytes, "1B")
        .positive("max-age", maxAge)
        // Keys that were removed by other hands than Heddle's are told by nobody.
        .atMost("max-age", maxAge, "30s")
        .within("pages-per-session", pagesPerSession, 1, 1000);
  }
}
