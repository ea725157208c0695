package io.heddle.api;

import io.heddle.redis.EngineFixture;
import io.heddle.redis.RedisEngine;
import io.heddle.session.StoreLimits;
import io.heddle.testing.TestRedis;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;

class HttpContractRedisIT extends HttpContract {

  private final EngineFixture fixture =
      EngineFixture.standalone(TestRedis.uri(), StoreLimits.DEFAULT);

  @Override
  Server start(Map<String, String> properties) {
    RedisEngine engine = fixture.engine();
    return new ApiServer(
        engine.reader(),
        engine.writer(),
        engine.index(),
        engine.locks(),
        engine.records(),
        engine.limiter(),
        properties);
  }

  @AfterAll
  void close() {
    fixture.close();
  }
}
