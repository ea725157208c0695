package io.heddle.embedded;

import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.session.IdempotencyRecords;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.Outcome;
import io.heddle.session.StoreProblems;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The idempotency records, beside a write and within one. */
final class EmbeddedIdempotencyRecords implements IdempotencyRecords {

  static final long LIFE_MILLIS = Duration.ofHours(24).toMillis();

  private final StoreWriter writer;
  private final SnapshotReads reads;
  private final InstantSource clock;

  EmbeddedIdempotencyRecords(StoreWriter writer, SnapshotReads reads, InstantSource clock) {
    this.writer = writer;
    this.reads = reads;
    this.clock = clock;
  }

  @Override
  public Mono<Outcome> find(SessionKey key, IdempotentRequest retry) {
    return reads.read(rows -> recorded(rows, key, retry, clock.millis()));
  }

  @Override
  public Mono<Outcome> hold(SessionKey key, IdempotentRequest retry, Duration lease) {
    return writer.submit(tx -> {
      Outcome recorded = recorded(tx, key, retry, tx.now());
      if (recorded == null) {
        String operation = retry.operation();
        if (operation == null) {
          throw new IllegalArgumentException("who holds a key must have a name");
        }
        long until = tx.now() + lease.toMillis();
        StoredRecords.Kept held =
            new StoredRecords.Kept(retry.body(), operation, until, null, List.of());
        put(tx, key, retry, held);
      }
      return recorded;
    });
  }

  @Override
  public Mono<Void> drop(SessionKey key, IdempotentRequest retry) {
    return writer.submit(tx -> {
      byte[] at = Keys.retry(key, retry.key());
      StoredRecords.Kept kept = tx.get(Table.RETRIES, at);
      if (kept != null && kept.operation() != null && kept.operation().equals(retry.operation())) {
        tx.remove(Table.RETRIES, at);
      }
      return null;
    });
  }

  /**
   * What the key's record answers to whoever comes with it, or null when it answers nothing: there
   * is none, or this operation holds it.
   */
  static @Nullable Outcome recorded(
      Rows rows, SessionKey key, @Nullable IdempotentRequest retry, long now) {
    if (retry == null) {
      return null;
    }
    StoredRecords.Kept kept = rows.get(Table.RETRIES, Keys.retry(key, retry.key()));
    if (kept == null || kept.until() <= now) {
      return null;
    }
    if (!kept.body().equals(retry.body())) {
      return new Outcome.Refused(Problem.of(ProblemCode.KEY_REUSED));
    }
    Position position = kept.position();
    if (position != null) {
      return new Outcome.Replayed(position, kept.messages());
    }
    return retry.operation() != null && retry.operation().equals(kept.operation())
        ? null
        : new Outcome.Refused(StoreProblems.keyInProgress());
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

  private static void put(Tx tx, SessionKey key, IdempotentRequest retry, StoredRecords.Kept kept) {
    byte[] at = Keys.retry(key, retry.key());
    tx.put(Table.RETRIES, at, kept);
    tx.put(Table.RUBBISH, GcKind.RETRY.due(kept.until(), at), Boolean.TRUE);
  }
}
