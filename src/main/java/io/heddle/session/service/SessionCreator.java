package io.heddle.session.service;

import io.heddle.base.Position;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.session.Head;
import io.heddle.session.NewMessage;
import io.heddle.session.Outcome;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.Session;
import io.heddle.session.SessionAttributes;
import io.heddle.session.SessionReader;
import io.heddle.session.Write.Create;
import io.heddle.session.WriteContext;
import io.heddle.session.WriteResult;
import java.time.InstantSource;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Makes sessions, finds what is there already, and answers with it. */
final class SessionCreator {

  private final SessionReader reader;
  private final WriteExecutor writes;
  private final IndexUpdater activity;
  private final InstantSource clock;

  SessionCreator(
      SessionReader reader, WriteExecutor writes, IndexUpdater activity, InstantSource clock) {
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

  Mono<WriteResult<Session>> make(
      WriteContext request, SessionAttributes description, List<NewMessage> messages) {
    return create(request, description, messages)
        .flatMap(outcome -> answer(request, outcome, true));
  }

  /** Makes a session and enters it in its user's index, before and after. */
  Mono<Outcome> create(
      WriteContext request, SessionAttributes description, List<NewMessage> messages) {
    SessionKey key = request.key();
    return activity
        .creating(key, description.user(), clock.instant())
        .then(
            Mono.defer(() ->
                writes.apply(
                    key,
                    new Create(description, messages),
                    request.preconditions(),
                    request.waitFor())))
        .doOnNext(outcome -> {
          if (outcome instanceof Outcome.Applied applied) {
            activity.created(key, applied);
          }
        });
  }

  /** The session as it is, or empty. */
  Mono<WriteResult<Session>> found(WriteContext request) {
    return reader
        .load(request.key(), request.view(), PageRequest.NONE)
        .flatMap(page -> {
          Position at = page.session().position();
          return request.requested().allow(at)
              ? Mono.just(new WriteResult<>(page.session(), at, false, false))
              : Mono.<WriteResult<Session>>error(WriteExecutor.conflict(at));
        })
        .onErrorResume(WriteExecutor::isGone, _ -> Mono.empty());
  }

  /**
   * What stands under the id.
   *
   * @param user whose it must be, or null for anybody's
   */
  Mono<Seen> look(SessionKey key, @Nullable String user) {
    return reader
        .load(key, ReadContext.ANY, PageRequest.NONE)
        .map(page -> {
          Session session = page.session();
          boolean others = user != null && !user.equals(session.description().user());
          return new Seen(key, others ? State.OTHERS : State.THERE, session);
        })
        .onErrorResume(
            WriteExecutor::isGone,
            error ->
                Mono.just(
                    new Seen(
                        key,
                        ProblemException.is(error, ProblemCode.SESSION_NOT_FOUND)
                            ? State.ABSENT
                            : State.ENDED,
                        null)));
  }

  Mono<WriteResult<Session>> answer(WriteContext request, Outcome outcome, boolean created) {
    return switch (outcome) {
      case Outcome.Applied(_, SessionAttributes description, Head head) ->
          Mono.just(
              new WriteResult<>(
                  new Session(request.key(), description, head), head.position(), false, created));
      case Outcome.Replayed again -> replayed(request, again.position(), created);
      case Outcome.Refused refused -> Mono.error(refused.problem().toException());
    };
  }

  /** The session as it is now; that it has gone since is told as such. */
  Mono<WriteResult<Session>> replayed(WriteContext request, Position position, boolean created) {
    return reader
        .load(request.key(), request.view(), PageRequest.NONE)
        .map(page -> new WriteResult<>(page.session(), position, true, created));
  }
}
