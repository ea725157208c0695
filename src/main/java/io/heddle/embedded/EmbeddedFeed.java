package io.heddle.embedded;

import io.heddle.base.Json;
import io.heddle.base.SessionKey;
import io.heddle.session.Change;
import io.heddle.session.ChangeFeed;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Sinks;

/**
 * The changes, to whoever listens in this process. The partitions' counters start with the process:
 * there is no listener that outlives it and could compare.
 */
final class EmbeddedFeed implements ChangeFeed {

  private static final Logger log = LoggerFactory.getLogger(EmbeddedFeed.class);

  private final Workers answers;
  private final long[] seqs = new long[SessionKey.PARTITIONS];
  private final Sinks.Many<Change.Published> sink = Sinks.many().multicast().directBestEffort();

  /**
   * @param answers the thread that gives the answers too: a change is handed to the listeners
   *     before its writer is answered
   */
  EmbeddedFeed(Workers answers) {
    this.answers = answers;
  }

  @Override
  public Flux<Change.Published> changes() {
    return sink.asFlux();
  }

  /** Only on the writer's thread, in the order of the commits. */
  void publish(List<Tx.Made> changes) {
    for (Tx.Made made : changes) {
      int partition = made.session().partition();
      long seq = ++seqs[partition];
      if (sink.currentSubscriberCount() > 0) {
        answers.add(() -> emit(made, seq));
      }
    }
  }

  private void emit(Tx.Made made, long seq) {
    Json body = Tx.bodyOf(made.change());
    Change.Published published =
        new Change.Published(made.session(), seq, made.previousTag(), made.position(), body);
    if (sink.tryEmitNext(published) == Sinks.EmitResult.FAIL_OVERFLOW) {
      log.debug("A listener is too slow for {}", published.position());
    }
  }
}
