package io.heddle.redis;

import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;
import java.util.function.Supplier;
import reactor.core.publisher.Mono;

/** Asks Redis whether it would take what is written. Changes nothing there. */
final class WriteProbe {

  private final Supplier<RedisClusterAsyncCommands<byte[], byte[]>> commands;

  /**
   * @param commands of the connection of the moment
   */
  WriteProbe(Supplier<RedisClusterAsyncCommands<byte[], byte[]>> commands) {
    this.commands = commands;
  }

  /**
   * Whether the key's server would take what adds. Writes nothing, into a key of any type or none;
   * and it is compared with maxmemory before it is with the type.
   */
  Mono<Boolean> hasRoom(byte[] key) {
    return writeNothing(key)
        .thenReturn(true)
        .onErrorResume(
            RedisCommandExecutionException.class,
            said -> Mono.just(RedisErrors.refusal(said).equals("WRONGTYPE")));
  }

  /** What Redis says when it takes nothing that is written, or nothing that adds. */
  Mono<Void> takesWrites() {
    return writeNothing(RedisKeys.SCHEMA)
        .then()
        .onErrorResume(error ->
            switch (RedisErrors.refusal(error)) {
              // The last two: its user may not send this, or it has no such command.
              case "WRONGTYPE", "NOPERM", "ERR" -> Mono.empty();
              default -> Mono.error(error);
            })
        .then(Mono.defer(this::runsScripts));
  }

  /** What its user may do alone, he may not do in a script, and the other way round. */
  private Mono<Void> runsScripts() {
    return Mono.fromCompletionStage(() ->
            commands
                .get()
                .<Object>eval(
                    RedisScript.PROBE.source(),
                    ScriptOutputType.MULTI,
                    new byte[][] {RedisKeys.SCHEMA}))
        .then()
        .onErrorResume(error ->
            RedisErrors.refusal(error).equals("NOPERM") ? Mono.error(error) : Mono.empty());
  }

  private Mono<Long> writeNothing(byte[] key) {
    return Mono.fromCompletionStage(() -> commands.get().setrange(key, 0, new byte[0]));
  }
}
