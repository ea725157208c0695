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
import java.util.function.Function;
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

  private final AbstractRedisClient client;
  private final Duration timeout;
  private final int database;
  private final RedisMemory memory = new RedisMemory(this::hasRoom);
  private volatile @Nullable StatefulConnection<byte[], byte[]> connection;
  private volatile @Nullable RedisClusterAsyncCommands<byte[], byte[]> commands;
  private volatile PublishCommand publish = PublishCommand.PUBLISH;

  /** One that publishes nothing. */
  RedisLink(AbstractRedisClient client, Duration timeout) {
    this(client, timeout, 0);
  }

  /**
   * @param database the number of the client's database
   */
  RedisLink(AbstractRedisClient client, Duration timeout, int database) {
    this.client = client;
    this.timeout = timeout;
    this.database = database;
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
    switch (client) {
      case RedisClusterClient cluster -> {
        StatefulRedisClusterConnection<byte[], byte[]> made =
            cluster.connect(ByteArrayCodec.INSTANCE);
        made.setTimeout(timeout);
        // Spares the other shards every message of this one.
        if (RedisStatus.major(made.sync().info("server")) >= 7) {
          publish = PublishCommand.SPUBLISH;
        }
        connection = made;
        commands = made.async();
      }
      case RedisClient single -> {
        StatefulRedisConnection<byte[], byte[]> made = single.connect(ByteArrayCodec.INSTANCE);
        made.setTimeout(timeout);
        connection = made;
        commands = made.async();
      }
      default -> throw new IllegalArgumentException("not a client for Redis: " + client);
    }
  }

  /** How changes are published here; known once connected, before any script can run. */
  PublishCommand publish() {
    return publish;
  }

  /** Whether one request can reach the keys of one slot only. */
  boolean hasShards() {
    return client instanceof RedisClusterClient;
  }

  boolean isOpen() {
    StatefulConnection<byte[], byte[]> made = connection;
    return made != null && made.isOpen();
  }

  RedisMemory memory() {
    return memory;
  }

  void close() {
    memory.close();
    StatefulConnection<byte[], byte[]> made = connection;
    if (made != null) {
      made.close();
    }
  }

  /** Whether a request of this moment that failed by now did not fail by the timeout. */
  boolean wasCutOff(long sentAt) {
    return System.nanoTime() - sentAt < timeout.toNanos() * 9 / 10;
  }

  /** Runs a script that reads. */
  Mono<List<Object>> read(RedisScript script, byte[][] keys, byte[][] args) {
    return run(script, keys, args, false, false, TRIES);
  }

  /** Runs a script that writes. */
  Mono<List<Object>> write(RedisScript script, byte[][] keys, byte[][] args) {
    return run(script, keys, args, true, false, TRIES);
  }

  /** Runs one command that is harmless to send twice. */
  <T> Mono<T> command(
      Function<RedisClusterAsyncCommands<byte[], byte[]>, CompletionStage<T>> command) {
    return Mono.fromCompletionStage(() -> command.apply(commands()))
        .onErrorMap(error -> {
          Throwable problem = RedisErrors.translate(error, false);
          if (RedisErrors.isFull(problem)) {
            memory.refused(RedisKeys.SCHEMA);
          }
          return problem;
        });
  }

  /**
   * Whether the key's server would take what adds. Writes nothing, into a key of any type or none;
   * and it is compared with maxmemory before it is with the type.
   */
  private Mono<Boolean> hasRoom(byte[] key) {
    return Mono.fromCompletionStage(() -> commands().setrange(key, 0, new byte[0]))
        .thenReturn(true)
        .onErrorResume(
            RedisCommandExecutionException.class,
            said ->
                Mono.just(RedisErrors.word(String.valueOf(said.getMessage())).equals("WRONGTYPE")));
  }

  /** One operator for all that can go wrong: it stands in the way of every request. */
  private Mono<List<Object>> run(
      RedisScript script, byte[][] keys, byte[][] args, boolean writes, boolean source, int tries) {
    return eval(script.text(), keys, args, source)
        .onErrorResume(error -> {
          if (!source && RedisErrors.isNoScript(error)) {
            return run(script, keys, args, writes, true, tries);
          }
          if (RedisErrors.isMoving(error)) {
            ScriptText pieces = script.inPieces();
            if (pieces != null && RedisErrors.isSplit(error)) {
              return new SplitRead(this::piece, pieces, keys, args)
                  .read()
                  .timeout(timeout)
                  .switchIfEmpty(Mono.error(RedisErrors::away))
                  .onErrorMap(failed -> RedisErrors.translate(failed, false));
            }
            if (tries > 0) {
              return Mono.delay(TRY_AGAIN).then(run(script, keys, args, writes, false, tries - 1));
            }
          }
          Throwable problem = RedisErrors.translate(error, writes);
          if (RedisErrors.isFull(problem)) {
            memory.refused(keys[0]);
          }
          return Mono.error(problem);
        });
  }

  private Mono<List<Object>> piece(ScriptText script, byte[][] key, byte[][] args) {
    return piece(script, key, args, false, TRIES);
  }

  private Mono<List<Object>> piece(
      ScriptText script, byte[][] key, byte[][] args, boolean source, int tries) {
    return eval(script, key, args, source)
        .onErrorResume(error -> {
          if (!source && RedisErrors.isNoScript(error)) {
            return piece(script, key, args, true, tries);
          }
          return tries > 0 && RedisErrors.isMoving(error)
              ? Mono.delay(TRY_AGAIN).then(piece(script, key, args, false, tries - 1))
              : Mono.error(error);
        });
  }

  private Mono<List<Object>> eval(ScriptText script, byte[][] keys, byte[][] args, boolean source) {
    return Mono.fromCompletionStage(() ->
        source
            ? commands().eval(script.source(), ScriptOutputType.MULTI, keys, args)
            : commands().evalsha(script.sha(), ScriptOutputType.MULTI, keys, args));
  }

  private RedisClusterAsyncCommands<byte[], byte[]> commands() {
    RedisClusterAsyncCommands<byte[], byte[]> ready = commands;
    if (ready == null) {
      throw RedisErrors.away();
    }
    return ready;
  }
}
