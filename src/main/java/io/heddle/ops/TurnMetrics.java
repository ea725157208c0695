package io.heddle.ops;

import io.heddle.session.Turn;
import io.heddle.turn.TurnCounts;
import io.heddle.turn.Turns;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

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
    Meters meters = new Meters(registry);
    meters.gauge("heddle.turns.running", "Turns that run here now", turns::running);
    meters.gauge("heddle.turns.waiting", "Turns ordered here that wait now", turns::waiting);
    meters.gauge("heddle.turns.followers", "Followers of turns now", counts::followers);
    meters.count("heddle.turns.started", "Attempts of turns begun here", counts::started);
    meters.count("heddle.turns.retaken", "Turns of dead replicas begun anew", counts::retaken);
    meters.count("heddle.turns.reaped", "Turns of dead replicas ended here", counts::reaped);
    meters.count("heddle.turns.lost", "Turns lost to another replica", counts::lost);
    meters.count("heddle.turns.cached", "Turns answered without a model", counts::cached);
    meters.count("heddle.turns.compacted", "Summaries added to threads", counts::compacted);
    meters.count(
        "heddle.turns.uncompacted",
        "Turns that went on without a summary that failed",
        counts::uncompacted);
    meters.count("heddle.turns.flush.retries", "Log writes sent again", counts::flushRetries);
    meters.count(
        "heddle.turns.look.failures",
        "Sessions whose dead or waiting turns could not be looked after",
        counts::lookFailures);
    for (Turn.Status status : Turn.Status.values()) {
      if (status.isEnd()) {
        meters.count(
            "heddle.turns.ended",
            "Turns ended here",
            () -> counts.ended(status),
            "status",
            status.text());
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
}
