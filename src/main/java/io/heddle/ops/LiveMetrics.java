package io.heddle.ops;

import io.heddle.live.SessionHubs;
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
    Meters meters = new Meters(registry);
    meters.gauge("heddle.live.connections", "WebSockets and event streams now", connections);
    meters.gauge("heddle.live.watches", "Watches of sessions now", hubs::watches);
    meters.gauge("heddle.live.hubs", "Sessions watched now", hubs::watchedSessions);
    meters.count("heddle.live.frames", "Frames handed to connections", hubs::delivered);
    meters.count("heddle.live.gaps", "Watches that had to begin anew", hubs::gaps);
    meters.count("heddle.live.slow", "Connections closed as too slow", tooSlow);
    meters.count("heddle.live.log.reads", "Reads of the change log", hubs::logReads);
  }
}
