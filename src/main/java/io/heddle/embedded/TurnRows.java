package io.heddle.embedded;

import io.heddle.base.SessionKey;
import io.heddle.embedded.SessionRecord.Draft;
import io.heddle.embedded.SessionRecord.Running;
import io.heddle.session.Turn;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Finds turns in the tables, and keeps the time when somebody must look after a session's. */
final class TurnRows {

  /** A session with a turn lives at least this much longer than the turn's lease. */
  private static final long OUTLIVE_MILLIS = 10_000;

  private TurnRows() {}

  /** A turn's record where it stands. */
  record Found(long version, StoredRecords.Ordered record) {}

  /** The turn of that id, unless it ended too long ago. */
  static @Nullable Found find(Rows rows, long number, String id, long now) {
    Long version = rows.get(Table.TURN_IDS, Keys.name(number, id));
    StoredRecords.Ordered record =
        version == null ? null : rows.get(Table.TURNS, Keys.version(number, version));
    return version == null || record == null || record.isForgotten(now)
        ? null
        : new Found(version, record);
  }

  static StoredRecords.Ordered at(Rows rows, long number, long version) {
    StoredRecords.Ordered record = rows.get(Table.TURNS, Keys.version(number, version));
    if (record == null) {
      throw new IllegalStateException("a turn without a record");
    }
    return record;
  }

  /** The versions that the waiting turns were begun in, in their order. */
  static List<Long> queue(Rows rows, long number) {
    List<Long> queue = new ArrayList<>();
    var waiting = rows.scan(Table.QUEUE, Keys.number(number), Keys.number(number + 1), false);
    while (waiting.hasNext()) {
      waiting.next();
      queue.add(waiting.value());
    }
    return queue;
  }

  /** The place of the queue's first turn, or of its last; null when nobody waits. */
  static @Nullable Long place(Rows rows, long number, boolean last) {
    byte[] low = Keys.number(number);
    byte[] high = Keys.number(number + 1);
    var waiting =
        last ? rows.scan(Table.QUEUE, high, low, true) : rows.scan(Table.QUEUE, low, high, false);
    return waiting.hasNext() ? Keys.versionOf(waiting.next()) : null;
  }

  /**
   * @param position in the queue; 0 unless it waits
   */
  static Turn turn(
      SessionKey key,
      SessionRecord session,
      long version,
      StoredRecords.Ordered record,
      int position) {
    Running running = session.turn();
    if (running != null && running.version() != version) {
      running = null;
    }
    return new Turn(
        key,
        record.id(),
        record.status(),
        record.attempt(),
        record.order().model(),
        Instant.ofEpochMilli(record.order().created()),
        time(record.started()),
        time(record.ended()),
        running == null ? null : Instant.ofEpochMilli(running.until()),
        running == null ? Turn.Cancel.NONE : running.cancel(),
        record.input(),
        record.output(),
        record.order().request(),
        record.end(),
        position);
  }

  private static @Nullable Instant time(long millis) {
    return millis == 0 ? null : Instant.ofEpochMilli(millis);
  }

  /** A running turn keeps its session, however short the TTL that a write begins anew. */
  static void keep(Draft session) {
    if (session.turn != null) {
      session.expires = Math.max(session.expires, session.turn.until() + OUTLIVE_MILLIS);
    }
  }

  /**
   * From when on there may be something to do for the session's turns; whoever calls saves the
   * session.
   *
   * @param time 0 for never
   */
  static void due(Tx tx, byte[] path, Draft session, long time) {
    if (session.due != time) {
      unqueue(tx, path, session.due);
      session.due = time;
      if (time != 0) {
        tx.put(Table.DEADLINES, Keys.due(time, path), Boolean.TRUE);
      }
    }
  }

  /** From now on, if turns wait and none runs; else not before a lease ends. */
  static void due(Tx tx, byte[] path, Draft session) {
    due(
        tx,
        path,
        session,
        session.turn != null ? session.turn.until() : session.waiting > 0 ? tx.now() : 0);
  }

  static void unqueue(Tx tx, byte[] path, long due) {
    if (due != 0) {
      tx.remove(Table.DEADLINES, Keys.due(due, path));
    }
  }
}
