package io.heddle.ops;

import io.heddle.live.SessionHubs;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.function.LongSupplier;

/** What watching counts, as meters. */
public final class LiveMetrics implements MeterBinder {

  private final SessionHubs hubs;
  private final LongSupplier connections;
  private final LongSupplier tooSlow;

  /**
   * @param connections that are open now
   * @param tooSlow connections that were closed because they took too little, since the start
   */
  public LiveMetrics(SessionHubs hubs, LongSupplier connections, LongSupplier tooSlow) {
    this.hubs = hubs;
    this.connections = connections;
    this.tooSlow = tooSlow;
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    gauge(registry, "heddle.live.connections", "WebSockets and event streams now", connections);
    gauge(registry, "heddle.live.watches", "Watches of sessions now", hubs::watches);
    gauge(registry, "heddle.live.hubs", "Sessions watched now", hubs::watchedSessions);
    count(registry, "heddle.live.frames", "Frames handed to connections", hubs::delivered);
    count(registry, "heddle.live.gaps", "Watches that had to begin anew", hubs::gaps);
    count(registry, "heddle.live.slow", "Connections closed as too slow", tooSlow);
    count(registry, "heddle.live.log.reads", "Reads of the change log", hubs::logReads);
  }

  // A meter keeps its object weakly: this one lives as long as the application.

  private void count(MeterRegistry registry, String name, String description, LongSupplier value) {
    FunctionCounter.builder(name, this, _ -> value.getAsLong())
        .description(description)
        .register(registry);
  }

  private void gauge(MeterRegistry registry, String name, String description, LongSupplier value) {
    Gauge.builder(name, this, _ -> value.getAsLong()).description(description).register(registry);
  }
}
