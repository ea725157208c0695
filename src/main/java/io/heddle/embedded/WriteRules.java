package io.heddle.embedded;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.session.StoreProblems;
import io.heddle.base.Position;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.embedded.SessionRecord.Draft;
import io.heddle.embedded.SessionRecord.Life;
import io.heddle.session.Change;
import io.heddle.session.Outcome;
import io.heddle.session.SessionAttributes;
import io.heddle.session.StoreLimits;
import io.heddle.session.TurnAttempt;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.util.List;
import java.util.Objects;
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
    Outcome said = EmbeddedIdempotencyRecords.recorded(tx, key, conditions.retry(), tx.now());
    if (said != null) {
      return said;
    }
    byte[] path = Keys.session(key);
    SessionRecord found = tx.get(Table.SESSIONS, path);
    try {
      return switch (write) {
        case Write.Create create -> create(tx, key, found, create, conditions);
        case Write.StartBuild build -> build(tx, key, found, build, conditions);
        case Write.AppendToBuild fill -> fill(tx, key, found, fill);
        case Write.PublishBuild open -> open(tx, key, found, open, conditions);
        case Write.Expire _ -> expire(tx, key, found);
        case Write.Delete _ -> delete(tx, key, found, conditions);
        case Write.Append append ->
            appends.append(target(tx, key, found, conditions), append.messages());
        case Write.DeleteMessage delete ->
            appends.delete(target(tx, key, found, conditions), delete.message());
        case Write.TruncateThread cut ->
            appends.cut(target(tx, key, found, conditions), cut.after());
        case Write.Update update ->
            update(target(tx, key, found, conditions), update.description());
        case Write.SaveState save ->
            states.save(target(tx, key, found, conditions), save.document());
        case Write.RestoreState restore ->
            states.restore(target(tx, key, found, conditions), restore.checkpoint());
        case Write.BeginTurn begin -> begin(tx, key, found, begin, conditions);
        case Write.NextTurn next ->
            turns.orPostpone(
                tx, key, found, () -> turns.next(target(tx, key, found, conditions), next));
        case Write.RetakeTurn retake ->
            turns.orPostpone(
                tx,
                key,
                found,
                () -> turns.retake(owned(tx, key, found, conditions, retake.dead()), retake));
        case Write.EndTurn end ->
            turns.orPostpone(
                tx,
                key,
                found,
                () -> turns.end(owned(tx, key, found, conditions, end.attempt()), end));
        case Write.CancelTurn cancel -> turns.cancel(loose(tx, key, found, conditions), cancel);
        case Write.DropTurn drop -> turns.drop(loose(tx, key, found, conditions), drop);
      };
    } catch (ProblemException e) {
      // An ended holder that was met on the way stays removed.
      return new Outcome.Refused(e.problem());
    }
  }

  /** A session that may be written to, on the caller's terms. */
  record Target(
      Tx tx, SessionKey key, WritePreconditions conditions, Draft session, SessionAttributes now) {

    /** The session's next version. The tag before it is answered. */
    String advance(SessionAttributes description) {
      String previousTag = session.tag;
      Lifecycle.advance(tx, session, description.ttl().toMillis());
      Locking.keep(session);
      TurnRows.keep(session);
      return previousTag;
    }

    /**
     * The last step of every write that makes a version.
     *
     * @param description when the write looked at all of it
     */
    Outcome applied(@Nullable SessionAttributes description, List<String> messages) {
      Lifecycle.save(tx, Keys.session(key), session);
      EmbeddedIdempotencyRecords.keep(tx, key, conditions.retry(), session.position(), messages);
      return new Outcome.Applied(session.user, description, session.done().head());
    }
  }

  private Target target(
      Tx tx, SessionKey key, @Nullable SessionRecord found, WritePreconditions conditions) {
    Draft session = Access.require(found, conditions.owner(), tx.now()).edit();
    locking.check(tx, Keys.session(key), session, conditions.lock());
    if (!conditions.allow(session.position())) {
      throw StoreProblems.conflict(session.position().toString()).toException();
    }
    return new Target(tx, key, conditions, session, description(tx, session.number));
  }

  /** Without regard to lock and positions. */
  private static Target loose(
      Tx tx, SessionKey key, @Nullable SessionRecord found, WritePreconditions conditions) {
    SessionRecord session = Access.require(found, conditions.owner(), tx.now());
    return new Target(tx, key, conditions, session.edit(), description(tx, session.number()));
  }

  /** The same, and for as long as the attempt runs without regard to the session's time. */
  private static Target owned(
      Tx tx,
      SessionKey key,
      @Nullable SessionRecord found,
      WritePreconditions conditions,
      TurnAttempt attempt) {
    SessionRecord session = Access.require(found, conditions.owner(), tx.now(), attempt);
    return new Target(tx, key, conditions, session.edit(), description(tx, session.number()));
  }

  private Outcome begin(
      Tx tx,
      SessionKey key,
      @Nullable SessionRecord found,
      Write.BeginTurn begin,
      WritePreconditions conditions) {
    SessionRecord session = Access.require(found, conditions.owner(), tx.now());
    // Before lock and positions, which its first sending may have changed.
    Outcome said = TurnRules.said(tx, session, begin.turn().id());
    return said != null ? said : turns.begin(target(tx, key, found, conditions), begin);
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
    String previousTag = target.advance(next);
    Draft session = target.session();
    target.tx().put(Table.DESCRIPTIONS, Keys.number(session.number), next);
    Lifecycle.log(target.tx(), target.key(), session, previousTag, new Change.SessionUpdated(next));
    return target.applied(next, List.of());
  }

  private Outcome create(
      Tx tx,
      SessionKey key,
      @Nullable SessionRecord found,
      Write.Create create,
      WritePreconditions conditions) {
    SessionRecord before = cleared(tx, key, found);
    requireNothing(conditions);
    SessionAttributes description = create.description();
    Target target = fresh(tx, key, conditions, before, description, Life.LIVE);
    Draft session = target.session();
    List<String> ids = appends.fill(target, Appends.fresh(create.messages(), tx.now()));
    Lifecycle.log(
        tx, key, session, before == null ? "" : before.tag(), new Change.SessionCreated());
    return target.applied(description, ids);
  }

  private Outcome build(
      Tx tx,
      SessionKey key,
      @Nullable SessionRecord found,
      Write.StartBuild build,
      WritePreconditions conditions) {
    SessionRecord before = cleared(tx, key, found);
    requireNothing(conditions);
    Target target = fresh(tx, key, conditions, before, build.description(), Life.BUILDING);
    Draft session = target.session();
    session.build = build.build();
    session.before = before;
    byte[] path = Keys.session(key);
    tx.put(Table.RUBBISH, GcKind.BUILDING.due(tx.now() + Access.BUILD_MILLIS, path), Boolean.TRUE);
    tx.put(Table.SESSIONS, path, session.done());
    return new Outcome.Applied(session.user, null, session.done().head());
  }

  private Outcome fill(
      Tx tx, SessionKey key, @Nullable SessionRecord found, Write.AppendToBuild fill) {
    Target target = building(tx, key, found, fill.build(), WritePreconditions.NONE);
    appends.fill(target, fill.messages());
    Draft session = target.session();
    tx.put(Table.SESSIONS, Keys.session(key), session.done());
    return new Outcome.Applied(session.user, null, session.done().head());
  }

  private static Outcome open(
      Tx tx,
      SessionKey key,
      @Nullable SessionRecord found,
      Write.PublishBuild open,
      WritePreconditions conditions) {
    Target target = building(tx, key, found, open.build(), conditions);
    Draft session = target.session();
    SessionRecord before = session.before;
    session.life = Life.LIVE;
    session.build = null;
    session.before = null;
    session.created = tx.now();
    session.updated = tx.now();
    session.expires = tx.now() + target.now().ttl().toMillis();
    Lifecycle.log(
        tx, key, session, before == null ? "" : before.tag(), new Change.SessionCreated());
    return target.applied(target.now(), List.of());
  }

  /** The building of that name; what is half built for too long is taken for absent. */
  private static Target building(
      Tx tx,
      SessionKey key,
      @Nullable SessionRecord found,
      String build,
      WritePreconditions conditions) {
    if (found == null || !build.equals(found.build()) || Access.isAbandoned(found, tx.now())) {
      throw Problem.of(ProblemCode.SESSION_NOT_FOUND).toException();
    }
    return new Target(tx, key, conditions, found.edit(), description(tx, found.number()));
  }

  private static Target fresh(
      Tx tx,
      SessionKey key,
      WritePreconditions conditions,
      @Nullable SessionRecord before,
      SessionAttributes description,
      Life life) {
    Position position = Lifecycle.next(tx, before == null ? 0 : before.version());
    long number = tx.newNumber();
    Draft session = new Draft(life, number, tx.newNumber(), description.user(), position);
    session.created = tx.now();
    session.updated = tx.now();
    session.expires = tx.now() + description.ttl().toMillis();
    session.fence = before == null ? 0 : before.fence();
    tx.put(Table.DESCRIPTIONS, Keys.number(number), description);
    return new Target(tx, key, conditions, session, description);
  }

  /**
   * The tombstone that a new session stands on, or null; {@code session-exists} when the id is
   * taken. A session whose time has come, and a building that was given up, are ended first.
   */
  private static @Nullable SessionRecord cleared(
      Tx tx, SessionKey key, @Nullable SessionRecord found) {
    if (found == null || Access.isForgotten(found, tx.now())) {
      return null;
    }
    return switch (found.life()) {
      case DELETED, EXPIRED -> found;
      case LIVE -> {
        if (!Access.isExpired(found, tx.now())) {
          throw Problem.of(ProblemCode.SESSION_EXISTS).toException();
        }
        yield Lifecycle.end(tx, key, found, Life.EXPIRED);
      }
      case BUILDING -> {
        if (!Access.isAbandoned(found, tx.now())) {
          throw Problem.of(ProblemCode.SESSION_EXISTS).toException();
        }
        yield Lifecycle.dropBuilding(tx, key, found);
      }
    };
  }

  /** Where nothing is there is no lock to hold and no position to be at. */
  private static void requireNothing(WritePreconditions conditions) {
    if (conditions.lock() != null) {
      throw Problem.of(ProblemCode.STALE_FENCE).toException();
    }
    if (!conditions.positions().isEmpty()) {
      throw StoreProblems.conflict(null).toException();
    }
  }

  private Outcome delete(
      Tx tx, SessionKey key, @Nullable SessionRecord found, WritePreconditions conditions) {
    if (found != null
        && found.life() == Life.DELETED
        && !Access.isForgotten(found, tx.now())
        && (conditions.owner() == null || conditions.owner().equals(found.user()))) {
      return new Outcome.Applied(found.user(), null, found.head());
    }
    Target target = target(tx, key, found, conditions);
    SessionRecord tombstone = Lifecycle.end(tx, key, target.session().done(), Life.DELETED);
    EmbeddedIdempotencyRecords.keep(tx, key, conditions.retry(), tombstone.position(), List.of());
    return new Outcome.Applied(tombstone.user(), null, tombstone.head());
  }

  private static Outcome expire(Tx tx, SessionKey key, @Nullable SessionRecord found) {
    if (found == null || found.gone()) {
      throw Problem.of(ProblemCode.SESSION_NOT_FOUND).toException();
    }
    if (found.life() == Life.BUILDING) {
      if (!Access.isAbandoned(found, tx.now())) {
        throw StoreProblems.conflict(null).toException();
      }
      Lifecycle.dropBuilding(tx, key, found);
      return new Outcome.Applied(found.user(), null, found.head());
    }
    if (!Access.isExpired(found, tx.now()) || found.turn() != null) {
      throw StoreProblems.conflict(found.position().toString()).toException();
    }
    SessionRecord tombstone = Lifecycle.end(tx, key, found, Life.EXPIRED);
    return new Outcome.Applied(tombstone.user(), null, tombstone.head());
  }
}
