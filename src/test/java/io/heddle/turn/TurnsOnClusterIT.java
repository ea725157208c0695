package io.heddle.turn;

import io.heddle.redis.EngineFixture;
import io.heddle.testing.RedisCluster;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** Several replicas on one Redis Cluster, each with connections of its own to every master. */
class TurnsOnClusterIT extends TurnsContract {

  private static final List<EngineFixture> FIXTURES = new ArrayList<>();
  private static RedisCluster cluster;
  private int taken;

  @BeforeAll
  static void connect() {
    cluster = RedisCluster.start();
    for (int i = 0; i < 3; i++) {
      FIXTURES.add(EngineFixture.cluster(cluster.uris(), Replica.SESSIONS.storeLimits()));
    }
  }

  @AfterAll
  static void disconnect() {
    FIXTURES.forEach(EngineFixture::close);
    FIXTURES.clear();
    cluster.close();
  }

  @Override
  Replica.Ports ports() {
    return Replica.Ports.of(FIXTURES.get(taken++ % FIXTURES.size()).engine());
  }
}
