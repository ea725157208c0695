package io.heddle.redis;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.redisson.Redisson;
import org.redisson.api.RFuture;
import org.redisson.api.RedissonClient;
import org.redisson.client.RedisAskException;
import org.redisson.client.RedisRedirectException;
import org.redisson.client.RedisTimeoutException;
import org.redisson.client.codec.Codec;
import org.redisson.client.protocol.RedisCommand;
import org.redisson.command.CommandAsyncService;
import org.redisson.connection.NodeSource;
import org.redisson.connection.NodeSource.Redirect;
import org.redisson.misc.CompletableFutureWrapper;
import org.redisson.misc.RedisURI;

/**
 * Redisson's commands with an end. Its own follow the redirects of a Cluster for as long as there
 * are any, thousands a second, and nobody can stop them: while a slot moves, or when two masters
 * name each other, a lock's command would go on after its caller has left, and succeed when nobody
 * waits for it any more. Here each command follows a few, and is given up at its deadline.
 */
final class LockCommands extends CommandAsyncService {

  private static final int REDIRECTS = 5;

  /** Two masters that name each other need a moment to agree. */
  private static final int AT_ONCE = 2;

  private static final long PAUSE_MILLIS = 50;

  private final Duration deadline;

  /**
   * @param deadline of one command, with all its redirects
   */
  LockCommands(RedissonClient client, Duration deadline) {
    super(((Redisson) client).getCommandExecutor(), false);
    this.deadline = deadline;
  }

  /**
   * Without Redisson's WAIT for a replica: on a Cluster it sends each script in a batch, and the
   * batch is what goes round for ever. The lock only saves work; what a failover loses of it, the
   * comparison of the holder's token finds.
   */
  @Override
  public <T> RFuture<T> syncedEvalNoRetry(
      String key,
      Codec codec,
      RedisCommand<T> type,
      String script,
      List<Object> keys,
      Object... params) {
    return evalWriteNoRetryAsync(key, codec, type, script, keys, params);
  }

  /** The whole script each time: on the way to a node that lacks it, Redisson loses its way. */
  @Override
  protected boolean isEvalCacheActive() {
    return false;
  }

  @Override
  public <V, R> RFuture<R> async(
      boolean readOnly,
      NodeSource source,
      Codec codec,
      RedisCommand<V> command,
      Object[] params,
      boolean ignoreRedirect,
      boolean noRetry) {
    Asked<V, R> asked = new Asked<>(readOnly, codec, command, params, noRetry);
    var end =
        getServiceManager()
            .newTimeout(_ -> asked.giveUp(), deadline.toMillis(), TimeUnit.MILLISECONDS);
    asked.answer.whenComplete((_, _) -> end.cancel());
    asked.send(source, REDIRECTS);
    return new CompletableFutureWrapper<>(asked.answer);
  }

  /** One command, and where it has been sent. */
  private final class Asked<V, R> {

    private final boolean readOnly;
    private final Codec codec;
    private final RedisCommand<V> command;
    private final Object[] params;
    private final boolean noRetry;
    private final CompletableFuture<R> answer = new CompletableFuture<>();
    private volatile @Nullable CompletableFuture<R> attempt;

    Asked(
        boolean readOnly, Codec codec, RedisCommand<V> command, Object[] params, boolean noRetry) {
      this.readOnly = readOnly;
      this.codec = codec;
      this.command = command;
      this.params = params;
      this.noRetry = noRetry;
    }

    void send(NodeSource source, int redirects) {
      if (answer.isDone()) {
        return;
      }
      CompletableFuture<R> sent =
          LockCommands.super
              .<V, R>async(readOnly, source, codec, command, params.clone(), true, noRetry)
              .toCompletableFuture();
      attempt = sent;
      if (answer.isDone()) {
        sent.cancel(false);
      }
      sent.whenComplete((result, error) -> {
        if (error == null) {
          answer.complete(result);
        } else if (error instanceof RedisRedirectException redirect && redirects > 0) {
          follow(redirect, redirects - 1);
        } else {
          answer.completeExceptionally(error);
        }
      });
    }

    private void follow(RedisRedirectException redirect, int redirects) {
      Redirect why = redirect instanceof RedisAskException ? Redirect.ASK : Redirect.MOVED;
      getServiceManager()
          .resolveIP(redirect.getUrl())
          .whenComplete((address, error) -> {
            if (error == null) {
              next(redirect.getSlot(), address, why, redirects);
            } else {
              answer.completeExceptionally(error);
            }
          });
    }

    private void next(Integer slot, RedisURI address, Redirect why, int redirects) {
      NodeSource source = new NodeSource(slot, address, why);
      if (redirects >= REDIRECTS - AT_ONCE) {
        send(source, redirects);
      } else {
        getServiceManager()
            .newTimeout(_ -> send(source, redirects), PAUSE_MILLIS, TimeUnit.MILLISECONDS);
      }
    }

    /** Redisson asks whether it was cancelled before it sends a command again. */
    void giveUp() {
      answer.completeExceptionally(
          new RedisTimeoutException("no answer in " + deadline.toMillis() + " ms"));
      CompletableFuture<R> sent = attempt;
      if (sent != null) {
        sent.cancel(false);
      }
    }
  }
}
