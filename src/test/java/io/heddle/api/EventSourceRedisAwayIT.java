package io.heddle.api;

import io.heddle.testing.FreePort;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A browser that comes back while Redis is away must be able to come back once more. */
class EventSourceRedisAwayIT {

  @Test
  void anEventSourceIsToldToComeBack() throws Exception {
    try (Application away =
        Application.start(
            Map.of(
                "heddle.engine", "redis",
                "spring.data.redis.url", "redis://127.0.0.1:" + FreePort.find(),
                "heddle.limits.enabled", "false"))) {
      EventSourceIT.comesBack(away, "/v1/sessions/s/events", "store-unavailable", 503);
      EventSourceIT.comesBack(
          away, "/v1/sessions/s/turns/trn_0123456789abcdef_s/events", "store-unavailable", 503);
    }
  }
}
