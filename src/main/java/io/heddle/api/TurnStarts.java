package io.heddle.api;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.session.SessionAttributes;
import io.heddle.session.Turn;
import io.heddle.session.WriteContext;
import io.heddle.session.WritePreconditions;
import io.heddle.session.WriteResult;
import io.heddle.session.service.SessionService;
import io.heddle.turn.Parameters;
import io.heddle.turn.TurnSpec;
import io.heddle.turn.Turns;
import io.heddle.web.Connections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** How turns are begun, over HTTP and over sockets. */
record TurnStarts(Turns turns, SessionService sessions, Connections connections) {

  /**
   * @param createWith makes the session if it was never there; over one that was deleted or has
   *     expired it is not made
   */
  Mono<WriteResult<Turn>> begin(
      WriteContext request, TurnSpec order, @Nullable SessionAttributes createWith) {
    Parameters.check(order.parameters(), turns.maxOutput(), name -> "parameters." + name);
    // A turn that begins now would be cut off half way.
    connections.refuseWhenDraining("turns");
    Mono<WriteResult<Turn>> begun = Mono.defer(() -> turns.begin(request, order));
    if (createWith == null || request.requested().lock() != null) {
      return begun;
    }
    // A position can only be of a session that is there.
    if (request.requested().wantSomething()) {
      return begun.onErrorMap(
          error -> ProblemException.is(error, ProblemCode.SESSION_NOT_FOUND), _ -> conflict());
    }
    return begun.onErrorResume(
        error -> ProblemException.is(error, ProblemCode.SESSION_NOT_FOUND),
        none ->
            sessions
                .put(making(request), createWith, List.of())
                .flatMap(made -> afterMaking(made, request, order))
                // Another caller's session is answered like none.
                .onErrorMap(
                    error -> ProblemException.is(error, ProblemCode.SESSION_EXISTS), _ -> none));
  }

  private Mono<WriteResult<Turn>> afterMaking(
      WriteResult<?> made, WriteContext request, TurnSpec order) {
    boolean absent = request.requested().positions().contains(WritePreconditions.ABSENT);
    if (absent && !made.created()) {
      return Mono.error(conflict());
    }
    // What this very request has made is there now, as it was asked for.
    WritePreconditions rest =
        absent ? request.requested().withPositions(List.of()) : request.requested();
    return turns.begin(
        new WriteContext(request.caller(), request.key(), rest, request.waitFor()), order);
  }

  private static ProblemException conflict() {
    return Problem.of(ProblemCode.VERSION_CONFLICT, "The session is not as it is asked to be")
        .toException();
  }

  /** The idempotency key is the turn's: making a session that is there changes nothing. */
  private static WriteContext making(WriteContext request) {
    return new WriteContext(
        request.caller(), request.key(), WritePreconditions.NONE, request.waitFor());
  }
}
