package io.heddle.api;

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
    // A token or a position can only be of a session that is there.
    if (createWith == null
        || request.conditions().lock() != null
        || !request.conditions().positions().isEmpty()) {
      return begun;
    }
    return begun.onErrorResume(
        error -> is(error, ProblemCode.SESSION_NOT_FOUND),
        none ->
            sessions
                .put(making(request), createWith, List.of())
                .then(begun)
                // Another caller's session is answered like none.
                .onErrorMap(error -> is(error, ProblemCode.SESSION_EXISTS), _ -> none));
  }

  /** The idempotency key is the turn's: making a session that is there changes nothing. */
  private static Request making(Request request) {
    return new Request(request.caller(), request.key(), Conditions.NONE, request.waitFor());
  }

  private static boolean is(Throwable error, ProblemCode code) {
    return error instanceof ProblemException refusal && refusal.problem().code() == code;
  }
}
