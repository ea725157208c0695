package io.heddle.embedded;

import io.heddle.base.Position;
import io.heddle.base.SessionKey;
import io.heddle.embedded.SessionRecord.Draft;
import io.heddle.embedded.SessionRecord.Life;
import io.heddle.session.Change;
import io.heddle.session.LoggedChanges;
import org.jspecify.annotations.Nullable;

/** How sessions end, and how the next version of one is made. */
final class Lifecycle {

  /** The queued expiry is moved only when it is this far behind: not at every write. */
  private static final long QUEUE_SLACK_MILLIS = 5000;

  /** Changes kept beside the appends. */
  private static final int ROWS = 256;

  private Lifecycle() {}

  /** Ends the session: its rows become orphans, a tombstone stays. Answers the tombstone. */
  static SessionRecord end(Tx tx, SessionKey key, SessionRecord session, Life how) {
    Position position = next(tx, session.version());
    Draft gone = new Draft(how, 0, 0, session.user(), position);
    gone.created = session.created();
    gone.updated = tx.now();
    gone.fence = session.fence();
    SessionRecord tombstone = gone.done();
    byte[] path = Keys.session(key);
    unqueue(tx, path, session.queued());
    TurnRows.unqueue(tx, path, session.due());
    orphan(tx, session);
    entomb(tx, path, tombstone);
    Change change = how == Life.DELETED ? new Change.SessionDeleted() : new Change.SessionExpired();
    tx.publish(key, session.tag(), position, gone.counters(), change);
    return tombstone;
  }

  /** Removes a half-built session, as if it had never been begun. */
  static @Nullable SessionRecord dropBuilding(Tx tx, SessionKey key, SessionRecord building) {
    byte[] path = Keys.session(key);
    orphan(tx, building);
    SessionRecord before = building.before();
    if (before == null || Access.isForgotten(before, tx.now())) {
      tx.remove(Table.SESSIONS, path);
      return null;
    }
    entomb(tx, path, before);
    return before;
  }

  private static void entomb(Tx tx, byte[] path, SessionRecord tombstone) {
    tx.put(Table.SESSIONS, path, tombstone);
    long end = tombstone.updated() + Access.TOMBSTONE_MILLIS;
    tx.put(Table.RUBBISH, GcKind.TOMBSTONE.due(end, path), Boolean.TRUE);
  }

  static Position next(Tx tx, long version) {
    return new Position(version + 1, tx.ids().tag());
  }

  /** Makes the session's next version, and lets it live for its TTL from now. */
  static void advance(Tx tx, Draft session, long ttlMillis) {
    Position position = next(tx, session.version);
    session.version = position.version();
    session.tag = position.tag();
    session.updated = tx.now();
    session.expires = tx.now() + ttlMillis;
  }

  /** Writes the session and keeps its place in the queue of expiries. */
  static void save(Tx tx, byte[] path, Draft session) {
    if (session.queued == 0
        || session.queued > session.expires
        || session.queued + QUEUE_SLACK_MILLIS < session.expires) {
      unqueue(tx, path, session.queued);
      session.queued = session.expires;
      tx.put(Table.EXPIRIES, Keys.due(session.queued, path), Boolean.TRUE);
    }
    tx.put(Table.SESSIONS, path, session.done());
  }

  static void unqueue(Tx tx, byte[] path, long queued) {
    if (queued != 0) {
      tx.remove(Table.EXPIRIES, Keys.due(queued, path));
    }
  }

  /** Keeps a change that is not an append, and publishes it. */
  static void log(Tx tx, SessionKey key, Draft session, String previousTag, Change change) {
    Position position = session.position();
    tx.put(
        Table.CHANGES,
        Keys.version(session.number, position.version()),
        change instanceof Change.OfTurn turns
            ? new StoredRecords.Made(position.tag(), turns.head(), turns.messages().size())
            : new StoredRecords.Made(position.tag(), Tx.bodyOf(change), LoggedChanges.NONE));
    session.rows++;
    if (session.rows > ROWS) {
      var oldest = tx.scan(Table.CHANGES, Keys.number(session.number), null, false);
      if (oldest.hasNext()) {
        tx.remove(Table.CHANGES, oldest.next());
        session.rows--;
      }
    }
    tx.publish(key, previousTag, position, session.counters(), change);
  }

  private static void orphan(Tx tx, SessionRecord session) {
    tx.put(Table.ORPHANS, Keys.number(session.number()), Boolean.TRUE);
    tx.put(Table.ORPHANS, Keys.number(session.thread()), Boolean.TRUE);
  }
}
