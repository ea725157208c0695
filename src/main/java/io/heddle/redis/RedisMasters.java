package io.heddle.redis;

import io.heddle.base.SessionKey;
import io.lettuce.core.AbstractRedisClient;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.SlotHash;
import io.lettuce.core.cluster.models.partitions.RedisClusterNode;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Where the masters are, and how a plain pub/sub connection is made to one of them. */
interface RedisMasters {

  /**
   * The name of the master that has each partition, null where nobody knows one. Blocks; it throws
   * the driver's exceptions. Asks the servers anew each time but the first.
   */
  List<@Nullable String> look();

  /** Connects to the master of that name. Blocks; it throws the driver's exceptions. */
  StatefulRedisPubSubConnection<byte[], byte[]> connect(String master);

  void close();

  static RedisMasters of(AbstractRedisClient client) {
    return switch (client) {
      case RedisClusterClient cluster -> new OfCluster(cluster);
      case RedisClient single -> new One(single);
      default -> throw new IllegalArgumentException("not a client for Redis: " + client);
    };
  }

  /** Of a standalone Redis, or the one that the sentinels name when it is connected to. */
  record One(RedisClient client) implements RedisMasters {

    @Override
    public List<@Nullable String> look() {
      return Collections.nCopies(SessionKey.PARTITIONS, "the master");
    }

    @Override
    public StatefulRedisPubSubConnection<byte[], byte[]> connect(String master) {
      return client.connectPubSub(ByteArrayCodec.INSTANCE);
    }

    @Override
    public void close() {}
  }

  /**
   * Of a Cluster. Lettuce's own pub/sub connection to a Cluster is a connection to any node, and it
   * moves on its own; so here is a client for single nodes on the same threads.
   */
  final class OfCluster implements RedisMasters {

    private final RedisClusterClient cluster;
    private final RedisClient nodes;
    private final Map<String, RedisURI> known = new ConcurrentHashMap<>();
    private boolean looked;

    OfCluster(RedisClusterClient cluster) {
      this.cluster = cluster;
      this.nodes = RedisClient.create(cluster.getResources());
    }

    @Override
    public List<@Nullable String> look() {
      if (looked) {
        cluster.refreshPartitions();
      }
      String[] all = new String[SessionKey.PARTITIONS];
      for (int partition = 0; partition < all.length; partition++) {
        int slot = SlotHash.getSlot(Partitions.tag(partition));
        RedisClusterNode node = cluster.getPartitions().getPartitionBySlot(slot);
        if (node != null) {
          RedisURI uri = node.getUri();
          all[partition] = uri.getHost() + ":" + uri.getPort();
          known.put(all[partition], uri);
        }
      }
      looked = true;
      return Arrays.asList(all);
    }

    @Override
    public StatefulRedisPubSubConnection<byte[], byte[]> connect(String master) {
      nodes.setOptions(cluster.getOptions().mutate().autoReconnect(false).build());
      RedisURI uri = known.get(master);
      if (uri == null) {
        throw new IllegalArgumentException("no master is called " + master);
      }
      return nodes.connectPubSub(ByteArrayCodec.INSTANCE, uri);
    }

    @Override
    public void close() {
      nodes.shutdownAsync();
    }
  }
}
