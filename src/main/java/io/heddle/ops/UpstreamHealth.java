package io.heddle.ops;

import io.heddle.upstream.BreakerState;
import io.heddle.upstream.Models;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;

/**
 * Whether the model servers answer, as their breakers have seen it: red while one is left alone.
 * Neither liveness nor readiness looks at it: sessions are served without any model.
 */
public final class UpstreamHealth implements HealthIndicator {

  private final Models models;

  public UpstreamHealth(Models models) {
    this.models = models;
  }

  @Override
  public Health health() {
    Map<String, BreakerState> breakers = models.breakers();
    List<String> open =
        breakers.entrySet().stream()
            .filter(breaker -> breaker.getValue() == BreakerState.OPEN)
            .map(Map.Entry::getKey)
            .toList();
    Health.Builder health = open.isEmpty() ? Health.up() : Health.down();
    breakers.forEach((upstream, state) ->
        health.withDetail(upstream, state.name().toLowerCase(Locale.ROOT).replace('_', '-')));
    if (!open.isEmpty()) {
      health.withDetail("fault", "nothing is sent to " + String.join(", ", open) + " for now");
    }
    return health.build();
  }
}
