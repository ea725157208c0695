package io.heddle.session;

import io.heddle.base.Position;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.session.Write.Create;
import java.time.InstantSource;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Makes sessions, finds what is there already, and answers with it. */
final class Making {

  private final SessionReader reader;
  private final Writes writes;
  private final Activity activity;
  private final InstantSource clock;

  Making(SessionReader reader, Writes writes, Activity activity, InstantSource clock) {
    this.reader = reader;
    this.writes = writes;
    this.activity = activity;
    this.clock = clock;
  }

  /** What stands under an id. */
  enum State {
    THERE,
    OTHERS,
    ABSENT,
    ENDED
  }

  record Seen(SessionKey key, State state, @Nullable Session session) {}

  Mono<Written<Session>> make(Request request, Description description, List<NewMessage> messages) {
    SessionKey key = request.key();
    return activity
        .creating(key, description.user(), clock.instant())
        .then(
            Mono.defer(() ->
                writes.apply(
                    key, new Create(description, messages), request.terms(), request.waitFor())))
        .flatMap(outcome -> {
          if (outcome instanceof Outcome.Applied applied) {
            activity.created(key, applied);
          }
          return answer(request, outcome, true);
        });
  }

  /** The session as it is, or empty. */
  Mono<Written<Session>> found(Request request) {
    return reader
        .load(request.key(), request.view(), PageRequest.NONE)
        .flatMap(page -> {
          Position at = page.session().position();
          return request.conditions().allow(at)
              ? Mono.just(new Written<>(page.session(), at, false, false))
              : Mono.<Written<Session>>error(Writes.conflict(at));
        })
        .onErrorResume(Writes::isGone, _ -> Mono.empty());
  }

  /**
   * What stands under the id.
   *
   * @param user whose it must be, or null for anybody's
   */
  Mono<Seen> look(SessionKey key, @Nullable String user) {
    return reader
        .load(key, View.ANY, PageRequest.NONE)
        .map(page -> {
          Session session = page.session();
          boolean others = user != null && !user.equals(session.description().user());
          return new Seen(key, others ? State.OTHERS : State.THERE, session);
        })
        .onErrorResume(
            Writes::isGone,
            error ->
                Mono.just(
                    new Seen(
                        key,
                        Writes.is(error, ProblemCode.SESSION_NOT_FOUND)
                            ? State.ABSENT
                            : State.ENDED,
                        null)));
  }

  Mono<Written<Session>> answer(Request request, Outcome outcome, boolean created) {
    return switch (outcome) {
      case Outcome.Applied(_, Description description, Head head) ->
          Mono.just(
              new Written<>(
                  new Session(request.key(), description, head), head.position(), false, created));
      case Outcome.Replayed again -> replayed(request, again.position(), created);
      case Outcome.Refused refused -> Mono.error(refused.problem().toException());
    };
  }

  /** The session as it is now; that it has gone since is told as such. */
  Mono<Written<Session>> replayed(Request request, Position position, boolean created) {
    return reader
        .load(request.key(), request.view(), PageRequest.NONE)
        .map(page -> new Written<>(page.session(), position, true, created));
  }
}
