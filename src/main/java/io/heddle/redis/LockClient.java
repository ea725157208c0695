package io.heddle.redis;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.redisson.api.RedissonClient;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * Redisson's client, which is for locks. It keeps the connections to a master that has become a
 * replica, where no lock can be had, so it is replaced by a new one then.
 */
final class LockClient {

  private static final Logger LOG = LoggerFactory.getLogger(LockClient.class);

  /** Between two new clients at least: each has threads of its own. */
  private static final Duration PAUSE = Duration.ofSeconds(2);

  /** What was begun with the old client has this long to fail. */
  private static final Duration REST = Duration.ofSeconds(10);

  private record Open(RedissonClient client, LockCommands commands) {}

  private final Supplier<RedissonClient> source;
  private final Duration timeout;
  private final AtomicBoolean renewing = new AtomicBoolean();
  private volatile @Nullable Open open;
  private volatile boolean closed;

  /**
   * @param source makes a client; blocks, and may fail
   */
  LockClient(Supplier<RedissonClient> source, Duration timeout) {
    this.source = source;
    this.timeout = timeout;
  }

  /** Connects; blocks. */
  void open() {
    RedissonClient client = source.get();
    Open before = open;
    open = new Open(client, new LockCommands(client, timeout));
    if (before != null) {
      Mono.delay(REST).subscribe(_ -> onThread(() -> shutdown(before.client)));
    }
    if (closed) {
      close();
    }
  }

  boolean isOpen() {
    return open != null;
  }

  @Nullable LockCommands commands() {
    Open now = open;
    return now == null ? null : now.commands;
  }

  /**
   * A replica refused a lock.
   *
   * @param isMaster whether the address leads to the master by now: else a new client is no better
   */
  void isReplica(Mono<Boolean> isMaster) {
    if (closed || !renewing.compareAndSet(false, true)) {
      return;
    }
    isMaster.subscribe(
        master -> {
          if (master) {
            onThread(this::openAgain);
          } else {
            renewing.set(false);
          }
        },
        _ -> renewing.set(false));
  }

  private void openAgain() {
    try {
      open();
      LOG.debug("locks are asked of the master now");
    } catch (RuntimeException e) {
      LOG.debug("no other connection for locks yet: {}", e.getMessage());
    } finally {
      Mono.delay(PAUSE).subscribe(_ -> renewing.set(false));
    }
  }

  void close() {
    closed = true;
    Open now = open;
    if (now != null) {
      shutdown(now.client);
    }
  }

  private static void shutdown(RedissonClient client) {
    client.shutdown(0, 2, TimeUnit.SECONDS);
  }

  private static void onThread(Runnable task) {
    Thread.ofVirtual().name("heddle-redis-locks").start(task);
  }
}
