package io.heddle.nearcache;

import static io.heddle.nearcache.FakeStore.position;
import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.session.Change;
import io.heddle.session.ChangeFeed.Loss;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;

class CoherenceTest {

  private static final SessionKey ONE = new SessionKey(Tenant.DEFAULT, "s1");
  private static final int PARTITION = ONE.partition();
  private static final SessionKey NEIGHBOUR = neighbour();

  private final Coherence coherence = new Coherence();
  private final List<String> told = new ArrayList<>();

  @Test
  void aChangeIsForgottenFirstAndThenTold() {
    coherence.compared(PARTITION, 7, System.nanoTime());
    coherence.setInvalidationHook(change -> told.add("forget " + change.position()));
    coherence.follow(ONE, follower("one"));
    coherence.follow(NEIGHBOUR, follower("neighbour"));
    changed(ONE, 8);
    changed(NEIGHBOUR, 9);
    assertThat(told)
        .containsExactly(
            "forget 8-00000008", "one 8-00000008", "forget 9-00000009", "neighbour 9-00000009");
    assertThat(coherence.gaps()).isZero();
  }

  @Test
  void everybodyWhoFollowsIsToldUntilTheyLeave() {
    coherence.compared(PARTITION, 7, System.nanoTime());
    Disposable first = coherence.follow(ONE, follower("first"));
    Disposable second = coherence.follow(ONE, follower("second"));
    assertThat(coherence.followed()).isEqualTo(1);
    changed(ONE, 8);
    first.dispose();
    changed(ONE, 9);
    second.dispose();
    second.dispose();
    changed(ONE, 10);
    assertThat(told).containsExactly("first 8-00000008", "second 8-00000008", "second 9-00000009");
    assertThat(coherence.followed()).isZero();
  }

  @Test
  void aHoleIsToldToAllOfThePartition() {
    coherence.compared(PARTITION, 7, System.nanoTime());
    coherence.follow(ONE, follower("one"));
    coherence.follow(NEIGHBOUR, follower("neighbour"));
    changed(ONE, 9);
    assertThat(told)
        .containsExactlyInAnyOrder("one missed", "neighbour missed", "one 9-00000009")
        .endsWith("one 9-00000009");
    assertThat(coherence.gaps()).isEqualTo(1);
    assertThat(coherence.isTrusted(ONE)).as("the last comparison still holds").isTrue();
  }

  @Test
  void aComparisonThatIsEqualTellsNobody() {
    coherence.compared(PARTITION, 7, System.nanoTime());
    coherence.follow(ONE, follower("one"));
    changed(ONE, 8);
    coherence.compared(PARTITION, 8, System.nanoTime());
    assertThat(told).containsExactly("one 8-00000008");
    assertThat(coherence.mismatches()).isZero();
  }

  @Test
  void aComparisonThatIsNotTellsAllOfThePartition() {
    coherence.compared(PARTITION, 7, System.nanoTime());
    coherence.follow(ONE, follower("one"));
    coherence.compared(PARTITION, 8, System.nanoTime());
    assertThat(told).containsExactly("one missed");
    assertThat(coherence.mismatches()).isEqualTo(1);
  }

  /**
   * The first change after a loss once made the partition known. The comparison after it was equal
   * then, and who followed another session of the partition never heard that the changes before it
   * were missing.
   */
  @Test
  void afterALossTheFirstComparisonTellsAllThatTheyMayHaveMissedSomething() {
    coherence.compared(PARTITION, 7, System.nanoTime());
    coherence.follow(ONE, follower("one"));
    coherence.lost(PARTITION, Loss.CLOSED);
    assertThat(coherence.isTrusted(ONE)).isFalse();
    changed(ONE, 8);
    coherence.compared(PARTITION, 8, System.nanoTime());
    assertThat(coherence.isTrusted(ONE)).isTrue();
    // Once more than at the loss: who read then may have read too early.
    assertThat(told).containsExactly("one missed", "one 8-00000008", "one missed");
    assertThat(coherence.losses()).isEqualTo(1);
    assertThat(coherence.gaps() + coherence.mismatches()).isZero();
  }

  @Test
  void statusCountsWhatIsNotProven() {
    assertThat(coherence.status().untrusted()).isEqualTo(SessionKey.PARTITIONS);
    for (int i = 0; i < SessionKey.PARTITIONS; i++) {
      coherence.compared(i, 0, System.nanoTime());
    }
    assertThat(coherence.status()).isEqualTo(new Coherence.Status(0, Duration.ZERO, null));

    coherence.lost(5, Loss.MOVED);
    assertThat(coherence.status().untrusted()).isEqualTo(1);
    assertThat(coherence.status().loss()).isEqualTo(Loss.MOVED);
    assertThat(coherence.status().longest()).as("trust would not have run out").isZero();

    coherence.compared(5, 0, System.nanoTime() - Duration.ofSeconds(10).toNanos());
    assertThat(coherence.status().loss()).isNull();
    assertThat(coherence.status().longest()).isGreaterThanOrEqualTo(Duration.ofSeconds(8));
  }

  private void changed(SessionKey key, long seq) {
    coherence.changed(
        new Change.Published(
            key,
            seq,
            "",
            position(seq),
            new Change.Counters(0, 0, 0, FakeStore.TIME, FakeStore.TIME),
            null));
  }

  private Coherence.Follower follower(String name) {
    return new Coherence.Follower() {
      @Override
      public void changed(Change.Published change) {
        told.add(name + " " + change.position());
      }

      @Override
      public void missed() {
        told.add(name + " missed");
      }
    };
  }

  private static SessionKey neighbour() {
    for (int i = 0; ; i++) {
      SessionKey key = new SessionKey(Tenant.DEFAULT, "n" + i);
      if (key.partition() == PARTITION) {
        return key;
      }
    }
  }
}
