package io.heddle.redis;

import io.heddle.base.SessionKey;
import io.lettuce.core.RedisChannelHandler;
import io.lettuce.core.RedisConnectionStateListener;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.output.ByteArrayOutput;
import io.lettuce.core.output.CommandOutput;
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
import java.util.concurrent.Executor;
import java.util.function.BiConsumer;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A {@link RedisFeedLink}'s connection as the driver has it: subscriptions, what is pushed, and the
 * questions of a comparison. What comes on the driver's thread, and an answer that is there already
 * on the caller's, is handed to the listener in turn.
 */
final class FeedConnection {

  private static final ByteArrayCodec CODEC = ByteArrayCodec.INSTANCE;
  private static final byte[] SEQ = RedisKeys.ascii("seq");

  /** What Redis says, in its order. */
  interface Listener {

    /** A change of some partition. */
    void changed(byte[] message);

    /** A message of a live channel. */
    void live(String channel, byte[] message);

    void subscribed(int partition);

    /** Redis ended the partition's sharded subscription: its slot has gone to another master. */
    void movedAway(int partition);

    void disconnected();

    /** The answer to {@code INFO replication}, the first one of a batch of questions. */
    void server(@Nullable String info, @Nullable Throwable error);

    /** A partition's counter, or null when it has none yet. */
    void compared(int partition, byte @Nullable [] seq, @Nullable Throwable error, long askedAt);

    /** After the last answer of a batch. */
    void answered(@Nullable Throwable error, long askedAt);
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
  void start(Executor turns, Listener listener) {
    connection.addListener(new Pushes(turns, listener));
    connection.addListener(
        new RedisConnectionStateListener() {
          @Override
          public void onRedisDisconnected(RedisChannelHandler<?, ?> closed) {
            turns.execute(listener::disconnected);
          }
        });
    if (!connection.isOpen()) {
      turns.execute(listener::disconnected);
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
  void ask(Executor turns, List<Integer> partitions, long askedAt, Listener listener) {
    List<AsyncCommand<byte[], byte[], ?>> batch = new ArrayList<>(partitions.size() + 1);
    CommandArgs<byte[], byte[]> info = args().add("replication");
    add(batch, turns, CommandType.INFO, new StatusOutput<>(CODEC), info, listener::server);
    if (shardedKeys) {
      for (int partition : partitions) {
        add(
            batch,
            turns,
            CommandType.HGET,
            new ByteArrayOutput<>(CODEC),
            args().addKey(RedisKeys.of(partition).partition()).addKey(SEQ),
            (seq, error) -> listener.compared(partition, seq, error, askedAt));
      }
    } else {
      // Not by its digest: a server that has not seen it yet would need a second question.
      CommandArgs<byte[], byte[]> all = args().add(RedisScript.SEQS.source());
      all.add(partitions.size());
      partitions.forEach(partition -> all.addKey(RedisKeys.of(partition).partition()));
      add(
          batch,
          turns,
          CommandType.EVAL,
          new ValueListOutput<>(CODEC),
          all,
          (seqs, error) -> {
            for (int i = 0; i < partitions.size(); i++) {
              byte[] seq = seqs == null ? null : seqs.get(i);
              listener.compared(partitions.get(i), seq, error, askedAt);
            }
          });
    }
    batch
        .getLast()
        .whenComplete((_, error) -> turns.execute(() -> listener.answered(error, askedAt)));
    connection.dispatch(batch);
  }

  private static CommandArgs<byte[], byte[]> args() {
    return new CommandArgs<>(CODEC);
  }

  /** Tells the answer in turn; to be called before the batch is sent, so that none is missed. */
  private static <T> void add(
      List<AsyncCommand<byte[], byte[], ?>> batch,
      Executor turns,
      CommandType type,
      CommandOutput<byte[], byte[], T> output,
      CommandArgs<byte[], byte[]> args,
      BiConsumer<@Nullable T, @Nullable Throwable> told) {
    AsyncCommand<byte[], byte[], T> command = new AsyncCommand<>(new Command<>(type, output, args));
    command.whenComplete((answer, error) -> turns.execute(() -> told.accept(answer, error)));
    batch.add(command);
  }

  void close() {
    connection.closeAsync();
  }

  private final class Pushes extends RedisPubSubAdapter<byte[], byte[]> {

    private final Executor turns;
    private final Listener listener;

    Pushes(Executor turns, Listener listener) {
      this.turns = turns;
      this.listener = listener;
    }

    @Override
    public void message(byte[] channel, byte[] message) {
      turns.execute(
          isChanges(channel)
              ? () -> listener.changed(message)
              : () -> listener.live(name(channel), message));
    }

    @Override
    public void smessage(byte[] channel, byte[] message) {
      message(channel, message);
    }

    @Override
    public void subscribed(byte[] channel, long count) {
      withPartition(channel, listener::subscribed);
    }

    @Override
    public void ssubscribed(byte[] channel, long count) {
      subscribed(channel, count);
    }

    /** Nobody here ever leaves a partition's channel. */
    @Override
    public void sunsubscribed(byte[] channel, long count) {
      withPartition(channel, listener::movedAway);
    }

    private void withPartition(byte[] channel, IntConsumer told) {
      Integer partition = partitions.get(name(channel));
      if (partition != null) {
        turns.execute(() -> told.accept(partition));
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
