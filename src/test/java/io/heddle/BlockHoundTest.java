package io.heddle;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.locks.LockSupport;
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
}
