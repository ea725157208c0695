package io.heddle.upstream;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import reactor.core.Disposable;
import reactor.core.scheduler.Schedulers;

/**
 * Looks at all requests under way every few milliseconds, and ends those that take too long. Timers
 * of their own would wake another thread several times a request.
 */
final class Watchdog implements AutoCloseable {

  private static final Duration PERIOD = Duration.ofMillis(20);

  private final Set<ResponseTimeouts> open = ConcurrentHashMap.newKeySet();
  private final Disposable ticker =
      Schedulers.parallel()
          .schedulePeriodically(
              this::look, PERIOD.toMillis(), PERIOD.toMillis(), TimeUnit.MILLISECONDS);

  void add(ResponseTimeouts patience) {
    open.add(patience);
  }

  void remove(ResponseTimeouts patience) {
    open.remove(patience);
  }

  private void look() {
    for (ResponseTimeouts patience : open) {
      patience.look();
    }
  }

  @Override
  public void close() {
    ticker.dispose();
  }
}
