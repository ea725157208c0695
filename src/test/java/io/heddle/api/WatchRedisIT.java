package io.heddle.api;

import io.heddle.testing.TestRedis;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.awaitility.Awaitility;

/** Two replicas over one Redis: what one writes the other's watchers see. */
class WatchRedisIT extends WatchContract {

  @Override
  HttpContract.Server start(Map<String, String> properties) {
    Map<String, String> all = new HashMap<>(properties);
    all.put("heddle.engine", "redis");
    all.put("spring.data.redis.url", TestRedis.uri(WatchRedisIT.class));
    Application application = Application.start(all);
    // It listens before it has found its Redis.
    Http http = new Http(application.port());
    Awaitility.await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> http.get("/actuator/health/readiness").status() == 200);
    return application;
  }

  @Override
  HttpContract.Server another(HttpContract.Server first, Map<String, String> properties) {
    return start(properties);
  }
}
