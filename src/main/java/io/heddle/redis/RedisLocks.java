package io.heddle.redis;

import io.heddle.base.Detached;
import io.heddle.base.IdSource;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.LiveChannel;
import io.heddle.session.LiveMessage;
import io.heddle.session.LockWait;
import io.heddle.session.SessionLocks;
import io.heddle.session.StoreProblems;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.redisson.client.RedisOutOfMemoryException;
import org.redisson.client.RedisReadonlyException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

/**
 * The session's lock in Redis. Updates of ours stand in line at Redisson's lock and then claim the
 * session; a client's lock is the claim record alone, which any replica can renew and end. Redisson
 * only saves work: what refuses a late writer is the token that every write script compares.
 */
final class RedisLocks implements SessionLocks {

  private static final Logger LOG = LoggerFactory.getLogger(RedisLocks.class);

  /** How much later than Redis's own time to answer ours ends, for the way of the answer. */
  private static final Duration GRACE = Duration.ofMillis(100);

  /** When a lock is given back that may have been taken after nobody waited for it any more. */
  private static final Duration LATE = Duration.ofSeconds(1);

  private static final int LATE_TRIES = 5;

  private final RedisLink link;
  private final LockClient redisson;
  private final IdSource ids;
  private final LiveChannel live;
  private final Duration timeout;
  // Redisson's owner is a client's uuid and a number. Threads are shared by requests here, so the
  // number is one of each acquisition; a thread's id would let two requests hold one lock.
  private final AtomicLong acquisitions = new AtomicLong();
  private final AtomicLong lostLocks = new AtomicLong();

  RedisLocks(
      RedisLink link, LockClient redisson, IdSource ids, LiveChannel live, Duration timeout) {
    this.link = link;
    this.timeout = timeout;
    this.redisson = redisson;
    this.ids = ids;
    this.live = live;
  }

  /** Redisson locks that had ended before they were released. */
  long lostLocks() {
    return lostLocks.get();
  }

  @Override
  public <T> Mono<T> inLine(
      SessionKey key,
      @Nullable String owner,
      @Nullable String token,
      Duration wait,
      Duration lease,
      Function<String, Mono<T>> work) {
    return Mono.defer(() -> {
      long deadline = System.nanoTime() + wait.toNanos();
      AtomicBoolean gone = new AtomicBoolean();
      Mono<T> attempt = Mono.defer(() -> attempt(key, owner, token, deadline, lease, work, gone));
      Mono<T> update = LockWait.whileLocked(this, key, wait, attempt);
      // Begun once and never cancelled: a client that hangs up in the moment a lock is acquired
      // would otherwise leave it behind.
      return Detached.of(update).doOnCancel(() -> gone.set(true));
    });
  }

  private <T> Mono<T> attempt(
      SessionKey key,
      @Nullable String owner,
      @Nullable String token,
      long deadline,
      Duration lease,
      Function<String, Mono<T>> work,
      AtomicBoolean gone) {
    LockCommands commands = redisson.commands();
    if (commands == null) {
      return Mono.error(RedisErrors.away());
    }
    if (gone.get()) {
      return Mono.empty();
    }
    LineLock lock = new LineLock(commands, RedisKeys.of(key).lock());
    long acquisition = acquisitions.incrementAndGet();
    long left = Math.max(0, TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime()));
    CompletableFuture<Boolean> acquired =
        lock.tryLockAsync(left, lease.toMillis(), TimeUnit.MILLISECONDS, acquisition)
            .toCompletableFuture();
    return Mono.fromFuture(acquired, true)
        // An end of our own, whatever Redisson waits for.
        .timeout(timeout.plusMillis(left).plus(GRACE))
        .onErrorMap(error -> redissonFailed(lock, error))
        .flatMap(got -> {
          if (!got) {
            return lineTooLong(lock).<T>flatMap(Mono::error);
          }
          if (gone.get()) {
            // Nobody waits for an update that has not begun: those behind it need not either.
            return Mono.<T>empty();
          }
          Mono<T> run =
              token != null
                  ? Mono.defer(() -> work.apply(token))
                  : claimed(key, owner, lock.holder(acquisition), work);
          return run.timeout(lease, Mono.error(RedisLocks::tookTooLong));
        })
        .transform(run -> thenRelease(run, true, () -> leave(lock, acquisition, acquired)));
  }

  /**
   * Releases what was held and then answers; as a signal, so that an error, an answer and none at
   * all are alike. An error of Redis is answered at once: a Redis that did not answer this does not
   * answer that any sooner, and one that is full took no lock.
   *
   * @param ofMemory whether what is released would have taken memory
   */
  private static <T> Mono<T> thenRelease(
      Mono<T> work, boolean ofMemory, Supplier<Mono<Void>> release) {
    return work.materialize()
        .flatMap(signal -> {
          Throwable error = signal.getThrowable();
          if (error != null
              && (RedisErrors.isAway(error)
                  || RedisErrors.isUnknown(error)
                  || (ofMemory && RedisErrors.isFull(error)))) {
            release.get().subscribe();
            return Mono.just(signal);
          }
          return release.get().thenReturn(signal);
        })
        .dematerialize();
  }

  private <T> Mono<T> claimed(
      SessionKey key, @Nullable String owner, String holder, Function<String, Mono<T>> work) {
    RedisKeys k = RedisKeys.of(key);
    byte[][] keys = {k.session(), RedisKeys.ascii(k.lock())};
    ScriptArgs args = new ScriptArgs().text(owner).text(holder).text(ids.token());
    return ask(RedisScript.CLAIM, keys, args)
        .map(reply -> reply.text(1))
        .flatMap(claim ->
            thenRelease(
                Mono.defer(() -> work.apply(claim)), false, () -> unclaim(key, owner, claim)));
  }

  /**
   * Also after a delete, or when somebody else holds the session by now: then it is over anyway.
   */
  private Mono<Void> unclaim(SessionKey key, @Nullable String owner, String claim) {
    return apply(key, owner, new Call.Release(claim), null)
        .then()
        .onErrorComplete()
        .doOnSuccess(_ -> LockWait.ended(this, key));
  }

  private Mono<Void> leave(LineLock lock, long acquisition, CompletableFuture<Boolean> acquired) {
    if (!acquired.isDone()) {
      // Redisson gives back by itself what it gets after this.
      acquired.cancel(false);
    }
    boolean failed = acquired.isCompletedExceptionally();
    if (!failed && !acquired.getNow(false)) {
      return Mono.empty();
    }
    Mono<Void> unlock =
        Mono.<Void>fromCompletionStage(() -> lock.unlockAsync(acquisition))
            // Its lease was over, or it was not acquired.
            .onErrorResume(
                IllegalMonitorStateException.class,
                error -> {
                  if (!failed) {
                    lost(lock, error);
                  }
                  return Mono.empty();
                });
    Mono<Void> later =
        Mono.delay(LATE)
            .then(unlock)
            .retry(LATE_TRIES)
            .onErrorResume(error -> {
              // The lease will end it.
              lost(lock, error);
              return Mono.empty();
            });
    // What failed may have come to Redis all the same, or come there yet.
    return failed
        ? later
        : unlock.onErrorResume(error -> {
          later.subscribe();
          return Mono.empty();
        });
  }

  private void lost(LineLock lock, Throwable error) {
    lostLocks.incrementAndGet();
    LOG.debug("lock {} was not released: {}", lock.getName(), error.getMessage());
  }

  @Override
  public Mono<Done> apply(
      SessionKey key, @Nullable String owner, Call call, @Nullable IdempotentRequest retry) {
    RedisKeys k = RedisKeys.of(key);
    byte[][] keys =
        retry == null
            ? new byte[][] {k.session()}
            : new byte[][] {k.session(), k.record(retry.key())};
    ScriptArgs args = new ScriptArgs().text(owner);
    RedisScript script =
        switch (call) {
          case Call.Take(Duration ttl, String label) -> {
            args.number(ttl.toMillis()).text(ids.token()).text(label);
            yield RedisScript.LOCK;
          }
          case Call.Renew(String token, Duration ttl) -> {
            args.text(token).number(ttl.toMillis());
            yield RedisScript.RENEW;
          }
          case Call.Release(String token) -> {
            args.text(token).bytes(link.publish().command());
            args.text(k.liveChannel(link.database()))
                .bytes(new LiveMessage.LockReleased().toJson().utf8());
            yield RedisScript.RELEASE;
          }
        };
    if (retry != null) {
      args.text(retry.body());
    }
    return ask(script, keys, args).map(reply -> done(call, reply));
  }

  private static Done done(Call call, ScriptReply reply) {
    Held held =
        call instanceof Call.Release
            ? null
            : new Held(reply.text(1), reply.number(2), reply.time(3), true, label(reply, 5));
    return new Done(held, reply.kind() == ScriptReply.REPLAYED);
  }

  @Override
  public Disposable onRelease(SessionKey key, Runnable listener) {
    return live.onRelease(key, listener);
  }

  @Override
  public Mono<Held> holder(SessionKey key, @Nullable String owner) {
    byte[][] session = {RedisKeys.of(key).session()};
    return ask(RedisScript.HOLDER, session, new ScriptArgs().text(owner))
        .filter(reply -> reply.size() > 1)
        .map(reply ->
            new Held(
                null, reply.number(1), reply.time(2), reply.text(3).equals("c"), label(reply, 4)));
  }

  private Mono<ScriptReply> ask(RedisScript script, byte[][] keys, ScriptArgs args) {
    return link.write(script, keys, args.toArray()).map(ScriptReply::accepted);
  }

  private static @Nullable String label(ScriptReply reply, int at) {
    String label = reply.text(at);
    return label.isEmpty() ? null : label;
  }

  private static Mono<ProblemException> lineTooLong(LineLock lock) {
    return Mono.fromCompletionStage(lock::remainTimeToLiveAsync)
        .onErrorReturn(0L)
        .map(millis -> Math.max(0, millis))
        .map(left -> StoreProblems.locked(Instant.now().plusMillis(left), left).toException());
  }

  private static ProblemException tookTooLong() {
    return Problem.of(ProblemCode.OUTCOME_UNKNOWN, "The update took longer than its lock lasts")
        .toException();
  }

  private Throwable redissonFailed(LineLock lock, Throwable error) {
    if (error instanceof RedisOutOfMemoryException
        || error.getCause() instanceof RedisOutOfMemoryException) {
      link.memory().refused(RedisKeys.ascii(lock.getName()));
      return RedisErrors.full();
    }
    if (error instanceof RedisReadonlyException
        || error.getCause() instanceof RedisReadonlyException) {
      redisson.isReplica(link.isMaster());
    }
    LOG.debug("Redisson: {}", error.getMessage());
    return error instanceof ProblemException ? error : RedisErrors.away();
  }
}
