package io.heddle.embedded;

import io.heddle.base.SessionKey;
import io.heddle.session.Outcome;
import io.heddle.session.Retry;
import io.heddle.session.RetryRecords;
import java.time.Duration;
import java.time.InstantSource;
import reactor.core.publisher.Mono;

/** The idempotency records, beside a write. */
final class EmbeddedRetries implements RetryRecords {

  private final StoreWriter writer;
  private final SnapshotReads reads;
  private final InstantSource clock;

  EmbeddedRetries(StoreWriter writer, SnapshotReads reads, InstantSource clock) {
    this.writer = writer;
    this.reads = reads;
    this.clock = clock;
  }

  @Override
  public Mono<Outcome> find(SessionKey key, Retry retry) {
    return reads.read(rows -> Retries.said(rows, key, retry, clock.millis()));
  }

  @Override
  public Mono<Outcome> hold(SessionKey key, Retry retry, Duration lease) {
    return writer.submit(tx -> Retries.hold(tx, key, retry, lease));
  }

  @Override
  public Mono<Void> drop(SessionKey key, Retry retry) {
    return writer.submit(tx -> {
      Retries.drop(tx, key, retry);
      return null;
    });
  }
}
