package io.heddle.ops;

import io.heddle.engine.StoreProbe;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;

/** Part of readiness: down until the engine has worked once. */
public final class StartHealth implements HealthIndicator {

  private final StoreProbe probe;

  public StartHealth(StoreProbe probe) {
    this.probe = probe;
  }

  @Override
  public Health health() {
    return probe.isReady()
        ? Health.up().build()
        : Health.down().withDetail("waiting", "for the first answer of " + probe.name()).build();
  }
}
