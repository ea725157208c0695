package io.heddle;

import io.heddle.web.Connections;
import org.springframework.context.SmartLifecycle;

/**
 * Sends the connections away before the web server stops: it would wait for open streams until its
 * time is up, and then cut them off without a word. The default phase is the one that stops first;
 * readiness is off by then.
 */
final class LiveDrain implements SmartLifecycle {

  private final Connections connections;
  private volatile boolean running;

  LiveDrain(Connections connections) {
    this.connections = connections;
  }

  @Override
  public void start() {
    running = true;
  }

  @Override
  public void stop() {
    running = false;
  }

  /** The last connection ends it, not the phase's time. */
  @Override
  public void stop(Runnable callback) {
    connections
        .drain()
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
