package io.heddle.embedded;

import io.heddle.base.Position;
import io.heddle.base.SessionKey;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.Outcome;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The idempotency records. */
final class IdempotencyTable {

  static final long LIFE_MILLIS = Duration.ofHours(24).toMillis();

  private IdempotencyTable() {}

  /**
   * What the key's record says to whoever comes with it, or null when it says nothing: there is
   * none, or this operation holds it.
   */
  static @Nullable Outcome said(
      Rows rows, SessionKey key, @Nullable IdempotentRequest retry, long now) {
    if (retry == null) {
      return null;
    }
    StoredRecords.Kept kept = rows.get(Table.RETRIES, Keys.retry(key, retry.key()));
    if (kept == null || kept.until() <= now) {
      return null;
    }
    if (!kept.body().equals(retry.body())) {
      return new Outcome.Refused(Refusals.keyReused().problem());
    }
    Position position = kept.position();
    if (position != null) {
      return new Outcome.Replayed(position, kept.messages());
    }
    return retry.operation() != null && retry.operation().equals(kept.operation())
        ? null
        : new Outcome.Refused(Refusals.keyInProgress().problem());
  }

  /** Notes what the key's write did. */
  static void keep(
      Tx tx,
      SessionKey key,
      @Nullable IdempotentRequest retry,
      Position position,
      List<String> messages) {
    if (retry != null) {
      long until = tx.now() + LIFE_MILLIS;
      put(tx, key, retry, new StoredRecords.Kept(retry.body(), null, until, position, messages));
    }
  }

  static @Nullable Outcome hold(Tx tx, SessionKey key, IdempotentRequest retry, Duration lease) {
    Outcome said = said(tx, key, retry, tx.now());
    if (said == null) {
      String operation = retry.operation();
      if (operation == null) {
        throw new IllegalArgumentException("who holds a key must have a name");
      }
      long until = tx.now() + lease.toMillis();
      put(tx, key, retry, new StoredRecords.Kept(retry.body(), operation, until, null, List.of()));
    }
    return said;
  }

  static void drop(Tx tx, SessionKey key, IdempotentRequest retry) {
    byte[] at = Keys.retry(key, retry.key());
    StoredRecords.Kept kept = tx.get(Table.RETRIES, at);
    if (kept != null && kept.operation() != null && kept.operation().equals(retry.operation())) {
      tx.remove(Table.RETRIES, at);
    }
  }

  private static void put(Tx tx, SessionKey key, IdempotentRequest retry, StoredRecords.Kept kept) {
    byte[] at = Keys.retry(key, retry.key());
    tx.put(Table.RETRIES, at, kept);
    tx.put(Table.RUBBISH, GcKind.RETRY.due(kept.until(), at), Boolean.TRUE);
  }
}
