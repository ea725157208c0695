package io.heddle.embedded;

import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.LiveChannel;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

/** Carries live messages to whoever listens in this process. */
final class EmbeddedLiveChannel implements LiveChannel {

  private static final Logger log = LoggerFactory.getLogger(EmbeddedLiveChannel.class);

  private final Workers answers;
  private final Map<SessionKey, List<Consumer<Json>>> listeners = new ConcurrentHashMap<>();

  EmbeddedLiveChannel(Workers answers) {
    this.answers = answers;
  }

  @Override
  public Mono<Void> publish(SessionKey key, Json message) {
    return Mono.create(sink -> {
      // Bounded, unlike a write's answer: nobody waits for these, and they may be lost.
      if (answers.offer(() -> tell(key, message))) {
        sink.success();
      } else {
        sink.error(StoreWriter.unavailable("The session store takes no more messages now.", 1));
      }
    });
  }

  @Override
  public Disposable listen(SessionKey key, Consumer<Json> listener) {
    // As many entries as calls: the same listener may be given twice.
    Consumer<Json> mine = listener::accept;
    listeners.compute(
        key,
        (_, all) -> {
          List<Consumer<Json>> some = all == null ? new CopyOnWriteArrayList<>() : all;
          some.add(mine);
          return some;
        });
    return () ->
        listeners.computeIfPresent(
            key,
            (_, all) -> {
              all.remove(mine);
              return all.isEmpty() ? null : all;
            });
  }

  /** Only on the writer's thread: what commits tell comes in their order, before their answers. */
  void tell(List<Tx.Told> told) {
    for (Tx.Told each : told) {
      if (listeners.containsKey(each.session())) {
        answers.add(() -> tell(each.session(), each.message()));
      }
    }
  }

  private void tell(SessionKey key, Json message) {
    for (Consumer<Json> listener : listeners.getOrDefault(key, List.of())) {
      try {
        listener.accept(message);
      } catch (RuntimeException e) {
        log.error("A listener to a live channel failed", e);
      }
    }
  }
}
