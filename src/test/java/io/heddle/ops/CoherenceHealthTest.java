package io.heddle.ops;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.SessionKey;
import io.heddle.nearcache.Coherence;
import io.heddle.session.ChangeFeed.Loss;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.Status;

class CoherenceHealthTest {

  private final Coherence coherence = new Coherence();
  private final CoherenceHealth health = new CoherenceHealth(coherence, true);

  @Test
  void isUpWhileEverythingIsProven() {
    compared(Duration.ZERO);
    is(Status.UP, "on");
  }

  @Test
  void isUpWhileItHasJustBegun() {
    is(Status.UP, "off, until something is proven");
  }

  @Test
  void aLinkThatIsBackBeforeTrustRunsOutIsNoOutage() {
    compared(Duration.ZERO);
    coherence.lost(3, Loss.CLOSED);
    is(Status.UP, "on, in part");
  }

  @Test
  void isDownWhenTrustHasRunOutAndDoesNotComeBack() {
    compared(Duration.ofSeconds(5));
    Health down = is(Status.DOWN, "off, until something is proven");
    assertThat(down.getDetails())
        .containsEntry("untrusted", SessionKey.PARTITIONS)
        .containsEntry(
            "fault", "no comparison with the store comes through; nothing was proven for 3 s");
  }

  /** It was green for two seconds more, so a deaf link was red after four seconds, not three. */
  @Test
  void isDownHalfASecondAfterTrustHasRunOut() {
    compared(Duration.ofMillis(2_300));
    is(Status.UP, "off, until something is proven");
    compared(Duration.ofMillis(2_600));
    is(Status.DOWN, "off, until something is proven");
  }

  @Test
  void onePartitionIsEnough() {
    compared(Duration.ZERO);
    coherence.compared(3, 0, System.nanoTime() - Duration.ofSeconds(7).toNanos());
    is(Status.DOWN, "on, in part");
  }

  @ParameterizedTest
  @CsvSource({"CLOSED, is closed", "SILENT, is silent", "MOVED, another server"})
  void tellsWhatTheLinkSaid(Loss loss, String said) {
    compared(Duration.ofSeconds(5));
    coherence.lost(3, loss);
    assertThat((String) health.health().getDetails().get("fault")).contains(said);
  }

  @Test
  void aLinkThatCannotProveAnythingIsNoFaultAndIsTold() {
    compared(Duration.ofSeconds(5));
    for (int i = 0; i < SessionKey.PARTITIONS; i++) {
      coherence.lost(i, Loss.UNPROVABLE);
    }
    Health up = is(Status.UP, "off, because the link does not speak RESP3");
    assertThat(up.getDetails()).doesNotContainKey("fault");
  }

  @Test
  void saysThatTheNearCacheIsSwitchedOff() {
    compared(Duration.ZERO);
    assertThat(new CoherenceHealth(coherence, false).health().getDetails())
        .containsEntry("nearCache", "off, because heddle.cache.enabled is false");
  }

  private Health is(Status status, String nearCache) {
    Health now = health.health();
    assertThat(now.getStatus()).isEqualTo(status);
    assertThat(now.getDetails()).containsEntry("nearCache", nearCache);
    return now;
  }

  private void compared(Duration ago) {
    for (int i = 0; i < SessionKey.PARTITIONS; i++) {
      coherence.compared(i, 0, System.nanoTime() - ago.toNanos());
    }
  }
}
