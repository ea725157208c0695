package io.heddle.embedded;

import io.heddle.base.SessionKey;
import io.heddle.session.IdempotencyRecords;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.Outcome;
import java.time.Duration;
import java.time.InstantSource;
import reactor.core.publisher.Mono;

/** The idempotency records, beside a write. */
final class EmbeddedIdempotencyRecords implements IdempotencyRecords {

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
    return reads.read(rows -> IdempotencyTable.said(rows, key, retry, clock.millis()));
  }

  @Override
  public Mono<Outcome> hold(SessionKey key, IdempotentRequest retry, Duration lease) {
    return writer.submit(tx -> IdempotencyTable.hold(tx, key, retry, lease));
  }

  @Override
  public Mono<Void> drop(SessionKey key, IdempotentRequest retry) {
    return writer.submit(tx -> {
      IdempotencyTable.drop(tx, key, retry);
      return null;
    });
  }
}
