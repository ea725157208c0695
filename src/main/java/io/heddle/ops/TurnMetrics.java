package io.heddle.ops;

import io.heddle.session.Turn;
import io.heddle.turn.TurnCounts;
import io.heddle.turn.Turns;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** What turns count, as meters. */
public final class TurnMetrics implements MeterBinder {

  private final Turns turns;
  private final TurnCounts counts;

  public TurnMetrics(Turns turns) {
    this.turns = turns;
    this.counts = turns.counts();
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    gauge(registry, "heddle.turns.running", "Turns that run here now", turns::running);
    gauge(registry, "heddle.turns.waiting", "Turns ordered here that wait now", turns::waiting);
    gauge(registry, "heddle.turns.followers", "Followers of turns now", counts::followers);
    count(registry, "heddle.turns.started", "Attempts of turns begun here", counts::started);
    count(registry, "heddle.turns.retaken", "Turns of dead replicas begun anew", counts::retaken);
    count(registry, "heddle.turns.reaped", "Turns of dead replicas ended here", counts::reaped);
    count(registry, "heddle.turns.lost", "Turns lost to another replica", counts::lost);
    count(registry, "heddle.turns.cached", "Turns answered without a model", counts::cached);
    count(registry, "heddle.turns.compacted", "Summaries added to threads", counts::compacted);
    count(
        registry,
        "heddle.turns.uncompacted",
        "Turns that went on without a summary that failed",
        counts::uncompacted);
    count(registry, "heddle.turns.flush.retries", "Log writes sent again", counts::flushRetries);
    count(
        registry,
        "heddle.turns.look.failures",
        "Sessions whose dead or waiting turns could not be looked after",
        counts::lookFailures);
    for (Turn.Status status : Turn.Status.values()) {
      if (status.isEnd()) {
        FunctionCounter.builder("heddle.turns.ended", counts, all -> all.ended(status))
            .description("Turns ended here")
            .tag("status", status.text())
            .register(registry);
      }
    }
    time(
        registry,
        "heddle.turns.first.token",
        "From a turn's start to its first token",
        Buckets.MODELS,
        counts.firstToken());
    time(registry, "heddle.turns.flush", "Writes of turns' logs", Buckets.OWN, counts.flush());
  }

  private static void time(
      MeterRegistry registry,
      String name,
      String description,
      Duration[] buckets,
      TurnCounts.Times times) {
    Timer timer =
        Timer.builder(name)
            .description(description)
            .serviceLevelObjectives(buckets)
            .register(registry);
    times.observe(nanos -> timer.record(nanos, TimeUnit.NANOSECONDS));
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
