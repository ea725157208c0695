package io.heddle.embedded;

import io.heddle.base.ProblemException;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.MonoSink;

/** A piece of work that waits for the writer, and whoever waits for its answer. */
final class Queued<T> {
  private final StoreWriter.Work<T> work;
  private final MonoSink<T> sink;
  private final AtomicInteger open;
  private List<Tx.Made> changes = List.of();
  private List<Tx.Told> told = List.of();
  private @Nullable T result;
  private @Nullable Throwable error;

  /**
   * @param open counts what is not answered yet
   */
  Queued(StoreWriter.Work<T> work, MonoSink<T> sink, AtomicInteger open) {
    this.work = work;
    this.sink = sink;
    this.open = open;
  }

  /** Whether it wrote something. */
  boolean run(Tx tx) {
    try {
      result = work.apply(tx);
    } catch (ProblemException e) {
      error = e;
      return false;
    } catch (RuntimeException e) {
      error = Failures.told(e, "The session store failed; nothing was written.");
      return false;
    }
    changes = tx.changes();
    told = tx.told();
    tx.write();
    return !tx.isEmpty();
  }

  List<Tx.Made> changes() {
    return changes;
  }

  List<Tx.Told> told() {
    return told;
  }

  void refuse(Throwable reason) {
    open.decrementAndGet();
    sink.error(reason);
  }

  void answer() {
    open.decrementAndGet();
    if (error != null) {
      sink.error(error);
    } else {
      sink.success(result);
    }
  }
}
