package io.heddle.api;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.session.Conditions;
import io.heddle.session.Description;
import io.heddle.session.Request;
import io.heddle.session.Sessions;
import io.heddle.session.Turn;
import io.heddle.session.Written;
import io.heddle.turn.Parameters;
import io.heddle.turn.TurnOrder;
import io.heddle.turn.Turns;
import io.heddle.web.Connections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** How turns are begun, over HTTP and over sockets. */
record TurnStarts(Turns turns, Sessions sessions, Connections connections) {

  /**
   * @param createWith makes the session if it was never there; over one that was deleted or has
   *     expired it is not made
   */
  Mono<Written<Turn>> begin(Request request, TurnOrder order, @Nullable Description createWith) {
    Parameters.check(order.parameters(), turns.maxOutput(), name -> "parameters." + name);
    // A turn that begins now would be cut off half way.
    LiveHandler.refuseWhenDraining(connections, "turns");
    Mono<Written<Turn>> begun = Mono.defer(() -> turns.begin(request, order));
    if (createWith == null || request.conditions().lock() != null) {
      return begun;
    }
    // A position can only be of a session that is there.
    if (request.conditions().wantSomething()) {
      return begun.onErrorMap(error -> is(error, ProblemCode.SESSION_NOT_FOUND), _ -> conflict());
    }
    return begun.onErrorResume(
        error -> is(error, ProblemCode.SESSION_NOT_FOUND),
        none ->
            sessions
                .put(making(request), createWith, List.of())
                .flatMap(made -> afterMaking(made, request, order))
                // Another caller's session is answered like none.
                .onErrorMap(error -> is(error, ProblemCode.SESSION_EXISTS), _ -> none));
  }

  private Mono<Written<Turn>> afterMaking(Written<?> made, Request request, TurnOrder order) {
    boolean absent = request.conditions().positions().contains(Conditions.ABSENT);
    if (absent && !made.created()) {
      return Mono.error(conflict());
    }
    // What this very request has made is there now, as it was asked for.
    Conditions rest = absent ? request.conditions().withPositions(List.of()) : request.conditions();
    return turns.begin(
        new Request(request.caller(), request.key(), rest, request.waitFor()), order);
  }

  private static ProblemException conflict() {
    return Problem.of(ProblemCode.VERSION_CONFLICT, "The session is not as it is asked to be")
        .toException();
  }

  /** The idempotency key is the turn's: making a session that is there changes nothing. */
  private static Request making(Request request) {
    return new Request(request.caller(), request.key(), Conditions.NONE, request.waitFor());
  }

  private static boolean is(Throwable error, ProblemCode code) {
    return error instanceof ProblemException refusal && refusal.problem().code() == code;
  }
}
