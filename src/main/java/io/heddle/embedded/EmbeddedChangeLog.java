package io.heddle.embedded;

import io.heddle.base.Position;
import io.heddle.base.SessionKey;
import io.heddle.embedded.SessionRecord.Life;
import io.heddle.session.Change;
import io.heddle.session.ChangeLog;
import io.heddle.session.LoggedChanges;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The log out of the tables of messages and of other changes, as they were last committed. */
final class EmbeddedChangeLog implements ChangeLog {

  private final SnapshotReads reads;
  private final InstantSource clock;

  EmbeddedChangeLog(SnapshotReads reads, InstantSource clock) {
    this.reads = reads;
    this.clock = clock;
  }

  @Override
  public Mono<Replay> after(SessionKey key, @Nullable String owner, Position since, int most) {
    return reads.read(rows -> {
      long now = clock.millis();
      SessionRecord session =
          Access.requireKnown(rows.get(Table.SESSIONS, Keys.session(key)), owner, now);
      if (session.life() == Life.DELETED) {
        return new Replay.Ended(session.position(), new Change.SessionDeleted());
      }
      if (Access.isExpired(session, now)) {
        // Swept or not: no reader is shown it any more.
        return new Replay.Ended(session.position(), new Change.SessionExpired());
      }
      return replay(rows, key, session, since, most);
    });
  }

  private static Replay replay(
      Rows rows, SessionKey key, SessionRecord session, Position since, int most) {
    Position now = session.position();
    if (!since.equals(now)
        && (since.version() >= now.version()
            || !since.tag().equals(Threads.tagOf(rows, session, since.version())))) {
      return unknown(rows, session, since);
    }
    LoggedChanges changes = new LoggedChanges(since, now, session.lastSeq());
    addThread(changes, rows, key, session, since.version() + 1, most);
    var others =
        rows.scan(
            Table.CHANGES,
            Keys.version(session.number(), since.version() + 1),
            Keys.version(session.number(), Long.MAX_VALUE),
            false);
    while (others.hasNext()) {
      long version = Keys.versionOf(others.next());
      StoredRecords.Made made = others.value();
      if (made.body() != null && made.messages() != LoggedChanges.NONE) {
        changes.other(version, made.tag(), made.body(), made.messages());
      } else {
        changes.other(version, made.tag(), made.body());
      }
    }
    return changes.replay(WriteRules.description(rows, session.number()), most);
  }

  private static Replay unknown(Rows rows, SessionRecord session, Position since) {
    var oldest = rows.scan(Table.CHANGES, Keys.number(session.number()), null, false);
    return oldest.hasNext()
        ? LoggedChanges.unknown(
            since, session.position(), Keys.versionOf(oldest.next()), oldest.value().body())
        : new Replay.Gap(session.position());
  }

  private static void addThread(
      LoggedChanges changes,
      Rows rows,
      SessionKey key,
      SessionRecord session,
      long from,
      int most) {
    var thread =
        rows.scan(
            Table.MESSAGES,
            Keys.message(session.thread(), from, 0),
            Keys.message(session.thread(), Long.MAX_VALUE, Integer.MAX_VALUE),
            false);
    long version = 0;
    int versions = 0;
    long bytes = 0;
    while (thread.hasNext()) {
      byte[] at = thread.next();
      StoredRecords.Row row = thread.value();
      StoredRecords.Place place = new StoredRecords.Place(Keys.versionOf(at), Keys.indexOf(at));
      if (place.version() != version) {
        if (versions == most || bytes >= LoggedChanges.MAX_BYTES) {
          changes.threadGoesOn(row.seq());
          return;
        }
        version = place.version();
        versions++;
      }
      bytes += row.body().length();
      changes.message(
          new LoggedChanges.Entry(
              version, place.index(), row.tag(), Threads.message(key, place, row)));
    }
  }
}
