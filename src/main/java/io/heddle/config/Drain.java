package io.heddle.config;

import java.util.function.Supplier;
import org.springframework.context.SmartLifecycle;
import reactor.core.publisher.Mono;

/**
 * What comes to its end before the web server stops, which would wait for open streams until its
 * time is up and then cut them off without a word, and before anything that it needs is stopped.
 * The default phase is the one that stops first, all of it at once; readiness is off by then.
 */
final class Drain implements SmartLifecycle {

  private final Supplier<Mono<Void>> work;
  private volatile boolean running;

  Drain(Supplier<Mono<Void>> work) {
    this.work = work;
  }

  @Override
  public void start() {
    running = true;
  }

  @Override
  public void stop() {
    running = false;
  }

  /** The end of the work ends it, not the phase's time. */
  @Override
  public void stop(Runnable callback) {
    work.get()
        .doFinally(_ -> {
          running = false;
          callback.run();
        })
        .subscribe();
  }

  @Override
  public boolean isRunning() {
    return running;
  }
}
