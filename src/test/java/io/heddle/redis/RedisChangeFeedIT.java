package io.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.session.Change;
import io.heddle.session.ChangeFeed;
import io.heddle.session.ChangeFeed.Loss;
import io.heddle.session.LiveMessage;
import io.heddle.session.NewMessage;
import io.heddle.session.Outcome;
import io.heddle.session.SessionAttributes;
import io.heddle.session.StoreLimits;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import io.heddle.testing.RedisCluster;
import io.heddle.testing.RedisProcess;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.KillArgs;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.cluster.ClusterClientOptions;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.SlotHash;
import io.lettuce.core.protocol.ProtocolVersion;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The feed's connections when they are cut, when Redis is silent, and when it moves. */
class RedisChangeFeedIT {

  private static final RedisProperties USUAL = properties(Duration.ofSeconds(1));

  /** Where silence is not the matter: machines that build are slow. */
  private static final RedisProperties PATIENT = properties(Duration.ofSeconds(10));

  private static final Duration PATIENCE = Duration.ofSeconds(30);
  // Long enough for changes that end in the middle of what is read from the connection at once.
  private static final NewMessage MESSAGE =
      new NewMessage(
          null, Json.of("{\"role\":\"user\",\"content\":\"" + "x".repeat(1_500) + "\"}"));

  private RedisProcess redis;
  private RedisClient client;
  private RedisCommands<String, String> commands;

  @BeforeEach
  void start() {
    redis = RedisProcess.start();
    client = RedisClient.create(redis.uri());
    commands = client.connect().sync();
  }

  @AfterEach
  void stop() {
    client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
    redis.close();
  }

  private EngineFixture open(RedisProperties properties) {
    return EngineFixture.standalone(
        redis.uri(), StoreLimits.DEFAULT, properties, ClientOptions.builder());
  }

  private static RedisProperties properties(Duration timeout) {
    return new RedisProperties(
        timeout,
        Duration.ofSeconds(2),
        10_000,
        2,
        Duration.ofSeconds(1),
        Duration.ofSeconds(1),
        100,
        4);
  }

  @Test
  void aCutIsToldAtOnceAndHealed() {
    try (EngineFixture fixture = open(PATIENT)) {
      Recorder seen = Recorder.of(fixture);
      long before = fixture.engine().feedRelinks();
      for (int round = 1; round <= 3; round++) {
        long cut = System.nanoTime();
        commands.clientKill(KillArgs.Builder.typePubsub());
        int wanted = round * SessionKey.PARTITIONS;
        assertThat(elapsed(cut, () -> seen.losses.size() >= wanted))
            .isLessThan(Duration.ofSeconds(1));
        assertThat(seen.losses).hasSize(wanted).containsOnly(Loss.CLOSED);
        assertThat(elapsed(cut, () -> seen.allComparedAfter(cut)))
            .isLessThan(Duration.ofSeconds(2));
        assertOneConnection();
      }
      assertThat(fixture.engine().feedRelinks()).isEqualTo(before + 3);
      assertThat(fixture.engine().feedComparedAgo()).isLessThan(Duration.ofSeconds(2));
      SessionKey key = create(fixture, "cut");
      until(() -> seen.last[key.partition()] == 1);
      assertThat(seen.wrong).isEmpty();
    }
  }

  /**
   * An error out of a listener ended the work that all others waited for: no change, no comparison
   * and no new link came any more, until the process was restarted.
   */
  @Test
  void anErrorOfAListenerIsALossAndHealed() {
    try (EngineFixture fixture = open(PATIENT)) {
      Recorder seen = Recorder.of(fixture);
      AtomicBoolean thrown = new AtomicBoolean();
      fixture
          .engine()
          .feed()
          .listen(
              new ChangeFeed.Listener() {
                @Override
                public void changed(Change.Published change) {
                  if (thrown.compareAndSet(false, true)) {
                    throw new StackOverflowError("of the test");
                  }
                }

                @Override
                public void compared(int partition, long seq, long asked) {}

                @Override
                public void lost(int partition, Loss loss) {}
              });
      create(fixture, "error-1");
      until(() -> seen.losses.size() == SessionKey.PARTITIONS);
      long lost = System.nanoTime();
      assertThat(elapsed(lost, () -> seen.allComparedAfter(lost)))
          .isLessThan(Duration.ofSeconds(2));
      SessionKey key = create(fixture, "error-2");
      until(() -> seen.last[key.partition()] == 1);
      assertThat(seen.wrong).isEmpty();
    }
  }

  /** The link was fine all the time, and what it told is worth nothing any more. */
  @Test
  void aRedisThatForgotEverythingIsSeenByTheNextComparison() {
    try (EngineFixture fixture = open(PATIENT)) {
      Recorder seen = Recorder.of(fixture);
      SessionKey key = create(fixture, "flushed");
      until(() -> seen.last[key.partition()] == 1);
      long flushed = System.nanoTime();
      commands.flushall();
      assertThat(elapsed(flushed, () -> seen.allComparedAfter(flushed)))
          .isLessThan(Duration.ofSeconds(2));
      assertThat(seen.losses).isEmpty();
      assertThat(seen.wrong).hasSize(1);
      assertThat(seen.last[key.partition()]).isZero();
    }
  }

  @Test
  void aSilentRedisIsToldOnceTrustHasRunOutAndHealed() {
    try (EngineFixture fixture = open(USUAL)) {
      Recorder seen = Recorder.of(fixture);
      redis.pause();
      long paused = System.nanoTime();
      try {
        assertThat(elapsed(paused, () -> seen.losses.size() >= SessionKey.PARTITIONS))
            .isBetween(Duration.ofSeconds(1), Duration.ofMillis(3_500));
        assertThat(seen.losses).containsOnly(Loss.SILENT);
        // Long enough for attempts to connect that nobody answers.
        elapsed(paused, () -> System.nanoTime() - paused > Duration.ofSeconds(8).toNanos());
      } finally {
        redis.resume();
      }
      long resumed = System.nanoTime();
      assertThat(elapsed(resumed, () -> seen.allComparedAfter(resumed)))
          .isLessThan(Duration.ofSeconds(3));
      assertThat(seen.losses).as("told once").hasSize(SessionKey.PARTITIONS);
      assertThat(seen.wrong).isEmpty();
      // Those that were given up must not have come back on their own.
      until(() -> subscribers() == 1);
    }
  }

  @Test
  void aPauseThatIsShorterThanTrustCostsNothing() {
    try (EngineFixture fixture = open(USUAL)) {
      Recorder seen = Recorder.of(fixture);
      redis.pause();
      long paused = System.nanoTime();
      elapsed(paused, () -> System.nanoTime() - paused > Duration.ofMillis(700).toNanos());
      redis.resume();
      long resumed = System.nanoTime();
      elapsed(resumed, () -> seen.allComparedAfter(resumed));
      assertThat(seen.losses).isEmpty();
      assertThat(seen.wrong).isEmpty();
    }
  }

  @Test
  void aRestartIsToldAndHealedHoweverLongItTook() {
    try (EngineFixture fixture = open(PATIENT)) {
      Recorder seen = Recorder.of(fixture);
      long killed = System.nanoTime();
      redis.kill();
      assertThat(elapsed(killed, () -> seen.losses.size() >= SessionKey.PARTITIONS))
          .isLessThan(Duration.ofSeconds(1));
      elapsed(killed, () -> System.nanoTime() - killed > Duration.ofSeconds(3).toNanos());
      redis.restart();
      long restarted = System.nanoTime();
      assertThat(elapsed(restarted, () -> seen.allComparedAfter(restarted)))
          .isLessThan(Duration.ofSeconds(3));
      assertThat(seen.losses).hasSize(SessionKey.PARTITIONS).containsOnly(Loss.CLOSED);
    }
  }

  @Test
  void aServerThatIsNoMasterAnyMoreIsLeft() {
    try (EngineFixture fixture = open(PATIENT)) {
      Recorder seen = Recorder.of(fixture);
      long deposed = System.nanoTime();
      commands.replicaof("127.0.0.1", 1);
      assertThat(elapsed(deposed, () -> seen.losses.size() >= SessionKey.PARTITIONS))
          .isLessThan(Duration.ofSeconds(2));
      assertThat(seen.losses).contains(Loss.MOVED);
      commands.replicaofNoOne();
      long again = System.nanoTime();
      assertThat(elapsed(again, () -> seen.allComparedAfter(again)))
          .isLessThan(Duration.ofSeconds(4));
    }
  }

  @Test
  void nothingFalseIsToldUnderSteadyLoad() {
    try (EngineFixture fixture = open(PATIENT)) {
      Recorder seen = Recorder.of(fixture);
      List<SessionKey> keys =
          IntStream.range(0, 200).mapToObj(i -> create(fixture, "steady" + i)).toList();
      long start = System.nanoTime();
      int[] before = seen.comparisons.clone();
      Long written =
          Flux.range(0, Integer.MAX_VALUE)
              .takeWhile(_ -> System.nanoTime() - start < Duration.ofSeconds(10).toNanos())
              .flatMap(i -> append(fixture, keys.get(i % keys.size())), 32)
              .count()
              .block(PATIENCE);
      assertThat(written).isGreaterThan(1_000);
      long end = System.nanoTime();
      until(() -> seen.allComparedAfter(end));
      assertThat(seen.losses).isEmpty();
      assertThat(seen.wrong).isEmpty();
      for (int partition = 0; partition < SessionKey.PARTITIONS; partition++) {
        assertThat(seen.comparisons[partition] - before[partition]).isGreaterThan(7);
      }
      assertThat(fixture.engine().feedRelinks()).isZero();
    }
  }

  @Test
  void liveChannelsComeBackAfterACut() {
    try (EngineFixture fixture = open(PATIENT)) {
      Recorder seen = Recorder.of(fixture);
      SessionKey key = new SessionKey(Tenant.DEFAULT, "live");
      List<LiveMessage> heard = new CopyOnWriteArrayList<>();
      var live = fixture.engine().liveChannel();
      live.listen(key, heard::add);
      live.listen(key, heard::add);
      until(() -> {
        live.publish(key, new LiveMessage.Typing("before")).block(PATIENCE);
        return heard.contains(new LiveMessage.Typing("before"));
      });
      assertThat(commands.pubsubNumsub(RedisKeys.of(key).liveChannel(0)).values())
          .as("once a session and replica")
          .containsExactly(1L);
      long cut = System.nanoTime();
      commands.clientKill(KillArgs.Builder.typePubsub());
      until(() -> seen.allComparedAfter(cut));
      until(() -> {
        live.publish(key, new LiveMessage.Typing("after")).block(PATIENCE);
        return heard.contains(new LiveMessage.Typing("after"));
      });
    }
  }

  /** Without RESP3 a connection that is subscribed takes no questions. */
  @Test
  void withoutResp3ChangesComeAndNothingIsProven() {
    try (EngineFixture fixture =
        EngineFixture.standalone(
            redis.uri(),
            StoreLimits.DEFAULT,
            PATIENT,
            ClientOptions.builder().protocolVersion(ProtocolVersion.RESP2))) {
      Recorder seen = new Recorder();
      fixture.engine().feed().listen(seen);
      until(() -> seen.losses.size() >= SessionKey.PARTITIONS);
      assertThat(seen.losses).containsOnly(Loss.UNPROVABLE);
      SessionKey key = create(fixture, "resp2");
      until(() -> seen.last[key.partition()] == 1);
      Recorder late = new Recorder();
      fixture.engine().feed().listen(late);
      until(() -> late.losses.size() >= SessionKey.PARTITIONS);
      assertThat(late.losses).containsOnly(Loss.UNPROVABLE);
      commands.clientKill(KillArgs.Builder.typePubsub());
      until(() -> seen.losses.contains(Loss.CLOSED));
      until(() -> {
        append(fixture, key).block(PATIENCE);
        return seen.last[key.partition()] > 1;
      });
      assertThat(Arrays.stream(seen.comparisons).sum()).isZero();
    }
  }

  /** A listener may come before Redis does. */
  @Test
  void aListenerFromBeforeTheFirstConnectionIsTold() {
    redis.kill();
    RedisClient late = RedisClient.create(redis.uri());
    late.setOptions(RedisClients.options(ClientOptions.builder(), USUAL).build());
    RedisLink link = new RedisLink(late, USUAL.timeout());
    RedisChangeFeed feed = new RedisChangeFeed(RedisMasters.of(late), link, USUAL, () -> {});
    try {
      Recorder seen = new Recorder();
      feed.listen(seen);
      feed.start();
      long started = System.nanoTime();
      elapsed(started, () -> System.nanoTime() - started > Duration.ofSeconds(2).toNanos());
      assertThat(Arrays.stream(seen.comparisons).sum()).isZero();
      assertThat(feed.comparedAgo()).isGreaterThan(Duration.ofSeconds(1));
      redis.restart();
      long up = System.nanoTime();
      assertThat(elapsed(up, () -> seen.allComparedAfter(up))).isLessThan(Duration.ofSeconds(3));
    } finally {
      feed.close();
      late.shutdown(Duration.ZERO, Duration.ofSeconds(2));
    }
  }

  @Test
  void aSlotThatMovesTakesItsPartitionAlongAndNoOther() {
    try (RedisCluster cluster = RedisCluster.start();
        EngineFixture fixture = EngineFixture.cluster(cluster.uris(), StoreLimits.DEFAULT)) {
      Recorder seen = Recorder.of(fixture);
      int partition = 0;
      int slot = SlotHash.getSlot(Partitions.tag(partition));
      RedisCommands<String, String> from = connect(cluster.uris().getFirst());
      RedisCommands<String, String> to = connect(cluster.uris().getLast());
      String id = to.clusterMyId();
      List<String> keys = from.clusterGetKeysInSlot(slot, 100);
      assertThat(keys).as("nothing to move but the slot").isEmpty();
      long moved = System.nanoTime();
      to.clusterSetSlotNode(slot, id);
      from.clusterSetSlotNode(slot, id);
      until(() -> !seen.losses.isEmpty());
      assertThat(elapsed(moved, () -> seen.allComparedAfter(moved)))
          .isLessThan(Duration.ofSeconds(5));
      assertThat(seen.losses).containsOnly(Loss.MOVED).hasSize(1);
      assertThat(seen.lost).containsExactly(partition);
      assertThat(fixture.engine().feedRelinks()).isZero();
      create(fixture, inPartition(partition).id());
      until(() -> seen.last[partition] == 1);
      assertThat(seen.wrong).isEmpty();
    }
  }

  @Test
  void aMasterOfAClusterThatDiesLosesItsOwnPartitionsOnly() {
    try (RedisCluster cluster = RedisCluster.start("--cluster-require-full-coverage", "no");
        EngineFixture fixture = EngineFixture.cluster(cluster.uris(), StoreLimits.DEFAULT)) {
      Recorder seen = Recorder.of(fixture);
      long cut = System.nanoTime();
      connect(cluster.uris().get(1)).clientKill(KillArgs.Builder.typePubsub());
      until(() -> !seen.losses.isEmpty());
      assertThat(elapsed(cut, () -> seen.allComparedAfter(cut))).isLessThan(Duration.ofSeconds(3));
      assertThat(seen.losses).containsOnly(Loss.CLOSED).hasSizeBetween(40, 45);
      assertThat(fixture.engine().feedRelinks()).isEqualTo(1);
      assertThat(seen.wrong).isEmpty();
    }
  }

  /**
   * A Cluster older than 7.0 publishes to every node, so each change arrives at all of them, and
   * nothing tells that a slot has moved but the next question.
   */
  @Test
  void aClusterWithoutShardedChannelsIsHeardOnce() {
    try (RedisCluster cluster = RedisCluster.start()) {
      RedisClusterClient nodes =
          RedisClusterClient.create(cluster.uris().stream().map(RedisURI::create).toList());
      nodes.setOptions(RedisClients.options(ClusterClientOptions.builder(), USUAL).build());
      // Not connected, so it does not know that this Cluster could do better.
      RedisLink link = new RedisLink(nodes, USUAL.timeout());
      RedisChangeFeed feed = new RedisChangeFeed(RedisMasters.of(nodes), link, USUAL, () -> {});
      try {
        Recorder seen = new Recorder();
        feed.listen(seen);
        feed.start();
        long started = System.nanoTime();
        until(() -> seen.allComparedAfter(started));
        RedisCommands<String, String> from = connect(cluster.uris().getFirst());
        RedisCommands<String, String> to = connect(cluster.uris().getLast());
        SessionKey key = inPartition(0);
        String change = " - tagtag01 " + key.path() + " 1 0 0 0 2 1 {\"type\":\"session.created\"}";
        String channel = RedisKeys.of(0).channelName(0);
        from.hset(new String(RedisKeys.of(0).partition(), StandardCharsets.US_ASCII), "seq", "1");
        to.publish(channel, 1 + change);
        until(() -> seen.last[0] == 1);
        long told = System.nanoTime();
        until(() -> seen.allComparedAfter(told));
        assertThat(seen.changes).isEqualTo(1);
        assertThat(seen.losses).isEmpty();

        int slot = SlotHash.getSlot(Partitions.tag(0));
        from.del(new String(RedisKeys.of(0).partition(), StandardCharsets.US_ASCII));
        to.clusterSetSlotNode(slot, to.clusterMyId());
        from.clusterSetSlotNode(slot, to.clusterMyId());
        until(() -> seen.losses.contains(Loss.MOVED));
        long moved = System.nanoTime();
        until(() -> seen.allComparedAfter(moved));
        assertThat(seen.lost).containsOnly(0);
      } finally {
        feed.close();
        nodes.shutdown(Duration.ZERO, Duration.ofSeconds(2));
      }
    }
  }

  /** The driver must not have made one of its own beside ours. */
  private void assertOneConnection() {
    assertThat(subscribers()).isEqualTo(1);
  }

  private long subscribers() {
    return commands.pubsubNumsub(RedisKeys.of(0).channelName(0)).values().iterator().next();
  }

  private static SessionKey inPartition(int partition) {
    return IntStream.range(0, Integer.MAX_VALUE)
        .mapToObj(i -> new SessionKey(Tenant.DEFAULT, "moved" + i))
        .filter(some -> some.partition() == partition)
        .findFirst()
        .orElseThrow();
  }

  private RedisCommands<String, String> connect(String uri) {
    return client.connect(RedisURI.create(uri)).sync();
  }

  private static SessionKey create(EngineFixture fixture, String id) {
    SessionKey key = new SessionKey(Tenant.DEFAULT, id);
    SessionAttributes description =
        new SessionAttributes(
            null,
            null,
            Json.EMPTY_OBJECT,
            null,
            null,
            SessionAttributes.Status.ACTIVE,
            Duration.ofHours(1));
    Outcome made =
        fixture
            .engine()
            .writer()
            .apply(key, new Write.Create(description, List.of()), WritePreconditions.NONE)
            .block(PATIENCE);
    assertThat(made).isInstanceOf(Outcome.Applied.class);
    return key;
  }

  private static Mono<Outcome> append(EngineFixture fixture, SessionKey key) {
    return fixture
        .engine()
        .writer()
        .apply(key, new Write.Append(List.of(MESSAGE)), WritePreconditions.NONE);
  }

  private static void until(BooleanSupplier condition) {
    Awaitility.await()
        .atMost(PATIENCE)
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(10))
        .until(condition::getAsBoolean);
  }

  private static Duration elapsed(long since, BooleanSupplier condition) {
    until(condition);
    return Duration.ofNanos(System.nanoTime() - since);
  }

  /** What was told, and whether it fits together: after a comparison nothing is ever missing. */
  private static final class Recorder implements ChangeFeed.Listener {

    private static final long UNKNOWN = -1;

    int changes;
    final long[] last = new long[SessionKey.PARTITIONS];
    final int[] comparisons = new int[SessionKey.PARTITIONS];
    final AtomicLongArray askedAt = new AtomicLongArray(SessionKey.PARTITIONS);
    final List<Loss> losses = new CopyOnWriteArrayList<>();
    final List<Integer> lost = new CopyOnWriteArrayList<>();
    final List<String> wrong = new CopyOnWriteArrayList<>();

    Recorder() {
      Arrays.fill(last, UNKNOWN);
      for (int i = 0; i < SessionKey.PARTITIONS; i++) {
        askedAt.set(i, Long.MIN_VALUE);
      }
    }

    /** One that listens and knows all partitions. */
    static Recorder of(EngineFixture fixture) {
      Recorder recorder = new Recorder();
      fixture.engine().feed().listen(recorder);
      until(() -> Arrays.stream(recorder.last).allMatch(seq -> seq != UNKNOWN));
      until(() -> fixture.engine().isReady());
      return recorder;
    }

    boolean allComparedAfter(long time) {
      return IntStream.range(0, SessionKey.PARTITIONS)
          .allMatch(i -> askedAt.get(i) != Long.MIN_VALUE && askedAt.get(i) - time > 0);
    }

    @Override
    public void changed(Change.Published change) {
      changes++;
      int partition = change.session().partition();
      if (last[partition] != UNKNOWN && change.partitionSeq() != last[partition] + 1) {
        wrong.add(partition + ": " + change.partitionSeq() + " after " + last[partition]);
      }
      last[partition] = change.partitionSeq();
    }

    @Override
    public void compared(int partition, long seq, long asked) {
      if (last[partition] != UNKNOWN && seq != last[partition]) {
        wrong.add(partition + ": compared with " + seq + " at " + last[partition]);
      }
      last[partition] = seq;
      comparisons[partition]++;
      askedAt.set(partition, asked);
    }

    @Override
    public void lost(int partition, Loss loss) {
      last[partition] = UNKNOWN;
      lost.add(partition);
      losses.add(loss);
    }
  }
}
