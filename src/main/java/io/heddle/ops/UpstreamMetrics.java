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
  private final Map<String, AtomicInteger> running = new ConcurrentHashMap<>();
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
    running(upstream).incrementAndGet();
  }

  @Override
  public void firstPiece(String upstream, Duration after) {
    Timer.builder("heddle.upstream.first.token")
        .tag(TAG, upstream)
        .description("From a call to its first token")
        .serviceLevelObjectives(Buckets.MODELS)
        .register(registry)
        .record(after);
  }

  @Override
  public void used(String upstream, String model, Usage usage) {
    String name = models.contains(model) || models.size() < MOST_MODELS ? model : OTHER_MODELS;
    models.add(name);
    tokens(upstream, name, "input", usage.input());
    tokens(upstream, name, "output", usage.output());
    tokens(upstream, name, "cached", usage.cached());
    tokens(upstream, name, "reasoning", usage.reasoning());
  }

  private void tokens(String upstream, String model, String kind, long count) {
    if (count > 0) {
      Counter.builder("heddle.upstream.tokens")
          .tag(TAG, upstream)
          .tag("model", model)
          .tag("kind", kind)
          .description("Tokens as model servers count them; input holds cached, output reasoning")
          .register(registry)
          .increment(count);
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
    running(upstream).decrementAndGet();
    Timer.builder("heddle.upstream.calls")
        .tag(TAG, upstream)
        .tag("outcome", outcome.name().toLowerCase(Locale.ROOT))
        .description("Calls of models, by how they ended")
        .serviceLevelObjectives(Buckets.MODELS)
        .register(registry)
        .record(after);
  }

  private void count(String name, String description, String upstream) {
    Counter.builder(name)
        .tag(TAG, upstream)
        .description(description)
        .register(registry)
        .increment();
  }

  private AtomicInteger running(String upstream) {
    AtomicInteger known = running.get(upstream);
    return known != null ? known : running.computeIfAbsent(upstream, this::gauge);
  }

  private AtomicInteger gauge(String upstream) {
    AtomicInteger count = new AtomicInteger();
    // A meter keeps its object weakly: the map holds it.
    Gauge.builder("heddle.upstream.running", count, AtomicInteger::get)
        .tag(TAG, upstream)
        .description("Calls of models now")
        .register(registry);
    return count;
  }
}
