package io.heddle.redis;

import io.heddle.base.SerialExecutor;
import io.heddle.base.SessionKey;
import io.heddle.session.Change;
import io.heddle.session.ChangeFeed;
import io.heddle.session.ChangeFeed.Loss;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection to one master, for one life of it: it carries the changes of the partitions that
 * it holds, the live channels, and the comparisons. It is never mended: whatever goes wrong, its
 * owner is told what is lost, it is closed, and the owner makes another.
 *
 * <p>Redis sends replies and pushes in one order, and the driver decodes both on one thread. What
 * comes from there, and what other threads ask for, goes through {@link SerialExecutor} in turn, so
 * all that is told stays in Redis's order and no field here needs a lock.
 */
final class RedisFeedLink implements FeedConnection.Listener {

  private static final Logger LOG = LoggerFactory.getLogger(RedisFeedLink.class);

  private static final long TRUST_NANOS = ChangeFeed.TRUST.toNanos();

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

    /** The server is a replica. */
    void demoted();

    /** The connection is over; what was lost is told. */
    void ended(RedisFeedLink link);
  }

  private enum Subscribed {
    NO,
    ASKED,
    YES
  }

  private final FeedConnection connection;
  private final long timeoutNanos;
  private final Owner owner;
  private final String name;

  private final SerialExecutor turns = new SerialExecutor(this::failedInTurn);

  // All of these only in turn.
  private final LiveSubscriptions liveChannels;
  private final Subscribed[] partitions = new Subscribed[SessionKey.PARTITIONS];
  private int unconfirmed;
  private long subscribingSince;
  private boolean asking;
  private long askedAt;
  private long provenAt = System.nanoTime();
  private @Nullable String replication;
  private boolean unprovable;
  private boolean over;

  RedisFeedLink(String name, FeedConnection connection, Duration timeout, Owner owner) {
    this.name = name;
    this.connection = connection;
    this.liveChannels = new LiveSubscriptions(connection, turns);
    this.timeoutNanos = timeout.toNanos();
    this.owner = owner;
    Arrays.fill(partitions, Subscribed.NO);
  }

  String name() {
    return name;
  }

  /** Begins; nothing is told before. */
  void start() {
    connection.start(turns, this);
  }

  /** Carries the partition from now on, and compares it as soon as its subscription stands. */
  void hold(int partition) {
    turns.execute(() -> {
      if (over || partitions[partition] != Subscribed.NO) {
        return;
      }
      partitions[partition] = Subscribed.ASKED;
      unconfirmed++;
      subscribingSince = System.nanoTime();
      connection
          .subscribe(partition)
          .whenComplete((_, error) -> {
            if (error != null) {
              turns.execute(() -> refused(partition, error));
            }
          });
    });
  }

  /** Carries a live channel; one that cannot be had is lost with its partition. */
  void carry(String channel) {
    turns.execute(() -> {
      if (!over) {
        liveChannels.carry(channel);
      }
    });
  }

  void drop(String channel) {
    turns.execute(() -> {
      if (!over) {
        liveChannels.drop(channel);
      }
    });
  }

  /** Asks, or looks whether what was asked is answered. Called about every second. */
  void tick() {
    turns.execute(() -> {
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
    turns.execute(() -> {
      if (unprovable && !over) {
        work.run();
      }
    });
  }

  void close() {
    turns.execute(() -> {
      over = true;
      liveChannels.end();
      connection.close();
    });
  }

  @Override
  public void subscribed(int partition) {
    if (over || partitions[partition] != Subscribed.ASKED) {
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

  /** Its slot has gone to another master. */
  @Override
  public void movedAway(int partition) {
    if (!over && partitions[partition] != Subscribed.NO) {
      release(partition);
    }
  }

  private void ask() {
    if (over || unprovable) {
      return;
    }
    long now = System.nanoTime();
    List<Integer> standing = new ArrayList<>(partitions.length);
    for (int partition = 0; partition < partitions.length; partition++) {
      if (partitions[partition] == Subscribed.YES) {
        standing.add(partition);
      }
    }
    if (standing.isEmpty()) {
      return;
    }
    asking = true;
    askedAt = now;
    connection.ask(turns, standing, now, this);
  }

  @Override
  public void server(@Nullable String text, @Nullable Throwable error) {
    if (over || RedisErrors.isLate(error)) {
      return;
    }
    if (error != null || text == null) {
      failed(error);
      return;
    }
    ReplicationInfo server = ReplicationInfo.parse(text);
    if (!server.master()) {
      owner.demoted();
      end(Loss.MOVED, "it is no master any more");
    } else if (replication != null && !replication.equals(server.id())) {
      end(Loss.MOVED, "it has other data now");
    } else {
      replication = server.id();
    }
  }

  @Override
  public void compared(
      int partition, byte @Nullable [] seq, @Nullable Throwable error, long asked) {
    if (over || RedisErrors.isLate(error) || partitions[partition] != Subscribed.YES) {
      return;
    }
    if (error != null) {
      if (RedisErrors.isElsewhere(error)) {
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

  @Override
  public void answered(@Nullable Throwable error, long asked) {
    if (!over && !RedisErrors.isLate(error)) {
      asking = false;
      provenAt = asked;
      owner.proven(this);
    }
  }

  private void refused(int partition, Throwable error) {
    if (over || RedisErrors.isLate(error) || partitions[partition] != Subscribed.ASKED) {
      return;
    }
    if (RedisErrors.isElsewhere(error)) {
      release(partition);
    } else {
      end(Loss.CLOSED, "a subscription was refused: " + RedisErrors.message(error));
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
    if (unprovable) {
      // One question of a batch was refused like this; the others are no news.
      return;
    }
    if (RedisErrors.isUnaskable(error)) {
      LOG.warn("Changes of {} cannot be compared: {}", name, RedisErrors.message(error));
      unprovable = true;
      reportLost(Loss.UNPROVABLE);
    } else {
      end(Loss.CLOSED, "a question was refused: " + RedisErrors.message(error));
    }
  }

  private void end(Loss loss, String why) {
    if (over) {
      return;
    }
    over = true;
    liveChannels.end();
    LOG.debug("The changes of {} are lost for now: {}", name, why);
    reportLost(loss);
    // At once: the driver would connect this one again by itself, with a hole nobody hears of.
    connection.close();
    owner.ended(this);
  }

  private void reportLost(Loss loss) {
    for (int partition = 0; partition < partitions.length; partition++) {
      if (partitions[partition] == Subscribed.YES) {
        owner.lost(partition, loss);
      }
    }
  }

  @Override
  public void live(String channel, byte[] message) {
    if (!over) {
      owner.live(channel, message);
    }
  }

  @Override
  public void disconnected() {
    end(Loss.CLOSED, "the connection was closed");
  }

  @Override
  public void changed(byte[] message) {
    if (over) {
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

  /** Nobody knows what of a turn that failed was told. */
  private void failedInTurn() {
    end(Loss.CLOSED, "its reader failed");
  }
}
