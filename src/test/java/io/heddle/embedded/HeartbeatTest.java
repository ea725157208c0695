package io.heddle.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class HeartbeatTest {

  private final AtomicLong time = new AtomicLong(Long.MAX_VALUE - 1000);
  private final Heartbeat heartbeat = new Heartbeat(time::get);

  private void pass(long millis) {
    time.addAndGet(Duration.ofMillis(millis).toNanos());
  }

  private boolean isSteadyFor(long millis) {
    return heartbeat.isSteadyFor(Duration.ofMillis(millis));
  }

  @Test
  void steadyIsWhatHasBeatenSinceTheStart() {
    assertThat(isSteadyFor(0)).isTrue();
    assertThat(isSteadyFor(1)).isFalse();
    for (int i = 0; i < 12; i++) {
      pass(500);
      heartbeat.beat();
    }
    assertThat(isSteadyFor(6000)).isTrue();
    assertThat(isSteadyFor(6001)).isFalse();
  }

  /**
   * A process that was stopped for longer than a lease wakes up with the leases of its own turns
   * ended: nobody may take them for dead before their owners, who slept too, could renew them.
   */
  @Test
  void afterAPauseNothingIsProvenUntilTheTimeHasPassedAgain() {
    for (int i = 0; i < 10; i++) {
      pass(500);
      heartbeat.beat();
    }
    pass(30_000);
    assertThat(isSteadyFor(0)).as("before the next beat").isFalse();
    heartbeat.beat();
    assertThat(isSteadyFor(0)).isTrue();
    for (int i = 0; i < 12; i++) {
      assertThat(isSteadyFor(6000)).isFalse();
      pass(500);
      heartbeat.beat();
    }
    assertThat(isSteadyFor(6000)).isTrue();
  }

  @Test
  void aBeatThatIsALittleLateIsNoBreak() {
    pass(1000);
    heartbeat.beat();
    pass(900);
    assertThat(isSteadyFor(1900)).isTrue();
    pass(101);
    assertThat(isSteadyFor(0)).isFalse();
  }
}
