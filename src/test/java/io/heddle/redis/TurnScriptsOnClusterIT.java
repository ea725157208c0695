package io.heddle.redis;

import io.heddle.session.StoreLimits;
import io.heddle.testing.RedisCluster;
import org.junit.jupiter.api.AfterAll;

final class TurnScriptsOnClusterIT extends TurnScriptContract {

  private final RedisCluster cluster = RedisCluster.start();

  @Override
  EngineFixture open(StoreLimits limits) {
    return EngineFixture.cluster(cluster.uris(), limits);
  }

  @AfterAll
  void stopCluster() {
    cluster.close();
  }
}
