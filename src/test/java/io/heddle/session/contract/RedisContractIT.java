package io.heddle.session.contract;

import io.heddle.redis.EngineFixture;
import io.heddle.session.StoreLimits;
import io.heddle.testing.TestRedis;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** The suites on Redis, two replicas talking only through it. */
class RedisContractIT extends EngineContract {

  private static EngineUnderTest engine;

  @BeforeAll
  static void start() {
    engine =
        RedisUnderTest.twice(() ->
            EngineFixture.standalone(TestRedis.uri(RedisContractIT.class), StoreLimits.DEFAULT));
  }

  @AfterAll
  static void stop() {
    if (engine != null) {
      engine.close();
    }
  }

  @Override
  protected EngineUnderTest engine() {
    return engine;
  }
}
