package io.heddle.embedded;

import io.heddle.base.ProblemException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;

/**
 * Runs reads on the readers' threads, each on one snapshot: a read may touch the file, and what it
 * finds must be of one moment and committed.
 */
final class SnapshotReads {

  private final StoreWriter writer;
  private final Workers readers;

  SnapshotReads(StoreWriter writer, Workers readers) {
    this.writer = writer;
    this.readers = readers;
  }

  /** One read: its result, or null for none. */
  interface Read<T> extends Function<Snapshot, @Nullable T> {}

  <T> Mono<T> read(Read<T> read) {
    return Mono.create(sink -> {
      if (writer.failure() != null || !readers.offer(() -> finish(read, sink))) {
        sink.error(StoreWriter.unavailable("The session store takes no more reads now.", 1));
      }
    });
  }

  private <T> void finish(Read<T> read, MonoSink<T> sink) {
    T result;
    try {
      Snapshot snapshot = writer.enterCommitted();
      try {
        result = read.apply(snapshot);
      } finally {
        snapshot.leave();
      }
    } catch (ProblemException e) {
      sink.error(e);
      return;
    } catch (RuntimeException e) {
      sink.error(Failures.told(e, "The session store could not be read."));
      return;
    }
    sink.success(result);
  }
}
