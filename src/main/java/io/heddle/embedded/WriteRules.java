package io.heddle.embedded;

import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.embedded.SessionRecord.Draft;
import io.heddle.embedded.SessionRecord.Life;
import io.heddle.session.Change;
import io.heddle.session.Outcome;
import io.heddle.session.SessionAttributes;
import io.heddle.session.StoreLimits;
import io.heddle.session.StoreProblems;
import io.heddle.session.TurnAttempt;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Decides one write and notes what it does. The order is the same for every write: idempotency
 * record, is the session there, lock, positions, and then what only this write asks.
 */
final class WriteRules {

  private final Locking locking;
  private final Appends appends;
  private final States states;
  private final TurnRules turns;

  WriteRules(Locking locking, StoreLimits limits) {
    this.locking = locking;
    this.appends = new Appends(limits);
    this.states = new States(limits);
    this.turns = new TurnRules(locking, appends);
  }

  Outcome decide(Tx tx, SessionKey key, Write write, WritePreconditions conditions) {
    Outcome recorded = EmbeddedIdempotencyRecords.recorded(tx, key, conditions.retry(), tx.now());
    if (recorded != null) {
      return recorded;
    }
    Request request = new Request(tx, key, conditions, tx.get(Table.SESSIONS, Keys.session(key)));
    try {
      return switch (write) {
        case Write.Create create -> create(request, create);
        case Write.StartBuild build -> startBuild(request, build);
        case Write.AppendToBuild fill -> appends.fill(building(request, fill.build()), fill);
        case Write.PublishBuild open -> publishBuild(building(request, open.build()));
        case Write.Expire _ -> expire(request);
        case Write.Delete _ -> delete(request);
        case Write.Append append -> appends.append(target(request), append.messages());
        case Write.DeleteMessage delete -> appends.delete(target(request), delete.message());
        case Write.TruncateThread cut -> appends.cut(target(request), cut.after());
        case Write.Update update -> update(target(request), update.description());
        case Write.SaveState save -> states.save(target(request), save.document());
        case Write.RestoreState restore -> states.restore(target(request), restore.checkpoint());
        case Write.BeginTurn begin -> begin(request, begin);
        case Write.NextTurn next -> orPostpone(request, () -> turns.next(target(request), next));
        case Write.RetakeTurn retake ->
            orPostpone(request, () -> turns.retake(request.ofAttempt(retake.dead()), retake));
        case Write.EndTurn end ->
            orPostpone(request, () -> turns.end(request.ofAttempt(end.attempt()), end));
        case Write.CancelTurn cancel -> turns.cancel(request.unlocked(), cancel);
        case Write.DropTurn drop -> turns.drop(request.unlocked(), drop);
      };
    } catch (ProblemException e) {
      // An ended holder that was met on the way stays removed.
      return new Outcome.Refused(e.problem());
    }
  }

  /**
   * A write's session as it stands, and the caller's terms.
   *
   * @param found also what is left of a session, or what is half built
   */
  private record Request(
      Tx tx, SessionKey key, WritePreconditions conditions, @Nullable SessionRecord found) {

    SessionRecord require() {
      return Access.require(found, conditions.owner(), tx.now());
    }

    /** Without regard to lock and positions. */
    Target unlocked() {
      return of(require().edit());
    }

    /** The same, and for as long as the attempt runs without regard to the session's time. */
    Target ofAttempt(TurnAttempt attempt) {
      return of(Access.require(found, conditions.owner(), tx.now(), attempt).edit());
    }

    Target of(Draft session) {
      return new Target(tx, key, conditions, session, description(tx, session.number), "");
    }
  }

  private Target target(Request request) {
    Draft session = request.require().edit();
    WritePreconditions conditions = request.conditions();
    locking.check(request.tx(), Keys.session(request.key()), session, conditions.lock());
    if (!conditions.allow(session.position())) {
      throw StoreProblems.conflict(session.position().toString()).toException();
    }
    return request.of(session);
  }

  private Outcome orPostpone(Request request, Supplier<Outcome> write) {
    return turns.orPostpone(request.tx(), request.key(), request.found(), write);
  }

  private Outcome begin(Request request, Write.BeginTurn begin) {
    // Before lock and positions, which its first sending may have changed.
    Outcome begun = TurnRules.begun(request.tx(), request.require(), begin.turn().id());
    return begun != null ? begun : turns.begin(target(request), begin);
  }

  static SessionAttributes description(Rows rows, long number) {
    return Objects.requireNonNull(
        rows.get(Table.DESCRIPTIONS, Keys.number(number)), "a session without a description");
  }

  private static Outcome update(Target target, SessionAttributes wanted) {
    SessionAttributes next =
        new SessionAttributes(
            target.now().user(),
            wanted.title(),
            wanted.metadata(),
            wanted.systemPrompt(),
            wanted.model(),
            wanted.status(),
            wanted.ttl());
    target.advance(next);
    target.tx().put(Table.DESCRIPTIONS, Keys.number(target.session().number), next);
    target.log(new Change.SessionUpdated(next));
    return target.applied(next, List.of());
  }

  private Outcome create(Request request, Write.Create create) {
    Target target = fresh(request, vacate(request), create.description(), Life.LIVE);
    List<String> ids = appends.add(target, Appends.fresh(create.messages(), request.tx().now()));
    target.log(new Change.SessionCreated());
    return target.applied(create.description(), ids);
  }

  private static Outcome startBuild(Request request, Write.StartBuild build) {
    Tx tx = request.tx();
    SessionRecord before = vacate(request);
    Target target = fresh(request, before, build.description(), Life.BUILDING);
    target.session().build = build.build();
    target.session().before = before;
    byte[] end = GcKind.BUILDING.due(tx.now() + Access.BUILD_MILLIS, target.path());
    tx.put(Table.RUBBISH, end, Boolean.TRUE);
    return target.stored();
  }

  private static Outcome publishBuild(Target target) {
    Draft session = target.session();
    long now = target.tx().now();
    session.life = Life.LIVE;
    session.build = null;
    session.before = null;
    session.created = now;
    session.updated = now;
    session.expires = now + target.now().ttl().toMillis();
    target.log(new Change.SessionCreated());
    return target.applied(target.now(), List.of());
  }

  /** The building of that name; what is half built for too long is taken for absent. */
  private static Target building(Request request, String build) {
    Tx tx = request.tx();
    SessionRecord found = request.found();
    if (found == null || !build.equals(found.build()) || Access.isAbandoned(found, tx.now())) {
      throw Problem.of(ProblemCode.SESSION_NOT_FOUND).toException();
    }
    return new Target(
        tx,
        request.key(),
        request.conditions(),
        found.edit(),
        description(tx, found.number()),
        tagOf(found.before()));
  }

  private static Target fresh(
      Request request, @Nullable SessionRecord before, SessionAttributes description, Life life) {
    Tx tx = request.tx();
    Position position = Lifecycle.next(tx, before == null ? 0 : before.version());
    long number = tx.newNumber();
    Draft session = new Draft(life, number, tx.newNumber(), description.user(), position);
    session.created = tx.now();
    session.updated = tx.now();
    session.expires = tx.now() + description.ttl().toMillis();
    session.fence = before == null ? 0 : before.fence();
    tx.put(Table.DESCRIPTIONS, Keys.number(number), description);
    return new Target(tx, request.key(), request.conditions(), session, description, tagOf(before));
  }

  private static String tagOf(@Nullable SessionRecord tombstone) {
    return tombstone == null ? "" : tombstone.tag();
  }

  /**
   * The tombstone that a new session stands on, or null; {@code session-exists} when the id is
   * taken. A session whose time has come, and a building that was given up, are ended first. Where
   * nothing is there is no lock to hold and no position to be at.
   */
  private static @Nullable SessionRecord vacate(Request request) {
    SessionRecord before = endOverdue(request.tx(), request.key(), request.found());
    if (request.conditions().lock() != null) {
      throw Problem.of(ProblemCode.STALE_FENCE).toException();
    }
    if (!request.conditions().positions().isEmpty()) {
      throw StoreProblems.conflict(null).toException();
    }
    return before;
  }

  private static @Nullable SessionRecord endOverdue(
      Tx tx, SessionKey key, @Nullable SessionRecord found) {
    if (found == null || Access.isForgotten(found, tx.now())) {
      return null;
    }
    if (found.gone()) {
      return found;
    }
    if (Access.isExpired(found, tx.now())) {
      return Lifecycle.end(tx, key, found, Life.EXPIRED);
    }
    if (Access.isAbandoned(found, tx.now())) {
      return Lifecycle.dropBuilding(tx, key, found);
    }
    throw Problem.of(ProblemCode.SESSION_EXISTS).toException();
  }

  private Outcome delete(Request request) {
    Tx tx = request.tx();
    SessionRecord found = request.found();
    WritePreconditions conditions = request.conditions();
    if (found != null
        && found.life() == Life.DELETED
        && !Access.isForgotten(found, tx.now())
        && (conditions.owner() == null || conditions.owner().equals(found.user()))) {
      return new Outcome.Applied(found.user(), null, found.head());
    }
    SessionRecord session = target(request).session().done();
    SessionRecord tombstone = Lifecycle.end(tx, request.key(), session, Life.DELETED);
    EmbeddedIdempotencyRecords.keep(
        tx, request.key(), conditions.retry(), tombstone.position(), List.of());
    return new Outcome.Applied(tombstone.user(), null, tombstone.head());
  }

  private static Outcome expire(Request request) {
    Tx tx = request.tx();
    SessionRecord found = request.found();
    if (found == null || found.gone()) {
      throw Problem.of(ProblemCode.SESSION_NOT_FOUND).toException();
    }
    if (Access.isAbandoned(found, tx.now())) {
      Lifecycle.dropBuilding(tx, request.key(), found);
      return new Outcome.Applied(found.user(), null, found.head());
    }
    if (!Access.isExpired(found, tx.now()) || found.turn() != null) {
      boolean live = found.life() == Life.LIVE;
      throw StoreProblems.conflict(live ? found.position().toString() : null).toException();
    }
    SessionRecord tombstone = Lifecycle.end(tx, request.key(), found, Life.EXPIRED);
    return new Outcome.Applied(tombstone.user(), null, tombstone.head());
  }
}
