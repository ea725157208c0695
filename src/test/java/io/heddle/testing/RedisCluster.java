package io.heddle.testing;

import io.lettuce.core.MigrateArgs;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.cluster.models.partitions.ClusterPartitionParser;
import io.lettuce.core.cluster.models.partitions.RedisClusterNode;
import io.lettuce.core.codec.ByteArrayCodec;
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
  private final RedisClient client = RedisClient.create();
  private final List<StatefulRedisConnection<byte[], byte[]>> operator = new ArrayList<>();

  private RedisCluster(List<RedisProcess> nodes) {
    this.nodes = List.copyOf(nodes);
    nodes.forEach(
        node -> operator.add(client.connect(ByteArrayCodec.INSTANCE, RedisURI.create(node.uri()))));
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

  /** What an operator asks of one node. */
  public RedisCommands<byte[], byte[]> node(int node) {
    return operator.get(node).sync();
  }

  /** The node that a slot belongs to, as that node itself says. */
  public int owner(int slot) {
    for (int i = 0; i < nodes.size(); i++) {
      String own =
          ClusterPartitionParser.parse(node(i).clusterNodes()).stream()
              .filter(node -> node.is(RedisClusterNode.NodeFlag.MYSELF) && node.hasSlot(slot))
              .map(RedisClusterNode::getNodeId)
              .findFirst()
              .orElse("");
      if (!own.isEmpty()) {
        return i;
      }
    }
    throw new IllegalStateException("slot " + slot + " is nobody's");
  }

  /** A move begins: the target imports, then the source migrates; no key is moved yet. */
  public void beginMove(int slot, int from, int to) {
    node(to).clusterSetSlotImporting(slot, node(from).clusterMyId());
    node(from).clusterSetSlotMigrating(slot, node(to).clusterMyId());
  }

  /** Moves so many keys of a slot; returns how many there were to be moved. */
  public int moveKeys(int slot, int from, int to, int most) {
    List<byte[]> keys = node(from).clusterGetKeysInSlot(slot, most);
    moveKeys(keys, from, to);
    return keys.size();
  }

  /** Moves these keys. */
  public void moveKeys(List<byte[]> keys, int from, int to) {
    if (!keys.isEmpty()) {
      node(from)
          .migrate("127.0.0.1", nodes.get(to).port(), 0, 10_000, MigrateArgs.Builder.keys(keys));
    }
  }

  /** Moves all keys back while the move goes on. Nobody may use them meanwhile. */
  public void moveBack(int slot, int from, int to) {
    // Who gives a slot away takes no key of it.
    node(from).clusterSetSlotStable(slot);
    moveKeys(slot, to, from, Integer.MAX_VALUE);
    node(from).clusterSetSlotMigrating(slot, node(to).clusterMyId());
  }

  /** A move ends: the slot is the target's. */
  public void endMove(int slot, int from, int to) {
    String target = node(to).clusterMyId();
    // The target first: between the two, both would otherwise send a client to each other.
    node(to).clusterSetSlotNode(slot, target);
    node(from).clusterSetSlotNode(slot, target);
    for (int i = 0; i < nodes.size(); i++) {
      if (i != to && i != from) {
        node(i).clusterSetSlotNode(slot, target);
      }
    }
  }

  /** A move is given up; keys that were moved must have been moved back. */
  public void abandonMove(int slot, int from, int to) {
    node(from).clusterSetSlotStable(slot);
    node(to).clusterSetSlotStable(slot);
  }

  /** Commands that all nodes have run or refused, by anybody, since they were started. */
  public long commands() {
    long all = 0;
    for (int i = 0; i < nodes.size(); i++) {
      for (String line : node(i).info("commandstats").split("\r?\n")) {
        if (line.startsWith("cmdstat_")) {
          all += number(line, ":calls=") + number(line, "rejected_calls=");
        }
      }
    }
    return all;
  }

  private static long number(String line, String name) {
    int at = line.indexOf(name);
    return at < 0 ? 0 : Long.parseLong(line.substring(at + name.length()).split("[^0-9]", 2)[0]);
  }

  @Override
  public void close() {
    client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
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
