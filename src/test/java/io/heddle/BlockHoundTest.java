package io.heddle;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.cluster.models.partitions.Partitions;
import io.lettuce.core.cluster.models.partitions.RedisClusterNode;
import java.util.AbstractList;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Test;
import reactor.blockhound.BlockingOperationError;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.netty.resources.LoopResources;

/**
 * BlockHound needs a flag that a later JDK may drop; without it no test would fail and no blocking
 * call would be seen any more. So this one fails then.
 */
class BlockHoundTest {
  @Test
  void seesABlockingCallOnAnEventLoop() {
    LoopResources loops = LoopResources.create("blockhound-test", 1, true);
    Scheduler eventLoop = Schedulers.fromExecutor(loops.onServer(true).next());
    try {
      assertThatThrownBy(() ->
              Mono.fromRunnable(() -> LockSupport.parkNanos(1_000)).subscribeOn(eventLoop).block())
          .hasRootCauseInstanceOf(BlockingOperationError.class);
    } finally {
      loops.disposeLater().block();
    }
  }

  @Test
  void seesABlockingCallOnReactorsParallelThreads() {
    assertThatThrownBy(() ->
            Mono.fromRunnable(() -> LockSupport.parkNanos(1_000))
                .subscribeOn(Schedulers.parallel())
                .block())
        .hasRootCauseInstanceOf(BlockingOperationError.class);
  }

  /**
   * A first call to a node of a Cluster failed because another thread held Lettuce's lock of its
   * connections for a moment. Here a list that Lettuce copies under its lock takes its time.
   */
  @Test
  void aDriversShortLockIsWaitedForOnAnEventLoop() throws InterruptedException {
    Partitions partitions = new Partitions();
    SlowlyCopied nodes = new SlowlyCopied();
    CompletableFuture<Void> holder = CompletableFuture.runAsync(() -> partitions.addAll(nodes));
    nodes.copied.await();

    AtomicReference<Thread> thread = new AtomicReference<>(Thread.currentThread());
    CompletableFuture<Void> waiter =
        onAParallelThread(() -> {
          thread.set(Thread.currentThread());
          partitions.updateCache();
        });
    await().until(() -> waiter.isDone() || isParked(thread.get()));
    nodes.goesOn.countDown();
    waiter.join();
    holder.join();
  }

  @Test
  void anyOtherLockIsNot() {
    ReentrantLock lock = new ReentrantLock();
    lock.lock();
    try {
      assertThatThrownBy(onAParallelThread(lock::lock)::join)
          .hasRootCauseInstanceOf(BlockingOperationError.class);
    } finally {
      lock.unlock();
    }
  }

  private static CompletableFuture<Void> onAParallelThread(Runnable work) {
    return CompletableFuture.runAsync(work, Schedulers.parallel()::schedule);
  }

  private static boolean isParked(Thread thread) {
    return thread != Thread.currentThread() && thread.getState() == Thread.State.WAITING;
  }

  /** Says when it is copied, and waits then. */
  private static final class SlowlyCopied extends AbstractList<RedisClusterNode> {
    private final CountDownLatch copied = new CountDownLatch(1);
    private final CountDownLatch goesOn = new CountDownLatch(1);

    @Override
    public RedisClusterNode get(int index) {
      throw new IndexOutOfBoundsException(index);
    }

    @Override
    public int size() {
      return 0;
    }

    @Override
    public Object[] toArray() {
      copied.countDown();
      try {
        goesOn.await();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
      return new Object[0];
    }
  }
}
