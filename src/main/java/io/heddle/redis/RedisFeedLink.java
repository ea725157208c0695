package io.heddle.redis;

import io.heddle.base.SessionKey;
import io.heddle.session.Change;
import io.heddle.session.ChangeFeed.Loss;
import io.lettuce.core.RedisChannelHandler;
import io.lettuce.core.RedisConnectionStateListener;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.output.ByteArrayOutput;
import io.lettuce.core.output.StatusOutput;
import io.lettuce.core.protocol.AsyncCommand;
import io.lettuce.core.protocol.Command;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.lettuce.core.protocol.RedisCommand;
import io.lettuce.core.pubsub.RedisPubSubListener;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection to one master, for one life of it: it carries the changes of the partitions that
 * it holds, the live channels, and the comparisons. It is never mended: whatever goes wrong, its
 * owner is told what is lost, it is closed, and the owner makes another.
 *
 * <p>Redis sends replies and pushes in one order, and the driver decodes both on one thread. What
 * comes from there, and what other threads ask for, goes through {@link SerialWork} in turn, so all
 * that is told stays in Redis's order and no field here needs a lock.
 */
final class RedisFeedLink {

  private static final Logger LOG = LoggerFactory.getLogger(RedisFeedLink.class);
  private static final ByteArrayCodec CODEC = ByteArrayCodec.INSTANCE;

  /** How long a comparison is believed. Before that is over, silence has cost nobody anything. */
  private static final long TRUST_NANOS = Duration.ofSeconds(2).toNanos();

  private static final byte[] SEQ = RedisKeys.ascii("seq");
  private static final Map<String, Integer> CHANNELS = channels();

  /** Who is told. Always in turn, and never after {@link #close}. */
  interface Owner {

    void changed(Change.Published change);

    void compared(int partition, long seq, long askedAt);

    void lost(int partition, Loss loss);

    /** A message of a live channel. */
    void live(String channel, byte[] message);

    /** A whole batch of questions was answered. */
    void proven(RedisFeedLink link);

    /** This master does not have the partition, or not any more; what was lost is told. */
    void released(RedisFeedLink link, int partition);

    /** The connection is over; what was lost is told. */
    void ended(RedisFeedLink link);
  }

  private enum Subscribed {
    NO,
    ASKED,
    YES
  }

  private final StatefulRedisPubSubConnection<byte[], byte[]> connection;
  private final boolean sharded;
  private final long timeoutNanos;
  private final Owner owner;
  private final String name;

  private final SerialWork turns = new SerialWork(this::failedInTurn);

  // All of these only in turn.
  private final Map<String, LiveSubscription> live = new HashMap<>();
  private final Subscribed[] partitions = new Subscribed[SessionKey.PARTITIONS];
  private int unconfirmed;
  private long subscribingSince;
  private boolean asking;
  private long askedAt;
  private long provenAt = System.nanoTime();
  private @Nullable String replication;
  private boolean unprovable;
  private boolean over;

  RedisFeedLink(
      String name,
      StatefulRedisPubSubConnection<byte[], byte[]> connection,
      boolean sharded,
      Duration timeout,
      Owner owner) {
    this.name = name;
    this.connection = connection;
    this.sharded = sharded;
    this.timeoutNanos = timeout.toNanos();
    this.owner = owner;
    Arrays.fill(partitions, Subscribed.NO);
  }

  String name() {
    return name;
  }

  /** Begins; nothing is told before. */
  void start() {
    connection.addListener(new Pushes());
    connection.addListener(
        new RedisConnectionStateListener() {
          @Override
          public void onRedisDisconnected(RedisChannelHandler<?, ?> closed) {
            turns.run(() -> end(Loss.CLOSED, "the connection was closed"));
          }
        });
    if (!connection.isOpen()) {
      turns.run(() -> end(Loss.CLOSED, "the connection was closed"));
    }
  }

  /** Carries the partition from now on, and compares it as soon as its subscription stands. */
  void hold(int partition) {
    turns.run(() -> {
      if (over || partitions[partition] != Subscribed.NO) {
        return;
      }
      partitions[partition] = Subscribed.ASKED;
      unconfirmed++;
      subscribingSince = System.nanoTime();
      subscribe(RedisKeys.of(partition).channel())
          .whenComplete((_, error) -> {
            if (error != null) {
              turns.run(() -> refused(partition, error));
            }
          });
    });
  }

  /** Carries a live channel; one that cannot be had is lost with its partition. */
  void carry(String channel) {
    turns.run(() -> {
      if (!over) {
        settle(live.computeIfAbsent(channel, LiveSubscription::new), true);
      }
    });
  }

  void drop(String channel) {
    turns.run(() -> {
      LiveSubscription subscription = live.get(channel);
      if (!over && subscription != null) {
        settle(subscription, false);
      }
    });
  }

  private void settle(LiveSubscription subscription, boolean wanted) {
    Boolean next = subscription.want(wanted);
    if (next == null) {
      if (subscription.isIdle()) {
        live.remove(subscription.channel());
      }
      return;
    }
    byte[] name = RedisKeys.ascii(subscription.channel());
    CompletionStage<Void> asked = next ? subscribe(name) : unsubscribe(name);
    asked.whenComplete((_, error) ->
        turns.run(() -> {
          if (!over) {
            subscription.answered(error == null);
            settle(subscription, subscription.wanted());
          }
        }));
  }

  /** Asks, or looks whether what was asked is answered. Called about every second. */
  void tick() {
    turns.run(() -> {
      long now = System.nanoTime();
      if (over || unprovable) {
        return;
      }
      boolean waiting = asking || unconfirmed > 0;
      long since = asking ? askedAt : subscribingSince;
      if (waiting && now - since > timeoutNanos && now - provenAt > TRUST_NANOS) {
        end(Loss.SILENT, "nothing answers on it");
      } else if (!asking) {
        ask();
      }
    });
  }

  /** Runs the work in turn, unless nothing can be proven over this link, with that reason. */
  void ifUnprovable(Runnable work) {
    turns.run(() -> {
      if (unprovable && !over) {
        work.run();
      }
    });
  }

  void close() {
    turns.run(() -> {
      over = true;
      connection.closeAsync();
    });
  }

  private CompletionStage<Void> subscribe(byte[] channel) {
    // One channel a command: the driver takes any confirmation for that of the oldest command, so
    // a second one of the same command would put every later reply out of step.
    return sharded ? connection.async().ssubscribe(channel) : connection.async().subscribe(channel);
  }

  private CompletionStage<Void> unsubscribe(byte[] channel) {
    return sharded
        ? connection.async().sunsubscribe(channel)
        : connection.async().unsubscribe(channel);
  }

  private void confirmed(String channel) {
    Integer partition = CHANNELS.get(channel);
    if (over || partition == null || partitions[partition] != Subscribed.ASKED) {
      return;
    }
    partitions[partition] = Subscribed.YES;
    if (unprovable) {
      owner.lost(partition, Loss.UNPROVABLE);
    }
    if (--unconfirmed == 0 && !asking) {
      ask();
    }
  }

  private void ask() {
    if (over || unprovable) {
      return;
    }
    List<RedisCommand<byte[], byte[], ?>> batch = new ArrayList<>(partitions.length + 1);
    long now = System.nanoTime();
    AsyncCommand<byte[], byte[], String> info =
        new AsyncCommand<>(
            new Command<>(
                CommandType.INFO,
                new StatusOutput<>(CODEC),
                new CommandArgs<>(CODEC).add("replication")));
    // Before they are sent: a reply that is there already would be told on this thread.
    info.whenComplete((text, error) -> turns.run(() -> isServer(text, error)));
    batch.add(info);
    AsyncCommand<byte[], byte[], byte[]> last = null;
    for (int i = 0; i < partitions.length; i++) {
      if (partitions[i] == Subscribed.YES) {
        int partition = i;
        last =
            new AsyncCommand<>(
                new Command<>(
                    CommandType.HGET,
                    new ByteArrayOutput<>(CODEC),
                    new CommandArgs<>(CODEC).addKey(RedisKeys.of(i).partition()).addKey(SEQ)));
        last.whenComplete((seq, error) -> turns.run(() -> compared(partition, seq, error, now)));
        batch.add(last);
      }
    }
    if (last == null) {
      return;
    }
    last.whenComplete((_, error) -> turns.run(() -> answered(error, now)));
    asking = true;
    askedAt = now;
    connection.dispatch(batch);
  }

  private void isServer(@Nullable String text, @Nullable Throwable error) {
    if (over || RedisFeedErrors.isLate(error)) {
      return;
    }
    if (error != null || text == null) {
      failed(error);
      return;
    }
    ReplicationInfo server = ReplicationInfo.parse(text);
    if (!server.master()) {
      end(Loss.MOVED, "it is no master any more");
    } else if (replication != null && !replication.equals(server.id())) {
      end(Loss.MOVED, "it has other data now");
    } else {
      replication = server.id();
    }
  }

  private void compared(
      int partition, byte @Nullable [] seq, @Nullable Throwable error, long asked) {
    if (over || RedisFeedErrors.isLate(error) || partitions[partition] != Subscribed.YES) {
      return;
    }
    if (error != null) {
      if (RedisFeedErrors.isElsewhere(error)) {
        release(partition);
      } else {
        failed(error);
      }
      return;
    }
    owner.compared(
        partition,
        seq == null ? 0 : Long.parseLong(new String(seq, StandardCharsets.US_ASCII)),
        asked);
  }

  private void answered(@Nullable Throwable error, long asked) {
    if (!over && !RedisFeedErrors.isLate(error)) {
      asking = false;
      provenAt = asked;
      owner.proven(this);
    }
  }

  private void refused(int partition, Throwable error) {
    if (over || RedisFeedErrors.isLate(error) || partitions[partition] != Subscribed.ASKED) {
      return;
    }
    if (RedisFeedErrors.isElsewhere(error)) {
      release(partition);
    } else {
      end(Loss.CLOSED, "a subscription was refused: " + RedisFeedErrors.message(error));
    }
  }

  private void release(int partition) {
    boolean told = partitions[partition] == Subscribed.YES;
    if (!told) {
      unconfirmed--;
    }
    partitions[partition] = Subscribed.NO;
    if (told) {
      owner.lost(partition, Loss.MOVED);
    }
    owner.released(this, partition);
  }

  /** A question was refused. What Redis never answers here cannot be mended by another link. */
  private void failed(@Nullable Throwable error) {
    if (RedisFeedErrors.isForEver(error)) {
      LOG.warn("Changes of {} cannot be compared: {}", name, RedisFeedErrors.message(error));
      unprovable = true;
      tellAll(Loss.UNPROVABLE);
    } else {
      end(Loss.CLOSED, "a question was refused: " + RedisFeedErrors.message(error));
    }
  }

  private void end(Loss loss, String why) {
    if (over) {
      return;
    }
    over = true;
    LOG.info("The changes of {} are lost for now: {}", name, why);
    tellAll(loss);
    // At once: the driver would connect this one again by itself, with a hole nobody hears of.
    connection.closeAsync();
    owner.ended(this);
  }

  private void tellAll(Loss loss) {
    for (int partition = 0; partition < partitions.length; partition++) {
      if (partitions[partition] == Subscribed.YES) {
        owner.lost(partition, loss);
      }
    }
  }

  private void pushed(byte[] channel, byte[] message) {
    if (over) {
      return;
    }
    if (!isChanges(channel)) {
      owner.live(new String(channel, StandardCharsets.ISO_8859_1), message);
      return;
    }
    try {
      Change.Published change = ChangeMessage.parse(message);
      if (partitions[change.session().partition()] != Subscribed.NO) {
        owner.changed(change);
      }
    } catch (IllegalArgumentException | IndexOutOfBoundsException broken) {
      LOG.warn("a change was published that this replica cannot read: {}", broken.getMessage());
    }
  }

  /** The letter after {@code heddle:{NN}:} tells a partition's channel from a session's. */
  private static boolean isChanges(byte[] channel) {
    for (int i = 0; i < channel.length - 2; i++) {
      if (channel[i] == '}') {
        return channel[i + 2] == 'c';
      }
    }
    return false;
  }

  private static Map<String, Integer> channels() {
    Map<String, Integer> channels = new HashMap<>();
    for (int partition = 0; partition < SessionKey.PARTITIONS; partition++) {
      channels.put(RedisKeys.of(partition).channelName(), partition);
    }
    return channels;
  }

  /** Nobody knows what of a turn that failed was told. */
  private void failedInTurn() {
    end(Loss.CLOSED, "its reader failed");
  }

  private final class Pushes implements RedisPubSubListener<byte[], byte[]> {

    @Override
    public void message(byte[] channel, byte[] message) {
      turns.run(() -> pushed(channel, message));
    }

    @Override
    public void smessage(byte[] channel, byte[] message) {
      turns.run(() -> pushed(channel, message));
    }

    @Override
    public void subscribed(byte[] channel, long count) {
      turns.run(() -> confirmed(new String(channel, StandardCharsets.ISO_8859_1)));
    }

    @Override
    public void ssubscribed(byte[] channel, long count) {
      subscribed(channel, count);
    }

    /** Nobody here ever leaves a partition's channel: its slot has gone to another master. */
    @Override
    public void sunsubscribed(byte[] channel, long count) {
      Integer partition = CHANNELS.get(new String(channel, StandardCharsets.ISO_8859_1));
      if (partition != null) {
        turns.run(() -> {
          if (!over && partitions[partition] != Subscribed.NO) {
            release(partition);
          }
        });
      }
    }

    @Override
    public void unsubscribed(byte[] channel, long count) {}

    @Override
    public void message(byte[] pattern, byte[] channel, byte[] message) {}

    @Override
    public void psubscribed(byte[] pattern, long count) {}

    @Override
    public void punsubscribed(byte[] pattern, long count) {}
  }
}
