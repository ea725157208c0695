package io.heddle.redis;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;

/**
 * Whether Redis has memory left for what adds. The log is told once when it has none, and once when
 * it has some again, however many writes are refused meanwhile.
 */
final class RedisMemory {

  private static final Logger LOG = LoggerFactory.getLogger(RedisMemory.class);

  /** How often a full Redis is asked whether it has room again. */
  private static final Duration LOOK_EVERY = Duration.ofSeconds(1);

  /** One that hovers around its bound would fill the log; and a Cluster has several of them. */
  private static final int LOOKS = 3;

  private final Function<byte[], Mono<Boolean>> hasRoom;
  private final LongAdder refused = new LongAdder();
  private final AtomicBoolean full = new AtomicBoolean();
  private final Disposable.Swap looking = Disposables.swap();
  private volatile byte[] key = RedisKeys.SCHEMA;
  private volatile int good;

  /**
   * @param hasRoom whether the server that has this key takes what adds; changes nothing there
   */
  RedisMemory(Function<byte[], Mono<Boolean>> hasRoom) {
    this.hasRoom = hasRoom;
  }

  /** A write was refused that would have added something. */
  void refused(byte[] its) {
    refused.increment();
    isFullAt(its);
  }

  /** It was seen that the server of this key has no room. */
  void isFullAt(byte[] its) {
    key = its;
    good = 0;
    if (full.compareAndSet(false, true)) {
      LOG.warn(
          "Redis has no memory left (maxmemory): what adds is refused as store-full, deletes and"
              + " expiry go on. Raise maxmemory or delete sessions");
      lookLater();
    }
  }

  boolean isFull() {
    return full.get();
  }

  /** How many writes were refused for memory since the start. */
  long refusals() {
    return refused.sum();
  }

  void close() {
    looking.dispose();
  }

  private void lookLater() {
    looking.update(
        Mono.delay(LOOK_EVERY)
            .then(Mono.defer(() -> hasRoom.apply(key)))
            // It does not answer: another matter, which is told elsewhere.
            .onErrorReturn(false)
            .subscribe(this::looked));
  }

  private void looked(boolean room) {
    good = room ? good + 1 : 0;
    if (good < LOOKS) {
      lookLater();
    } else if (full.compareAndSet(true, false)) {
      LOG.info("Redis has memory again; refused since the start: {} writes", refused.sum());
    }
  }
}
