package io.heddle.limit;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Caller;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.Tenant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.springframework.util.unit.DataSize;
import reactor.core.publisher.Mono;

class QuotasTest {

  private static final Caller ANN = new Caller(Tenant.DEFAULT, "ann", "ann", false);
  private static final Caller BACKEND = new Caller(Tenant.DEFAULT, null, "ip:127.0.0.1", true);
  private static final long HOUR = 3_600_000;

  private final AtomicLong now = new AtomicLong(1L << 40);
  private final Shared store = new Shared();
  private Usage.Counted truth = new Usage.Counted(0, 0);
  private int counts;
  private Runnable meanwhile = () -> {};
  private final Quotas one = quotas("one");
  private final Quotas other = quotas("other");

  private Quotas quotas(String replica) {
    return new Quotas(
        store,
        new QuotaProperties(
            2, 3, 2, 5, DataSize.ofBytes(1000), DataSize.ofBytes(1000), DataSize.ofBytes(5000)),
        replica,
        _ -> {
          counts++;
          return Mono.fromSupplier(() -> truth).doFirst(() -> meanwhile.run());
        },
        now::get,
        () -> now.get() / 1_000_000);
  }

  @Test
  void whatAUserAddsIsKnownAtOnceHereAndSoonElsewhere() {
    add(one, 1, 900);
    assertRefused(stored(one, 1, 200), "stored-bytes", 1000, 900);
    assertThat(stored(one, 1, 100)).isNull();
    // It is told within 5 s, without a request for each write.
    seconds(1);
    seconds(1);
    seconds(2);
    other.known(Tenant.DEFAULT, "ann", 0, 200).block();
    assertRefused(stored(other, 0, 200), "stored-bytes", 1000, 900);
    // What is small is not worth a question.
    int calls = store.calls;
    assertThat(one.known(Tenant.DEFAULT, "bob", 0, 15)).isSameAs(Quotas.KNOWN);
    one.stored(Tenant.DEFAULT, "bob", 0, 15, 0);
    seconds(10);
    assertThat(store.calls).isEqualTo(calls);
    seconds(60);
    assertThat(store.calls).isGreaterThan(calls);
  }

  @Test
  void sessionsAreCountedApart() {
    for (int i = 0; i < 5; i++) {
      assertThat(stored(one, 1, 1)).isNull();
      add(one, 1, 1);
    }
    assertRefused(stored(one, 1, 1), "sessions", 5, 5);
    // An append makes none.
    assertThat(stored(one, 0, 1)).isNull();
    one.stored(Tenant.DEFAULT, "ann", -1, -1, 0);
    assertThat(stored(one, 1, 1)).isNull();
  }

  @Test
  void aBackendAndAnotherUserAreNotBound() {
    add(one, 5, 1000);
    assertThat(one.refusesStored(Tenant.DEFAULT, null, 1, 1 << 30)).isNull();
    assertThat(one.refusesStored(Tenant.DEFAULT, "bob", 1, 10)).isNull();
    assertThat(one.refusesTurn(BACKEND)).isNull();
    assertThat(one.refusesConnection(BACKEND)).isNull();
    assertThat(one.look(BACKEND).block()).isEmpty();
  }

  /** A replica died and told nothing, or sessions ended by themselves: the truth is counted. */
  @Test
  void aCountThatIsWrongRefusesNobodyTwice() {
    seconds(40);
    add(one, 5, 1000);
    seconds(3);
    truth = new Usage.Counted(1, 100);
    seconds(40);
    int before = counts;
    Problem refused = stored(one, 1, 10);
    assertThat(refused).isNotNull();
    assertThat(refused.members()).containsEntry("retryAfter", 2);
    assertThat(counts).isEqualTo(before + 1);
    assertThat(stored(one, 1, 10)).isNull();
    // Not counted again for everybody who asks.
    truth = new Usage.Counted(5, 1000);
    add(one, 4, 900);
    for (int i = 0; i < 100; i++) {
      assertThat(stored(one, 1, 10).members()).doesNotContainKey("retryAfter");
    }
    assertThat(counts).isEqualTo(before + 1);
  }

  /**
   * A user's first write was in the store when his sessions were counted, and was told to the count
   * afterwards: he had twice what he had, and was refused what he might have added.
   */
  @Test
  void whatIsAddedWhileItIsCountedIsThereOnce() {
    store.fresh = true;
    meanwhile =
        () -> {
          meanwhile = () -> {};
          add(one, 1, 600);
          truth = new Usage.Counted(1, 600);
        };
    one.known(Tenant.DEFAULT, "ann", 1, 600).block();
    seconds(3);
    store.fresh = false;
    seconds(3);
    assertThat(counts).isEqualTo(2);
    assertRefused(stored(one, 0, 500), "stored-bytes", 1000, 600);
    assertThat(stored(one, 1, 400)).isNull();
  }

  @Test
  void whatIsUntoldWhenItIsCountedIsThereOnce() {
    add(one, 1, 900);
    truth = new Usage.Counted(1, 900);
    assertRefused(stored(one, 1, 200), "stored-bytes", 1000, 900);
    assertThat(counts).isEqualTo(1);
    assertThat(stored(one, 1, 100)).isNull();
    seconds(3);
    assertThat(stored(one, 1, 100)).isNull();
    other.known(Tenant.DEFAULT, "ann", 1, 100).block();
    assertThat(stored(other, 1, 100)).isNull();
  }

  @Test
  void whoNeverStopsAddingIsCountedAllTheSame() {
    store.fresh = true;
    truth = new Usage.Counted(1, 100);
    meanwhile = () -> add(one, 0, 1);
    for (int i = 0; i < 10; i++) {
      one.known(Tenant.DEFAULT, "ann", 1, 600).block();
      seconds(6);
    }
    // Three times, and again half a minute later.
    assertThat(counts).isEqualTo(6);
  }

  @Test
  void whatWasThereBeforeAnythingWasKeptIsCountedFirst() {
    truth = new Usage.Counted(5, 400);
    store.fresh = true;
    one.known(Tenant.DEFAULT, "ann", 1, 1).block();
    assertRefused(stored(one, 1, 1), "sessions", 5, 5);
  }

  @Test
  void turnsOfAllReplicasCount() {
    one.running(Tenant.DEFAULT, "ann", 1);
    assertThat(other.refusesTurn(ANN)).isNull();
    other.running(Tenant.DEFAULT, "ann", 1);
    seconds(2);
    seconds(2);
    assertRefused(one.refusesTurn(ANN), "running-turns", 2, 2);
    assertThat(one.refusesTurn(ANN).members()).containsEntry("retryAfter", 1);
    other.running(Tenant.DEFAULT, "ann", -1);
    seconds(2);
    seconds(2);
    assertThat(one.refusesTurn(ANN)).isNull();
    for (int i = 0; i < 3; i++) {
      one.waiting(Tenant.DEFAULT, "ann", 1);
    }
    assertRefused(one.refusesTurn(ANN), "waiting-turns", 3, 3);
  }

  @Test
  void connectionsCountAsLongAsTheyLast() {
    var first = one.connected(ANN, Mono.never()).subscribe();
    one.connected(ANN, Mono.never()).subscribe();
    assertRefused(one.refusesConnection(ANN), "connections", 2, 2);
    assertThat(other.refusesConnection(ANN)).isNull();
    first.dispose();
    assertThat(one.refusesConnection(ANN)).isNull();
  }

  @Test
  void cachedBytesCountUntilTheyEndOrGo() {
    long end = now.get() / 1_000_000 + HOUR;
    one.cached(Tenant.DEFAULT, "ann", 900, end);
    assertRefused(one.refusesCached(Tenant.DEFAULT, "ann", 200), "cached-bytes", 1000, 900);
    seconds(3);
    assertThat(one.refusesCached(Tenant.DEFAULT, "ann", 200)).isNotNull();
    one.cached(Tenant.DEFAULT, "ann", -900, end - 1000);
    assertThat(one.refusesCached(Tenant.DEFAULT, "ann", 200)).isNull();
    seconds(3);
    assertThat(one.refusesCached(Tenant.DEFAULT, "ann", 200)).isNull();
    one.cached(Tenant.DEFAULT, "ann", 900, now.get() / 1_000_000 + HOUR);
    seconds(3);
    seconds(4200);
    seconds(3);
    assertThat(one.refusesCached(Tenant.DEFAULT, "ann", 200)).isNull();
    // A backend has no quota, but there is one for all.
    one.cached(Tenant.DEFAULT, null, 4900, now.get() / 1_000_000 + HOUR);
    assertRefused(one.refusesCached(Tenant.DEFAULT, null, 200), "all-cached-bytes", 5000, 4900);
    assertThat(one.refusesCached(Tenant.DEFAULT, "bob", 200)).isNotNull();
  }

  @Test
  void whatAStoreDoesNotTakeIsToldLater() {
    store.failing = true;
    add(one, 1, 900);
    seconds(3);
    seconds(3);
    assertThat(stored(one, 0, 200)).isNotNull();
    store.failing = false;
    seconds(3);
    other.known(Tenant.DEFAULT, "ann", 0, 200).block();
    assertThat(stored(other, 0, 200)).isNotNull();
  }

  @Test
  void whoLooksIsToldWhatHeHas() {
    add(one, 1, 300);
    List<String> told = new ArrayList<>();
    for (Quotas.Quota quota : one.look(ANN).block()) {
      told.add(quota.kind().text() + " " + quota.used() + " of " + quota.limit());
    }
    assertThat(told).contains("sessions 1 of 5", "stored-bytes 300 of 1000", "connections 0 of 2");
  }

  /** In the store too. */
  private void add(Quotas quotas, int sessions, long bytes) {
    truth = new Usage.Counted(truth.sessions() + sessions, truth.threadBytes() + bytes);
    quotas.stored(Tenant.DEFAULT, "ann", sessions, bytes, 0);
  }

  private static Problem stored(Quotas quotas, int sessions, long bytes) {
    return quotas.refusesStored(Tenant.DEFAULT, "ann", sessions, bytes);
  }

  private void seconds(long seconds) {
    now.addAndGet(seconds * 1_000_000_000L);
    one.tick();
    other.tick();
  }

  private void assertRefused(Problem refusal, String quota, long limit, long used) {
    assertThat(refusal).isNotNull();
    assertThat(refusal.code()).isEqualTo(ProblemCode.QUOTA_EXCEEDED);
    assertThat(refusal.members())
        .containsEntry("quota", quota)
        .containsEntry("limit", limit)
        .containsEntry("used", used);
  }

  /** One store of two replicas. */
  private final class Shared implements UsageStore {
    private final Map<Subject, long[]> all = new HashMap<>();
    private final Map<String, long[]> turns = new HashMap<>();
    private final Map<Subject, Map<Long, Long>> cached = new HashMap<>();
    private boolean failing;
    private boolean fresh;
    private int calls;

    @Override
    public Mono<Usage> add(Subject subject, String replica, Usage.Change change) {
      return Mono.defer(() -> {
        calls++;
        if (failing) {
          return Mono.error(new IllegalStateException("away"));
        }
        long[] sums = all.computeIfAbsent(subject, _ -> new long[3]);
        sums[0] += change.sessions();
        sums[1] += change.threadBytes();
        sums[2] += change.documentBytes();
        turns.put(replica + subject, new long[] {change.running(), change.waiting()});
        Map<Long, Long> ends = cached.computeIfAbsent(subject, _ -> new HashMap<>());
        change.cachedBytes().forEach((end, bytes) -> ends.merge(end, bytes, Long::sum));
        return Mono.just(usage(subject, replica));
      });
    }

    @Override
    public Mono<Usage> put(Subject subject, Usage.Counted counted, long mostDocuments) {
      all.put(subject, new long[] {counted.sessions(), counted.threadBytes(), 0});
      return Mono.just(usage(subject, "one"));
    }

    private Usage usage(Subject subject, String replica) {
      String another = replica.equals("one") ? "other" : "one";
      long[] theirs = turns.getOrDefault(another + subject, new long[2]);
      long[] sums = all.getOrDefault(subject, new long[3]);
      long bytes = 0;
      for (var end : cached.getOrDefault(subject, Map.of()).entrySet()) {
        bytes += end.getKey() > now.get() / 1_000_000 ? end.getValue() : 0;
      }
      return new Usage(sums[0], sums[1], sums[2], bytes, theirs[0], theirs[1], !fresh);
    }
  }
}
