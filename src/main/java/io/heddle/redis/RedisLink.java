package io.heddle.redis;

import io.lettuce.core.AbstractRedisClient;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.StatefulConnection;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.api.StatefulRedisClusterConnection;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;
import io.lettuce.core.codec.ByteArrayCodec;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * The one connection that requests go over, pipelined by itself. Until it is there, and whenever it
 * is away, requests are refused at once instead of being queued: a queue would only turn an outage
 * into a storm.
 */
final class RedisLink {

  private static final Duration TRY_AGAIN = Duration.ofMillis(50);
  private static final int TRIES = 10;

  /** A connection that ended is mostly there again by then. */
  private static final Duration ASK_AGAIN = Duration.ofMillis(100);

  private final AbstractRedisClient client;
  private final Duration timeout;
  private final int database;
  private final @Nullable RedisRenewal renewal;
  private final WriteProbe probe = new WriteProbe(this::commands);
  private final RedisMemory memory;
  private volatile @Nullable Made made;
  private volatile boolean closed;

  /** One that publishes nothing, and keeps its connection as long as that is open. */
  RedisLink(AbstractRedisClient client, Duration timeout) {
    this(client, timeout, 0, null, null);
  }

  /**
   * @param database the number of the client's database
   * @param renewal who gives it another connection when this one does not serve
   * @param memory of the link whose Redis it shares, so that the log is told once; null for its own
   */
  RedisLink(
      AbstractRedisClient client,
      Duration timeout,
      int database,
      @Nullable RedisRenewal renewal,
      @Nullable RedisMemory memory) {
    this.memory = memory == null ? new RedisMemory(probe::hasRoom) : memory;
    this.client = client;
    this.timeout = timeout;
    this.database = database;
    this.renewal = renewal;
    if (renewal != null) {
      renewal.add(this);
    }
  }

  /** Which of the databases it is that share the server's channels. */
  int database() {
    return database;
  }

  /** Connects, if it is not yet; blocks, so it is called on a thread of the engine's own. */
  void open() {
    if (!isOpen()) {
      connect();
    }
  }

  void connect() {
    use(make());
  }

  /** Makes another connection. Blocks; it throws the driver's exceptions. */
  Made make() {
    return switch (client) {
      case RedisClusterClient cluster -> {
        StatefulRedisClusterConnection<byte[], byte[]> made =
            cluster.connect(ByteArrayCodec.INSTANCE);
        made.setTimeout(timeout);
        try {
          yield new Made(made, made.async(), publishCommand(made), true);
        } catch (RuntimeException e) {
          made.closeAsync();
          throw e;
        }
      }
      case RedisClient single -> {
        StatefulRedisConnection<byte[], byte[]> made = single.connect(ByteArrayCodec.INSTANCE);
        made.setTimeout(timeout);
        yield new Made(made, made.async(), PublishCommand.PUBLISH, false);
      }
      default -> throw new IllegalArgumentException("not a client for Redis: " + client);
    };
  }

  /** A sharded channel spares the other shards every message of this one. */
  private static PublishCommand publishCommand(
      StatefulRedisClusterConnection<byte[], byte[]> cluster) {
    return RedisStatus.major(cluster.sync().info("server")) >= 7
        ? PublishCommand.SPUBLISH
        : PublishCommand.PUBLISH;
  }

  /** Sends over this connection from now on. What waits on the one before has its time yet. */
  void use(Made next) {
    Made before = made;
    made = next;
    if (before != null) {
      Mono.delay(timeout).subscribe(_ -> before.close());
    }
    if (closed) {
      next.close();
    }
  }

  /**
   * A connection.
   *
   * @param shards whether it leads to the servers of a Cluster
   */
  record Made(
      StatefulConnection<byte[], byte[]> connection,
      RedisClusterAsyncCommands<byte[], byte[]> commands,
      PublishCommand publish,
      boolean shards) {

    /** Whether what has this key says anything on it. */
    Mono<Boolean> answers(byte[] key) {
      return Mono.fromCompletionStage(() -> commands.exists(key))
          .thenReturn(true)
          .onErrorResume(error ->
              Mono.just(RedisErrors.unwrap(error) instanceof RedisCommandExecutionException));
    }

    /**
     * Whether it leads to a master. A replica in a Cluster sends its callers to the master, which
     * is as good.
     */
    Mono<Boolean> isMaster() {
      return shards
          ? Mono.just(true)
          : Mono.fromCompletionStage(() -> commands.info("replication"))
              .map(text -> ReplicationInfo.parse(text).master())
              .onErrorReturn(false);
    }

    void close() {
      connection.closeAsync();
    }
  }

  /** Whether it leads to a master; also when there is no connection, which is the driver's work. */
  Mono<Boolean> isMaster() {
    return isOpen() ? made().isMaster() : Mono.just(true);
  }

  /** Whether its server answers; also when there is no connection, which is the driver's work. */
  Mono<Boolean> answers(byte[] key) {
    return isOpen() ? made().answers(key) : Mono.just(true);
  }

  /** How changes are published here; known once connected, before any script can run. */
  PublishCommand publish() {
    Made mine = made;
    return mine == null ? PublishCommand.PUBLISH : mine.publish;
  }

  /** Whether one request can reach the keys of one slot only. */
  boolean hasShards() {
    return client instanceof RedisClusterClient;
  }

  boolean isOpen() {
    Made mine = made;
    return mine != null && mine.connection.isOpen();
  }

  RedisMemory memory() {
    return memory;
  }

  void close() {
    closed = true;
    memory.close();
    Made mine = made;
    if (mine != null) {
      mine.connection.close();
    }
  }

  /** Whether a request of this moment that failed by now did not fail by the timeout. */
  boolean wasCutOff(long sentAt) {
    return System.nanoTime() - sentAt < timeout.toNanos() * 9 / 10;
  }

  /** Runs a script that reads. */
  Mono<ScriptReply> read(RedisScript script, byte[][] keys, byte[][] args) {
    return run(script, keys, args, false);
  }

  /**
   * Runs a script that only reads. One whose connection ended before it was answered is asked once
   * more, where the timeout leaves room for it: a connection ends because of others, as when a
   * server of a Cluster is looked for anew, and a read may be sent twice.
   *
   * @param sentAt when the time began that it may take
   * @param next who is asked then
   */
  Mono<ScriptReply> read(
      RedisScript script, byte[][] keys, byte[][] args, long sentAt, Supplier<RedisLink> next) {
    return eval(script.text(), keys, args, false)
        .map(ScriptReply::new)
        .onErrorResume(error ->
            RedisErrors.wasCutOff(error) && left(sentAt).compareTo(ASK_AGAIN) > 0
                ? Mono.delay(ASK_AGAIN)
                    .then(Mono.defer(() -> next.get().read(script, keys, args)))
                    .timeout(left(sentAt))
                    .onErrorMap(TimeoutException.class, _ -> RedisErrors.away())
                : recover(error, script, keys, args, false).map(ScriptReply::new));
  }

  private Duration left(long sentAt) {
    return timeout.minusNanos(System.nanoTime() - sentAt);
  }

  /** Runs a script that writes. */
  Mono<ScriptReply> write(RedisScript script, byte[][] keys, byte[][] args) {
    return run(script, keys, args, true);
  }

  /** Runs one command that is harmless to send twice. */
  <T> Mono<T> command(
      Function<RedisClusterAsyncCommands<byte[], byte[]>, CompletionStage<T>> command) {
    return Mono.fromCompletionStage(() -> command.apply(commands()))
        .onErrorMap(error -> problem(error, RedisKeys.SCHEMA, false));
  }

  /** What its caller is told, and what it means for this link. */
  private Throwable problem(Throwable error, byte[] key, boolean writes) {
    Throwable problem = RedisErrors.translate(error, writes);
    if (RedisErrors.isFull(problem)) {
      memory.refused(key);
    }
    RedisRenewal others = renewal;
    if (others != null) {
      if (RedisErrors.isLate(error)) {
        others.isSilent(this, key);
      } else if (RedisErrors.isReplicas(error)) {
        others.isReplica();
      }
    }
    return problem;
  }

  /**
   * An error when Redis answers and yet takes nothing that is written: as a replica, while it loads
   * its data, when it cannot save them, or from this user. That it is full is no such error.
   */
  Mono<Void> takesWrites() {
    return probe
        .takesWrites()
        .onErrorResume(error -> {
          if (RedisErrors.refusal(error).equals("OOM")) {
            memory.isFullAt(RedisKeys.SCHEMA);
            return Mono.empty();
          }
          return Mono.error(problem(error, RedisKeys.SCHEMA, false));
        });
  }

  /** One operator for all that can go wrong: it stands in the way of every request. */
  private Mono<ScriptReply> run(RedisScript script, byte[][] keys, byte[][] args, boolean writes) {
    return eval(script.text(), keys, args, false)
        .onErrorResume(error -> recover(error, script, keys, args, writes))
        .map(ScriptReply::new);
  }

  private Mono<List<Object>> recover(
      Throwable error, RedisScript script, byte[][] keys, byte[][] args, boolean writes) {
    return retry(error, script.text(), script.inPieces(), keys, args, false, TRIES)
        .onErrorMap(last -> problem(last, keys[0], writes));
  }

  /**
   * Sends it once more when nothing was run: whole to a server that does not know the script, and
   * later while a slot moves, or in pieces.
   */
  private Mono<List<Object>> retry(
      Throwable error,
      ScriptText script,
      @Nullable ScriptText inPieces,
      byte[][] keys,
      byte[][] args,
      boolean source,
      int tries) {
    if (!source && RedisErrors.isNoScript(error)) {
      return eval(script, keys, args, true)
          .onErrorResume(next -> retry(next, script, inPieces, keys, args, true, tries));
    }
    if (inPieces != null && RedisErrors.isSplit(error)) {
      return new SplitRead(this::piece, inPieces, keys, args)
          .read()
          .timeout(timeout)
          .switchIfEmpty(Mono.error(RedisErrors::away));
    }
    if (tries > 0 && RedisErrors.isMoving(error)) {
      return Mono.delay(TRY_AGAIN)
          .then(eval(script, keys, args, false))
          .onErrorResume(next -> retry(next, script, inPieces, keys, args, false, tries - 1));
    }
    return Mono.error(error);
  }

  private Mono<List<Object>> piece(ScriptText script, byte[][] key, byte[][] args) {
    return eval(script, key, args, false)
        .onErrorResume(error -> retry(error, script, null, key, args, false, TRIES));
  }

  private Mono<List<Object>> eval(ScriptText script, byte[][] keys, byte[][] args, boolean source) {
    return Mono.fromCompletionStage(() ->
        source
            ? commands().eval(script.source(), ScriptOutputType.MULTI, keys, args)
            : commands().evalsha(script.sha(), ScriptOutputType.MULTI, keys, args));
  }

  private RedisClusterAsyncCommands<byte[], byte[]> commands() {
    return made().commands;
  }

  private Made made() {
    Made mine = made;
    if (mine == null) {
      throw RedisErrors.away();
    }
    return mine;
  }
}
