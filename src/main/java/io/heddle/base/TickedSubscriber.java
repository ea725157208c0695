package io.heddle.base;

import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * Waits for a source on behalf of a subscriber, while a ticker that many share watches over it.
 * Whoever finishes it first, which is the source, the ticker or a cancel, has the last word.
 *
 * @param <T> what the source gives
 * @param <R> what the subscriber gets
 */
public abstract class TickedSubscriber<T, R> implements CoreSubscriber<T>, Subscription {

  protected final CoreSubscriber<? super R> actual;
  private final AtomicBoolean done = new AtomicBoolean();
  private @Nullable Subscription upstream;

  protected TickedSubscriber(CoreSubscriber<? super R> actual) {
    this.actual = actual;
  }

  /** Shows it to the ticker and asks the source for everything. */
  protected abstract void open(Subscription source);

  /** Hides it from the ticker and lets go of what it holds; may be called twice. */
  protected abstract void close();

  @Override
  public final Context currentContext() {
    return actual.currentContext();
  }

  @Override
  public final void onSubscribe(Subscription subscription) {
    upstream = subscription;
    actual.onSubscribe(this);
  }

  @Override
  public final void request(long n) {
    Subscription source = upstream;
    if (source == null || isDone()) {
      return;
    }
    open(source);
    if (isDone()) {
      close();
    }
  }

  @Override
  public void onError(Throwable error) {
    if (finish()) {
      actual.onError(error);
    } else {
      Operators.onErrorDropped(error, currentContext());
    }
  }

  @Override
  public void cancel() {
    if (finish()) {
      cancelSource();
    }
  }

  protected final void cancelSource() {
    if (upstream != null) {
      upstream.cancel();
    }
  }

  protected final boolean isDone() {
    return done.get();
  }

  /** Whether the caller is the first and has the last word. */
  protected final boolean finish() {
    if (!done.compareAndSet(false, true)) {
      return false;
    }
    close();
    return true;
  }
}
