package io.heddle.upstream;

import io.heddle.base.DrainLoop;
import io.heddle.base.ProblemException;
import io.heddle.turn.ModelEvent;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxOperator;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * One request and its response, from the connection to the last word. Its breaker is told how it
 * went, its {@link ResponseTimeouts} runs while more is asked of the connection, and whatever it
 * held is given back once, before its end is told on.
 *
 * <p>It is one operator and not the dozen that it could be put together from, which would take as
 * much of a short answer's time as the reading of it. It asks the connection for one part at a
 * time, as long as somebody asks for more: a slow reader slows the server, and nothing piles up.
 *
 * <p>To be subscribed once.
 */
final class Exchange extends FluxOperator<List<ModelEvent>, List<ModelEvent>> {

  private final ResponseReader reader;
  private final ResponseTimeouts patience;
  private final Watchdog watchdog;
  private final Breaker.Request judge;

  /**
   * @param response what {@code reader} has read; a list may be empty
   */
  Exchange(
      Flux<List<ModelEvent>> response,
      ResponseReader reader,
      ResponseTimeouts patience,
      Watchdog watchdog,
      Breaker.Request judge) {
    super(response);
    this.reader = reader;
    this.patience = patience;
    this.watchdog = watchdog;
    this.judge = judge;
  }

  @Override
  public void subscribe(CoreSubscriber<? super List<ModelEvent>> actual) {
    source.subscribe(new Running(actual));
  }

  private final class Running implements CoreSubscriber<List<ModelEvent>>, Subscription, Runnable {

    private final CoreSubscriber<? super List<ModelEvent>> actual;

    /** The client looks for it several times, and walks no further than this. */
    private final Context context;

    private final AtomicLong requested = new AtomicLong();

    private final DrainLoop loop = new DrainLoop(this::step);

    private @Nullable Subscription connection;
    private volatile boolean cancelled;

    /** The bytes have ended, or are not waited for any longer. */
    private volatile boolean over;

    private @Nullable Throwable error;

    /** There is one at most: no more is asked for until it is taken. */
    private volatile @Nullable List<ModelEvent> next;

    // ---- seen only by whoever is at work

    private boolean asked;
    private ResponseReader.@Nullable End end;
    private boolean ended;

    Running(CoreSubscriber<? super List<ModelEvent>> actual) {
      this.actual = actual;
      context = actual.currentContext();
    }

    @Override
    public Context currentContext() {
      return context;
    }

    @Override
    public void onSubscribe(Subscription connection) {
      if (Operators.validate(this.connection, connection)) {
        this.connection = connection;
        patience.watchedBy(this);
        watchdog.add(patience);
        actual.onSubscribe(this);
      }
    }

    @Override
    public void onNext(List<ModelEvent> pieces) {
      next = pieces;
      loop.signal();
    }

    @Override
    public void onError(Throwable error) {
      if (over) {
        // Its connection was given up, and says so.
        return;
      }
      this.error = error;
      over = true;
      loop.signal();
    }

    @Override
    public void onComplete() {
      over = true;
      loop.signal();
    }

    /** It is over, says its patience, on the watchdog's thread. */
    @Override
    public void run() {
      if (!over) {
        over = true;
        connection().cancel();
        loop.signal();
      }
    }

    @Override
    public void request(long n) {
      if (Operators.validate(n)) {
        requested.accumulateAndGet(n, Operators::addCap);
        loop.signal();
      }
    }

    @Override
    public void cancel() {
      if (!cancelled) {
        cancelled = true;
        connection().cancel();
        loop.signal();
      }
    }

    private Subscription connection() {
      Subscription connection = this.connection;
      if (connection == null) {
        throw new IllegalStateException("not subscribed");
      }
      return connection;
    }

    private void step() {
      if (ended) {
        return;
      }
      if (cancelled) {
        close();
        return;
      }
      // Looked at before the part that may come with it, which would be lost if it came between.
      boolean last = over || end != null;
      List<ModelEvent> pieces = next;
      if (pieces != null) {
        next = null;
        asked = false;
        tell(pieces);
        if (cancelled) {
          close();
          return;
        }
        last |= reader.isBroken();
      }
      if (last) {
        end();
      } else if (!asked && requested.get() > 0) {
        asked = true;
        patience.asks();
        connection().request(1);
      }
    }

    private void tell(List<ModelEvent> pieces) {
      if (!pieces.isEmpty()) {
        judge.spoke();
        if (requested.get() != Long.MAX_VALUE) {
          requested.decrementAndGet();
        }
        actual.onNext(pieces);
      }
    }

    /** The last words wait until somebody asks for them, and what comes behind them waits too. */
    private void end() {
      Throwable error = this.error;
      if (error != null && !reader.isOverAnyway(error)) {
        fail(error);
        return;
      }
      ResponseReader.End end = this.end;
      if (end == null) {
        if (!over) {
          connection().cancel();
        }
        try {
          end = reader.end();
        } catch (RuntimeException e) {
          fail(e);
          return;
        }
        this.end = end;
      }
      if (!end.pieces().isEmpty()) {
        if (requested.get() == 0) {
          return;
        }
        this.end = end.told();
        tell(end.pieces());
      }
      if (cancelled) {
        close();
      } else if (end.error() == null) {
        close();
        actual.onComplete();
      } else {
        fail(end.error());
      }
    }

    private void fail(Throwable error) {
      Throwable told = error instanceof ProblemException ? error : reader.failure(error);
      if (told instanceof CallFailure failure) {
        judge.failed(failure);
      }
      close();
      actual.onError(told);
    }

    private void close() {
      ended = true;
      next = null;
      watchdog.remove(patience);
      judge.over();
      reader.close();
    }
  }
}
