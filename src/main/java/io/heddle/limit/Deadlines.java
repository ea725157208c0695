package io.heddle.limit;

import io.heddle.base.TickedSubscriber;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Mono;

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

  private final class Question<T> extends TickedSubscriber<T, T> {
    private volatile long deadline;

    Question(CoreSubscriber<? super T> actual) {
      super(actual);
    }

    @Override
    protected void open(Subscription source) {
      deadline = nanoTime.getAsLong() + timeout;
      open.add(this);
      source.request(Long.MAX_VALUE);
    }

    @Override
    protected void close() {
      open.remove(this);
    }

    @Override
    public void onNext(T answer) {
      if (finish()) {
        actual.onNext(answer);
        actual.onComplete();
      }
    }

    @Override
    public void onComplete() {
      if (finish()) {
        actual.onComplete();
      }
    }

    private void giveUp() {
      if (finish()) {
        cancelSource();
        actual.onError(late);
      }
    }
  }
}
