package io.heddle.turn;

import io.heddle.json.Json;
import io.heddle.turn.TurnEvent.Said;
import java.util.List;

/**
 * What one turn has said so far, merged by seq from its log, the live channel and its runner,
 * wherever it is followed: each event is added once, and none before the one it follows. Guarded by
 * its owner.
 */
public final class TurnTranscript {

  private final AnswerBuilder answer = new AnswerBuilder();
  private long last;

  /** Is told of each event with its addition. */
  public interface Listener {
    void added(long seq, ModelEvent event);
  }

  /** Seq of the last event; 0 before the first. */
  public long last() {
    return last;
  }

  public Said soFar() {
    return answer.said();
  }

  /**
   * Adds what is new of consecutive events.
   *
   * @param first seq of the first of them
   * @return false when others are missing before them: then none was added
   */
  boolean add(long first, List<ModelEvent> events, Listener listener) {
    if (first < 1 || first > last + 1) {
      return false;
    }
    for (ModelEvent event : events.subList(known(first, events), events.size())) {
      answer.add(event);
      listener.added(++last, event);
    }
    return true;
  }

  /** The same of events as the log has them; those that are known are not even read. */
  public boolean addLogged(long first, List<Json> events, Listener listener) {
    if (first < 1 || first > last + 1) {
      return false;
    }
    List<Json> more = events.subList(known(first, events), events.size());
    return add(last + 1, ModelEventCodec.decodeAll(more), listener);
  }

  private int known(long first, List<?> events) {
    return (int) Math.min(last + 1 - first, events.size());
  }
}
