package io.heddle.embedded;

import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.embedded.SessionRecord.Draft;
import io.heddle.embedded.SessionRecord.Holder;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.LiveMessage;
import io.heddle.session.Outcome;
import io.heddle.session.SessionLocks.Call;
import io.heddle.session.SessionLocks.Done;
import io.heddle.session.SessionLocks.Held;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Who holds a session: the claim record, as the writer keeps it. */
final class Locking {

  /** A held session lives at least this much longer than its lock. */
  private static final long OUTLIVE_MILLIS = 10_000;

  /** Names this opening of the store in the holders that updates become. */
  private final long process;

  Locking(long process) {
    this.process = process;
  }

  /** The holder, if it holds now: an update of a process that is gone does not. */
  @Nullable Holder live(@Nullable Holder holder, long now) {
    return holder != null
            && holder.until() > now
            && (holder.client() || holder.process() == process)
        ? holder
        : null;
  }

  /**
   * Refuses a write that the lock does not allow. An ended holder is removed for ever, also when
   * the write is refused: nobody's clock that goes back brings it to life again.
   */
  void check(Tx tx, byte[] path, Draft session, @Nullable String token) {
    Holder holder = live(session.holder, tx.now());
    if (holder == null && session.holder != null) {
      session.holder = null;
      tx.put(Table.SESSIONS, path, session.done());
    }
    if (holder == null) {
      if (token != null) {
        throw Problem.of(ProblemCode.STALE_FENCE).toException();
      }
    } else if (token == null) {
      throw holder.locked(tx.now());
    } else if (!holder.token().equals(token)) {
      throw Problem.of(ProblemCode.STALE_FENCE).toException();
    }
  }

  /** Makes an update the holder; it replaces an update before it, whose turn in the line ended. */
  Held claim(Tx tx, SessionKey key, @Nullable String owner, Duration lease) {
    Draft session = require(tx, key, owner);
    Holder holder = live(session.holder, tx.now());
    if (holder != null && holder.client()) {
      throw holder.locked(tx.now());
    }
    return acquire(tx, key, session, lease, false, null);
  }

  /** What a client asks, noted under its idempotency key with what it was told. */
  Done apply(
      Tx tx, SessionKey key, @Nullable String owner, Call call, @Nullable IdempotentRequest retry) {
    Outcome said = EmbeddedIdempotencyRecords.recorded(tx, key, retry, tx.now());
    if (said instanceof Outcome.Replayed(_, List<String> told)) {
      return new Done(recall(told), true);
    }
    if (said instanceof Outcome.Refused refused) {
      throw refused.problem().toException();
    }
    Held held =
        switch (call) {
          case Call.Take(Duration ttl, String label) -> lock(tx, key, owner, ttl, label);
          case Call.Renew(String token, Duration ttl) -> renew(tx, key, owner, token, ttl);
          case Call.Release(String token) -> {
            release(tx, key, owner, token);
            yield null;
          }
        };
    if (retry != null) {
      Position position = require(tx, key, owner).position();
      EmbeddedIdempotencyRecords.keep(
          tx, key, retry, position, held == null ? List.of() : remember(held));
    }
    return new Done(held, false);
  }

  /** The record's place for ids holds what a lock's holder was told. */
  private static List<String> remember(Held held) {
    List<String> told = new ArrayList<>(4);
    told.add(Objects.requireNonNull(held.token()));
    told.add(Long.toString(held.fence()));
    told.add(Long.toString(held.expiresAt().toEpochMilli()));
    if (held.label() != null) {
      told.add(held.label());
    }
    return told;
  }

  private static @Nullable Held recall(List<String> told) {
    return told.isEmpty()
        ? null
        : new Held(
            told.get(0),
            Long.parseLong(told.get(1)),
            Instant.ofEpochMilli(Long.parseLong(told.get(2))),
            true,
            told.size() > 3 ? told.get(3) : null);
  }

  private Held lock(
      Tx tx, SessionKey key, @Nullable String owner, Duration ttl, @Nullable String label) {
    Draft session = require(tx, key, owner);
    Holder holder = live(session.holder, tx.now());
    if (holder != null) {
      throw holder.locked(tx.now());
    }
    return acquire(tx, key, session, ttl, true, label);
  }

  private Held renew(Tx tx, SessionKey key, @Nullable String owner, String token, Duration ttl) {
    Draft session = require(tx, key, owner);
    Holder holder = live(session.holder, tx.now());
    if (holder == null || !holder.client() || !holder.token().equals(token)) {
      throw Problem.of(ProblemCode.STALE_FENCE).toException();
    }
    Holder longer =
        new Holder(token, tx.now() + ttl.toMillis(), true, holder.process(), holder.label());
    return hold(tx, key, session, longer);
  }

  private void release(Tx tx, SessionKey key, @Nullable String owner, @Nullable String token) {
    Draft session = require(tx, key, owner);
    Holder holder = live(session.holder, tx.now());
    if (token != null && (holder == null || !holder.token().equals(token))) {
      throw Problem.of(ProblemCode.STALE_FENCE).toException();
    }
    if (session.holder != null) {
      session.holder = null;
      tx.put(Table.SESSIONS, Keys.session(key), session.done());
    }
    // An update's end is not told: it was short, and watchers would hear of every one.
    if (holder != null && holder.client()) {
      tx.tell(key, new LiveMessage.LockReleased());
    }
  }

  /** Ends an update's claim, if it still is the holder. */
  void unclaim(Tx tx, SessionKey key, String token) {
    SessionRecord found = tx.get(Table.SESSIONS, Keys.session(key));
    if (found != null && found.holder() != null && found.holder().token().equals(token)) {
      Draft session = found.edit();
      session.holder = null;
      tx.put(Table.SESSIONS, Keys.session(key), session.done());
    }
  }

  private static Draft require(Tx tx, SessionKey key, @Nullable String owner) {
    return Access.require(tx, key, owner, tx.now()).edit();
  }

  private Held acquire(
      Tx tx, SessionKey key, Draft session, Duration ttl, boolean client, @Nullable String label) {
    session.fence++;
    String token = session.fence + "-" + tx.ids().token();
    return hold(
        tx, key, session, new Holder(token, tx.now() + ttl.toMillis(), client, process, label));
  }

  private static Held hold(Tx tx, SessionKey key, Draft session, Holder holder) {
    session.holder = holder;
    outlive(session, holder);
    Lifecycle.save(tx, Keys.session(key), session);
    return held(session.fence, holder, holder.token());
  }

  /** A client's lock keeps its session, however short the TTL that a write begins anew. */
  static void keep(Draft session) {
    Holder holder = session.holder;
    if (holder != null && holder.client()) {
      outlive(session, holder);
    }
  }

  private static void outlive(Draft session, Holder holder) {
    session.expires = Math.max(session.expires, holder.until() + OUTLIVE_MILLIS);
  }

  static Held held(long fence, Holder holder, @Nullable String token) {
    return new Held(
        token, fence, Instant.ofEpochMilli(holder.until()), holder.client(), holder.label());
  }
}
