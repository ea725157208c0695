package io.heddle.turn;

import io.heddle.redis.EngineFixture;
import io.heddle.testing.RedisProcess;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** Two replicas on one Redis, which no other test's replicas look after. */
class CompactionOnRedisIT extends CompactionContract {

  private static final List<EngineFixture> FIXTURES = new ArrayList<>();
  private static RedisProcess redis;
  private int taken;

  @BeforeAll
  static void connect() {
    redis = RedisProcess.start();
    for (int i = 0; i < 2; i++) {
      FIXTURES.add(EngineFixture.standalone(redis.uri(), Replica.SESSIONS.storeLimits()));
    }
  }

  @AfterAll
  static void disconnect() {
    FIXTURES.forEach(EngineFixture::close);
    FIXTURES.clear();
    redis.close();
  }

  @Override
  Replica.Ports ports() {
    return Replica.Ports.of(FIXTURES.get(taken++ % FIXTURES.size()).engine());
  }
}
