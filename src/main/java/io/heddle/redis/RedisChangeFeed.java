package io.heddle.redis;

import io.heddle.base.SessionKey;
import io.heddle.session.Change;
import io.heddle.session.ChangeFeed;
import io.lettuce.core.AbstractRedisClient;
import io.lettuce.core.RedisClient;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * The changes of every partition over one connection of this replica, however many listen. It is
 * made when the first one listens.
 */
final class RedisChangeFeed implements ChangeFeed {

  private static final Logger LOG = LoggerFactory.getLogger(RedisChangeFeed.class);

  private final AbstractRedisClient client;
  private final RedisLink link;
  private final List<Listener> listeners = new CopyOnWriteArrayList<>();
  private final Mono<Boolean> subscribed;
  private volatile @Nullable StatefulRedisPubSubConnection<byte[], byte[]> connection;

  RedisChangeFeed(AbstractRedisClient client, RedisLink link) {
    this.client = client;
    this.link = link;
    // Connecting blocks; a failure is not kept, so that the next listener tries again.
    this.subscribed =
        Mono.fromCallable(this::subscribe)
            .subscribeOn(Schedulers.boundedElastic())
            .cacheInvalidateWhen(done -> Mono.never());
  }

  @Override
  public Disposable listen(Listener listener) {
    listeners.add(listener);
    Disposable connecting = subscribed.subscribe(null, error -> LOG.debug("feed", error));
    return () -> {
      connecting.dispose();
      listeners.remove(listener);
    };
  }

  void close() {
    StatefulRedisPubSubConnection<byte[], byte[]> made = connection;
    if (made != null) {
      made.close();
    }
  }

  private boolean subscribe() {
    StatefulRedisPubSubConnection<byte[], byte[]> made =
        switch (client) {
          case RedisClusterClient cluster -> cluster.connectPubSub(ByteArrayCodec.INSTANCE);
          case RedisClient single -> single.connectPubSub(ByteArrayCodec.INSTANCE);
          default -> throw new IllegalArgumentException("not a client for Redis: " + client);
        };
    made.addListener(
        new RedisPubSubAdapter<>() {
          @Override
          public void message(byte[] channel, byte[] message) {
            emit(message);
          }

          @Override
          public void smessage(byte[] channel, byte[] message) {
            emit(message);
          }
        });
    byte[][] channels =
        IntStream.range(0, SessionKey.PARTITIONS)
            .mapToObj(partition -> RedisKeys.of(partition).channel())
            .toArray(byte[][]::new);
    if (link.publish() == PublishCommand.SPUBLISH) {
      // One slot a command: the channels of a sharded subscription must be of one shard.
      for (byte[] channel : channels) {
        made.sync().ssubscribe(channel);
      }
    } else {
      made.sync().subscribe(channels);
    }
    connection = made;
    return true;
  }

  private void emit(byte[] message) {
    try {
      Change.Published change = ChangeMessage.parse(message);
      listeners.forEach(listener -> listener.changed(change));
    } catch (IllegalArgumentException | IndexOutOfBoundsException broken) {
      LOG.warn("a change was published that this replica cannot read: {}", broken.getMessage());
    }
  }
}
