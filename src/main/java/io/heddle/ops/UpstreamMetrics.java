package io.heddle.ops;

import io.heddle.turn.Usage;
import io.heddle.upstream.BreakerState;
import io.heddle.upstream.Models;
import io.heddle.upstream.UpstreamListener;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** Calls of models, as meters. */
public final class UpstreamMetrics implements UpstreamListener {

  private static final String TAG = "upstream";

  /** Where any name is taken, clients choose the names: they must not make any number of meters. */
  private static final int MOST_MODELS = 100;

  private static final String OTHER_MODELS = "other";

  private final MeterRegistry registry;
  private final Map<String, Meters> meters = new ConcurrentHashMap<>();
  private final Set<String> models = ConcurrentHashMap.newKeySet();

  public UpstreamMetrics(MeterRegistry registry) {
    this.registry = registry;
  }

  /** 0: every call is sent; 1: some, on trial; 2: none. */
  public void bind(Models models) {
    models
        .breakers()
        .keySet()
        .forEach(upstream ->
            Gauge.builder(
                    "heddle.upstream.breaker",
                    models,
                    all -> all.breakers().getOrDefault(upstream, BreakerState.CLOSED).ordinal())
                .tag(TAG, upstream)
                .description("Breaker: 0 closed, 1 half open, 2 open")
                .register(registry));
  }

  @Override
  public void started(String upstream) {
    of(upstream).running.incrementAndGet();
  }

  @Override
  public void firstPiece(String upstream, Duration after) {
    of(upstream).firstToken.record(after);
  }

  @Override
  public void used(String upstream, String model, Usage usage) {
    String name = model;
    if (!models.contains(model)) {
      name = models.size() < MOST_MODELS ? model : OTHER_MODELS;
      models.add(name);
    }
    Map<String, Map<String, Counter>> ofModels = of(upstream).tokens;
    Map<String, Counter> counters = ofModels.get(name);
    if (counters == null) {
      counters = ofModels.computeIfAbsent(name, _ -> new ConcurrentHashMap<>());
    }
    tokens(counters, upstream, name, "input", usage.input());
    tokens(counters, upstream, name, "output", usage.output());
    tokens(counters, upstream, name, "cached", usage.cached());
    tokens(counters, upstream, name, "reasoning", usage.reasoning());
  }

  private void tokens(
      Map<String, Counter> counters, String upstream, String model, String kind, long count) {
    if (count > 0) {
      Counter known = counters.get(kind);
      if (known == null) {
        known =
            counters.computeIfAbsent(
                kind,
                _ ->
                    Counter.builder("heddle.upstream.tokens")
                        .tag(TAG, upstream)
                        .tag("model", model)
                        .tag("kind", kind)
                        .description(
                            "Tokens as model servers count them; input holds cached, output"
                                + " reasoning")
                        .register(registry));
      }
      known.increment(count);
    }
  }

  @Override
  public void retried(String upstream) {
    count("heddle.upstream.retries", "Requests sent again", upstream);
  }

  @Override
  public void fellBack(String upstream) {
    count("heddle.upstream.fallbacks", "Calls that went on to the fallback", upstream);
  }

  @Override
  public void ended(String upstream, Outcome outcome, Duration after) {
    Meters meters = of(upstream);
    meters.running.decrementAndGet();
    Timer known = meters.calls.get(outcome);
    if (known == null) {
      known = meters.calls.computeIfAbsent(outcome, _ -> calls(upstream, outcome));
    }
    known.record(after);
  }

  private Timer calls(String upstream, Outcome outcome) {
    return Timer.builder("heddle.upstream.calls")
        .tag(TAG, upstream)
        .tag("outcome", outcome.name().toLowerCase(Locale.ROOT))
        .description("Calls of models, by how they ended")
        .serviceLevelObjectives(Buckets.MODELS)
        .register(registry);
  }

  private void count(String name, String description, String upstream) {
    Counter.builder(name)
        .tag(TAG, upstream)
        .description(description)
        .register(registry)
        .increment();
  }

  private Meters of(String upstream) {
    Meters known = meters.get(upstream);
    return known != null ? known : meters.computeIfAbsent(upstream, this::meters);
  }

  private Meters meters(String upstream) {
    AtomicInteger running = new AtomicInteger();
    // A meter keeps its object weakly: the map holds it.
    Gauge.builder("heddle.upstream.running", running, AtomicInteger::get)
        .tag(TAG, upstream)
        .description("Calls of models now")
        .register(registry);
    Timer firstToken =
        Timer.builder("heddle.upstream.first.token")
            .tag(TAG, upstream)
            .description("From a call to its first token")
            .serviceLevelObjectives(Buckets.MODELS)
            .register(registry);
    return new Meters(running, firstToken, new ConcurrentHashMap<>(), new ConcurrentHashMap<>());
  }

  /**
   * Of one upstream: looked up in the registry once, and not for each call.
   *
   * @param tokens by model, then by kind
   */
  private record Meters(
      AtomicInteger running,
      Timer firstToken,
      Map<Outcome, Timer> calls,
      Map<String, Map<String, Counter>> tokens) {}
}
