package io.heddle.embedded;

import io.heddle.base.SessionKey;
import io.heddle.embedded.SessionRecord.Life;

/** Removes what has come to its end, a bounded number of rows a run. */
final class Sweep {

  private static final int ROWS = 500;

  /** Whether there is more to do at once. */
  boolean run(Tx tx) {
    int left = sweepExpiries(tx, ROWS);
    left = sweepRubbish(tx, left);
    left = sweepOrphans(tx, left);
    left = CachedAnswers.sweep(tx, left);
    return left <= 0;
  }

  private static int sweepExpiries(Tx tx, int rows) {
    int left = rows;
    var due = tx.scan(Table.EXPIRIES, null, Keys.number(tx.now() + 1), false);
    while (left > 0 && due.hasNext()) {
      byte[] at = due.next();
      left--;
      byte[] path = Keys.dueWhat(at);
      SessionRecord session = tx.get(Table.SESSIONS, path);
      SessionKey key = Keys.sessionOf(path, 0);
      if (session == null || session.life() != Life.LIVE || session.queued() != Keys.timeOf(at)) {
        tx.remove(Table.EXPIRIES, at);
      } else if (Access.isExpired(session, tx.now())) {
        Lifecycle.end(tx, key, session, Life.EXPIRED);
      } else {
        tx.remove(Table.EXPIRIES, at);
        SessionRecord.Draft later = session.edit();
        later.queued = 0;
        Lifecycle.save(tx, path, later);
      }
    }
    return left;
  }

  private static int sweepRubbish(Tx tx, int rows) {
    int left = rows;
    var due = tx.scan(Table.RUBBISH, null, Keys.number(tx.now() + 1), false);
    while (left > 0 && due.hasNext()) {
      byte[] at = due.next();
      left--;
      tx.remove(Table.RUBBISH, at);
      byte[] key = Rubbish.keyOf(at);
      switch (Rubbish.kindOf(at)) {
        case RETRY -> removeRetry(tx, key);
        case TOMBSTONE -> removeTombstone(tx, key);
        case BUILDING -> removeBuilding(tx, key);
      }
    }
    return left;
  }

  private static void removeRetry(Tx tx, byte[] key) {
    Stored.Kept kept = tx.get(Table.RETRIES, key);
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

  private static int removeRows(Tx tx, Table<?> table, byte[] number, int rows) {
    int left = rows;
    if (left > 0) {
      var cursor = tx.scan(table, number, Keys.number(Keys.numberOf(number) + 1), false);
      while (left > 0 && cursor.hasNext()) {
        byte[] key = cursor.next();
        // The end of the range is the next number's first possible key; a key that short is not
        // this number's.
        if (!Keys.startsWith(key, number)) {
          break;
        }
        tx.remove(table, key);
        left--;
      }
    }
    return left;
  }
}
