package io.heddle.redis;

import io.heddle.base.RandomIds;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.bench.Bench;
import io.heddle.json.Json;
import io.heddle.session.Outcome;
import io.heddle.session.SessionAttributes;
import io.heddle.session.StoreLimits;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import io.heddle.testing.RedisProcess;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Redis CPU of an append of one 300-byte message while three replicas are subscribed to every
 * partition, next to a plain script that a broker could use, and to one that has the same effects
 * as ours and decides nothing. Told as well, without a bound: the bare writes, all values given.
 * One connection, the same window of requests under way for all, rounds in turn; a round's CPU is
 * what the server itself counts.
 */
public final class AppendCpuBench {

  private static final int ROUNDS = 7;
  private static final int APPENDS = 20_000;
  private static final int WINDOW = 64;
  private static final int REPLICAS = 3;
  private static final int BODY = 300;

  private static final String PLAIN =
      """
      redis.call('HGET', KEYS[1], 'owner')
      local v = redis.call('HINCRBY', KEYS[1], 'version', 1)
      redis.call('EXPIRE', KEYS[1], ARGV[2])
      redis.call('EXPIRE', KEYS[2], ARGV[2])
      redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[3], '*', 'd', ARGV[1])
      redis.call('PUBLISH', ARGV[4], ARGV[1])
      return v
      """;

  /** What ours does to Redis, counted on from what is there, for whoever asks. */
  private static final String UNCHECKED =
      """
      local call, format = redis.call, string.format
      local t, v, q, c, b, tail = string.match(call('HGET', KEYS[1], 'p'), '^(%S+) (%d+) (%d+) (%d+) (%d+) %d+ %d+( .+)$')
      local version = format('%d', v + 1)
      q = format('%d', q + 1)
      call('XADD', KEYS[3], version .. '-0', 'h', ARGV[1] .. ' ' .. q .. ' ' .. ARGV[5] .. ' ', 'b', ARGV[2])
      local line = format('%s %s %d %d %s %s', version, q, c + 1, b + ARGV[3], ARGV[4], ARGV[5])
      local state = ARGV[1] .. ' ' .. line .. tail
      call('HSET', KEYS[1], 'p', state)
      call('PUBLISH', ARGV[6], format('%d ', call('HINCRBY', KEYS[2], 'seq', '1')) .. t .. ' ' .. ARGV[1] .. ' ' .. ARGV[7] .. ' ' .. line .. ARGV[8] .. ARGV[2])
      return state
      """;

  /** The same writes with every value ready: no counting on, so two callers would overwrite. */
  private static final String READY =
      """
      redis.call('XADD', KEYS[3], ARGV[1], 'h', ARGV[2], 'b', ARGV[3])
      redis.call('HSET', KEYS[1], 'p', ARGV[4])
      redis.call('HINCRBY', KEYS[2], 'seq', '1')
      redis.call('PUBLISH', ARGV[5], ARGV[6])
      return 1
      """;

  private final StatefulRedisConnection<byte[], byte[]> connection;
  private final RedisAsyncCommands<byte[], byte[]> redis;
  private final RandomIds ids = new RandomIds(InstantSource.system());
  private final byte[] body = body();
  private final String plain;
  private final String unchecked;
  private final String ready;

  private AppendCpuBench(StatefulRedisConnection<byte[], byte[]> connection) {
    this.connection = connection;
    this.redis = connection.async();
    connection.sync().scriptLoad(RedisScript.APPEND.source());
    this.plain = connection.sync().scriptLoad(PLAIN);
    this.unchecked = connection.sync().scriptLoad(UNCHECKED);
    this.ready = connection.sync().scriptLoad(READY);
  }

  /** Prints the table; true when both bounds are kept. */
  public static boolean run() throws InterruptedException {
    boolean kept = true;
    System.out.printf(
        "Redis CPU of an append, us; %d rounds of %,d, %d replicas subscribed%n",
        ROUNDS, APPENDS, REPLICAS);
    for (int sessions : new int[] {1_000, 1}) {
      try (RedisProcess server = RedisProcess.start()) {
        RedisClient client = RedisClient.create(server.uri());
        try (StatefulRedisConnection<byte[], byte[]> connection =
            client.connect(ByteArrayCodec.INSTANCE)) {
          List<StatefulRedisPubSubConnection<byte[], byte[]>> replicas = subscribe(client);
          kept &= new AppendCpuBench(connection).compare(client, sessions);
          replicas.forEach(StatefulRedisPubSubConnection::close);
        } finally {
          client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
        }
      }
    }
    return kept;
  }

  private static List<StatefulRedisPubSubConnection<byte[], byte[]>> subscribe(RedisClient client) {
    byte[][] channels = new byte[SessionKey.PARTITIONS][];
    for (int i = 0; i < channels.length; i++) {
      channels[i] = RedisKeys.of(i).channel(0);
    }
    List<StatefulRedisPubSubConnection<byte[], byte[]>> replicas = new ArrayList<>();
    for (int i = 0; i < REPLICAS; i++) {
      StatefulRedisPubSubConnection<byte[], byte[]> replica =
          client.connectPubSub(ByteArrayCodec.INSTANCE);
      replica.sync().subscribe(channels);
      replicas.add(replica);
    }
    return replicas;
  }

  private boolean compare(RedisClient client, int sessions) throws InterruptedException {
    Target[] ours = targets("ours-", sessions);
    Target[] plains = targets("plain-", sessions);
    Target[] bare = targets("bare-", sessions);
    Target[] writes = targets("ready-", sessions);
    create(client, ours);
    create(client, bare);
    double[] toPlain = new double[ROUNDS];
    double[] toUnchecked = new double[ROUNDS];
    double[] toReady = new double[ROUNDS];
    System.out.printf(
        "%n%,d session(s)%n%6s %8s %8s %10s %8s%n",
        sessions, "round", "plain", "ours", "unchecked", "ready");
    for (int round = -1; round < ROUNDS; round++) {
      double plainCost = cost(plains, this::plain);
      double ourCost = cost(ours, this::append);
      double uncheckedCost = cost(bare, this::unchecked);
      double readyCost = cost(writes, this::ready);
      // The first round only warms up: the server's memory grows, the client is compiled.
      if (round >= 0) {
        toPlain[round] = ourCost / plainCost;
        toUnchecked[round] = ourCost / uncheckedCost;
        toReady[round] = ourCost / readyCost;
        System.out.printf(
            "%6d %8.2f %8.2f %10.2f %8.2f%n",
            round + 1, plainCost, ourCost, uncheckedCost, readyCost);
      }
    }
    verify(ours);
    String where = sessions == 1 ? ", one session" : ", %,d sessions".formatted(sessions);
    System.out.printf(
        "%-60s %6.2f%n", "    ours / the bare writes, values given" + where, Bench.median(toReady));
    return Bench.atMost("6a  ours / plain script" + where, Bench.median(toPlain), 1.8)
        & Bench.atMost(
            "6b  ours / same effects, no checks" + where, Bench.median(toUnchecked), 1.3);
  }

  private static Target[] targets(String prefix, int count) {
    Target[] targets = new Target[count];
    Arrays.setAll(targets, i -> new Target(new SessionKey(Tenant.DEFAULT, prefix + i)));
    return targets;
  }

  private void create(RedisClient client, Target[] targets) {
    RedisProperties properties =
        new RedisProperties(
            Duration.ofSeconds(5),
            Duration.ofSeconds(5),
            10_000,
            2,
            Duration.ofSeconds(2),
            Duration.ofSeconds(1),
            100,
            16);
    RedisLink link = new RedisLink(client, properties.timeout());
    link.connect();
    RedisWriter writer = new RedisWriter(link, new RedisIndex(link), ids, StoreLimits.DEFAULT);
    SessionAttributes description =
        new SessionAttributes(
            null,
            null,
            Json.EMPTY_OBJECT,
            null,
            null,
            SessionAttributes.Status.ACTIVE,
            Duration.ofHours(24));
    for (Target target : targets) {
      Outcome made =
          writer
              .apply(target.key, new Write.Create(description, List.of()), WritePreconditions.NONE)
              .block();
      if (!(made instanceof Outcome.Applied)) {
        throw new IllegalStateException("not created: " + made);
      }
    }
    link.close();
  }

  /** Every append of ours is there; a refused one would have been cheap. */
  private void verify(Target[] targets) {
    long messages = 0;
    for (Target target : targets) {
      byte[] state = connection.sync().hget(target.session, ascii("p"));
      messages += StoredState.parse(state).lastSeq();
    }
    if (messages != (long) (ROUNDS + 1) * APPENDS) {
      throw new IllegalStateException("appended " + messages);
    }
  }

  private interface Call {
    RedisFuture<?> send(Target target);
  }

  private double cost(Target[] targets, Call call) throws InterruptedException {
    Semaphore window = new Semaphore(WINDOW);
    AtomicReference<@Nullable Throwable> failed = new AtomicReference<>();
    double before = cpuMicros();
    for (int i = 0; i < APPENDS; i++) {
      window.acquire();
      call.send(targets[i % targets.length])
          .whenComplete((answer, error) -> {
            if (error != null) {
              failed.set(error);
            }
            window.release();
          });
    }
    window.acquire(WINDOW);
    Throwable error = failed.get();
    if (error != null) {
      throw new IllegalStateException(error);
    }
    return (cpuMicros() - before) / APPENDS;
  }

  private double cpuMicros() {
    double seconds = 0;
    for (String line : connection.sync().info("cpu").split("\r\n")) {
      if (line.startsWith("used_cpu_sys:") || line.startsWith("used_cpu_user:")) {
        seconds += Double.parseDouble(line.substring(line.indexOf(':') + 1));
      }
    }
    return seconds * 1e6;
  }

  private RedisFuture<?> plain(Target target) {
    return redis.evalsha(
        plain,
        ScriptOutputType.INTEGER,
        new byte[][] {target.session, target.stream},
        body,
        ascii("86400"),
        ascii("1000"),
        target.channel);
  }

  /** As RedisWriter sends it, for a caller who sends no condition. */
  private RedisFuture<?> append(Target target) {
    byte[][] args =
        new ScriptArgs()
            .text(ids.tag())
            .text(null)
            .text(null)
            .bytes(target.path)
            .bytes(target.channel)
            .bytes(PublishCommand.PUBLISH.command())
            .number(StoreLimits.DEFAULT.sessionBytes() * 1_000)
            .number(body.length)
            .text(" +1 0 " + BODY + " ")
            .text(null)
            .bytes(body)
            .toArray();
    return redis.evalsha(
        RedisScript.APPEND.sha(),
        ScriptOutputType.MULTI,
        new byte[][] {target.session, target.partition, target.stream},
        args);
  }

  private RedisFuture<?> unchecked(Target target) {
    long now = System.currentTimeMillis();
    return redis.evalsha(
        unchecked,
        ScriptOutputType.VALUE,
        new byte[][] {target.session, target.partition, target.stream},
        ascii(ids.tag()),
        body,
        ascii(Integer.toString(BODY)),
        ascii(Long.toString(now + 86_400_000)),
        ascii(Long.toString(now)),
        target.channel,
        target.path,
        ascii(" +1 0 " + BODY + " "));
  }

  private RedisFuture<?> ready(Target target) {
    long version = ++target.version;
    long now = System.currentTimeMillis();
    String tag = ids.tag();
    String line =
        "%d %d %d %d %d %d"
            .formatted(version, version, version, version * BODY, now + 86_400_000, now);
    String path = new String(target.path, StandardCharsets.US_ASCII);
    return redis.evalsha(
        ready,
        ScriptOutputType.INTEGER,
        new byte[][] {target.session, target.partition, target.stream},
        ascii(version + "-0"),
        ascii(tag + " " + version + " " + now + " "),
        body,
        ascii(tag + " " + line + " 86400 a " + (now + 259_200_000) + " " + now + " "),
        target.channel,
        ascii(
            String.join(
                " ",
                Long.toString(version),
                tag,
                tag,
                path,
                line,
                "+1 0 " + BODY,
                new String(body, StandardCharsets.US_ASCII))));
  }

  private static byte[] body() {
    String start = "{\"role\":\"user\",\"content\":\"";
    return ascii(start + "x".repeat(BODY - start.length() - 2) + "\"}");
  }

  private static byte[] ascii(String text) {
    return RedisKeys.ascii(text);
  }

  /** A session with its keys, made once: the client's share stays small and equal. */
  private static final class Target {
    final SessionKey key;
    final byte[] path;
    final byte[] session;
    final byte[] partition;
    final byte[] stream;
    final byte[] channel;
    long version;

    Target(SessionKey key) {
      RedisKeys keys = RedisKeys.of(key);
      this.key = key;
      this.path = keys.path();
      this.session = keys.session();
      this.partition = keys.partition();
      this.stream = keys.thread();
      this.channel = keys.channel(0);
    }
  }
}
