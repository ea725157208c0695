package io.heddle.session.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Tenant;
import io.heddle.limit.Subject;
import io.heddle.limit.Usage;
import io.heddle.limit.UsageStore;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** What each {@link UsageStore} promises. */
public abstract class UsageContract {

  private final Subject ann = new Subject(Tenant.DEFAULT, "ann" + UUID.randomUUID());

  protected abstract UsageStore store();

  @Test
  void addsUpAndNeverBelowNothing() {
    assertThat(add(0, 0, 0)).isEqualTo(new Usage(0, 0, 0, 0, 0, 0, false));
    assertThat(add(2, 500, 70)).isEqualTo(new Usage(2, 500, 70, 0, 0, 0, false));
    assertThat(add(-1, -200, 0)).isEqualTo(new Usage(1, 300, 70, 0, 0, 0, false));
    assertThat(add(-5, -1000, -100)).isEqualTo(new Usage(0, 0, 0, 0, 0, 0, false));
    assertThat(add(1, 1, 1).sessions()).isEqualTo(1);
  }

  @Test
  void whatWasCountedTakesThePlaceOfWhatWasAddedUp() {
    add(9, 900, 1000);
    Usage put = store().put(ann, new Usage.Counted(3, 250), 400).block();
    assertThat(put).isEqualTo(new Usage(3, 250, 400, 0, 0, 0, true));
    assertThat(add(1, 50, 0)).isEqualTo(new Usage(4, 300, 400, 0, 0, 0, true));
    assertThat(store().put(ann, new Usage.Counted(4, 300), 5000).block().documentBytes())
        .isEqualTo(400);
  }

  @Test
  void answersCountUntilTheirTimeIsOver() {
    long now = System.currentTimeMillis();
    assertThat(cached(Map.of(now + 60_000, 100L, now + 90_000, 50L, now - 1000, 70L)))
        .isEqualTo(150);
    assertThat(cached(Map.of())).isEqualTo(150);
    // What goes is taken from where it was put, at its end or a little later.
    assertThat(cached(Map.of(now + 59_000, -100L))).isEqualTo(50);
    // Of what is not there nothing is taken.
    assertThat(cached(Map.of(now + 59_000, -100L))).isEqualTo(50);
    assertThat(cached(Map.of(now + 90_000, -50L))).isZero();
  }

  private Usage add(long sessions, long threads, long documents) {
    return store()
        .add(ann, "one", new Usage.Change(sessions, threads, documents, Map.of(), 0, 0))
        .block();
  }

  private long cached(Map<Long, Long> ends) {
    return store().add(ann, "one", new Usage.Change(0, 0, 0, ends, 0, 0)).block().cachedBytes();
  }

  /** For stores of several replicas. */
  protected void turnsOfOtherReplicasAreTold() {
    turns("one", 3, 2);
    assertThat(turns("two", 1, 0).runningElsewhere()).isEqualTo(3);
    assertThat(turns("two", 1, 0).waitingElsewhere()).isEqualTo(2);
    assertThat(turns("one", 3, 2).runningElsewhere()).isEqualTo(1);
    turns("one", 0, 0);
    assertThat(turns("two", 1, 0).runningElsewhere()).isZero();
  }

  private Usage turns(String replica, long running, long waiting) {
    return store().add(ann, replica, new Usage.Change(0, 0, 0, Map.of(), running, waiting)).block();
  }
}
