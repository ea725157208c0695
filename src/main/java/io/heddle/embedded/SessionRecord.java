package io.heddle.embedded;

import io.heddle.base.Position;
import io.heddle.base.ProblemException;
import io.heddle.session.Change;
import io.heddle.session.Head;
import io.heddle.session.StoreProblems;
import io.heddle.session.Turn;
import io.heddle.session.TurnAttempt;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What is stored of a session beside its description and rows; also what is left of one that is
 * gone. Times are milliseconds since 1970.
 *
 * @param number its checkpoints, changes and description stand under it
 * @param thread its messages and their names stand under it; another one after a clear
 * @param queued when {@link Table#EXPIRIES} says it may expire: not after {@code expires}
 * @param rows changes that are kept in {@link Table#CHANGES}
 * @param build names the building, or null
 * @param before the tombstone that a building stands on
 * @param turn the one that runs
 * @param waiting how many turns wait
 * @param due when {@link Table#DEADLINES} says that there may be something to do for its turns: not
 *     after there is; 0 for never
 */
record SessionRecord(
    long number,
    long thread,
    Life life,
    @Nullable String user,
    long version,
    String tag,
    long lastSeq,
    long messages,
    long bytes,
    long created,
    long updated,
    long expires,
    long queued,
    int rows,
    int checkpoints,
    long checkpointBytes,
    long fence,
    @Nullable Holder holder,
    @Nullable String build,
    @Nullable SessionRecord before,
    @Nullable Running turn,
    int waiting,
    long due) {

  enum Life {
    LIVE,
    BUILDING,
    DELETED,
    EXPIRED
  }

  /**
   * Who holds the lock.
   *
   * @param process the opening of the store in which an update took it: no update outlives that
   */
  record Holder(String token, long until, boolean client, long process, @Nullable String label) {

    ProblemException locked(long now) {
      return StoreProblems.locked(Instant.ofEpochMilli(until), until - now).toException();
    }
  }

  /**
   * A running turn, as far as its owner's flushes change it.
   *
   * @param version the one it was begun in: its record and its log stand under it
   * @param until when its owner's lease ends
   * @param last seq of the last event in its log
   */
  record Running(String id, long version, int attempt, long until, long last, Turn.Cancel cancel) {

    boolean is(TurnAttempt fence) {
      return id.equals(fence.turn()) && attempt == fence.attempt();
    }

    Running flushed(long newUntil, long newLast) {
      return new Running(id, version, attempt, newUntil, newLast, cancel);
    }

    Running retaken(long newUntil) {
      return new Running(id, version, attempt + 1, newUntil, last, cancel);
    }

    /** Of two wishes the stronger one stands. */
    Running asked(Turn.Cancel wish) {
      return wish.compareTo(cancel) > 0
          ? new Running(id, version, attempt, until, last, wish)
          : this;
    }
  }

  boolean gone() {
    return life == Life.DELETED || life == Life.EXPIRED;
  }

  Position position() {
    return new Position(version, tag);
  }

  Head head() {
    return new Head(
        position(),
        lastSeq,
        messages,
        bytes,
        Instant.ofEpochMilli(created),
        Instant.ofEpochMilli(updated),
        Instant.ofEpochMilli(expires),
        turn == null ? null : turn.id());
  }

  Draft edit() {
    return new Draft(this);
  }

  /** A record that is being changed. */
  static final class Draft {
    long number;
    long thread;
    Life life;
    @Nullable String user;
    long version;
    String tag;
    long lastSeq;
    long messages;
    long bytes;
    long created;
    long updated;
    long expires;
    long queued;
    int rows;
    int checkpoints;
    long checkpointBytes;
    long fence;
    @Nullable Holder holder;
    @Nullable String build;
    @Nullable SessionRecord before;
    @Nullable Running turn;
    int waiting;
    long due;

    /** A session that has nothing yet. */
    Draft(Life life, long number, long thread, @Nullable String user, Position position) {
      this.life = life;
      this.number = number;
      this.thread = thread;
      this.user = user;
      this.version = position.version();
      this.tag = position.tag();
    }

    private Draft(SessionRecord from) {
      number = from.number;
      thread = from.thread;
      life = from.life;
      user = from.user;
      version = from.version;
      tag = from.tag;
      lastSeq = from.lastSeq;
      messages = from.messages;
      bytes = from.bytes;
      created = from.created;
      updated = from.updated;
      expires = from.expires;
      queued = from.queued;
      rows = from.rows;
      checkpoints = from.checkpoints;
      checkpointBytes = from.checkpointBytes;
      fence = from.fence;
      holder = from.holder;
      build = from.build;
      before = from.before;
      turn = from.turn;
      waiting = from.waiting;
      due = from.due;
    }

    Position position() {
      return new Position(version, tag);
    }

    Change.Counters counters() {
      return new Change.Counters(
          lastSeq,
          messages,
          bytes,
          Instant.ofEpochMilli(updated),
          // A tombstone ends with the write that made it, as far as a session does.
          Instant.ofEpochMilli(life == Life.LIVE ? expires : updated));
    }

    SessionRecord done() {
      return new SessionRecord(
          number,
          thread,
          life,
          user,
          version,
          tag,
          lastSeq,
          messages,
          bytes,
          created,
          updated,
          expires,
          queued,
          rows,
          checkpoints,
          checkpointBytes,
          fence,
          holder,
          build,
          before,
          turn,
          waiting,
          due);
    }
  }
}
