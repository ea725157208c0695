package io.heddle.redis;

import io.heddle.base.Backoff;
import io.heddle.base.SessionKey;
import io.heddle.session.Change;
import io.heddle.session.ChangeFeed;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * The changes of every partition, over one {@link RedisFeedLink} to each master. Keeps every
 * partition on the link to the master that has it, makes links anew for ever, and compares each
 * second.
 *
 * <p>What holds what is decided on one thread, which never blocks. Looking for masters and
 * connecting block, and each has a thread of its own while it lasts: one at a time for a master.
 */
final class RedisChangeFeed implements ChangeFeed {

  private static final Logger LOG = LoggerFactory.getLogger(RedisChangeFeed.class);
  private static final long COMPARE_MILLIS = 1000;
  private static final Duration FIRST_PAUSE = Duration.ofMillis(20);

  private final RedisMasters masters;
  private final RedisLink link;
  private final RedisProperties properties;
  private final Runnable demoted;
  private final List<Listener> listeners = new CopyOnWriteArrayList<>();
  private final Scheduler thread = Schedulers.newSingle("heddle-redis-feed", true);
  private final Telling telling = new Telling();
  private final AtomicLongArray comparedAt = new AtomicLongArray(SessionKey.PARTITIONS);
  private final LongAdder relinks = new LongAdder();
  private volatile BiConsumer<String, byte[]> live = (_, _) -> {};
  private volatile boolean closed;

  // All of these only on the thread.
  private final @Nullable RedisFeedLink[] holders = new RedisFeedLink[SessionKey.PARTITIONS];
  private final Map<String, RedisFeedLink> links = new HashMap<>();
  private final Map<String, Attempt> attempts = new HashMap<>();
  private final Map<String, Integer> failures = new HashMap<>();
  private final Set<String> linkedBefore = new HashSet<>();
  private final Map<Integer, Set<String>> liveChannels = new HashMap<>();
  private @Nullable List<@Nullable String> places;
  private boolean looking;
  private boolean waiting;
  private int looks;

  /** One attempt to connect; given up, it closes what it gets late. Only on the thread. */
  private static final class Attempt {}

  /**
   * @param demoted told when what was connected to as a master is none
   */
  RedisChangeFeed(
      RedisMasters masters, RedisLink link, RedisProperties properties, Runnable demoted) {
    this.masters = masters;
    this.link = link;
    this.properties = properties;
    this.demoted = demoted;
    long now = System.nanoTime();
    for (int i = 0; i < SessionKey.PARTITIONS; i++) {
      comparedAt.set(i, now);
    }
  }

  /** Begins to connect and returns at once; how changes are published here is known by now. */
  void start() {
    then(this::step);
    thread.schedulePeriodically(
        () -> List.copyOf(links.values()).forEach(RedisChangeFeed::tick),
        COMPARE_MILLIS,
        COMPARE_MILLIS,
        TimeUnit.MILLISECONDS);
  }

  private static void tick(RedisFeedLink one) {
    try {
      one.tick();
    } catch (RuntimeException e) {
      LOG.error("The link to {} could not be looked after", one.name(), e);
    }
  }

  @Override
  public Disposable listen(Listener listener) {
    listeners.add(listener);
    // All else a late listener learns from the next comparison, and this has none.
    then(() ->
        links.values().forEach(each -> each.ifUnprovable(() -> tellUnprovable(each, listener))));
    return () -> listeners.remove(listener);
  }

  /** Takes the messages of the live channels, from now on. */
  void tellLive(BiConsumer<String, byte[]> live) {
    this.live = live;
  }

  /** Keeps the live channel subscribed, on whatever link has its partition. */
  void carry(int partition, String channel) {
    then(() -> {
      liveChannels.computeIfAbsent(partition, _ -> new HashSet<>()).add(channel);
      RedisFeedLink holder = holders[partition];
      if (holder != null) {
        holder.carry(channel);
      }
    });
  }

  void drop(int partition, String channel) {
    then(() -> {
      Set<String> carried = liveChannels.get(partition);
      RedisFeedLink holder = holders[partition];
      if (carried != null && carried.remove(channel) && holder != null) {
        holder.drop(channel);
      }
    });
  }

  /** How often a connection was made again to a master that had one, since the start. */
  long relinks() {
    return relinks.sum();
  }

  /** How long ago the question was asked that proved the least proven partition. */
  Duration comparedAgo() {
    long now = System.nanoTime();
    long ago = 0;
    for (int i = 0; i < comparedAt.length(); i++) {
      ago = Math.max(ago, now - comparedAt.get(i));
    }
    return Duration.ofNanos(ago);
  }

  void close() {
    closed = true;
    then(() -> {
      links.values().forEach(RedisFeedLink::close);
      links.clear();
      masters.close();
      thread.dispose();
    });
  }

  /** Brings every partition that nobody holds to the link of its master. */
  private void step() {
    List<@Nullable String> known = places;
    if (closed || looking) {
      return;
    }
    if (known == null) {
      look();
      return;
    }
    for (int partition = 0; partition < holders.length; partition++) {
      String master = known.get(partition);
      if (holders[partition] != null) {
        continue;
      }
      if (master == null) {
        lookSoon();
        continue;
      }
      RedisFeedLink there = links.get(master);
      if (there != null) {
        hold(there, partition);
      } else if (!attempts.containsKey(master)) {
        connect(master);
      }
    }
  }

  private void hold(RedisFeedLink there, int partition) {
    holders[partition] = there;
    there.hold(partition);
    liveChannels.getOrDefault(partition, Set.of()).forEach(there::carry);
  }

  private void look() {
    looking = true;
    Thread.ofVirtual()
        .name("heddle-redis-feed-look")
        .start(() -> {
          List<@Nullable String> found = null;
          try {
            found = masters.look();
          } catch (RuntimeException e) {
            LOG.debug("looking for the masters: {}", e.getMessage());
          }
          List<@Nullable String> result = found;
          then(() -> {
            looking = false;
            places = result;
            if (result == null) {
              lookSoon();
            } else {
              step();
            }
          });
        });
  }

  private void lookSoon() {
    if (!waiting) {
      waiting = true;
      after(
          pause(looks++),
          () -> {
            waiting = false;
            places = null;
            step();
          });
    }
  }

  private void connect(String master) {
    Attempt attempt = new Attempt();
    attempts.put(master, attempt);
    long pause = linkedBefore.isEmpty() ? 0 : pause(failures.getOrDefault(master, 0));
    long most = properties.connectTimeout().plus(properties.timeout()).toMillis();
    after(pause + most, () -> failed(master, attempt, "it does not answer"));
    after(
        pause,
        () ->
            Thread.ofVirtual()
                .name("heddle-redis-feed-connect")
                .start(() -> connectNow(master, attempt)));
  }

  private void connectNow(String master, Attempt attempt) {
    try {
      StatefulRedisPubSubConnection<byte[], byte[]> made = masters.connect(master);
      if (closed) {
        made.closeAsync();
      }
      then(() -> linked(master, attempt, made));
    } catch (RuntimeException e) {
      then(() -> failed(master, attempt, String.valueOf(e.getMessage())));
    }
  }

  private void linked(
      String master, Attempt attempt, StatefulRedisPubSubConnection<byte[], byte[]> made) {
    if (closed || !attempts.remove(master, attempt)) {
      made.closeAsync();
      return;
    }
    if (!linkedBefore.add(master)) {
      relinks.increment();
    }
    // Until it has proven something: a master that only accepts must not be asked without a pause.
    failures.merge(master, 1, Integer::sum);
    FeedConnection connection =
        new FeedConnection(
            made, link.publish() == PublishCommand.SPUBLISH, link.hasShards(), link.database());
    RedisFeedLink fresh = new RedisFeedLink(master, connection, properties.timeout(), telling);
    links.put(master, fresh);
    fresh.start();
    step();
  }

  private void failed(String master, Attempt attempt, String why) {
    if (!attempts.remove(master, attempt)) {
      return;
    }
    if (failures.merge(master, 1, Integer::sum) == 1) {
      LOG.debug("No changes from {}, which is tried again: {}", master, why);
    }
    // Perhaps it is not the master any more.
    places = null;
    step();
  }

  /** Replicas must not come back as one. */
  private long pause(int tries) {
    return new Backoff(FIRST_PAUSE, properties.reconnectMax()).pause(tries + 1).toMillis();
  }

  private void then(Runnable work) {
    after(0, work);
  }

  private void after(long millis, Runnable work) {
    try {
      thread.schedule(work, millis, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      LOG.trace("closed", e);
    }
  }

  private void tellUnprovable(RedisFeedLink there, Listener listener) {
    for (int partition = 0; partition < holders.length; partition++) {
      if (holders[partition] == there) {
        listener.lost(partition, Loss.UNPROVABLE);
      }
    }
  }

  /** Tells every listener; what one throws is logged and harms nobody else. */
  private final class Telling implements RedisFeedLink.Owner {

    private void all(Consumer<Listener> what) {
      for (Listener listener : listeners) {
        try {
          what.accept(listener);
        } catch (RuntimeException e) {
          LOG.error("A listener to the changes failed", e);
        }
      }
    }

    @Override
    public void changed(Change.Published change) {
      all(listener -> listener.changed(change));
    }

    @Override
    public void compared(int partition, long seq, long askedAt) {
      comparedAt.set(partition, askedAt);
      all(listener -> listener.compared(partition, seq, askedAt));
    }

    @Override
    public void lost(int partition, Loss loss) {
      all(listener -> listener.lost(partition, loss));
    }

    @Override
    public void live(String channel, byte[] message) {
      live.accept(channel, message);
    }

    @Override
    public void proven(RedisFeedLink there) {
      then(() -> {
        failures.remove(there.name());
        looks = 0;
      });
    }

    @Override
    public void released(RedisFeedLink there, int partition) {
      then(() -> {
        if (holders[partition] == there) {
          holders[partition] = null;
          lookSoon();
        }
      });
    }

    @Override
    public void demoted() {
      demoted.run();
    }

    @Override
    public void ended(RedisFeedLink there) {
      then(() -> {
        links.remove(there.name(), there);
        for (int partition = 0; partition < holders.length; partition++) {
          if (holders[partition] == there) {
            holders[partition] = null;
          }
        }
        places = null;
        step();
      });
    }
  }
}
