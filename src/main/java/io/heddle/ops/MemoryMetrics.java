package io.heddle.ops;

import io.heddle.base.ByteBudget;
import io.heddle.base.ByteBudget.Bound;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongSupplier;

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

  @Override
  public void bindTo(MeterRegistry registry) {
    Meters meters = new Meters(registry);
    meters.gauge("heddle.memory.used", "bytes", "Bytes in flight now", budget::used);
    meters.gauge("heddle.memory.budget", "bytes", "Bytes that may be in flight", budget::total);
    meters.gauge("heddle.http.connections", "Connections now", connections);
    meters.gauge("heddle.http.connections.max", "Connections there may be", most);
    for (Bound bound : Bound.values()) {
      meters.count(
          "heddle.memory.refused",
          "What was refused because too many bytes were in flight",
          () -> budget.refused(bound),
          "bound",
          bound.name().toLowerCase(Locale.ROOT));
    }
    ended.forEach((cause, count) ->
        meters.count(
            "heddle.http.connections.ended",
            "Connections that were refused or closed by the server",
            count,
            "cause",
            cause));
  }
}
