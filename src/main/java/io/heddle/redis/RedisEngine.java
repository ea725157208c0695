package io.heddle.redis;

import io.heddle.answercache.AnswerStore;
import io.heddle.base.IdSource;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.engine.Engine;
import io.heddle.limit.RateLimiter;
import io.heddle.limit.UsageStore;
import io.heddle.session.ChangeFeed;
import io.heddle.session.ChangeLog;
import io.heddle.session.IdempotencyRecords;
import io.heddle.session.LiveChannel;
import io.heddle.session.SessionIndex;
import io.heddle.session.SessionLocks;
import io.heddle.session.SessionReader;
import io.heddle.session.SessionWriter;
import io.heddle.session.StoreLimits;
import io.heddle.session.TurnLog;
import io.lettuce.core.AbstractRedisClient;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.redisson.api.RedissonClient;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The Redis engine of one replica. It connects on a thread of its own and goes on trying, so a
 * server whose Redis is away starts, answers {@code store-unavailable}, and works when Redis comes.
 */
public final class RedisEngine implements Engine {

  private static final Logger LOG = LoggerFactory.getLogger(RedisEngine.class);
  private static final int COUNTED_AT_ONCE = 16;
  private static final Duration FIRST_PAUSE = Duration.ofMillis(100);

  private final RedisProperties properties;
  private final RedisRenewal renewal;
  private final RedisLink link;
  private final RedisPages pages;
  private final RedisWriter writer;
  private final RedisReader reader;
  private final RedisIndex index;
  private final RedisIdempotencyRecords records;
  private final RedisLocks locks;
  private final RedisChangeFeed feed;
  private final RedisChangeLog changeLog;
  private final RedisLiveChannel liveChannel;
  private final RedisTurnLog turnLog;
  private final RedisSweeper sweeper;
  private final RedisRateLimiter limiter;
  private final RedisAnswers answers;
  private final RedisUsage usage;
  private final RedisLink counters;
  private final ReconnectFaults reconnects;
  private final LockClient lockClient;
  private final CountDownLatch closing = new CountDownLatch(1);
  private volatile boolean ready;

  /** What Redis said of itself when it was asked first. */
  private volatile @Nullable String server;

  /** Why the last attempt to connect failed, while there is none that did not. */
  private volatile @Nullable String fault;

  /**
   * @param client configured with {@link RedisClients#options}; the caller shuts it down after this
   *     engine is closed
   * @param redisson makes the client for locks; blocks and may fail, and is then called again
   */
  public RedisEngine(
      AbstractRedisClient client,
      int database,
      Supplier<RedissonClient> redisson,
      RedisProperties properties,
      StoreLimits limits,
      IdSource ids) {
    // The first use reads files; while Redis is slow to connect it would be on an event loop.
    RedisScript.readAll();
    this.properties = properties;
    this.lockClient = new LockClient(redisson, properties.timeout());
    this.renewal = new RedisRenewal(properties);
    this.link = new RedisLink(client, properties.timeout(), database, renewal, null);
    this.pages =
        new RedisPages(
            client,
            properties.timeout(),
            properties.pageConnections(),
            properties.requestQueue(),
            renewal);
    this.index = new RedisIndex(link);
    this.writer = new RedisWriter(link, index, ids, limits);
    this.reader = new RedisReader(pages, limits.pageBytes());
    this.records = new RedisIdempotencyRecords(link);
    // A connection of its own: what is asked before a request is admitted must not wait behind the
    // large answers and writes of those that were.
    this.counters = new RedisLink(client, properties.timeout(), 0, renewal, link.memory());
    this.reconnects = new ReconnectFaults(client);
    this.limiter = new RedisRateLimiter(counters);
    this.usage = new RedisUsage(counters);
    this.answers = new RedisAnswers(link, pages);
    this.changeLog = new RedisChangeLog(pages);
    this.feed = new RedisChangeFeed(RedisMasters.of(client), link, properties, renewal::isReplica);
    this.liveChannel = new RedisLiveChannel(link, feed);
    this.turnLog = new RedisTurnLog(link, counters, pages, properties.sweepBatch());
    this.locks = new RedisLocks(link, lockClient, ids, liveChannel, properties.timeout());
    this.sweeper = new RedisSweeper(link, writer, properties);
  }

  /**
   * Begins to connect and returns at once.
   *
   * @param fatal told when this replica and the data in Redis do not fit together: it must not
   *     serve
   */
  public void start(Consumer<RuntimeException> fatal) {
    Thread.ofPlatform().name("heddle-redis-connect").daemon(true).start(() -> connect(fatal));
  }

  private void connect(Consumer<RuntimeException> fatal) {
    if (!insist("Redis", this::open, fatal)) {
      return;
    }
    if (closing.getCount() == 0) {
      return;
    }
    ready = true;
    feed.start();
    sweeper.start();
    insist("Redis for locks", lockClient::open, fatal);
  }

  private void open() {
    // Connections are given to the driver's loops in turn, and a small machine has two of those. A
    // request that writes goes from the counters to the link and is told by the feed: in this order
    // the three are on one loop there, and it need not wake another thread each time.
    link.open();
    pages.open(1);
    counters.open();
    pages.open(Integer.MAX_VALUE);
    RedisSchema.agree(link, link.publish()).toFuture().join();
  }

  /** Tries until it works; false when it never will. */
  private boolean insist(String what, Runnable attempt, Consumer<RuntimeException> fatal) {
    Duration pause = FIRST_PAUSE;
    String told = null;
    while (true) {
      try {
        attempt.run();
        fault = null;
        LOG.info("{}: connected", what);
        return true;
      } catch (RuntimeException e) {
        if (e.getCause() instanceof RedisSchema.Disagrees disagrees) {
          fatal.accept(disagrees);
          return false;
        }
        if (closing.getCount() == 0) {
          return false;
        }
        String reason = RedisErrors.reasonOf(e);
        fault = reason;
        if (!reason.equals(told)) {
          LOG.warn("{} is tried again: {}", what, reason);
          told = reason;
        }
      }
      try {
        if (closing.await(pause.toMillis(), TimeUnit.MILLISECONDS)) {
          return false;
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
      Duration longer = pause.multipliedBy(2);
      pause = longer.compareTo(properties.reconnectMax()) < 0 ? longer : properties.reconnectMax();
    }
  }

  RedisLink link() {
    return link;
  }

  @Override
  public SessionWriter writer() {
    return writer;
  }

  @Override
  public SessionReader reader() {
    return reader;
  }

  @Override
  public SessionIndex index() {
    return index;
  }

  @Override
  public IdempotencyRecords records() {
    return records;
  }

  @Override
  public SessionLocks locks() {
    return locks;
  }

  @Override
  public ChangeFeed feed() {
    return feed;
  }

  @Override
  public ChangeLog changeLog() {
    return changeLog;
  }

  @Override
  public LiveChannel liveChannel() {
    return liveChannel;
  }

  @Override
  public TurnLog turnLog() {
    return turnLog;
  }

  /** How often a connection of the feed had to be made again, since the start. */
  public long feedRelinks() {
    return feed.relinks();
  }

  /** How long ago the question was asked that proved the least proven partition. */
  public Duration feedComparedAgo() {
    return feed.comparedAgo();
  }

  @Override
  public RateLimiter limiter() {
    return limiter;
  }

  @Override
  public UsageStore usage() {
    return usage;
  }

  @Override
  public AnswerStore answers() {
    return answers;
  }

  @Override
  public long lostLocks() {
    return locks.lostLocks();
  }

  @Override
  public String name() {
    return "redis";
  }

  @Override
  public boolean isReady() {
    return ready && lockClient.isOpen();
  }

  @Override
  public Mono<Look> look() {
    // Of a Cluster another server than the one that is asked may be the full one.
    return status().map(status -> status.look(isFull()));
  }

  private Mono<RedisStatus> status() {
    String reason = fault;
    if (reason != null) {
      return Mono.error(away(reason));
    }
    // Asked once a second. The version is another only after a new connection, and is for people.
    String asked = server;
    Mono<String> known =
        asked == null
            ? link.command(commands -> commands.info("server")).doOnNext(told -> server = told)
            : Mono.just(asked);
    return link.takesWrites()
        .then(link.command(commands -> commands.info("memory")))
        .zipWith(known)
        .map(answers -> RedisStatus.of(answers.getT2(), answers.getT1()))
        .onErrorMap(this::explained)
        .doOnNext(status -> {
          reconnects.answered();
          if (status.isFull()) {
            link.memory().isFullAt(RedisKeys.SCHEMA);
          }
        });
  }

  private Throwable explained(Throwable error) {
    String reason = link.isOpen() ? null : reconnects.reason();
    return reason == null ? error : away(reason);
  }

  private static ProblemException away(String reason) {
    return Problem.of(ProblemCode.STORE_UNAVAILABLE, reason).with("retryAfter", 1).toException();
  }

  /** How many due times, of sessions and of turns, could not be seen to, since the start. */
  public long dueFailures() {
    return sweeper.failures() + turnLog.failures();
  }

  /** Whether Redis refuses what adds, for want of memory. Asks nobody. */
  public boolean isFull() {
    return link.memory().isFull();
  }

  /** How many writes Redis had no memory for, since the start. */
  public long refusedForMemory() {
    return link.memory().refusals();
  }

  /** The members of every partition's due times, counted one by one. */
  @Override
  public Mono<Long> sessions() {
    return Flux.range(0, SessionKey.PARTITIONS)
        .flatMap(
            partition -> link.command(commands -> commands.zcard(RedisKeys.of(partition).due())),
            COUNTED_AT_ONCE)
        .reduce(0L, Long::sum);
  }

  @Override
  public void close() {
    closing.countDown();
    reconnects.close();
    renewal.close();
    sweeper.stop();
    feed.close();
    pages.close();
    link.close();
    counters.close();
    lockClient.close();
  }
}
