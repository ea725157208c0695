package io.heddle.live;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * What one watch reads from the store. Each read takes the place of the one before, whose answer is
 * dropped if it is still on its way. Called on the outlet's loop, and answers there.
 */
final class StoreReads {

  private static final Duration RETRY = Duration.ofSeconds(1);

  private final FrameSink outlet;
  private int newest;

  StoreReads(FrameSink outlet) {
    this.outlet = outlet;
  }

  <T> void read(Mono<T> asked, Consumer<T> then, Consumer<Throwable> failed) {
    int mine = ++newest;
    asked.subscribe(
        answer -> answer(mine, () -> then.accept(answer)),
        error -> answer(mine, () -> failed.accept(error)));
  }

  /** Reads in about a second: not all watches at once. */
  void later(Runnable read) {
    int mine = ++newest;
    long spread = ThreadLocalRandom.current().nextLong(RETRY.toMillis() / 2);
    Mono.delay(RETRY.plusMillis(spread), Schedulers.parallel()).subscribe(_ -> answer(mine, read));
  }

  void drop() {
    newest++;
  }

  private void answer(int mine, Runnable task) {
    outlet.onLoop(() -> {
      if (mine == newest) {
        task.run();
        outlet.flush();
      }
    });
  }
}
