package io.heddle.session.service;

import io.heddle.base.Caller;
import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.session.Filter;
import io.heddle.session.IdempotencyRecords;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.NewMessage;
import io.heddle.session.PageReader;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.Session;
import io.heddle.session.SessionAttributes;
import io.heddle.session.SessionIndex;
import io.heddle.session.SessionPage;
import io.heddle.session.SessionReader;
import io.heddle.session.SessionWriter;
import io.heddle.session.ThreadPage;
import io.heddle.session.Write.Delete;
import io.heddle.session.Write.Update;
import io.heddle.session.WriteContext;
import io.heddle.session.WritePreconditions;
import io.heddle.session.WriteResult;
import io.heddle.session.service.SessionCreator.Seen;
import io.heddle.session.service.SessionCreator.State;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Sessions: made, found, listed, changed, copied, deleted. Refusals are {@code ProblemException}s,
 * as {@link SessionReader} and {@link SessionWriter} tell them.
 */
public final class SessionService {

  private static final int LIST_CONCURRENCY = 16;

  private final SessionReader reader;
  private final PageReader near;
  private final WriteExecutor writes;
  private final SessionIndex index;
  private final IdempotencyRecords records;
  private final IndexUpdater activity;
  private final Forks forks;
  private final SessionCreator creator;
  private final CurrentSessions currents;
  private final Unreadable unreadable = new Unreadable();

  SessionService(
      SessionReader reader,
      PageReader near,
      WriteExecutor writes,
      SessionIndex index,
      IdempotencyRecords records,
      IndexUpdater activity,
      Forks forks,
      SessionCreator creator) {
    this.reader = reader;
    this.near = near;
    this.writes = writes;
    this.index = index;
    this.records = records;
    this.activity = activity;
    this.forks = forks;
    this.creator = creator;
    this.currents = new CurrentSessions(index, records, creator);
  }

  /** Makes a session and makes it its user's current one. */
  public Mono<WriteResult<Session>> create(
      WriteContext request, SessionAttributes description, List<NewMessage> messages) {
    return Mono.defer(() -> {
      String user = description.user();
      Mono<Optional<String>> current =
          user == null
              ? Mono.just(Optional.empty())
              : currents.current(request.key().tenant(), user);
      return current.flatMap(before ->
          creator
              .make(request, description, messages)
              .flatMap(made ->
                  user == null || made.replayed()
                      ? Mono.just(made)
                      : currents.makeCurrent(request.key(), user, before).thenReturn(made)));
    });
  }

  /** Makes the session, or answers what is there, unchanged. */
  public Mono<WriteResult<Session>> put(
      WriteContext request, SessionAttributes description, List<NewMessage> messages) {
    // With a key the record comes first: it must see a session that this very request made.
    Mono<WriteResult<Session>> known =
        request.requested().retry() == null ? creator.found(request) : Mono.empty();
    return known.switchIfEmpty(Mono.defer(() -> createOrFind(request, description, messages)));
  }

  /**
   * The user's current session while it is active, else a new one. Two at once get one session.
   *
   * @param newId the id of the session, should one be made
   * @param description its user must not be null
   */
  public Mono<WriteResult<Session>> resume(
      Caller caller,
      String newId,
      WritePreconditions conditions,
      SessionAttributes description,
      List<NewMessage> messages) {
    return currents.resume(caller, newId, conditions, description, messages);
  }

  /** Perhaps from what this replica remembers: no base for a write. */
  public Mono<ThreadPage> load(SessionKey key, ReadContext view, PageRequest page) {
    return near.load(key, view, page);
  }

  /**
   * A user's sessions by last activity, newest first; without a user, for an admin, those of the
   * tenant by expiry.
   */
  public Mono<SessionPage> list(
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
                    id -> listed(new SessionKey(caller.tenant(), id), of), LIST_CONCURRENCY)
                .collectList()
                .map(looked -> listing(looked, of, filter, page.next())));
  }

  /**
   * Changes the description, alone in the session.
   *
   * @param patch may throw a {@code ProblemException}; called again when the session moved; cannot
   *     change the user
   */
  public Mono<WriteResult<Session>> patch(
      WriteContext request, UnaryOperator<SessionAttributes> patch) {
    return writes
        .inLine(
            request,
            reader.load(request.key(), request.view(), PageRequest.NONE),
            page -> page.session().position(),
            page -> new Update(patch.apply(page.session().description())))
        .flatMap(outcome -> creator.answer(request, outcome, false));
  }

  /** Deletes the session; again, when it was deleted before. The position of the tombstone. */
  public Mono<WriteResult<Position>> delete(WriteContext request) {
    return writes
        .apply(request.key(), new Delete(), request.preconditions(), request.waitFor())
        .map(ThreadService::position);
  }

  /**
   * A new session with the source's description and its thread as it is at one position. It is
   * active, whatever the source is.
   *
   * @param request on the source; its idempotency record is the target's
   * @param after the last message to take
   */
  public Mono<WriteResult<Session>> fork(
      WriteContext request, SessionKey target, @Nullable String after) {
    WriteContext onTarget =
        new WriteContext(request.caller(), target, request.requested(), request.waitFor());
    return forks
        .fork(request, target, after)
        .flatMap(outcome -> creator.answer(onTarget, outcome, true));
  }

  /**
   * Whether a record of the idempotency key decides about the request: it was done, is being done,
   * or the key was used for another. Asked when a limit refuses a request that has a key.
   */
  public Mono<Boolean> isRecorded(SessionKey key, IdempotentRequest retry) {
    return records.find(key, retry).hasElement();
  }

  private Mono<WriteResult<Session>> createOrFind(
      WriteContext request, SessionAttributes description, List<NewMessage> messages) {
    return Mono.defer(() -> create(request, description, messages))
        .onErrorResume(
            error -> ProblemException.is(error, ProblemCode.SESSION_EXISTS),
            // Another caller's, or one that is being built: the id is taken, and no more is told.
            error -> creator.found(request).switchIfEmpty(Mono.error(error)));
  }

  private Mono<Seen> listed(SessionKey key, @Nullable String user) {
    return unreadable.leftOut(key, creator.look(key, user));
  }

  private SessionPage listing(
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
    return new SessionPage(List.copyOf(sessions), next);
  }
}
