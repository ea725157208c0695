package io.heddle.embedded;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.embedded.SessionRecord.Draft;
import io.heddle.embedded.SessionRecord.Life;
import io.heddle.embedded.SessionRecord.Running;
import io.heddle.json.Json;
import io.heddle.session.Change;
import io.heddle.session.LiveMessage;
import io.heddle.session.Message;
import io.heddle.session.NewMessage;
import io.heddle.session.NewTurn;
import io.heddle.session.OnBusy;
import io.heddle.session.Outcome;
import io.heddle.session.SessionAttributes;
import io.heddle.session.StoreProblems;
import io.heddle.session.Turn;
import io.heddle.session.Write;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The writes of turns. */
final class TurnRules {

  /** A turn that cannot start now is shown again after this, so that others are shown too. */
  private static final long AGAIN_MILLIS = 1000;

  /** The place of the first turn that waits; there is room on both sides. */
  private static final long FIRST_PLACE = 1L << 62;

  private final Locking locking;
  private final Appends appends;

  TurnRules(Locking locking, Appends appends) {
    this.locking = locking;
    this.appends = appends;
  }

  /** The outcome of a turn that was begun before, or null. */
  static @Nullable Outcome begun(Tx tx, SessionRecord session, String turn) {
    TurnRows.Found found = TurnRows.find(tx, session.number(), turn, tx.now());
    return found == null
        ? null
        : new Outcome.Replayed(found.record().order().begun(), List.of(turn));
  }

  Outcome begin(Target target, Write.BeginTurn begin) {
    NewTurn turn = begin.turn();
    requireStart(target, turn.input());
    Draft session = target.session();
    boolean starts = session.turn == null && session.waiting == 0;
    if (!starts) {
      requirePlace(target, begin);
    }
    target.advance();
    StoredRecords.Ordered record = queued(target, turn);
    target.tx().put(Table.TURN_IDS, Keys.name(session.number, turn.id()), session.version);
    if (starts) {
      start(target, session.version, record, turn.lease());
    } else {
      enqueue(target, record, begin.onBusy() != OnBusy.ENQUEUE);
    }
    return target.applied(null, List.of(turn.id()));
  }

  private void requireStart(Target target, List<NewMessage> input) {
    if (target.now().status() == SessionAttributes.Status.COMPLETE) {
      throw Problem.of(ProblemCode.SESSION_COMPLETE).toException();
    }
    appends.requireRoom(target, Appends.fresh(input, target.tx().now()));
  }

  private static void requirePlace(Target target, Write.BeginTurn begin) {
    if (begin.onBusy() == OnBusy.REJECT) {
      throw StoreProblems.turnRunning(null).toException();
    }
    if (target.session().waiting >= begin.maxQueue()) {
      throw Problem.of(ProblemCode.TURN_QUEUE_FULL).with("limit", begin.maxQueue()).toException();
    }
    switch (begin.onBusy()) {
      case INTERRUPT -> requestCancel(target, Turn.Cancel.KEEP);
      case ROLLBACK -> requestCancel(target, Turn.Cancel.ROLLBACK);
      case ENQUEUE, REJECT -> {}
    }
  }

  private static StoredRecords.Ordered queued(Target target, NewTurn turn) {
    return StoredRecords.Ordered.queued(
        new StoredRecords.Order(
            turn.id(),
            turn.model(),
            target.tx().now(),
            turn.keep().toMillis(),
            turn.request(),
            target.session().position()),
        turn.input());
  }

  /** Adds the input to the version that the session is at. */
  private static void start(
      Target target, long version, StoredRecords.Ordered record, Duration lease) {
    Tx tx = target.tx();
    Draft session = target.session();
    List<Message> input = Appends.put(target, Appends.fresh(record.asked(), tx.now()), 0);
    session.turn =
        new Running(record.id(), version, 1, tx.now() + lease.toMillis(), 0, Turn.Cancel.NONE);
    TurnRows.keep(session);
    TurnRows.due(tx, target.path(), session);
    List<String> ids = input.stream().map(Message::id).toList();
    put(tx, session, version, record.asStarted(tx.now(), ids));
    target.log(new Change.TurnStarted(record.id(), input));
  }

  private static void enqueue(Target target, StoredRecords.Ordered record, boolean first) {
    Tx tx = target.tx();
    Draft session = target.session();
    Long next = TurnRows.place(tx, session.number, !first);
    long place = next == null ? FIRST_PLACE : first ? next - 1 : next + 1;
    session.waiting++;
    if (session.turn == null) {
      TurnRows.due(tx, target.path(), session);
    }
    tx.put(Table.QUEUE, Keys.version(session.number, place), session.version);
    put(tx, session, session.version, record.at(place));
    target.log(new Change.TurnQueued(record.id(), first ? 1 : session.waiting));
  }

  Outcome next(Target target, Write.NextTurn next) {
    Tx tx = target.tx();
    Draft session = target.session();
    if (session.turn != null) {
      throw StoreProblems.turnRunning(null).toException();
    }
    TurnRows.Found found = TurnRows.find(tx, session.number, next.turn(), tx.now());
    Long head = TurnRows.place(tx, session.number, false);
    if (found == null
        || head == null
        || found.record().status() != Turn.Status.QUEUED
        || found.record().place() != head) {
      throw Problem.of(ProblemCode.TURN_NOT_FOUND).toException();
    }
    requireStart(target, found.record().asked());
    target.advance();
    removeFromQueue(tx, session, found.record());
    start(target, found.version(), found.record(), next.lease());
    return target.applied(null, List.of(next.turn()));
  }

  Outcome retake(Target target, Write.RetakeTurn retake) {
    Tx tx = target.tx();
    Draft session = target.session();
    Running running = session.turn;
    if (running == null || !running.is(retake.dead())) {
      throw Problem.of(ProblemCode.TURN_ENDED).toException();
    }
    if (running.until() > tx.now()) {
      throw StoreProblems.turnRunning(null).toException();
    }
    if (running.last() > 0 || running.cancel() != Turn.Cancel.NONE) {
      throw Problem.of(ProblemCode.TURN_ENDED).toException();
    }
    session.turn = running.retaken(tx.now() + retake.lease().toMillis());
    TurnRows.keep(session);
    TurnRows.due(tx, target.path(), session);
    StoredRecords.Ordered record = TurnRows.at(tx, session.number, running.version());
    put(tx, session, running.version(), record.asAttempt(session.turn.attempt()));
    return target.applied();
  }

  Outcome cancel(Target target, Write.CancelTurn cancel) {
    Draft session = target.session();
    if (session.turn != null && session.turn.id().equals(cancel.turn())) {
      requestCancel(target, cancel.cancel());
      return target.applied();
    }
    return endWaiting(target, require(target, cancel.turn()), Turn.Status.CANCELLED, cancel.end());
  }

  Outcome drop(Target target, Write.DropTurn drop) {
    TurnRows.Found found = require(target, drop.turn());
    if (found.record().status() == Turn.Status.RUNNING) {
      throw StoreProblems.turnRunning(null).toException();
    }
    return endWaiting(target, found, Turn.Status.FAILED, drop.end());
  }

  private static TurnRows.Found require(Target target, String turn) {
    TurnRows.Found found =
        TurnRows.find(target.tx(), target.session().number, turn, target.tx().now());
    if (found == null) {
      throw Problem.of(ProblemCode.TURN_NOT_FOUND).toException();
    }
    if (found.record().status().isEnd()) {
      throw Problem.of(ProblemCode.TURN_ENDED).toException();
    }
    return found;
  }

  private static Outcome endWaiting(
      Target target, TurnRows.Found found, Turn.Status status, Json end) {
    Tx tx = target.tx();
    Draft session = target.session();
    target.advance();
    removeFromQueue(tx, session, found.record());
    if (session.turn == null && session.waiting == 0) {
      TurnRows.due(tx, target.path(), session);
    }
    finish(target, found, status, end, List.of(), 0);
    target.log(new Change.TurnEnded(found.record().id(), status, end, List.of(), List.of()));
    return target.applied();
  }

  /** The outcome of an end that was written before, or null. */
  private static @Nullable Outcome ended(Target target, Write.EndTurn end) {
    TurnRows.Found found =
        TurnRows.find(
            target.tx(), target.session().number, end.attempt().turn(), target.tx().now());
    if (found == null) {
      return null;
    }
    StoredRecords.Ordered record = found.record();
    return record.finished() != null
            && record.attempt() == end.attempt().attempt()
            && record.status() == end.status()
            && end.end().equals(record.end())
        ? new Outcome.Replayed(record.finished(), record.output())
        : null;
  }

  Outcome end(Target target, Write.EndTurn end) {
    Tx tx = target.tx();
    Draft session = target.session();
    Running running = session.turn;
    if (running == null || !running.is(end.attempt())) {
      Outcome ended = ended(target, end);
      if (ended == null) {
        throw Problem.of(ProblemCode.TURN_ENDED).toException();
      }
      return ended;
    }
    if (end.reap() && running.until() > tx.now()) {
      throw StoreProblems.turnRunning(null).toException();
    }
    TurnRows.Found found =
        new TurnRows.Found(running.version(), TurnRows.at(tx, session.number, running.version()));
    if (running.cancel() == Turn.Cancel.ROLLBACK && !isRollback(end, found.record())) {
      throw StoreProblems.turnRunning(null).toException();
    }
    session.turn = null;
    target.advance();
    TurnRows.due(tx, target.path(), session);
    List<String> removed = Appends.takeBack(target, found.record().input(), end.remove());
    List<Message> output = Appends.put(target, Appends.free(target, end.output(), removed), 0);
    List<String> ids = output.stream().map(Message::id).toList();
    finish(target, found, end.status(), end.end(), ids, running.last());
    target.log(new Change.TurnEnded(running.id(), end.status(), end.end(), removed, output));
    return target.applied(null, ids);
  }

  private static boolean isRollback(Write.EndTurn end, StoredRecords.Ordered turn) {
    return end.status() == Turn.Status.CANCELLED
        && end.output().isEmpty()
        && (turn.input().isEmpty() || !end.remove().isEmpty());
  }

  private static void finish(
      Target target,
      TurnRows.Found found,
      Turn.Status status,
      Json end,
      List<String> output,
      long last) {
    Tx tx = target.tx();
    Draft session = target.session();
    StoredRecords.Ordered record =
        found.record().asEnded(status, tx.now(), output, end, session.position(), last);
    put(tx, session, found.version(), record);
    byte[] at = Keys.version(session.number, found.version());
    tx.put(Table.RUBBISH, GcKind.TURN.due(tx.now() + record.order().keep(), at), Boolean.TRUE);
  }

  /** Marks the running turn, if one runs, and wakes its owner, who may be waiting for its model. */
  private static void requestCancel(Target target, Turn.Cancel wish) {
    Draft session = target.session();
    if (session.turn != null) {
      session.turn = session.turn.asked(wish);
      target.tx().tell(target.key(), new LiveMessage.TurnCancelled(session.turn.id()));
    }
  }

  private static void removeFromQueue(Tx tx, Draft session, StoredRecords.Ordered record) {
    tx.remove(Table.QUEUE, Keys.version(session.number, record.place()));
    session.waiting--;
  }

  private static void put(Tx tx, Draft session, long version, StoredRecords.Ordered record) {
    tx.put(Table.TURNS, Keys.version(session.number, version), record);
  }

  /**
   * A write by whoever looks after turns. When it is refused the session is moved to when there is
   * something to do for them.
   */
  Outcome orPostpone(
      Tx tx, SessionKey key, @Nullable SessionRecord found, Supplier<Outcome> write) {
    try {
      return write.get();
    } catch (ProblemException e) {
      if (found != null && found.life() == Life.LIVE && found.due() != 0) {
        postpone(tx, key, found, e.problem().code());
      }
      throw e;
    }
  }

  private void postpone(Tx tx, SessionKey key, SessionRecord found, ProblemCode why) {
    Draft session = found.edit();
    byte[] path = Keys.session(key);
    if (session.turn != null) {
      TurnRows.due(tx, path, session);
    } else if (why != ProblemCode.TURN_NOT_FOUND && why != ProblemCode.TURN_ENDED) {
      TurnRows.due(tx, path, session, tx.now() + AGAIN_MILLIS);
    }
    if (session.due != found.due()) {
      session.holder = locking.live(session.holder, tx.now());
      tx.put(Table.SESSIONS, path, session.done());
    }
  }
}
