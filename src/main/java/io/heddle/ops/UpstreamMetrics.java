package io.heddle.ops;

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
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** Calls of models, as meters. */
public final class UpstreamMetrics implements UpstreamListener {

  private static final String TAG = "upstream";

  private final MeterRegistry registry;
  private final Map<String, AtomicInteger> running = new ConcurrentHashMap<>();

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
        .register(registry)
        .record(after);
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
