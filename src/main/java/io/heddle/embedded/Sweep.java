package io.heddle.embedded;

import io.heddle.embedded.SessionRecord.Life;

/** Removes what has come to its end, a bounded number of rows a run. */
final class Sweep {

  private static final int ROWS = 500;

  /** A session whose time has come under a turn that nobody ended is looked at again after this. */
  private static final long TURN_MILLIS = 10_000;

  private final Apart apart = new Apart();

  /** Whether there is more to do at once. */
  boolean run(Tx tx) {
    int left = sweepExpiries(tx, ROWS);
    left = sweepRubbish(tx, left);
    left = sweepOrphans(tx, left);
    left = CachedAnswers.sweep(tx, left, apart);
    return left <= 0;
  }

  private int sweepExpiries(Tx tx, int rows) {
    var due = tx.scan(Table.EXPIRIES, null, Keys.number(tx.now() + 1), false);
    return apart.forEach(
        tx,
        "sessions",
        due,
        rows,
        (at, left) -> {
          expire(tx, at);
          return left - 1;
        });
  }

  private static void expire(Tx tx, byte[] at) {
    byte[] path = Keys.dueWhat(at);
    SessionRecord session = tx.get(Table.SESSIONS, path);
    if (session == null || session.life() != Life.LIVE || session.queued() != Keys.timeOf(at)) {
      tx.remove(Table.EXPIRIES, at);
    } else if (Access.isExpired(session, tx.now()) && session.turn() != null) {
      tx.remove(Table.EXPIRIES, at);
      SessionRecord.Draft later = session.edit();
      later.queued = tx.now() + TURN_MILLIS;
      tx.put(Table.EXPIRIES, Keys.due(later.queued, path), Boolean.TRUE);
      tx.put(Table.SESSIONS, path, later.done());
    } else if (Access.isExpired(session, tx.now())) {
      Lifecycle.end(tx, Keys.sessionOf(path, 0), session, Life.EXPIRED);
    } else {
      tx.remove(Table.EXPIRIES, at);
      SessionRecord.Draft later = session.edit();
      later.queued = 0;
      Lifecycle.save(tx, path, later);
    }
  }

  private int sweepRubbish(Tx tx, int rows) {
    var due = tx.scan(Table.RUBBISH, null, Keys.number(tx.now() + 1), false);
    return apart.forEach(
        tx, "what has ended", due, rows, (at, left) -> removeRubbish(tx, at, left - 1));
  }

  private static int removeRubbish(Tx tx, byte[] at, int rows) {
    byte[] key = GcKind.keyOf(at);
    tx.remove(Table.RUBBISH, at);
    switch (GcKind.kindOf(at)) {
      case RETRY -> removeRetry(tx, key);
      case TOMBSTONE -> removeTombstone(tx, key);
      case BUILDING -> removeBuilding(tx, key);
      case TURN -> {
        return removeTurn(tx, at, key, rows);
      }
    }
    return rows;
  }

  private static void removeRetry(Tx tx, byte[] key) {
    StoredRecords.Kept kept = tx.get(Table.RETRIES, key);
    if (kept != null && kept.until() <= tx.now()) {
      tx.remove(Table.RETRIES, key);
    }
  }

  private static void removeTombstone(Tx tx, byte[] path) {
    SessionRecord session = tx.get(Table.SESSIONS, path);
    if (session != null && Access.isForgotten(session, tx.now())) {
      tx.remove(Table.SESSIONS, path);
      if (session.user() != null) {
        EmbeddedIndex.forget(tx, Keys.sessionOf(path, 0), session.user());
      }
    }
  }

  private static void removeBuilding(Tx tx, byte[] path) {
    SessionRecord session = tx.get(Table.SESSIONS, path);
    if (session != null && Access.isAbandoned(session, tx.now())) {
      Lifecycle.dropBuilding(tx, Keys.sessionOf(path, 0), session);
    }
  }

  /** Its log first, so that what is left of a long one is still found in the next run. */
  private static int removeTurn(Tx tx, byte[] due, byte[] at, int rows) {
    int left = removeRows(tx, Table.LOGS, at, rows);
    if (left <= 0) {
      tx.put(Table.RUBBISH, due, Boolean.TRUE);
      return left;
    }
    StoredRecords.Ordered record = tx.get(Table.TURNS, at);
    if (record != null) {
      tx.remove(Table.TURN_IDS, Keys.name(Keys.numberOf(at), record.id()));
      tx.remove(Table.TURNS, at);
    }
    return left;
  }

  private static int sweepOrphans(Tx tx, int rows) {
    int left = rows;
    var orphans = tx.scan(Table.ORPHANS, null, null, false);
    while (left > 0 && orphans.hasNext()) {
      byte[] number = orphans.next();
      for (Table<?> table : Table.NUMBERED) {
        left = removeRows(tx, table, number, left);
      }
      if (left > 0) {
        left--;
        tx.remove(Table.ORPHANS, number);
      }
    }
    return left;
  }

  private static int removeRows(Tx tx, Table<?> table, byte[] prefix, int rows) {
    int left = rows;
    if (left > 0) {
      var cursor = tx.scan(table, prefix, Keys.after(prefix), false);
      while (left > 0 && cursor.hasNext()) {
        byte[] key = cursor.next();
        // The end of the range is the first possible key after it; a key that short is not of it.
        if (!Keys.startsWith(key, prefix)) {
          break;
        }
        tx.remove(table, key);
        left--;
      }
    }
    return left;
  }
}
