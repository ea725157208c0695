package io.heddle.ops;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.turn.Usage;
import io.heddle.upstream.UpstreamListener.Outcome;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/**
 * How much of which model was used was told to the client only: nobody could watch what it cost.
 */
class UpstreamMetricsTest {

  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private final UpstreamMetrics metrics = new UpstreamMetrics(registry);

  @Test
  void tokensAreCountedByUpstreamModelAndKind() {
    metrics.used("first", "a", new Usage(10, 4, 3, 2));
    metrics.used("first", "a", new Usage(5, 1, 0, 0));
    metrics.used("first", "b", new Usage(7, 0, 0, 0));
    metrics.used("second", "a", new Usage(1, 0, 0, 0));

    assertThat(tokens("first", "a", "input")).isEqualTo(15);
    assertThat(tokens("first", "a", "output")).isEqualTo(5);
    assertThat(tokens("first", "a", "cached")).isEqualTo(3);
    assertThat(tokens("first", "a", "reasoning")).isEqualTo(2);
    assertThat(tokens("first", "b", "input")).isEqualTo(7);
    assertThat(tokens("second", "a", "input")).isEqualTo(1);
  }

  /** Where any name is taken, clients choose the names. */
  @Test
  void namesThatClientsMakeUpAreNoMetersOfTheirOwn() {
    for (int i = 0; i < 1000; i++) {
      metrics.used("first", "made-up-" + i, new Usage(1, 0, 0, 0));
    }

    assertThat(registry.find("heddle.upstream.tokens").counters()).hasSize(101);
    assertThat(tokens("first", "other", "input")).isEqualTo(900);
  }

  @Test
  void callsAreTimedByTheirOutcomeAndCountedWhileTheyRun() {
    metrics.started("first");
    metrics.started("first");
    metrics.firstPiece("first", Duration.ofMillis(20));
    assertThat(running()).isEqualTo(2);
    metrics.ended("first", Outcome.FINISHED, Duration.ofMillis(50));
    metrics.ended("first", Outcome.TIMEOUT, Duration.ofMillis(70));

    assertThat(running()).isZero();
    assertThat(registry.get("heddle.upstream.first.token").timer().count()).isOne();
    assertThat(calls("finished")).isOne();
    assertThat(calls("timeout")).isOne();
  }

  private double tokens(String upstream, String model, String kind) {
    return registry
        .get("heddle.upstream.tokens")
        .tags("upstream", upstream, "model", model, "kind", kind)
        .counter()
        .count();
  }

  private double running() {
    return registry.get("heddle.upstream.running").gauge().value();
  }

  private long calls(String outcome) {
    return registry.get("heddle.upstream.calls").tags("outcome", outcome).timer().count();
  }
}
