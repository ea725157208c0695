package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.heddle.testing.HttpConnection;
import io.heddle.testing.RedisCluster;
import io.heddle.testing.RedisProcess;
import io.heddle.testing.ReplicaProcess;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * A Cluster was away for 160 s. The log had 3,589 lines of it, most of them the stacks of a driver
 * that looked for its nodes, and none that said that it was over.
 */
class OutageLogIT {

  private static final Duration PATIENCE = Duration.ofSeconds(40);

  private static final String FULL = "Redis has no memory left";
  private static final String ROOM = "Redis has memory again";

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

  /** It was told twice: each of the connections that write had seen it for itself. */
  @Test
  void aFullRedisIsTwoLines() throws Exception {
    try (RedisProcess redis = RedisProcess.start();
        RedisView view = new RedisView(redis.uri());
        ReplicaProcess replica = ReplicaProcess.on(redis.uri(), "full-log").start()) {
      replica.awaitReady();
      int before = replica.log().length();
      view.commands().configSet("maxmemory", "1mb");
      await().atMost(PATIENCE).until(() -> written(replica) == 503 && told(replica, FULL) > 0);
      view.commands().configSet("maxmemory", "0");
      await().atMost(PATIENCE).until(() -> written(replica) == 201 && told(replica, ROOM) > 0);

      assertThat(replica.log().substring(before).lines().filter(line -> line.contains("memory")))
          .as("lines of one full Redis")
          .hasSize(2);
    }
  }

  /**
   * Each replica that was stopped told of an outage with its last line: the clients of Redis had
   * gone before the one who looks at it. Redis was there, so nothing else could say so.
   */
  @Test
  void aReplicaThatEndsTellsOfNoOutage() throws Exception {
    try (RedisProcess redis = RedisProcess.start();
        ReplicaProcess replica = ReplicaProcess.on(redis.uri(), "end-log").start()) {
      replica.awaitReady();
      replica.terminate();

      assertThat(replica.waitFor(PATIENCE)).isTrue();
      assertThat(replica.log()).contains("listens on").doesNotContain("cannot be reached");
    }
  }

  /** A user's write is seen by the connection that counts, and by the one that writes. */
  private static int written(ReplicaProcess replica) throws IOException {
    try (HttpConnection http = replica.connect()) {
      Map<String, String> ann = Map.of("Heddle-User", "ann", "Content-Type", "application/json");
      return http.call("POST", "/v1/sessions", "{}", ann).status();
    }
  }

  private static long told(ReplicaProcess replica, String what) {
    return replica.log().lines().filter(line -> line.contains(what)).count();
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
