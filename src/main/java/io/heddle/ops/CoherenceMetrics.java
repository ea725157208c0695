package io.heddle.ops;

import io.heddle.nearcache.Coherence;
import io.heddle.nearcache.NearCache;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;

/** The near cache, and how well this replica follows the changes, as meters. */
public final class CoherenceMetrics implements MeterBinder {

  private final Coherence coherence;
  private final NearCache near;

  public CoherenceMetrics(Coherence coherence, NearCache near) {
    this.coherence = coherence;
    this.near = near;
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    Meters meters = new Meters(registry);
    meters.count("heddle.cache.hits", "Reads without the store", near::hits);
    meters.count("heddle.cache.misses", "Reads of what may be remembered", near::misses);
    meters.count("heddle.cache.bypasses", "Reads past the near cache", near::bypasses);
    meters.count(
        "heddle.cache.dirty",
        "Answers that were not kept: something may have changed meanwhile",
        near::overtaken);
    meters.count(
        "heddle.cache.evictions", "Sessions forgotten because there was no room", near::evictions);
    meters.gauge("heddle.cache.size", "bytes", "What is remembered", near::bytes);
    meters.count(
        "heddle.coherence.gaps", "Changes that did not follow the one before", coherence::gaps);
    meters.count(
        "heddle.coherence.mismatches",
        "Comparisons that showed that something had been missed",
        coherence::mismatches);
    meters.count(
        "heddle.coherence.losses", "Links lost, counted once a partition", coherence::losses);
    meters.gauge(
        "heddle.coherence.untrusted",
        "partitions",
        "Partitions of which nothing is proven now",
        () -> coherence.status().untrusted());
  }
}
