package io.heddle;

import io.heddle.turn.Turns;
import java.time.Duration;
import org.springframework.context.SmartLifecycle;

/**
 * Lets the turns of this replica come to their end before anything they need is stopped. In the
 * default phase, beside {@link LiveDrain}: those who follow a turn are still told its end.
 */
final class TurnDrain implements SmartLifecycle {

  private final Turns turns;
  private final Duration grace;
  private volatile boolean running;

  TurnDrain(Turns turns, Duration grace) {
    this.turns = turns;
    this.grace = grace;
  }

  @Override
  public void start() {
    running = true;
  }

  @Override
  public void stop() {
    running = false;
  }

  /** The last turn ends it, not the phase's time. */
  @Override
  public void stop(Runnable callback) {
    turns
        .drain(grace)
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
