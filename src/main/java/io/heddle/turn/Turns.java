package io.heddle.turn;

import io.heddle.base.SessionKey;
import io.heddle.session.Request;
import io.heddle.session.Turn;
import io.heddle.session.View;
import io.heddle.session.Written;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Turns: ordered, looked at, followed, cancelled. Refusals are {@code ProblemException}s. */
public final class Turns {

  /**
   * Starts a turn here, or lets it wait. The call belongs to this replica from then on: cancelling
   * the answer, or whoever follows it, does not stop it. With an idempotency key the repetition
   * gets the same turn, as it is now.
   */
  public Mono<Written<Turn>> begin(Request request, TurnOrder order) {
    throw new UnsupportedOperationException();
  }

  public Mono<Turn> get(SessionKey key, View view, String turn) {
    throw new UnsupportedOperationException();
  }

  /** The running one, those that wait, then ended ones, newest first. */
  public Mono<List<Turn>> list(SessionKey key, View view, Turn.@Nullable Status status) {
    throw new UnsupportedOperationException();
  }

  /** Asks that it ends, whichever replica runs it; the turn as it is then. {@code turn-ended}. */
  public Mono<Turn> cancel(Request request, String turn) {
    throw new UnsupportedOperationException();
  }

  /**
   * What happens in a turn, from any replica, running or ended, while its log lives. Ends after
   * {@link TurnEvent.Ended}. Nothing is told twice and nothing is left out.
   *
   * @param after the last seq the follower has: it is told what comes after, without {@link
   *     TurnEvent.SoFar}; 0 for all from the beginning, -1 to begin with what was said so far
   */
  public Flux<TurnEvent> follow(SessionKey key, View view, String turn, long after) {
    throw new UnsupportedOperationException();
  }

  /** The end of a turn, when it comes. */
  public Mono<TurnEvent.Ended> await(SessionKey key, View view, String turn) {
    throw new UnsupportedOperationException();
  }
}
