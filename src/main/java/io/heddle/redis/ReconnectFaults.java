package io.heddle.redis;

import io.lettuce.core.AbstractRedisClient;
import io.lettuce.core.event.connection.ReconnectFailedEvent;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;

/**
 * Why the driver does not get a connection back. What is asked meanwhile is only told that there is
 * none: a password that somebody changed would look like a network that is broken.
 */
final class ReconnectFaults implements AutoCloseable {

  private final Disposable events;
  private volatile @Nullable String reason;

  ReconnectFaults(AbstractRedisClient client) {
    this.events =
        client
            .getResources()
            .eventBus()
            .get()
            .ofType(ReconnectFailedEvent.class)
            .subscribe(event -> reason = RedisErrors.reasonOf(event.getCause()));
  }

  /** Why the last attempt failed; null when none has since Redis answered. */
  @Nullable String reason() {
    return reason;
  }

  void answered() {
    reason = null;
  }

  @Override
  public void close() {
    events.dispose();
  }
}
