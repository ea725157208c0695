package io.heddle.embedded;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.embedded.SessionRecord.Draft;
import io.heddle.embedded.SessionRecord.Life;
import io.heddle.embedded.SessionRecord.Running;
import io.heddle.json.Json;
import io.heddle.session.LiveMessage;
import io.heddle.session.Turn;
import io.heddle.session.TurnAttempt;
import io.heddle.session.TurnLog;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.h2.mvstore.MVStoreException;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The records of turns and what models said, in the tables. */
final class EmbeddedTurnLog implements TurnLog {

  private static final int LISTED = 100;

  /** Sessions that are shown as due, and deadlines that are looked at for them, at most. */
  private static final int DUE = 256;

  private static final int LOOKED_AT = 10 * DUE;

  private final StoreWriter writer;
  private final SnapshotReads reads;
  private final InstantSource clock;
  private final Heartbeat heartbeat;
  private final Apart apart = new Apart();

  EmbeddedTurnLog(
      StoreWriter writer, SnapshotReads reads, InstantSource clock, Heartbeat heartbeat) {
    this.writer = writer;
    this.reads = reads;
    this.clock = clock;
    this.heartbeat = heartbeat;
  }

  @Override
  public Mono<Flushed> flush(
      SessionKey key, TurnAttempt attempt, long after, List<Json> events, Duration lease) {
    return writer.submit(tx -> flush(tx, key, attempt, after, events, lease));
  }

  private static Flushed flush(
      Tx tx, SessionKey key, TurnAttempt attempt, long after, List<Json> events, Duration lease) {
    byte[] path = Keys.session(key);
    SessionRecord found = tx.get(Table.SESSIONS, path);
    Running running = found == null || found.life() != Life.LIVE ? null : found.turn();
    if (found == null || running == null || !running.is(attempt)) {
      return new Flushed.Lost();
    }
    long known = running.last() - after;
    List<Json> added =
        known < 0 || known >= events.size()
            ? List.of()
            : List.copyOf(events.subList((int) known, events.size()));
    Draft session = found.edit();
    long until = tx.now() + lease.toMillis();
    session.turn = running.flushed(until, running.last() + added.size());
    TurnRows.keep(session);
    if (session.due <= tx.now()) {
      TurnRows.due(tx, path, session);
    }
    if (!added.isEmpty()) {
      long first = running.last() + 1;
      byte[] at = Keys.event(session.number, running.version(), first);
      tx.put(Table.LOGS, at, new StoredRecords.Events(added));
      tx.tell(key, new LiveMessage.TurnFlushed(attempt, first, added));
    }
    Lifecycle.save(tx, path, session);
    return new Flushed.Kept(session.turn.last(), running.cancel());
  }

  @Override
  public Mono<Recorded> read(
      SessionKey key, @Nullable String owner, String turn, long after, int most) {
    return reads.read(rows -> {
      long now = clock.millis();
      SessionRecord session = Access.require(rows, key, owner, now);
      TurnRows.Found found = TurnRows.find(rows, session.number(), turn, now);
      if (found == null) {
        throw Problem.of(ProblemCode.TURN_NOT_FOUND).toException();
      }
      StoredRecords.Ordered record = found.record();
      int position =
          record.status() == Turn.Status.QUEUED
              ? TurnRows.queue(rows, session.number()).indexOf(found.version()) + 1
              : 0;
      Running running = session.turn();
      long last =
          running != null && running.version() == found.version() ? running.last() : record.last();
      return new Recorded(
          TurnRows.turn(key, session, found.version(), record, position),
          events(rows, session.number(), found.version(), after, most),
          last);
    });
  }

  private static List<Json> events(Rows rows, long number, long turn, long after, int most) {
    List<Json> events = new ArrayList<>();
    if (most == 0) {
      return events;
    }
    byte[] from = Keys.event(number, turn, after + 1);
    // The batch that the first event is in may begin before it.
    var before = rows.scan(Table.LOGS, from, Keys.event(number, turn, 0), true);
    var batches =
        rows.scan(
            Table.LOGS,
            before.hasNext() ? before.next() : from,
            Keys.event(number, turn, Long.MAX_VALUE),
            false);
    while (events.size() < most && batches.hasNext()) {
      long seq = Keys.seqOf(batches.next());
      for (Json event : batches.value().events()) {
        if (seq++ > after && events.size() < most) {
          events.add(event);
        }
      }
    }
    return events;
  }

  @Override
  public Mono<List<Turn>> list(SessionKey key, @Nullable String owner) {
    return reads.read(rows -> {
      long now = clock.millis();
      SessionRecord session = Access.require(rows, key, owner, now);
      List<Turn> turns = open(rows, key, session);
      addEnded(turns, rows, key, session, now);
      turns.replaceAll(Turn::lean);
      return turns;
    });
  }

  @Override
  public Mono<Open> open(SessionKey key) {
    return reads.read(rows -> {
      long now = clock.millis();
      SessionRecord session = Access.require(rows, key, null, now);
      return Open.of(open(rows, key, session), Instant.ofEpochMilli(now));
    });
  }

  private static List<Turn> open(Rows rows, SessionKey key, SessionRecord session) {
    long number = session.number();
    List<Turn> turns = new ArrayList<>();
    if (session.turn() != null) {
      long version = session.turn().version();
      turns.add(TurnRows.turn(key, session, version, TurnRows.at(rows, number, version), 0));
    }
    for (long version : TurnRows.queue(rows, number)) {
      int position = turns.size() + (session.turn() == null ? 1 : 0);
      turns.add(TurnRows.turn(key, session, version, TurnRows.at(rows, number, version), position));
    }
    return turns;
  }

  private static void addEnded(
      List<Turn> turns, Rows rows, SessionKey key, SessionRecord session, long now) {
    int most = turns.size() + LISTED;
    var newest =
        rows.scan(
            Table.TURNS,
            Keys.version(session.number(), Long.MAX_VALUE),
            Keys.number(session.number()),
            true);
    while (turns.size() < most && newest.hasNext()) {
      long version = Keys.versionOf(newest.next());
      StoredRecords.Ordered record = newest.value();
      if (record.status().isEnd() && !record.isForgotten(now)) {
        turns.add(TurnRows.turn(key, session, version, record, 0));
      }
    }
  }

  /**
   * In one process the owners are cut off from the store only when the whole of it stands still.
   */
  @Override
  public Flux<SessionKey> due(Duration proven) {
    return Flux.defer(() ->
        heartbeat.isSteadyFor(proven)
            ? reads.read(this::due).flatMapIterable(Function.identity())
            : Flux.empty());
  }

  private List<SessionKey> due(Rows rows) {
    long now = clock.millis();
    List<SessionKey> due = new ArrayList<>();
    var deadlines = rows.scan(Table.DEADLINES, null, Keys.number(now + 1), false);
    int looked = 0;
    while (looked < LOOKED_AT && due.size() < DUE && deadlines.hasNext()) {
      byte[] path = Keys.dueWhat(deadlines.next());
      try {
        SessionRecord session = rows.get(Table.SESSIONS, path);
        if (session != null && isDue(session, now)) {
          due.add(Keys.sessionOf(path, 0));
        }
        looked++;
      } catch (MVStoreException e) {
        throw e;
      } catch (RuntimeException e) {
        // Dead turns of the others must be ended.
        apart.failed("turns", e);
      }
    }
    return due;
  }

  private static boolean isDue(SessionRecord session, long now) {
    return session.turn() != null
        ? session.turn().until() <= now
        : session.waiting() > 0 && !Access.isExpired(session, now);
  }
}
