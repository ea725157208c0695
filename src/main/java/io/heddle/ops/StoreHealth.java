package io.heddle.ops;

import io.heddle.engine.StoreProbe;
import io.heddle.json.Times;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicReference;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.ReactiveHealthIndicator;
import reactor.core.publisher.Mono;

/**
 * How the store is: red while it does not answer, and while it is set up so that it may lose
 * sessions. Readiness does not look at it: taking every replica out of the load balancer because
 * all of them miss the same Redis helps nobody.
 */
public final class StoreHealth implements ReactiveHealthIndicator {

  private static final Duration PATIENCE = Duration.ofSeconds(2);

  private final StoreProbe probe;
  private final InstantSource clock;
  private final AtomicReference<Seen> seen;

  public StoreHealth(StoreProbe probe, InstantSource clock) {
    this.probe = probe;
    this.clock = clock;
    this.seen = new AtomicReference<>(new Seen(false, clock.instant()));
  }

  @Override
  public Mono<Health> health() {
    return Mono.defer(probe::look)
        .timeout(PATIENCE)
        .map(this::answered)
        .onErrorResume(error -> Mono.just(silent(error)));
  }

  private Health answered(StoreProbe.Look look) {
    Health.Builder health = look.fault() == null ? Health.up() : Health.down();
    describe(health, true).withDetails(look.details());
    if (look.fault() != null) {
      health.withDetail("fault", look.fault());
    }
    return health.build();
  }

  private Health silent(Throwable error) {
    return describe(Health.down(), false)
        .withDetail("fault", error.getMessage() == null ? error.toString() : error.getMessage())
        .build();
  }

  private Health.Builder describe(Health.Builder health, boolean reachable) {
    Seen now =
        seen.updateAndGet(before ->
            before.reachable() == reachable ? before : new Seen(reachable, clock.instant()));
    return health
        .withDetail("engine", probe.name())
        .withDetail("reachable", reachable)
        .withDetail("since", Times.rfc3339(now.since()));
  }

  /** When a look first found the store so. */
  private record Seen(boolean reachable, Instant since) {}
}
