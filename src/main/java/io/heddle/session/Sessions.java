package io.heddle.session;

import io.heddle.base.Caller;
import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.session.Write.Create;
import io.heddle.session.Write.Delete;
import io.heddle.session.Write.Update;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Sessions: made, found, listed, changed, copied, deleted. Refusals are {@code ProblemException}s,
 * as {@link SessionReader} and {@link SessionWriter} tell them.
 */
public final class Sessions {

  private static final Logger log = LoggerFactory.getLogger(Sessions.class);
  private static final int TRIES = 4;
  private static final int LIST_CONCURRENCY = 16;

  private final SessionReader reader;
  private final SessionReader near;
  private final Writes writes;
  private final SessionIndex index;
  private final RetryRecords records;
  private final Activity activity;
  private final Forks forks;
  private final InstantSource clock;

  Sessions(
      SessionReader reader,
      SessionReader near,
      Writes writes,
      SessionIndex index,
      RetryRecords records,
      Activity activity,
      Forks forks,
      InstantSource clock) {
    this.reader = reader;
    this.near = near;
    this.writes = writes;
    this.index = index;
    this.records = records;
    this.activity = activity;
    this.forks = forks;
    this.clock = clock;
  }

  /** Makes a session and makes it its user's current one. */
  public Mono<Written<Session>> create(
      Request request, Description description, List<NewMessage> messages) {
    return Mono.defer(() -> {
      String user = description.user();
      Mono<Optional<String>> current =
          user == null ? Mono.just(Optional.empty()) : current(request.key().tenant(), user);
      return current.flatMap(before ->
          make(request, description, messages)
              .flatMap(made ->
                  user == null || made.replayed()
                      ? Mono.just(made)
                      : makeCurrent(request.key(), user, before).thenReturn(made)));
    });
  }

  /** Makes the session, or answers what is there, unchanged. */
  public Mono<Written<Session>> put(
      Request request, Description description, List<NewMessage> messages) {
    // With a key the record comes first: it must see a session that this very request made.
    Mono<Written<Session>> known =
        request.conditions().retry() == null ? found(request) : Mono.empty();
    return known.switchIfEmpty(Mono.defer(() -> createOrFind(request, description, messages)));
  }

  /**
   * The user's current session while it is active, else a new one. Two at once get one session.
   *
   * @param newId the id of the session, should one be made
   * @param description its user must not be null
   */
  public Mono<Written<Session>> resume(
      Caller caller,
      String newId,
      Conditions conditions,
      Description description,
      List<NewMessage> messages) {
    String user = Objects.requireNonNull(description.user());
    Resume resume = new Resume(caller, user, newId, conditions, description, messages);
    SessionKey key = new SessionKey(caller.tenant(), newId);
    Retry retry = conditions.retry();
    Mono<Written<Session>> before =
        retry == null
            ? Mono.empty()
            : records
                .find(key, retry)
                .flatMap(said ->
                    said instanceof Outcome.Refused refused
                        ? Mono.error(refused.problem().toException())
                        : replayed(resume.request(key), Threads.positionOf(said), true));
    return before.switchIfEmpty(Mono.defer(() -> resume(resume, TRIES)));
  }

  /** Perhaps from what this replica remembers: no base for a write. */
  public Mono<ThreadPage> load(SessionKey key, View view, PageRequest page) {
    return near.load(key, view, page);
  }

  /**
   * A user's sessions by last activity, newest first; without a user, for an admin, those of the
   * tenant by expiry.
   */
  public Mono<Listing> list(
      Caller caller, @Nullable String user, Filter filter, int limit, @Nullable String cursor) {
    String owner = caller.owner();
    if (owner != null && user != null && !owner.equals(user)) {
      return Mono.error(
          Problem.field(ProblemCode.FORBIDDEN, "user", "these sessions are another user's")
              .toException());
    }
    if (owner == null && user == null && !caller.admin()) {
      return Mono.error(
          Problem.field(ProblemCode.FORBIDDEN, "user", "only an admin may list without a user")
              .toException());
    }
    String of = user != null ? user : owner;
    return index
        .list(caller.tenant(), of, limit, cursor)
        .flatMap(page ->
            Flux.fromIterable(page.ids())
                .flatMapSequential(
                    id -> look(new SessionKey(caller.tenant(), id), of), LIST_CONCURRENCY)
                .collectList()
                .map(looked -> listing(looked, of, filter, page.next())));
  }

  /**
   * Changes the description, alone in the session.
   *
   * @param patch may throw a {@code ProblemException}; called again when the session moved; cannot
   *     change the user
   */
  public Mono<Written<Session>> patch(Request request, UnaryOperator<Description> patch) {
    return writes
        .inLine(
            request,
            reader.load(request.key(), request.view(), PageRequest.NONE),
            page -> page.session().position(),
            page -> new Update(patch.apply(page.session().description())))
        .flatMap(outcome -> answer(request, outcome, false));
  }

  /** Deletes the session; again, when it was deleted before. The position of the tombstone. */
  public Mono<Written<Position>> delete(Request request) {
    return writes
        .apply(request.key(), new Delete(), request.terms(), request.waitFor())
        .map(Threads::position);
  }

  /**
   * A new session with the source's description and its thread as it is at one position. It is
   * active, whatever the source is.
   *
   * @param request on the source; its idempotency record is the target's
   * @param after the last message to take
   */
  public Mono<Written<Session>> fork(Request request, SessionKey target, @Nullable String after) {
    Request onTarget =
        new Request(request.caller(), target, request.conditions(), request.waitFor());
    return forks.fork(request, target, after).flatMap(outcome -> answer(onTarget, outcome, true));
  }

  /**
   * Whether a record of the idempotency key decides about the request: it was done, is being done,
   * or the key was used for another. Asked when a limit refuses a request that has a key.
   */
  public Mono<Boolean> isRecorded(SessionKey key, Retry retry) {
    return records.find(key, retry).hasElement();
  }

  private Mono<Written<Session>> make(
      Request request, Description description, List<NewMessage> messages) {
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

  private Mono<Written<Session>> createOrFind(
      Request request, Description description, List<NewMessage> messages) {
    return Mono.defer(() -> create(request, description, messages))
        .onErrorResume(
            error -> Writes.is(error, ProblemCode.SESSION_EXISTS),
            // Another caller's, or one that is being built: the id is taken, and no more is told.
            error -> found(request).switchIfEmpty(Mono.error(error)));
  }

  /** The session as it is, or empty. */
  private Mono<Written<Session>> found(Request request) {
    return reader
        .load(request.key(), request.view(), PageRequest.NONE)
        .flatMap(page -> {
          Position at = page.session().position();
          List<Position> wanted = request.conditions().positions();
          return wanted.isEmpty() || wanted.contains(at)
              ? Mono.just(new Written<>(page.session(), at, false, false))
              : Mono.<Written<Session>>error(Writes.conflict(at));
        })
        .onErrorResume(Writes::isGone, _ -> Mono.empty());
  }

  private Mono<Written<Session>> resume(Resume resume, int tries) {
    Tenant tenant = resume.caller().tenant();
    return current(tenant, resume.user())
        .flatMap(current -> {
          if (current.isEmpty()) {
            return replaceCurrent(resume, null, tries);
          }
          String id = current.get();
          return look(new SessionKey(tenant, id), resume.user())
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

  private Mono<Written<Session>> continueOrReplace(Resume resume, Seen seen, int tries) {
    Session session = Objects.requireNonNull(seen.session());
    return session.description().status() == Description.Status.ACTIVE
        ? Mono.just(new Written<>(session, session.position(), false, false))
        : replaceCurrent(resume, seen.key().id(), tries);
  }

  private Mono<Written<Session>> replaceCurrent(
      Resume resume, @Nullable String expected, int tries) {
    return index
        .compareAndSetCurrent(resume.caller().tenant(), resume.user(), expected, resume.newId())
        .flatMap(winner ->
            winner.equals(resume.newId())
                ? makeNamed(resume, winner, tries)
                : again(resume, tries));
  }

  private Mono<Written<Session>> makeNamed(Resume resume, String id, int tries) {
    Request request = resume.request(new SessionKey(resume.caller().tenant(), id));
    return make(request, resume.description(), resume.messages())
        .onErrorResume(
            error -> Writes.is(error, ProblemCode.SESSION_EXISTS),
            error ->
                found(request)
                    .filter(made -> resume.user().equals(made.value().description().user()))
                    .switchIfEmpty(
                        Mono.defer(() ->
                            id.equals(resume.newId())
                                ? Mono.error(error)
                                : replaceCurrent(resume, id, tries))));
  }

  private Mono<Written<Session>> again(Resume resume, int tries) {
    return tries > 0
        ? resume(resume, tries - 1)
        : Mono.error(
            Problem.of(
                    ProblemCode.SESSION_LOCKED, "the user's current session keeps being replaced")
                .with("retryAfter", 1)
                .toException());
  }

  private Mono<Optional<String>> current(Tenant tenant, String user) {
    return index.current(tenant, user).map(Optional::of).defaultIfEmpty(Optional.empty());
  }

  /** The session is made, so a failure here must not be the answer to making it. */
  private Mono<Void> makeCurrent(SessionKey key, String user, Optional<String> before) {
    return index
        .compareAndSetCurrent(key.tenant(), user, before.orElse(null), key.id())
        .doOnError(error -> log.debug("setting a current session failed: {}", error.toString()))
        .onErrorComplete()
        .then();
  }

  private Mono<Seen> look(SessionKey key, @Nullable String user) {
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

  private Listing listing(
      List<Seen> looked, @Nullable String user, Filter filter, @Nullable String next) {
    List<Session> sessions = new ArrayList<>(looked.size());
    List<SessionKey> dead = new ArrayList<>();
    for (Seen seen : looked) {
      if (seen.state() != State.THERE || seen.session() == null) {
        dead.add(seen.key());
      } else if (filter.matches(seen.session().description())) {
        sessions.add(seen.session());
      }
    }
    if (user != null) {
      activity.forget(dead, user);
    }
    return new Listing(List.copyOf(sessions), next);
  }

  private Mono<Written<Session>> answer(Request request, Outcome outcome, boolean created) {
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
  private Mono<Written<Session>> replayed(Request request, Position position, boolean created) {
    return reader
        .load(request.key(), request.view(), PageRequest.NONE)
        .map(page -> new Written<>(page.session(), position, true, created));
  }

  private enum State {
    THERE,
    OTHERS,
    ABSENT,
    ENDED
  }

  private record Seen(SessionKey key, State state, @Nullable Session session) {}

  private record Resume(
      Caller caller,
      String user,
      String newId,
      Conditions conditions,
      Description description,
      List<NewMessage> messages) {

    Request request(SessionKey key) {
      return new Request(caller, key, conditions, java.time.Duration.ZERO);
    }
  }
}
