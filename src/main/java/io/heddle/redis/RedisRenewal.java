package io.heddle.redis;

import io.heddle.base.Seldom;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Gives links another connection while the one they have is open but will never serve again. The
 * driver connects anew only when a connection ends. Some never end:
 *
 * <ul>
 *   <li>Another server has become the master, and this one is its replica now. It goes on to answer
 *       reads, and refuses what is written. Its address leads to the new master by now, but only a
 *       new connection gets there.
 *   <li>Something between here and Redis has forgotten the connection. What is sent is never
 *       answered.
 * </ul>
 *
 * <p>The old connection stays until a new one has proven that it is better, so a Redis that is only
 * slow loses nothing.
 */
final class RedisRenewal {

  private static final Logger LOG = LoggerFactory.getLogger(RedisRenewal.class);

  /** The pauses double from here to the longest one of a reconnect. */
  private static final long FIRST_PAUSE_NANOS = Duration.ofMillis(100).toNanos();

  private static final Executor THREADS =
      task -> Thread.ofVirtual().name("heddle-redis-renew").start(task);

  private final Duration patience;
  private final long longestPauseNanos;
  private final List<RedisLink> links = new CopyOnWriteArrayList<>();
  private final AtomicBoolean seeking = new AtomicBoolean();
  private final Seldom demoted = new Seldom();
  private volatile long nextAt = System.nanoTime();
  private volatile long pauseNanos = FIRST_PAUSE_NANOS;
  private volatile boolean closed;

  RedisRenewal(RedisProperties properties) {
    this.patience = properties.connectTimeout().plus(properties.timeout());
    this.longestPauseNanos = properties.reconnectMax().toNanos();
  }

  /** Looks after this link from now on. */
  void add(RedisLink link) {
    links.add(link);
  }

  void close() {
    closed = true;
  }

  /**
   * A server is no master any more: where one link leads to it, others do. In a Cluster nothing is
   * replaced, see {@link RedisLink.Made#isMaster}.
   */
  void isReplica() {
    if (!begins()) {
      return;
    }
    Flux.fromIterable(links)
        .filterWhen(link -> link.isMaster().map(master -> !master))
        .doOnNext(_ -> tell())
        .flatMap(link -> renew(link, RedisLink.Made::isMaster))
        // All of them: who is cancelled at the first that fails would not close what it has made.
        .collectList()
        .subscribe(renewed -> {
          boolean all = !renewed.contains(false);
          if (all && !renewed.isEmpty()) {
            LOG.info("The master of Redis was found");
          }
          ended(all);
        });
  }

  /**
   * A request of the link was not answered in time.
   *
   * @param key one of the server that did not answer
   */
  void isSilent(RedisLink link, byte[] key) {
    if (!begins()) {
      return;
    }
    // Redis answers in order: what answers this has answered all that came before.
    link.answers(key)
        .flatMap(answers -> answers ? Mono.just(true) : renew(link, made -> made.answers(key)))
        .subscribe(this::ended);
  }

  private void tell() {
    if (demoted.happened()) {
      LOG.warn("Redis is a replica now, which refuses what is written: its master is looked for");
    }
  }

  private boolean begins() {
    return !closed && System.nanoTime() - nextAt >= 0 && seeking.compareAndSet(false, true);
  }

  /** Whether the link has a better connection now. */
  private Mono<Boolean> renew(RedisLink link, Function<RedisLink.Made, Mono<Boolean>> isBetter) {
    CompletableFuture<RedisLink.Made> made = CompletableFuture.supplyAsync(link::make, THREADS);
    return Mono.fromFuture(made, true)
        .timeout(patience)
        .flatMap(fresh ->
            isBetter
                .apply(fresh)
                .map(better -> {
                  if (better && !closed) {
                    link.use(fresh);
                    return true;
                  }
                  fresh.close();
                  return false;
                }))
        .onErrorResume(error -> {
          LOG.debug("no other connection yet: {}", error.getMessage());
          // One that comes after all, nobody waits for.
          made.thenAccept(RedisLink.Made::close);
          return Mono.just(false);
        });
  }

  private void ended(boolean renewed) {
    pauseNanos = renewed ? FIRST_PAUSE_NANOS : Math.min(2 * pauseNanos, longestPauseNanos);
    nextAt = System.nanoTime() + pauseNanos;
    seeking.set(false);
  }
}
