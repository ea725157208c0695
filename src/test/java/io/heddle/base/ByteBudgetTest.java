package io.heddle.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.heddle.base.ByteBudget.Bound;
import io.heddle.base.ByteBudget.Hold;
import io.heddle.base.ByteBudget.Holder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Test;

class ByteBudgetTest {

  private final ByteBudget budget = new ByteBudget(1000, 250, 500);

  @Test
  void aCallerHasItsShareAndLeavesTheRestToOthers() {
    Hold first = grown("ann", "10.0.0.1", 200);
    Hold second = budget.hold(new Holder("ann", "10.0.0.2"));

    assertThat(second.tryGrow(51)).isFalse();
    assertThat(second.tryGrow(50)).isTrue();
    assertThat(budget.refused(Bound.CALLER)).isEqualTo(1);
    assertThat(budget.hold(new Holder("bob", "10.0.0.1")).tryGrow(250)).isTrue();
    assertThat(first.bytes()).isEqualTo(200);
    assertThat(budget.used()).isEqualTo(500);
  }

  @Test
  void anAddressHasItsShareWhateverUsersItNames() {
    grown("ann", "10.0.0.1", 250);
    grown("bob", "10.0.0.1", 250);
    Hold another = budget.hold(new Holder("eve", "10.0.0.1"));

    assertThat(another.tryGrow(1)).isFalse();
    assertThat(budget.refused(Bound.ADDRESS)).isEqualTo(1);
    assertThat(budget.hold(new Holder("eve", "10.0.0.2")).tryGrow(250)).isTrue();
    // What was refused left nothing behind in the caller's share.
    assertThat(budget.used()).isEqualTo(750);
  }

  @Test
  void theTotalBindsWhoHasNoShare() {
    Hold all = budget.hold(Holder.NOBODY);

    assertThat(all.tryGrow(1000)).isTrue();
    assertThat(budget.hold(Holder.NOBODY).tryGrow(1)).isFalse();
    assertThat(budget.refused(Bound.TOTAL)).isEqualTo(1);
    all.close();
    assertThat(budget.used()).isZero();
  }

  /** Else a request that is larger than a share would never be answered, on an idle server. */
  @Test
  void whatIsLargerThanAShareStillPassesAlone() {
    Hold large = grown("ann", "10.0.0.1", 200);

    assertThat(large.tryGrow(600)).isTrue();
    assertThat(budget.hold(new Holder("ann", null)).tryGrow(1)).isFalse();
    large.close();
    assertThat(budget.hold(new Holder("ann", null)).tryGrow(1)).isTrue();
  }

  @Test
  void everythingIsGivenBackOnceAndAClosedHoldTakesNothing() {
    Hold hold = grown("ann", "10.0.0.1", 200);

    hold.shrink(50);
    assertThat(budget.used()).isEqualTo(150);
    assertThat(hold.tryResize(100)).isTrue();
    assertThat(budget.used()).isEqualTo(100);
    hold.shrink(5000);
    assertThat(budget.used()).isZero();
    assertThat(hold.tryGrow(70)).isTrue();
    hold.close();
    hold.close();
    hold.shrink(10);
    assertThat(hold.tryGrow(1)).isFalse();
    assertThat(hold.bytes()).isZero();
    assertThat(budget.used()).isZero();
    assertThat(budget.holders()).isZero();
  }

  @Test
  void whoHasNothingInFlightIsForgotten() {
    for (int i = 0; i < 10_000; i++) {
      try (Hold hold = budget.hold(new Holder("user-" + i, "10.0.0." + i))) {
        assertThat(hold.tryGrow(10)).isTrue();
        assertThat(hold.tryGrow(10_000)).isFalse();
      }
      assertThat(budget.holders()).isZero();
    }
  }

  @Test
  void aRefusalSaysWhenToComeAgain() {
    Problem problem = ByteBudget.overloaded().problem();

    assertThat(problem.code()).isEqualTo(ProblemCode.OVERLOADED);
    assertThat(problem.members()).containsEntry("retryAfter", 1);
  }

  @Test
  void aShareIsWithinTheTotal() {
    assertThatThrownBy(() -> new ByteBudget(10, 11, 5))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new ByteBudget(10, 0, 5)).isInstanceOf(IllegalArgumentException.class);
  }

  /** Accounts come and go under the hands of others, and holds are closed while they grow. */
  @Test
  void nothingLeaksAndNoBoundIsPassedWhateverRuns() throws Exception {
    ByteBudget shared = new ByteBudget(100_000, 25_000, 50_000);
    try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
      List<Future<?>> running = new ArrayList<>();
      for (int t = 0; t < 4; t++) {
        running.add(
            threads.submit(() -> {
              ThreadLocalRandom random = ThreadLocalRandom.current();
              for (int i = 0; i < 30_000; i++) {
                Hold hold =
                    shared.hold(new Holder("u" + random.nextInt(3), "a" + random.nextInt(2)));
                Future<?> closing = i % 100 == 0 ? threads.submit(hold::close) : null;
                for (int grow = random.nextInt(4); grow >= 0; grow--) {
                  hold.tryGrow(random.nextLong(12_000));
                  assertThat(shared.used()).isGreaterThanOrEqualTo(0);
                }
                hold.shrink(random.nextLong(5_000));
                hold.close();
                if (closing != null) {
                  closing.get();
                }
              }
              return null;
            }));
      }
      for (Future<?> one : running) {
        one.get();
      }
    }
    assertThat(shared.used()).isZero();
    assertThat(shared.holders()).isZero();
    // And whatever was used before is still there to be used: no share was eaten.
    for (int user = 0; user < 3; user++) {
      try (Hold hold = shared.hold(new Holder("u" + user, "a0"))) {
        assertThat(hold.tryGrow(25_000)).isTrue();
      }
    }
  }

  private Hold grown(String caller, String address, long bytes) {
    Hold hold = budget.hold(new Holder(caller, address));
    assertThat(hold.tryGrow(bytes)).isTrue();
    return hold;
  }
}
