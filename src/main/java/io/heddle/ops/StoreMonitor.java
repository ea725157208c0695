package io.heddle.ops;

import io.heddle.base.ProblemException;
import io.heddle.engine.StoreProbe;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * Asks the store once a second how it is. An outage is one line in the log when it begins and one
 * when it ends, whatever the store's clients do meanwhile; the answers are the meters of the store.
 *
 * <p>One question without an answer is no outage: a busy store is late now and then. Two in a row
 * are.
 */
public final class StoreMonitor implements MeterBinder, AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(StoreMonitor.class);

  private static final Duration EVERY = Duration.ofSeconds(1);
  private static final int FAILURES_OF_AN_OUTAGE = 2;
  private static final int LOOKS_OF_DEAFNESS = 5;

  /** Counting the sessions looks at every partition. */
  private static final int LOOKS_PER_COUNT = 30;

  private final StoreProbe probe;
  private final Supplier<@Nullable String> deafness;
  private final Scheduler scheduler;
  private final Disposable.Swap ticker = Disposables.swap();

  private volatile boolean up;
  private volatile Map<String, Object> details = Map.of();
  private volatile double sessions = Double.NaN;
  private @Nullable Timer latency;
  private int failures;
  private long looks;
  private @Nullable Long downSince;
  private int deafLooks;

  /**
   * @param deafness why this replica hears nothing of the others' changes, null while it does
   */
  public StoreMonitor(StoreProbe probe, Supplier<@Nullable String> deafness) {
    this(probe, deafness, Schedulers.parallel());
  }

  StoreMonitor(StoreProbe probe, Supplier<@Nullable String> deafness, Scheduler scheduler) {
    this.probe = probe;
    this.deafness = deafness;
    this.scheduler = scheduler;
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    latency =
        Timer.builder("heddle.store.latency")
            .description("How long the store took to say how it is, asked once a second")
            .serviceLevelObjectives(Buckets.OWN)
            .register(registry);
    Gauge.builder("heddle.store.up", this, monitor -> monitor.up ? 1 : 0)
        .description("Whether the store answers: 1 or 0")
        .register(registry);
    Gauge.builder("heddle.store.sessions", this, monitor -> monitor.sessions)
        .description("Sessions in the store, of all replicas, counted every 30 s")
        .register(registry);
    memory(registry, "heddle.store.memory.used", "usedMemory", "What Redis uses of its memory");
    memory(registry, "heddle.store.memory.max", "maxMemory", "maxmemory of Redis; 0: no bound");
    start();
  }

  private void memory(MeterRegistry registry, String name, String detail, String description) {
    Gauge.builder(
            name,
            this,
            monitor ->
                monitor.details.get(detail) instanceof Number number
                    ? number.doubleValue()
                    : Double.NaN)
        .baseUnit("bytes")
        .description(description)
        .register(registry);
  }

  void start() {
    ticker.update(
        Flux.interval(EVERY, scheduler).onBackpressureDrop().concatMap(_ -> look(), 1).subscribe());
  }

  @Override
  public void close() {
    ticker.dispose();
  }

  /** Never an error: one look that fails must not end the looking. */
  private Mono<Void> look() {
    if (!probe.isReady()) {
      return Mono.empty();
    }
    return Mono.defer(
            () -> {
              long from = System.nanoTime();
              return probe
                  .look()
                  .timeout(EVERY, scheduler)
                  .doOnNext(look -> answered(look, System.nanoTime() - from));
            })
        .then(Mono.defer(this::count))
        .onErrorResume(error -> {
          failed(error);
          return Mono.empty();
        });
  }

  private Mono<Void> count() {
    if (looks++ % LOOKS_PER_COUNT != 0) {
      return Mono.empty();
    }
    return probe
        .sessions()
        .timeout(EVERY, scheduler)
        .doOnNext(count -> sessions = count)
        .onErrorResume(error -> {
          log.debug("sessions could not be counted", error);
          return Mono.empty();
        })
        .then();
  }

  private void answered(StoreProbe.Look look, long nanos) {
    details = look.details();
    up = true;
    failures = 0;
    if (latency != null) {
      latency.record(nanos, TimeUnit.NANOSECONDS);
    }
    Long since = downSince;
    if (since != null) {
      downSince = null;
      log.info(
          "The store ({}) answers again after {} s",
          probe.name(),
          TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - since));
    }
    listen();
  }

  /** Only while the store answers: else the outage says it already. */
  private void listen() {
    String why = deafness.get();
    if (why == null) {
      if (deafLooks >= LOOKS_OF_DEAFNESS) {
        log.info("The changes of other replicas arrive again");
      }
      deafLooks = 0;
    } else if (++deafLooks == LOOKS_OF_DEAFNESS) {
      log.warn(
          "The changes of other replicas do not arrive: {}. Reads go to the store, and pushes are"
              + " late, until they do",
          why);
    }
  }

  private static String reason(Throwable error) {
    return error instanceof ProblemException refused
        ? refused.problem().detail()
        : String.valueOf(error.getMessage());
  }

  private void failed(Throwable error) {
    if (++failures < FAILURES_OF_AN_OUTAGE) {
      return;
    }
    up = false;
    if (downSince == null) {
      downSince = System.nanoTime();
      log.warn(
          "The store ({}) does not answer: {}. What needs it is refused with 503 until it does",
          probe.name(),
          error instanceof TimeoutException
              ? "no answer within " + EVERY.toMillis() + " ms"
              : reason(error));
    }
  }
}
