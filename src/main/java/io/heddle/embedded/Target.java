package io.heddle.embedded;

import io.heddle.base.SessionKey;
import io.heddle.embedded.SessionRecord.Draft;
import io.heddle.session.Change;
import io.heddle.session.Outcome;
import io.heddle.session.SessionAttributes;
import io.heddle.session.WritePreconditions;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A session that may be written to, on the caller's terms, and what one write makes of it. */
final class Target {

  private final Tx tx;
  private final SessionKey key;
  private final WritePreconditions conditions;
  private final Draft session;
  private final SessionAttributes now;
  private String previousTag;

  /**
   * @param now its description before the write
   * @param previousTag of the version before the one that the write makes; empty for none
   */
  Target(
      Tx tx,
      SessionKey key,
      WritePreconditions conditions,
      Draft session,
      SessionAttributes now,
      String previousTag) {
    this.tx = tx;
    this.key = key;
    this.conditions = conditions;
    this.session = session;
    this.now = now;
    this.previousTag = previousTag;
  }

  Tx tx() {
    return tx;
  }

  SessionKey key() {
    return key;
  }

  byte[] path() {
    return Keys.session(key);
  }

  Draft session() {
    return session;
  }

  SessionAttributes now() {
    return now;
  }

  /** The message of that id, or null. */
  Threads.@Nullable Found find(String message) {
    return Threads.find(tx, key, session.thread, message);
  }

  /** Makes the session's next version. */
  void advance() {
    advance(now);
  }

  void advance(SessionAttributes description) {
    previousTag = session.tag;
    Lifecycle.advance(tx, session, description.ttl().toMillis());
    Locking.keep(session);
    TurnRows.keep(session);
  }

  /** Keeps the change that the new version is, and publishes it. */
  void log(Change change) {
    Lifecycle.log(tx, key, session, previousTag, change);
  }

  /** Publishes an append, which the thread keeps. */
  void publish(Change.MessagesAppended appended) {
    tx.publish(key, previousTag, session.position(), session.counters(), appended);
  }

  Outcome applied() {
    return applied(null, List.of());
  }

  /**
   * The last step of every write that makes a version.
   *
   * @param description when the write looked at all of it
   */
  Outcome applied(@Nullable SessionAttributes description, List<String> messages) {
    Lifecycle.save(tx, path(), session);
    EmbeddedIdempotencyRecords.keep(tx, key, conditions.retry(), session.position(), messages);
    return new Outcome.Applied(session.user, description, session.done().head());
  }

  /** The last step of a write to a session that nobody sees yet. */
  Outcome stored() {
    tx.put(Table.SESSIONS, path(), session.done());
    return new Outcome.Applied(session.user, null, session.done().head());
  }
}
