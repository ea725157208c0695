package io.heddle.session.service;

import io.heddle.base.Caller;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.session.IdempotencyRecords;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.NewMessage;
import io.heddle.session.Outcome;
import io.heddle.session.Session;
import io.heddle.session.SessionAttributes;
import io.heddle.session.SessionIndex;
import io.heddle.session.WriteContext;
import io.heddle.session.WritePreconditions;
import io.heddle.session.WriteResult;
import io.heddle.session.service.SessionCreator.Seen;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/** Which session of a user is the current one. */
final class CurrentSessions {

  private static final Logger log = LoggerFactory.getLogger(CurrentSessions.class);
  private static final int TRIES = 4;

  private final SessionIndex index;
  private final IdempotencyRecords records;
  private final SessionCreator creator;

  CurrentSessions(SessionIndex index, IdempotencyRecords records, SessionCreator creator) {
    this.index = index;
    this.records = records;
    this.creator = creator;
  }

  Mono<Optional<String>> current(Tenant tenant, String user) {
    return index.current(tenant, user).map(Optional::of).defaultIfEmpty(Optional.empty());
  }

  /** The session is made, so a failure here must not be the answer to creator it. */
  Mono<Void> makeCurrent(SessionKey key, String user, Optional<String> before) {
    return index
        .compareAndSetCurrent(key.tenant(), user, before.orElse(null), key.id())
        .doOnError(error -> log.debug("setting a current session failed: {}", error.toString()))
        .onErrorComplete()
        .then();
  }

  /**
   * The user's current session while it is active, else a new one. Two at once get one session.
   *
   * @param newId the id of the session, should one be made
   * @param description its user must not be null
   */
  Mono<WriteResult<Session>> resume(
      Caller caller,
      String newId,
      WritePreconditions conditions,
      SessionAttributes description,
      List<NewMessage> messages) {
    String user = Objects.requireNonNull(description.user());
    Resume resume = new Resume(caller, user, newId, conditions, description, messages);
    SessionKey key = new SessionKey(caller.tenant(), newId);
    IdempotentRequest retry = conditions.retry();
    Mono<WriteResult<Session>> before =
        retry == null
            ? Mono.empty()
            : records
                .find(key, retry)
                .flatMap(said ->
                    said instanceof Outcome.Refused refused
                        ? Mono.error(refused.problem().toException())
                        : creator.replayed(
                            resume.request(key), ThreadService.positionOf(said), true));
    return before.switchIfEmpty(Mono.defer(() -> resume(resume, TRIES)));
  }

  private Mono<WriteResult<Session>> resume(Resume resume, int tries) {
    Tenant tenant = resume.caller().tenant();
    return current(tenant, resume.user())
        .flatMap(current -> {
          if (current.isEmpty()) {
            return replaceCurrent(resume, null, tries);
          }
          String id = current.get();
          return creator
              .look(new SessionKey(tenant, id), resume.user())
              .flatMap(seen ->
                  switch (seen.state()) {
                    case THERE -> continueOrReplace(resume, seen, tries);
                    // Somebody named this id to be the current one and is about to make
                    // it: whoever comes first makes it, and both get it.
                    case ABSENT -> makeNamed(resume, id, tries);
                    case OTHERS, ENDED -> replaceCurrent(resume, id, tries);
                  });
        });
  }

  private Mono<WriteResult<Session>> continueOrReplace(Resume resume, Seen seen, int tries) {
    Session session = Objects.requireNonNull(seen.session());
    return session.description().status() == SessionAttributes.Status.ACTIVE
        ? Mono.just(new WriteResult<>(session, session.position(), false, false))
        : replaceCurrent(resume, seen.key().id(), tries);
  }

  private Mono<WriteResult<Session>> replaceCurrent(
      Resume resume, @Nullable String expected, int tries) {
    return index
        .compareAndSetCurrent(resume.caller().tenant(), resume.user(), expected, resume.newId())
        .flatMap(winner ->
            winner.equals(resume.newId())
                ? makeNamed(resume, winner, tries)
                : again(resume, tries));
  }

  private Mono<WriteResult<Session>> makeNamed(Resume resume, String id, int tries) {
    WriteContext request = resume.request(new SessionKey(resume.caller().tenant(), id));
    return creator
        .make(request, resume.description(), resume.messages())
        .onErrorResume(
            error -> ProblemException.is(error, ProblemCode.SESSION_EXISTS),
            error ->
                creator
                    .found(request)
                    .filter(made -> resume.user().equals(made.value().description().user()))
                    .switchIfEmpty(
                        Mono.defer(() ->
                            id.equals(resume.newId())
                                ? Mono.error(error)
                                : replaceCurrent(resume, id, tries))));
  }

  private Mono<WriteResult<Session>> again(Resume resume, int tries) {
    return tries > 0
        ? resume(resume, tries - 1)
        : Mono.error(
            Problem.of(
                    ProblemCode.SESSION_LOCKED, "the user's current session keeps being replaced")
                .with("retryAfter", 1)
                .toException());
  }

  private record Resume(
      Caller caller,
      String user,
      String newId,
      WritePreconditions conditions,
      SessionAttributes description,
      List<NewMessage> messages) {

    WriteContext request(SessionKey key) {
      return new WriteContext(caller, key, conditions, Duration.ZERO);
    }
  }
}
