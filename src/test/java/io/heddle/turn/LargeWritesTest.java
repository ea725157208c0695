package io.heddle.turn;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.test.scheduler.VirtualTimeScheduler;

class LargeWritesTest {

  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
  private final LargeWrites writes =
      new LargeWrites(new Timers(time, () -> time.now(TimeUnit.NANOSECONDS)));

  private final List<MonoSink<String>> sent = new ArrayList<>();
  private final List<String> told = new ArrayList<>();

  @Test
  void aboutAMegabyteIsOnItsWayAtATime() {
    for (int i = 0; i < 5; i++) {
      write(400_000);
    }
    assertThat(sent).hasSize(2);
    // What is small waits for nothing.
    write(60_000);
    assertThat(sent).hasSize(3);
    sent.get(0).success("a");
    assertThat(sent).hasSize(4);
    sent.get(1).error(new IllegalStateException("b"));
    assertThat(sent).hasSize(5);
    assertThat(told).containsExactly("a", "b");
  }

  @Test
  void oneThatIsLargerGoesAlone() {
    write(100_000);
    write(5_000_000);
    write(100_000);
    assertThat(sent).hasSize(1);
    sent.get(0).success("a");
    assertThat(sent).hasSize(2);
    sent.get(1).success("b");
    assertThat(sent).hasSize(3);
  }

  @Test
  void oneThatIsNeverAnsweredDoesNotKeepTheOthers() {
    write(1_000_000);
    write(1_000_000);
    time.advanceTimeBy(Duration.ofSeconds(9));
    assertThat(sent).hasSize(1);
    time.advanceTimeBy(Duration.ofSeconds(1));
    assertThat(sent).hasSize(2);
    // Its room was given back already.
    sent.get(0).success("late");
    write(1_000_000);
    assertThat(sent).hasSize(2);
  }

  /** While the store is away each fails at once, and a hundred thousand must not do it nested. */
  @Test
  void manyThatFailAtOnce() {
    write(1_000_000);
    for (int i = 0; i < 100_000; i++) {
      writes
          .send(1_000_000, Mono.error(new IllegalStateException("away")))
          .subscribe(_ -> {}, error -> told.add("away"));
    }
    sent.getFirst().success("a");
    assertThat(told).hasSize(100_001);
  }

  private void write(int bytes) {
    writes
        .send(bytes, Mono.<String>create(sent::add))
        .subscribe(told::add, error -> told.add(error.getMessage()));
  }
}
