package io.heddle.openai;

import io.heddle.base.DrainLoop;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * Waits for what a publisher says first, so that a failure can still be answered with a status.
 *
 * <p>It is what {@code switchOnFirst} and what has to stand around it would be, in one: every
 * stream passes through it.
 */
final class FirstSignal<T> extends Mono<Flux<T>> {

  private final Flux<T> source;

  private FirstSignal(Flux<T> source) {
    this.source = source;
  }

  /**
   * The publisher, subscribed to, once it has said something; its error when that comes first. What
   * is answered must be subscribed to, once.
   */
  static <T> Mono<Flux<T>> of(Flux<T> source) {
    return new FirstSignal<>(source);
  }

  @Override
  public void subscribe(CoreSubscriber<? super Flux<T>> actual) {
    source.subscribe(new All<>(actual));
  }

  /** All that the publisher says, the first of it again. */
  private static final class All<T> extends Flux<T> implements CoreSubscriber<T>, Subscription {

    private final CoreSubscriber<? super Flux<T>> waiting;

    /** Operators that look for the context walk no further than this. */
    private final Context context;

    private final AtomicLong requested = new AtomicLong();

    private final DrainLoop loop = new DrainLoop(this::step);

    private @Nullable Subscription subscription;

    /** Whoever waited has been told that it begins. */
    private boolean begun;

    private volatile boolean cancelled;
    private volatile @Nullable CoreSubscriber<? super T> reader;
    private @Nullable Throwable error;
    private volatile boolean over;

    /** The first has been read: what comes now goes to the reader at once. */
    private volatile boolean passing;

    // ---- seen only by whoever is at work

    private @Nullable T first;
    private boolean ended;

    All(CoreSubscriber<? super Flux<T>> waiting) {
      this.waiting = waiting;
      context = waiting.currentContext();
    }

    @Override
    public Context currentContext() {
      return context;
    }

    @Override
    public void onSubscribe(Subscription subscription) {
      if (Operators.validate(this.subscription, subscription)) {
        this.subscription = subscription;
        waiting.onSubscribe(new Beginning());
      }
    }

    /** What whoever waits for the first has in hand. */
    private final class Beginning implements Subscription {

      private final AtomicInteger asked = new AtomicInteger();

      @Override
      public void request(long n) {
        if (Operators.validate(n) && asked.getAndIncrement() == 0) {
          subscription().request(1);
        }
      }

      /** Whoever reads already goes on. */
      @Override
      public void cancel() {
        if (reader == null) {
          All.this.cancel();
        }
      }
    }

    private Subscription subscription() {
      Subscription mine = subscription;
      if (mine == null) {
        throw new IllegalStateException("not subscribed");
      }
      return mine;
    }

    private void begin() {
      begun = true;
      waiting.onNext(this);
      waiting.onComplete();
    }

    @Override
    public void onNext(T next) {
      CoreSubscriber<? super T> to = reader;
      if (passing && to != null) {
        to.onNext(next);
      } else {
        first = next;
        begin();
      }
    }

    @Override
    public void onError(Throwable error) {
      if (!begun) {
        begun = true;
        waiting.onError(error);
      } else {
        this.error = error;
        over = true;
        loop.signal();
      }
    }

    @Override
    public void onComplete() {
      over = true;
      if (!begun) {
        begin();
      }
      loop.signal();
    }

    @Override
    public void subscribe(CoreSubscriber<? super T> actual) {
      if (reader != null) {
        Operators.error(actual, new IllegalStateException("it is read once"));
      } else if (cancelled) {
        Operators.error(actual, new CancellationException("given up before it was read"));
      } else {
        actual.onSubscribe(this);
        reader = actual;
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
      cancelled = true;
      subscription().cancel();
      loop.signal();
    }

    private void step() {
      CoreSubscriber<? super T> to = reader;
      if (ended || to == null) {
        return;
      }
      if (cancelled) {
        first = null;
        ended = true;
        return;
      }
      if (!passing && !readFirst(to)) {
        return;
      }
      if (over) {
        ended = true;
        Throwable told = error;
        if (told == null) {
          to.onComplete();
        } else {
          to.onError(told);
        }
      } else {
        long more = requested.getAndSet(0);
        if (more > 0) {
          subscription().request(more);
        }
      }
    }

    /** Whether the first has been read, or there is none. */
    private boolean readFirst(CoreSubscriber<? super T> to) {
      T told = first;
      if (told != null) {
        if (requested.get() == 0) {
          return false;
        }
        if (requested.get() != Long.MAX_VALUE) {
          requested.decrementAndGet();
        }
        first = null;
        to.onNext(told);
      }
      passing = true;
      return !cancelled;
    }
  }
}
