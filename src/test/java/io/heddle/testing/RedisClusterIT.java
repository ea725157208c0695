package io.heddle.testing;

import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.RedisURI;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.api.StatefulRedisClusterConnection;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class RedisClusterIT {
  @Test
  void keysOfEverySlotHaveTheirMaster() {
    try (RedisCluster cluster = RedisCluster.start()) {
      RedisClusterClient client =
          RedisClusterClient.create(cluster.uris().stream().map(RedisURI::create).toList());
      try (StatefulRedisClusterConnection<String, String> connection = client.connect()) {
        for (int i = 0; i < 300; i++) {
          assertThat(connection.sync().set("key:" + i, "v" + i)).isEqualTo("OK");
        }
        assertThat(connection.getPartitions())
            .hasSize(3)
            .allSatisfy(node -> {
              assertThat(Objects.requireNonNull(node.getUri()).getHost()).isEqualTo("127.0.0.1");
              assertThat(connection.getConnection(node.getNodeId()).sync().dbsize())
                  .isBetween(50L, 150L);
            });
      } finally {
        client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
      }
    }
  }

  @Test
  void closedNothingOfItRuns() {
    RedisCluster cluster = RedisCluster.start();
    assertThat(cluster.nodes()).hasSize(3).allMatch(RedisProcess::isAlive);
    cluster.close();
    assertThat(cluster.nodes()).noneMatch(RedisProcess::isAlive);
  }
}
