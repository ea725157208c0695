package io.heddle.ops;

import io.heddle.nearcache.Coherence;
import io.heddle.nearcache.NearCache;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.function.LongSupplier;

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
    count(registry, "heddle.cache.hits", "Reads without the store", near::hits);
    count(registry, "heddle.cache.misses", "Reads of what may be remembered", near::misses);
    count(registry, "heddle.cache.bypasses", "Reads past the near cache", near::bypasses);
    count(
        registry,
        "heddle.cache.dirty",
        "Answers that were not kept: something may have changed meanwhile",
        near::overtaken);
    count(
        registry,
        "heddle.cache.evictions",
        "Sessions forgotten because there was no room",
        near::evictions);
    gauge(registry, "heddle.cache.size", "bytes", "What is remembered", near::bytes);
    count(
        registry,
        "heddle.coherence.gaps",
        "Changes that did not follow the one before",
        coherence::gaps);
    count(
        registry,
        "heddle.coherence.mismatches",
        "Comparisons that showed that something had been missed",
        coherence::mismatches);
    count(
        registry,
        "heddle.coherence.losses",
        "Links lost, counted once a partition",
        coherence::losses);
    gauge(
        registry,
        "heddle.coherence.untrusted",
        "partitions",
        "Partitions of which nothing is proven now",
        () -> coherence.status().untrusted());
  }

  // A meter keeps its object weakly: this one lives as long as the application.

  private void count(MeterRegistry registry, String name, String description, LongSupplier value) {
    FunctionCounter.builder(name, this, _ -> value.getAsLong())
        .description(description)
        .register(registry);
  }

  private void gauge(
      MeterRegistry registry, String name, String unit, String description, LongSupplier value) {
    Gauge.builder(name, this, _ -> value.getAsLong())
        .baseUnit(unit)
        .description(description)
        .register(registry);
  }
}
