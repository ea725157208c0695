package io.heddle.session.contract;

import io.heddle.redis.EngineFixture;
import io.heddle.session.StoreLimits;
import io.heddle.testing.TestRedis;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** Many callers of the services on Redis, two replicas talking only through it. */
class RedisAtOnceContractIT extends ServicesAtOnceContract {

  private static EngineUnderTest engine;

  @BeforeAll
  static void start() {
    engine =
        RedisUnderTest.twice(() ->
            EngineFixture.standalone(
                TestRedis.uri(RedisAtOnceContractIT.class), StoreLimits.DEFAULT));
  }

  @AfterAll
  static void stop() {
    if (engine != null) {
      engine.close();
    }
  }

  @Override
  EngineUnderTest engine() {
    return engine;
  }
}
