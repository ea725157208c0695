package io.heddle.redis;

import io.heddle.base.SessionKey;
import io.heddle.session.Conditions;
import io.heddle.session.SessionWriter;
import io.heddle.session.Write;
import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Ends sessions whose time has come. Every replica looks at every partition; the script decides in
 * Redis's clock, so two replicas that find the same session end it once.
 */
final class RedisSweeper {

  private static final Logger LOG = LoggerFactory.getLogger(RedisSweeper.class);
  private static final int AT_ONCE = 16;

  private final RedisLink link;
  private final SessionWriter writer;
  private final RedisProperties properties;
  private volatile @Nullable Disposable running;

  RedisSweeper(RedisLink link, SessionWriter writer, RedisProperties properties) {
    this.link = link;
    this.writer = writer;
    this.properties = properties;
  }

  void start() {
    long every = properties.sweepEvery().toMillis();
    // Replicas that start together must not ask together.
    Duration first = Duration.ofMillis(ThreadLocalRandom.current().nextLong(every + 1));
    running =
        Flux.interval(first, properties.sweepEvery())
            .onBackpressureDrop()
            .concatMap(
                tick ->
                    sweep()
                        .onErrorResume(error -> {
                          LOG.debug("sweep: {}", error.getMessage());
                          return Mono.empty();
                        }),
                1)
            .subscribe();
  }

  void stop() {
    Disposable sweeping = running;
    if (sweeping != null) {
      sweeping.dispose();
    }
  }

  private Mono<Void> sweep() {
    if (!link.isOpen()) {
      return Mono.empty();
    }
    return link.command(commands -> commands.time())
        .map(time -> Long.parseLong(new String(time.getFirst(), StandardCharsets.UTF_8)))
        .flatMap(seconds ->
            Flux.range(0, SessionKey.PARTITIONS)
                .flatMap(partition -> sweep(partition, (seconds + 1) * 1000d), AT_ONCE)
                .then());
  }

  private Mono<Void> sweep(int partition, double until) {
    byte[] due = RedisKeys.of(partition).due();
    Range<Double> range = Range.create(Double.NEGATIVE_INFINITY, until);
    return link.command(commands ->
            commands.zrangebyscore(due, range, Limit.create(0, properties.sweepBatch())))
        .flatMapIterable(found -> found)
        .map(member -> new String(member, StandardCharsets.UTF_8))
        .filter(member -> member.startsWith(RedisDue.SESSION))
        .map(member -> SessionKey.ofPath(member.substring(RedisDue.SESSION.length())))
        .concatMap(key -> writer.apply(key, new Write.Expire(), Conditions.NONE))
        .then();
  }
}
