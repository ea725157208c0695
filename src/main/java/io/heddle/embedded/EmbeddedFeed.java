package io.heddle.embedded;

import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.Change;
import io.heddle.session.ChangeFeed;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;

/**
 * The changes, to whoever listens in this process. The partitions' counters start with the process
 * and count only while somebody listens: nobody outlives it and could compare.
 */
final class EmbeddedFeed implements ChangeFeed {

  private static final Logger log = LoggerFactory.getLogger(EmbeddedFeed.class);

  /** Nothing is lost on the way to a listener; it only must not take its partitions for silent. */
  private static final Duration COMPARE_EVERY = Duration.ofMillis(500);

  private final Workers answers;
  private final List<Listener> listeners = new CopyOnWriteArrayList<>();
  private final Disposable comparing;

  /** Of the writer's thread. */
  private final long[] seqs = new long[SessionKey.PARTITIONS];

  /** Of the answers' thread. */
  private final long[] told = new long[SessionKey.PARTITIONS];

  /**
   * @param answers the thread that gives the answers too: a change is handed to the listeners
   *     before its writer is answered
   */
  EmbeddedFeed(Workers answers) {
    this.answers = answers;
    this.comparing =
        Flux.interval(COMPARE_EVERY)
            .onBackpressureDrop()
            .subscribe(_ -> listeners.forEach(this::askFor));
  }

  @Override
  public Disposable listen(Listener listener) {
    listeners.add(listener);
    askFor(listener);
    return () -> listeners.remove(listener);
  }

  void close() {
    comparing.dispose();
  }

  /** Only on the writer's thread, in the order of the commits. */
  void publish(List<Tx.Made> changes) {
    if (listeners.isEmpty()) {
      return;
    }
    for (Tx.Made made : changes) {
      int partition = made.session().partition();
      long seq = ++seqs[partition];
      answers.add(() -> emit(partition, seq, made));
    }
  }

  private void emit(int partition, long seq, Tx.Made made) {
    told[partition] = seq;
    Json body = Tx.bodyOf(made.change());
    Change.Published published =
        new Change.Published(
            made.session(),
            seq,
            made.previousTag(),
            made.position(),
            made.counters(),
            body,
            body != null && made.change() instanceof Change.MessagesAppended appended
                ? appended.messages()
                : List.of());
    listeners.forEach(listener -> tell(listener, to -> to.changed(published)));
  }

  private void askFor(Listener listener) {
    long askedAt = System.nanoTime();
    answers.add(() -> tell(listener, to -> compare(to, askedAt)));
  }

  private void compare(Listener listener, long askedAt) {
    for (int partition = 0; partition < told.length; partition++) {
      listener.compared(partition, told[partition], askedAt);
    }
  }

  private static void tell(Listener listener, Consumer<Listener> what) {
    try {
      what.accept(listener);
    } catch (RuntimeException e) {
      log.error("A listener to the changes failed", e);
    }
  }
}
