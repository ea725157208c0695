package io.heddle.redis;

import io.heddle.base.SessionKey;
import io.heddle.session.SessionWriter;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
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
  private final RedisDeadlines due;
  private final DueItems items;
  private final SessionWriter writer;
  private final RedisProperties properties;
  private volatile @Nullable Disposable running;

  RedisSweeper(RedisLink link, SessionWriter writer, RedisProperties properties) {
    this.link = link;
    this.due = new RedisDeadlines(link);
    this.items = new DueItems(link, RedisKeys::due, RedisDeadlines.SESSION);
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
    return due.ask(RedisKeys::due, properties.sweepBatch())
        .flatMapIterable(RedisDeadlines.Answer::partitions)
        .flatMap(this::sweep, AT_ONCE)
        .then();
  }

  private Mono<Void> sweep(RedisDeadlines.Found found) {
    return Flux.fromIterable(items.sessions(found)).concatMap(this::sweep).then();
  }

  /** Never an error: one that fails must not keep the others from their end. */
  private Mono<Void> sweep(SessionKey key) {
    return writer
        .apply(key, new Write.Expire(), WritePreconditions.NONE)
        .doOnNext(_ -> items.done(key))
        .onErrorResume(error -> {
          // While Redis is away nothing is wrong with the session.
          if (!RedisErrors.isAway(error) && !RedisErrors.isUnknown(error)) {
            items.failed(key, error);
          }
          return Mono.empty();
        })
        .then();
  }

  /** How many due times could not be seen to, since the start. */
  long failures() {
    return items.failures();
  }
}
