package io.heddle.embedded;

import io.heddle.base.Position;
import io.heddle.base.SessionKey;
import io.heddle.session.Message;
import io.heddle.session.MessagePlace;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Finds a thread's messages by their ids. */
final class Threads {

  private Threads() {}

  /** A message where it stands. */
  record Found(StoredRecords.Place place, StoredRecords.Row row) {
    byte[] key(long thread) {
      return Threads.key(thread, place);
    }

    Message message(SessionKey session) {
      return Threads.message(session, place, row);
    }
  }

  static byte[] key(long thread, StoredRecords.Place place) {
    return Keys.message(thread, place.version(), place.index());
  }

  static Message message(SessionKey session, StoredRecords.Place place, StoredRecords.Row row) {
    String id = row.name() != null ? row.name() : id(session, place, row.tag());
    return new Message(id, row.seq(), Instant.ofEpochMilli(row.created()), row.body());
  }

  static String id(SessionKey session, StoredRecords.Place place, String tag) {
    return MessagePlace.of(session, new Position(place.version(), tag), place.index()).id();
  }

  /** The message of an id, Heddle's or the client's, when it is there. */
  static @Nullable Found find(Rows rows, SessionKey key, long thread, String id) {
    MessagePlace named = MessagePlace.parse(id);
    if (named == null) {
      Found found = at(rows, thread, rows.get(Table.NAMES, Keys.name(thread, id)));
      return found != null && id.equals(found.row().name()) ? found : null;
    }
    if (!named.mark().equals(key.mark())) {
      return null;
    }
    Found found = at(rows, thread, new StoredRecords.Place(named.version(), named.index()));
    return found != null && found.row().tag().equals(named.tag()) ? found : null;
  }

  /**
   * The place that a cursor names, its message there or not; null when it is no cursor of this
   * session.
   */
  static StoredRecords.@Nullable Place cursor(
      Rows rows, SessionKey key, SessionRecord session, String cursor) {
    MessagePlace named = MessagePlace.parse(cursor);
    if (named == null) {
      StoredRecords.Place place = rows.get(Table.NAMES, Keys.name(session.thread(), cursor));
      return place != null ? place : Gone.find(rows, session.thread(), cursor);
    }
    if (!named.mark().equals(key.mark()) || named.version() > session.version()) {
      return null;
    }
    StoredRecords.Place place = new StoredRecords.Place(named.version(), named.index());
    Found there = at(rows, session.thread(), place);
    return there == null || there.row().tag().equals(named.tag()) ? place : null;
  }

  /** The tag of the write that made a version, an append or another change; null if it is gone. */
  static @Nullable String tagOf(Rows rows, SessionRecord session, long version) {
    StoredRecords.Made made = rows.get(Table.CHANGES, Keys.version(session.number(), version));
    if (made != null) {
      return made.tag();
    }
    var append =
        rows.scan(
            Table.MESSAGES,
            Keys.message(session.thread(), version, 0),
            Keys.message(session.thread(), version, Integer.MAX_VALUE),
            false);
    return append.hasNext() && append.next() != null ? append.value().tag() : null;
  }

  private static @Nullable Found at(Rows rows, long thread, StoredRecords.@Nullable Place place) {
    StoredRecords.Row row = place == null ? null : rows.get(Table.MESSAGES, key(thread, place));
    return place == null || row == null ? null : new Found(place, row);
  }
}
