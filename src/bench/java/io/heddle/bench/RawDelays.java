package io.heddle.bench;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What Redis itself takes from PUBLISH to message: a subscriber and a publisher of Lettuce in this
 * process, beside the load. Its messages are of the changes' size and lie between two of them.
 */
final class RawDelays {

  private static final byte[] CHANNEL = {'r', 'a', 'w'};
  private static final int SIZE = 256;

  private static @Nullable RawDelays running;

  private final Delays delays = new Delays();
  private final RedisClient client;
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();

  private RawDelays(int port, int rate) {
    client = RedisClient.create(RedisURI.create("127.0.0.1", port));
    StatefulRedisPubSubConnection<byte[], byte[]> subscriber =
        client.connectPubSub(ByteArrayCodec.INSTANCE);
    subscriber.addListener(
        new RedisPubSubAdapter<>() {
          @Override
          public void message(byte[] channel, byte[] message) {
            delays.add(System.nanoTime() - ByteBuffer.wrap(message).getLong());
          }
        });
    subscriber.sync().subscribe(CHANNEL);
    var publisher = client.connect(ByteArrayCodec.INSTANCE).async();
    long period = TimeUnit.SECONDS.toNanos(1) / rate;
    timer.scheduleAtFixedRate(
        () ->
            publisher.publish(
                CHANNEL, ByteBuffer.allocate(SIZE).putLong(System.nanoTime()).array()),
        period / 2,
        period,
        TimeUnit.NANOSECONDS);
  }

  static String start(int port, int rate) {
    running = new RawDelays(port, rate);
    return "started";
  }

  /** Answers {@code p50 p99} in microseconds. */
  static String end() {
    RawDelays raw = Objects.requireNonNull(running);
    running = null;
    raw.timer.close();
    raw.client.shutdown();
    return raw.delays.at(0.5) + " " + raw.delays.at(0.99);
  }
}
