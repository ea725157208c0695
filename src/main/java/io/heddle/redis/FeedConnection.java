package io.heddle.redis;

import io.heddle.base.SessionKey;
import io.lettuce.core.RedisChannelHandler;
import io.lettuce.core.RedisConnectionStateListener;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.output.ByteArrayOutput;
import io.lettuce.core.output.StatusOutput;
import io.lettuce.core.output.ValueListOutput;
import io.lettuce.core.protocol.AsyncCommand;
import io.lettuce.core.protocol.Command;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * A {@link RedisFeedLink}'s connection as the driver has it: subscriptions, what is pushed, and the
 * questions of a comparison. What comes is told on the driver's thread, in Redis's order; an answer
 * that is there already may be told on the caller's.
 */
final class FeedConnection {

  private static final ByteArrayCodec CODEC = ByteArrayCodec.INSTANCE;
  private static final byte[] SEQ = RedisKeys.ascii("seq");

  /** What Redis says by itself. */
  interface Listener {

    /** A change of some partition. */
    void changed(byte[] message);

    /** A message of a live channel. */
    void live(String channel, byte[] message);

    void subscribed(int partition);

    /** Redis ended the partition's sharded subscription: its slot has gone to another master. */
    void movedAway(int partition);

    void disconnected();
  }

  /** The answers of one batch of questions, in their order. */
  interface Answers {

    /** To {@code INFO replication}. */
    void server(@Nullable String info, @Nullable Throwable error);

    /** A partition's counter, or null when it has none yet. */
    void seq(int partition, byte @Nullable [] seq, @Nullable Throwable error);

    /** After the last one. */
    void last(@Nullable Throwable error);
  }

  private final StatefulRedisPubSubConnection<byte[], byte[]> connection;
  private final boolean shardedChannels;
  private final boolean shardedKeys;
  private final int database;
  private final Map<String, Integer> partitions = new HashMap<>();

  /**
   * @param shardedKeys whether it is a Cluster, of whatever version
   */
  FeedConnection(
      StatefulRedisPubSubConnection<byte[], byte[]> connection,
      boolean shardedChannels,
      boolean shardedKeys,
      int database) {
    this.connection = connection;
    this.database = database;
    for (int partition = 0; partition < SessionKey.PARTITIONS; partition++) {
      partitions.put(RedisKeys.of(partition).channelName(database), partition);
    }
    this.shardedChannels = shardedChannels;
    this.shardedKeys = shardedKeys;
  }

  /** Tells from now on, also that it is disconnected already. */
  void start(Listener listener) {
    connection.addListener(new Pushes(listener));
    connection.addListener(
        new RedisConnectionStateListener() {
          @Override
          public void onRedisDisconnected(RedisChannelHandler<?, ?> closed) {
            listener.disconnected();
          }
        });
    if (!connection.isOpen()) {
      listener.disconnected();
    }
  }

  CompletionStage<Void> subscribe(int partition) {
    return subscribe(RedisKeys.of(partition).channel(database));
  }

  CompletionStage<Void> subscribe(byte[] channel) {
    // One channel a command: the driver takes any confirmation for that of the oldest command, so
    // a second one of the same command would put every later reply out of step.
    return shardedChannels
        ? connection.async().ssubscribe(channel)
        : connection.async().subscribe(channel);
  }

  CompletionStage<Void> unsubscribe(byte[] channel) {
    return shardedChannels
        ? connection.async().sunsubscribe(channel)
        : connection.async().unsubscribe(channel);
  }

  /**
   * Asks what server this is and where the partitions are, in one batch: for all partitions with
   * one script where one server has them all, with a command for each on a Cluster, where any of
   * them may be another master's by now.
   */
  void ask(List<Integer> partitions, Answers answers) {
    List<AsyncCommand<byte[], byte[], ?>> batch = new ArrayList<>(partitions.size() + 1);
    AsyncCommand<byte[], byte[], String> info =
        new AsyncCommand<>(
            new Command<>(
                CommandType.INFO,
                new StatusOutput<>(CODEC),
                new CommandArgs<>(CODEC).add("replication")));
    // Before they are sent: a reply that is there already would be told on this thread.
    info.whenComplete(answers::server);
    batch.add(info);
    if (shardedKeys) {
      askEach(partitions, answers, batch);
    } else {
      askAll(partitions, answers, batch);
    }
    batch.getLast().whenComplete((_, error) -> answers.last(error));
    connection.dispatch(batch);
  }

  private static void askAll(
      List<Integer> partitions, Answers answers, List<AsyncCommand<byte[], byte[], ?>> batch) {
    CommandArgs<byte[], byte[]> args = new CommandArgs<>(CODEC).add(RedisScript.SEQS.source());
    args.add(partitions.size());
    for (int partition : partitions) {
      args.addKey(RedisKeys.of(partition).partition());
    }
    // Not by its digest: a server that has not seen it yet would need a second question.
    AsyncCommand<byte[], byte[], List<byte[]>> seqs =
        new AsyncCommand<>(new Command<>(CommandType.EVAL, new ValueListOutput<>(CODEC), args));
    seqs.whenComplete((found, error) -> {
      for (int i = 0; i < partitions.size(); i++) {
        answers.seq(partitions.get(i), error == null ? found.get(i) : null, error);
      }
    });
    batch.add(seqs);
  }

  private static void askEach(
      List<Integer> partitions, Answers answers, List<AsyncCommand<byte[], byte[], ?>> batch) {
    for (int partition : partitions) {
      AsyncCommand<byte[], byte[], byte[]> seq =
          new AsyncCommand<>(
              new Command<>(
                  CommandType.HGET,
                  new ByteArrayOutput<>(CODEC),
                  new CommandArgs<>(CODEC)
                      .addKey(RedisKeys.of(partition).partition())
                      .addKey(SEQ)));
      seq.whenComplete((value, error) -> answers.seq(partition, value, error));
      batch.add(seq);
    }
  }

  void close() {
    connection.closeAsync();
  }

  private final class Pushes extends RedisPubSubAdapter<byte[], byte[]> {

    private final Listener listener;

    Pushes(Listener listener) {
      this.listener = listener;
    }

    @Override
    public void message(byte[] channel, byte[] message) {
      if (isChanges(channel)) {
        listener.changed(message);
      } else {
        listener.live(name(channel), message);
      }
    }

    @Override
    public void smessage(byte[] channel, byte[] message) {
      message(channel, message);
    }

    @Override
    public void subscribed(byte[] channel, long count) {
      Integer partition = partitions.get(name(channel));
      if (partition != null) {
        listener.subscribed(partition);
      }
    }

    @Override
    public void ssubscribed(byte[] channel, long count) {
      subscribed(channel, count);
    }

    /** Nobody here ever leaves a partition's channel. */
    @Override
    public void sunsubscribed(byte[] channel, long count) {
      Integer partition = partitions.get(name(channel));
      if (partition != null) {
        listener.movedAway(partition);
      }
    }

    private String name(byte[] channel) {
      return new String(channel, StandardCharsets.ISO_8859_1);
    }
  }

  /** The letter after {@code {NN}:} tells a partition's channel from a session's. */
  private static boolean isChanges(byte[] channel) {
    for (int i = 0; i < channel.length - 2; i++) {
      if (channel[i] == '}') {
        return channel[i + 2] == 'c';
      }
    }
    return false;
  }
}
