package io.heddle.ops;

import io.heddle.base.ByteBudget;
import io.heddle.base.ByteBudget.Bound;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Bytes in flight and connections, and what was refused for them, as meters. */
public final class MemoryMetrics implements MeterBinder {

  private final ByteBudget budget;
  private final LongSupplier connections;
  private final LongSupplier most;
  private final Map<String, LongSupplier> ended;

  /**
   * @param connections that are open now
   * @param most that may be open
   * @param ended how many were refused or closed, by cause
   */
  public MemoryMetrics(
      ByteBudget budget,
      LongSupplier connections,
      LongSupplier most,
      Map<String, LongSupplier> ended) {
    this.budget = budget;
    this.connections = connections;
    this.most = most;
    this.ended = ended;
  }

  // A meter keeps its object weakly: this one lives as long as the application.

  @Override
  public void bindTo(MeterRegistry registry) {
    gauge(registry, "heddle.memory.used", "bytes", "Bytes in flight now", budget::used);
    gauge(registry, "heddle.memory.budget", "bytes", "Bytes that may be in flight", budget::total);
    gauge(registry, "heddle.http.connections", null, "Connections now", connections);
    gauge(registry, "heddle.http.connections.max", null, "Connections there may be", most);
    for (Bound bound : Bound.values()) {
      FunctionCounter.builder("heddle.memory.refused", this, _ -> budget.refused(bound))
          .description("What was refused because too many bytes were in flight")
          .tag("bound", bound.name().toLowerCase(Locale.ROOT))
          .register(registry);
    }
    ended.forEach((cause, count) ->
        FunctionCounter.builder("heddle.http.connections.ended", this, _ -> count.getAsLong())
            .description("Connections that were refused or closed by the server")
            .tag("cause", cause)
            .register(registry));
  }

  private void gauge(
      MeterRegistry registry,
      String name,
      @Nullable String unit,
      String description,
      LongSupplier value) {
    Gauge.builder(name, this, _ -> value.getAsLong())
        .description(description)
        .baseUnit(unit)
        .register(registry);
  }
}
