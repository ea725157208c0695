package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.heddle.testing.RedisCluster;
import io.heddle.testing.RedisProcess;
import io.heddle.testing.ReplicaProcess;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * A Cluster was away for 160 s. The log had 3,589 lines of it, most of them the stacks of a driver
 * that looked for its nodes, and none that said that it was over.
 */
class OutageLogIT {

  private static final Duration PATIENCE = Duration.ofSeconds(40);

  /** Longer than a driver waits between two looks at its nodes. */
  private static final Duration OUTAGE = Duration.ofSeconds(7);

  @Test
  void aRedisThatIsAwayIsTwoLines() throws Exception {
    try (RedisProcess redis = RedisProcess.start();
        ReplicaProcess replica = ReplicaProcess.on(redis.uri(), "outage").start()) {
      isToldOnce(replica, redis::kill, redis::restart);
    }
  }

  @Test
  void aClusterThatIsAwayIsOneLine() throws Exception {
    try (RedisCluster cluster = RedisCluster.start();
        ReplicaProcess replica =
            ReplicaProcess.named("cluster-outage")
                .set("spring.data.redis.cluster.nodes", cluster.hostsAndPorts())
                .start()) {
      isToldOnce(replica, () -> cluster.nodes().forEach(RedisProcess::kill), null);
    }
  }

  private static void isToldOnce(ReplicaProcess replica, Runnable begin, Runnable end) {
    replica.awaitReady();
    int before = replica.log().length();
    begin.run();
    await()
        .atMost(PATIENCE)
        .untilAsserted(() -> assertThat(replica.log()).contains("does not answer"));
    // Nothing to wait for but time: what must not come.
    await().pollDelay(OUTAGE).atMost(PATIENCE).until(replica::isAlive);
    if (end != null) {
      end.run();
      await()
          .atMost(PATIENCE)
          .untilAsserted(() -> assertThat(replica.log()).contains("answers again"));
    }
    List<String> lines = replica.log().substring(before).lines().toList();
    assertThat(lines)
        .as("lines of one outage")
        .hasSize(end == null ? 1 : 2)
        .allMatch(line -> line.contains("StoreMonitor"));
  }
}
