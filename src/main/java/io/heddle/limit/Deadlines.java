package io.heddle.limit;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * Ends questions that are not answered in time with a {@code TimeoutException}, all of them by one
 * ticker: a timer for each would wake another thread with each question.
 */
final class Deadlines {

  private final long timeout;
  private final LongSupplier nanoTime;
  private final Set<Question<?>> open = ConcurrentHashMap.newKeySet();
  private final TimeoutException late;

  Deadlines(Duration timeout, LongSupplier nanoTime) {
    this.timeout = timeout.toNanos();
    this.nanoTime = nanoTime;
    this.late = new TimeoutException("no answer within " + timeout.toMillis() + " ms");
    late.setStackTrace(new StackTraceElement[0]);
  }

  /** The time starts when the answer is asked for. */
  <T> Mono<T> within(Mono<T> question) {
    return new Mono<>() {
      @Override
      public void subscribe(CoreSubscriber<? super T> actual) {
        question.subscribe(new Question<T>(actual));
      }
    };
  }

  /** Ends what is late. */
  void tick() {
    long now = nanoTime.getAsLong();
    for (Question<?> question : open) {
      if (now - question.deadline >= 0) {
        question.giveUp();
      }
    }
  }

  /**
   * Whoever sets {@code done} first, which is an answer, the ticker or a cancel, has the last word.
   */
  private final class Question<T> implements CoreSubscriber<T>, Subscription {
    private final CoreSubscriber<? super T> actual;
    private final AtomicBoolean done = new AtomicBoolean();
    private volatile long deadline;
    private @Nullable Subscription upstream;

    Question(CoreSubscriber<? super T> actual) {
      this.actual = actual;
    }

    @Override
    public Context currentContext() {
      return actual.currentContext();
    }

    @Override
    public void onSubscribe(Subscription subscription) {
      upstream = subscription;
      actual.onSubscribe(this);
    }

    @Override
    public void request(long n) {
      Subscription source = upstream;
      if (source == null || done.get()) {
        return;
      }
      deadline = nanoTime.getAsLong() + timeout;
      open.add(this);
      source.request(Long.MAX_VALUE);
      if (done.get()) {
        open.remove(this);
      }
    }

    @Override
    public void onNext(T answer) {
      if (finish()) {
        actual.onNext(answer);
        actual.onComplete();
      }
    }

    @Override
    public void onError(Throwable error) {
      if (finish()) {
        actual.onError(error);
      } else {
        Operators.onErrorDropped(error, actual.currentContext());
      }
    }

    @Override
    public void onComplete() {
      if (finish()) {
        actual.onComplete();
      }
    }

    @Override
    public void cancel() {
      if (finish() && upstream != null) {
        upstream.cancel();
      }
    }

    private void giveUp() {
      if (finish()) {
        if (upstream != null) {
          upstream.cancel();
        }
        actual.onError(late);
      }
    }

    private boolean finish() {
      if (!done.compareAndSet(false, true)) {
        return false;
      }
      open.remove(this);
      return true;
    }
  }
}
