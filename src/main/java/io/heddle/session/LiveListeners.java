package io.heddle.session;

import io.heddle.base.SessionKey;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;

/** Who listens to the live messages of which session in this process; for engines. */
public final class LiveListeners {

  private static final Logger log = LoggerFactory.getLogger(LiveListeners.class);

  private final Consumer<SessionKey> first;
  private final Consumer<SessionKey> last;
  private final Map<SessionKey, List<Consumer<LiveMessage>>> listeners = new ConcurrentHashMap<>();

  /**
   * @param first is told of a session with its first listener, and
   * @param last of one without any more; of one session in the order of coming and going
   */
  public LiveListeners(Consumer<SessionKey> first, Consumer<SessionKey> last) {
    this.first = first;
    this.last = last;
  }

  public Disposable add(SessionKey key, Consumer<LiveMessage> listener) {
    // As many entries as calls: the same listener may be given twice.
    Consumer<LiveMessage> mine = listener::accept;
    listeners.compute(
        key,
        (_, all) -> {
          List<Consumer<LiveMessage>> some = all;
          if (some == null) {
            some = new CopyOnWriteArrayList<>();
            first.accept(key);
          }
          some.add(mine);
          return some;
        });
    return () ->
        listeners.computeIfPresent(
            key,
            (_, all) -> {
              all.remove(mine);
              if (!all.isEmpty()) {
                return all;
              }
              last.accept(key);
              return null;
            });
  }

  public boolean hasAny(SessionKey key) {
    return listeners.containsKey(key);
  }

  /** Tells all of them; one that fails harms no other. */
  public void tell(SessionKey key, LiveMessage message) {
    for (Consumer<LiveMessage> listener : listeners.getOrDefault(key, List.of())) {
      try {
        listener.accept(message);
      } catch (RuntimeException e) {
        log.error("A listener to a live channel failed", e);
      }
    }
  }
}
