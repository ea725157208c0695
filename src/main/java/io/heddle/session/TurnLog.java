package io.heddle.session;

import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The records of turns, and what a model has said so far: a log that is numbered 1, 2, 3 … without
 * holes, and readable from any replica until {@link NewTurn#keep()} after the turn's end.
 *
 * <p>Never empty. Errors are {@code ProblemException}s: {@code store-unavailable}, and of those
 * that read {@code turn-not-found}, {@code session-not-found} (also another owner's), {@code
 * session-deleted}, {@code session-expired}. Answers on an engine thread that must not be blocked.
 */
public interface TurnLog {

  /**
   * Adds events after the last one and renews the lease, atomically, and then tells them on the
   * session's {@link LiveChannel} as {@link LiveMessage.TurnFlushed}; without events it only
   * renews. Compares the attempt and {@code after}, nothing else: no holder, no status, no size.
   * The session lives at least until the lease's end + 10 s.
   *
   * <p>Events that the log has already are not added again: sending the same again changes nothing,
   * and what came since may be sent with it. Events that would leave a hole are not added.
   *
   * @param after seq of the last event its owner knows to be in the log
   * @param events each a JSON object on one line, without its seq
   */
  Mono<Flushed> flush(
      SessionKey key, TurnAttempt attempt, long after, List<Json> events, Duration lease);

  /** What the owner of an attempt is told. */
  sealed interface Flushed {

    /**
     * The turn is this attempt's. What was flushed stands in the log, unless {@code last} is below
     * its seqs: then the log lost events that its owner had seen kept.
     *
     * @param last seq of the last event in the log
     * @param cancel what somebody asked since the turn began
     */
    record Kept(long last, Turn.Cancel cancel) implements Flushed {}

    /**
     * The turn is this attempt's and its lease was renewed, but the store has no room for the
     * events: none of them was added.
     *
     * @param cancel what somebody asked since the turn began
     */
    record Full(Turn.Cancel cancel) implements Flushed {}

    /** The turn is not this attempt's any more: ended, taken by another attempt, or gone. */
    record Lost() implements Flushed {}
  }

  /**
   * The record, and the events after a seq, of one moment.
   *
   * @param owner the user the session must belong to, or null for any
   * @param most of the events; 0 for the record alone. There may be fewer although the log goes on
   */
  Mono<Recorded> read(SessionKey key, @Nullable String owner, String turn, long after, int most);

  /**
   * @param events in order, the first has seq {@code after + 1}
   * @param last seq of the last event there is
   */
  record Recorded(Turn turn, List<Json> events, long last) {}

  /**
   * The session's turns: the running one, those that wait, in their order, and the newest 100 of
   * the others, newest first; each as {@link Turn#lean()}.
   */
  Mono<List<Turn>> list(SessionKey key, @Nullable String owner);

  /** Those of the session's turns that have not ended. */
  Mono<Open> open(SessionKey key);

  /**
   * @param running the one that runs
   * @param waiting those that wait, in their order
   * @param now the time by the store's clock, which their times are of
   */
  record Open(@Nullable Turn running, List<Turn> waiting, Instant now) {

    /** Of a list as {@link TurnLog#list} has it. */
    public static Open of(List<Turn> turns, Instant now) {
      Turn running = null;
      List<Turn> waiting = new ArrayList<>();
      for (Turn turn : turns) {
        if (turn.status() == Turn.Status.RUNNING) {
          running = turn;
        } else if (turn.status() == Turn.Status.QUEUED) {
          waiting.add(turn);
        }
      }
      return new Open(running, List.copyOf(waiting), now);
    }
  }

  /**
   * Sessions with a running turn whose lease may have ended, or with a turn that waits while none
   * runs; a bounded number of each partition. Whoever finds nothing to do there writes {@link
   * Write.EndTurn}, {@link Write.RetakeTurn} or {@link Write.NextTurn} all the same: their refusal
   * moves the session to its true time.
   *
   * @param proven only where this replica's link to the store has been proven for that long: after
   *     an outage living owners must have had the time to renew
   */
  Flux<SessionKey> due(Duration proven);
}
