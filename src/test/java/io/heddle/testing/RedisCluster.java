package io.heddle.testing;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.StatusOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;

/**
 * A Redis Cluster of three masters that belongs to one test, each with a third of the slots. Formed
 * over the protocol, as redis-cli is not everywhere.
 */
public final class RedisCluster implements AutoCloseable {
  private static final int NODES = 3;
  private static final int SLOTS = 16_384;

  private final List<RedisProcess> nodes;

  private RedisCluster(List<RedisProcess> nodes) {
    this.nodes = List.copyOf(nodes);
  }

  /** Starts and forms it; returns when every node says {@code cluster_state:ok}. */
  public static RedisCluster start(String... arguments) {
    List<RedisProcess> nodes = new ArrayList<>();
    int[] busPorts = new int[NODES];
    try {
      for (int i = 0; i < NODES; i++) {
        busPorts[i] = FreePort.find();
        nodes.add(startNode(busPorts[i], arguments));
      }
      form(nodes, busPorts);
      return new RedisCluster(nodes);
    } catch (RuntimeException | Error e) {
      nodes.forEach(RedisProcess::close);
      throw e;
    }
  }

  /** The processes, first slots first. */
  public List<RedisProcess> nodes() {
    return nodes;
  }

  /** {@code redis://} URIs of all nodes. */
  public List<String> uris() {
    return nodes.stream().map(RedisProcess::uri).toList();
  }

  /** {@code host:port} of all nodes, as {@code spring.data.redis.cluster.nodes} wants it. */
  public String hostsAndPorts() {
    return String.join(",", nodes.stream().map(node -> "127.0.0.1:" + node.port()).toList());
  }

  @Override
  public void close() {
    nodes.forEach(RedisProcess::close);
  }

  private static RedisProcess startNode(int busPort, String... arguments) {
    List<String> all = new ArrayList<>();
    all.addAll(
        List.of(
            "--cluster-enabled",
            "yes",
            "--cluster-port",
            Integer.toString(busPort),
            "--cluster-node-timeout",
            "5000"));
    all.addAll(List.of(arguments));
    return RedisProcess.start(all.toArray(String[]::new));
  }

  private static void form(List<RedisProcess> nodes, int[] busPorts) {
    RedisClient client = RedisClient.create();
    List<StatefulRedisConnection<String, String>> connections = new ArrayList<>();
    try {
      for (RedisProcess node : nodes) {
        connections.add(client.connect(RedisURI.create(node.uri())));
      }
      for (int i = 0; i < NODES; i++) {
        RedisCommands<String, String> commands = connections.get(i).sync();
        int[] slots = IntStream.range(SLOTS * i / NODES, SLOTS * (i + 1) / NODES).toArray();
        commands.clusterAddSlots(slots);
        // Distinct epochs, or the masters first have to settle a conflict between equal ones.
        commands.clusterSetConfigEpoch(i + 1L);
      }
      for (int i = 1; i < NODES; i++) {
        meet(connections.getFirst().sync(), nodes.get(i).port(), busPorts[i]);
      }
      for (StatefulRedisConnection<String, String> connection : connections) {
        Awaitility.await("the cluster to be formed")
            .atMost(Duration.ofSeconds(30))
            .pollInterval(Duration.ofMillis(50))
            .until(() -> isComplete(connection.sync().clusterInfo()));
      }
    } finally {
      client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
    }
  }

  /**
   * CLUSTER MEET with the bus port said, which Lettuce's own {@code clusterMeet} leaves out: the
   * node would look for the other's bus at its port plus 10,000.
   */
  private static void meet(RedisCommands<String, String> commands, int port, int busPort) {
    commands.dispatch(
        CommandType.CLUSTER,
        new StatusOutput<>(StringCodec.UTF8),
        new CommandArgs<>(StringCodec.UTF8).add("MEET").add("127.0.0.1").add(port).add(busPort));
  }

  private static boolean isComplete(String clusterInfo) {
    return clusterInfo.contains("cluster_state:ok")
        && clusterInfo.contains("cluster_slots_ok:" + SLOTS)
        && clusterInfo.contains("cluster_known_nodes:" + NODES);
  }
}
