package io.heddle.session.contract;

import io.heddle.redis.EngineFixture;
import io.heddle.session.StoreLimits;
import io.heddle.testing.RedisCluster;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** The suites on a Redis Cluster, where every script must stay inside its slot. */
class RedisClusterContractIT extends EngineContract {

  private static RedisCluster cluster;
  private static EngineUnderTest engine;

  @BeforeAll
  static void start() {
    cluster = RedisCluster.start();
    engine = RedisUnderTest.twice(() -> EngineFixture.cluster(cluster.uris(), StoreLimits.DEFAULT));
  }

  @AfterAll
  static void stop() {
    if (engine != null) {
      engine.close();
    }
    if (cluster != null) {
      cluster.close();
    }
  }

  @Override
  protected EngineUnderTest engine() {
    return engine;
  }
}
