package io.heddle.embedded;

import io.heddle.base.SessionKey;
import io.heddle.session.LiveChannel;
import io.heddle.session.LiveListeners;
import io.heddle.session.LiveMessage;
import java.util.List;
import java.util.function.Consumer;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

/** Carries live messages to whoever listens in this process. */
final class EmbeddedLiveChannel implements LiveChannel {

  private final Workers answers;
  private final LiveListeners listeners = new LiveListeners(_ -> {}, _ -> {});

  EmbeddedLiveChannel(Workers answers) {
    this.answers = answers;
  }

  @Override
  public Mono<Void> publish(SessionKey key, LiveMessage message) {
    return Mono.create(sink -> {
      // Bounded, unlike a write's answer: nobody waits for these, and they may be lost.
      if (answers.offer(() -> listeners.tell(key, message))) {
        sink.success();
      } else {
        sink.error(StoreWriter.unavailable("The session store takes no more messages now.", 1));
      }
    });
  }

  @Override
  public Disposable listen(SessionKey key, Consumer<LiveMessage> listener) {
    return listeners.add(key, listener);
  }

  /** Only on the writer's thread: what commits tell comes in their order, before their answers. */
  void tell(List<Tx.Told> told) {
    for (Tx.Told each : told) {
      if (listeners.hasAny(each.session())) {
        answers.add(() -> listeners.tell(each.session(), each.message()));
      }
    }
  }
}
