package io.heddle.session;

import io.heddle.base.SessionKey;
import java.util.function.Consumer;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

/**
 * Carries what may be lost, or is in another log, between replicas: what running turns say, typing,
 * presence, wake-ups. The store keeps nothing of it.
 */
public interface LiveChannel {

  /**
   * Tells every replica that listens now, this one too, at most once. Empty when it was handed
   * over; {@code store-unavailable} otherwise.
   */
  Mono<Void> publish(SessionKey key, LiveMessage message);

  /**
   * Listens until disposed. The store is subscribed to once a session and replica, however many
   * listen; after an outage it is subscribed to again. Called on an engine thread that must not be
   * blocked.
   */
  Disposable listen(SessionKey key, Consumer<LiveMessage> listener);

  /** Listens only for the releases of the session's lock, until disposed. */
  default Disposable onRelease(SessionKey key, Runnable listener) {
    return listen(
        key,
        message -> {
          if (message instanceof LiveMessage.LockReleased) {
            listener.run();
          }
        });
  }
}
