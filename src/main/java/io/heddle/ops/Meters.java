package io.heddle.ops;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Registers meters of numbers that are counted elsewhere. */
public final class Meters {

  private final MeterRegistry registry;

  public Meters(MeterRegistry registry) {
    this.registry = registry;
  }

  /**
   * A number that only grows.
   *
   * @param tags name, value, name, value …
   */
  public void count(String name, String description, LongSupplier value, String... tags) {
    // A meter keeps its object weakly, so that is the registry.
    FunctionCounter.builder(name, registry, _ -> value.getAsLong())
        .tags(tags)
        .description(description)
        .register(registry);
  }

  /** A number as it is now. */
  public void gauge(String name, String description, LongSupplier value) {
    gauge(name, null, description, value);
  }

  /** A number as it is now, in a unit. */
  public void gauge(String name, @Nullable String unit, String description, LongSupplier value) {
    Gauge.builder(name, registry, _ -> value.getAsLong())
        .baseUnit(unit)
        .description(description)
        .register(registry);
  }
}
