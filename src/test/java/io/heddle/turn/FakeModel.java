package io.heddle.turn;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Sinks;

/** A model that says what the test says. */
final class FakeModel implements Upstream {

  private final BlockingQueue<Call> calls = new LinkedBlockingQueue<>();

  /** One call of it. */
  static final class Call {
    final ModelCall asked;
    private final Sinks.Many<ModelEvent> pieces = Sinks.many().unicast().onBackpressureBuffer();
    private volatile boolean cancelled;

    private Call(ModelCall asked) {
      this.asked = asked;
    }

    Call says(String... texts) {
      for (String text : texts) {
        says(new ModelEvent.Text(text));
      }
      return this;
    }

    Call says(ModelEvent piece) {
      pieces.tryEmitNext(piece);
      return this;
    }

    void finishes() {
      finishes("stop", new Usage(10, 5, 0, 0));
    }

    void finishes(String reason, @Nullable Usage usage) {
      says(new ModelEvent.Finish(reason, usage, "hand-1"));
      pieces.tryEmitComplete();
    }

    void fails(Throwable error) {
      pieces.tryEmitError(error);
    }

    void breaksOff() {
      pieces.tryEmitComplete();
    }

    boolean isCancelled() {
      return cancelled;
    }
  }

  @Override
  public Flux<List<ModelEvent>> call(ModelCall call) {
    return Flux.defer(() -> {
      Call one = new Call(call);
      calls.add(one);
      return one.pieces.asFlux().doOnCancel(() -> one.cancelled = true).map(List::of);
    });
  }

  /** The next call that comes. */
  Call next() {
    return next(Duration.ofSeconds(20));
  }

  Call next(Duration patience) {
    try {
      Call call = calls.poll(patience.toMillis(), TimeUnit.MILLISECONDS);
      if (call == null) {
        throw new AssertionError("the model was not asked");
      }
      return call;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  boolean isAsked() {
    return !calls.isEmpty();
  }

  @Override
  public boolean has(String model) {
    return true;
  }

  @Override
  public List<Model> models() {
    return List.of(new Model("hand-1", "hand"));
  }
}
