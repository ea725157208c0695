package io.heddle.redis;

import io.heddle.limit.UsageStore;
import io.heddle.session.StoreLimits;
import io.heddle.session.contract.UsageContract;
import io.heddle.testing.TestRedis;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class RedisUsageIT extends UsageContract {

  private static EngineFixture fixture;

  @BeforeAll
  static void start() {
    fixture = EngineFixture.standalone(TestRedis.uri(RedisUsageIT.class), StoreLimits.DEFAULT);
  }

  @AfterAll
  static void stop() {
    fixture.close();
  }

  @Override
  protected UsageStore store() {
    return fixture.engine().usage();
  }

  @Test
  void manyReplicas() {
    turnsOfOtherReplicasAreTold();
  }
}
