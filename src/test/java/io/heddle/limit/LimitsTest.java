package io.heddle.limit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.heddle.base.Caller;
import io.heddle.base.ProblemCode;
import io.heddle.base.Tenant;
import io.heddle.limit.LimitProperties.RuleProperties;
import io.heddle.limit.Rule.Kind;
import io.heddle.limit.Rule.OnFailure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

class LimitsTest {

  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final Caller ANN = new Caller(Tenant.DEFAULT, "ann", "ann", false);

  private final AtomicLong now = new AtomicLong(1);
  private final Counters counters = new Counters(now);

  @Test
  void countsAWriteUnderBothKindsAndAReadUnderOne() {
    Limits limits = limits(Map.of());

    assertThat(admit(limits, false, "/v1/sessions").rateLimit())
        .isEqualTo("\"requests\";r=5999;t=60");
    Admission write = admit(limits, true, "/v1/sessions");
    assertThat(write.rateLimit()).isEqualTo("\"requests\";r=5998;t=60, \"writes\";r=2999;t=60");
    assertThat(write.policy()).isEqualTo("\"requests\";q=6000;w=60, \"writes\";q=3000;w=60");
    assertThat(counters.calls).isEqualTo(2);
  }

  @Test
  void tellsARefusedCallerWhichLimitAndHowLong() {
    Limits limits = limits(Map.of("writes", rule(Kind.WRITES, 1)));
    assertThat(admit(limits, true, "/x").allowed()).isTrue();
    now.addAndGet(Duration.ofMillis(20_500).toNanos());

    Admission refused = admit(limits, true, "/x");

    assertThat(refused.refusal()).isNotNull();
    assertThat(refused.refusal().code()).isEqualTo(ProblemCode.RATE_LIMITED);
    assertThat(refused.refusal().members())
        .containsEntry("name", "writes")
        .containsEntry("limit", 1L)
        .containsEntry("retryAfter", 40L);
    assertThat(refused.rateLimit()).isEqualTo("\"writes\";r=0;t=40");
    assertThat(limits.refused()).isEqualTo(1);
  }

  @Test
  void whoIsOverARequestLimitIsNotAskedAgainUntilTheWindowEnds() {
    Limits limits = limits(Map.of("requests", rule(Kind.REQUESTS, 2)));
    admit(limits, false, "/x");
    admit(limits, false, "/x");
    assertThat(admit(limits, false, "/x").allowed()).isFalse();
    assertThat(counters.calls).isEqualTo(3);

    now.addAndGet(Duration.ofSeconds(59).toNanos());
    Admission local = admit(limits, true, "/x");
    assertThat(local.refusal()).isNotNull();
    assertThat(local.refusal().members()).containsEntry("retryAfter", 1L);
    assertThat(counters.calls).isEqualTo(3);

    now.addAndGet(Duration.ofSeconds(1).toNanos());
    assertThat(admit(limits, false, "/x").allowed()).isTrue();
    assertThat(counters.calls).isEqualTo(4);
  }

  @Test
  void whoIsOverAWriteLimitIsAskedEachTime() {
    Limits limits = limits(Map.of("writes", rule(Kind.WRITES, 1)));
    Admission first = admit(limits, true, "/x");
    assertThat(admit(limits, true, "/x").allowed()).isFalse();

    StepVerifier.create(limits.giveBack(first)).verifyComplete();

    assertThat(admit(limits, true, "/x").allowed()).isTrue();
  }

  @Test
  void oneCallerIsNotAnother() {
    Limits limits = limits(Map.of("requests", rule(Kind.REQUESTS, 1)));
    Caller address = new Caller(Tenant.DEFAULT, null, "ip:127.0.0.1", true);
    Caller named = new Caller(Tenant.DEFAULT, "ip:127.0.0.1", "ip:127.0.0.1", false);

    for (Caller caller : List.of(ANN, address, named)) {
      assertThat(admit(limits, caller, false, "/x").allowed()).as("%s", caller).isTrue();
      assertThat(admit(limits, caller, false, "/x").allowed()).as("%s", caller).isFalse();
    }
  }

  @Test
  void aRuleThatNamesThePathStandsInForThoseThatNameNone() {
    Map<String, RuleProperties> rules = new LinkedHashMap<>();
    rules.put("writes", rule(Kind.WRITES, 100));
    rules.put(
        "state", new RuleProperties(Kind.WRITES, 5, MINUTE, List.of("/v1/sessions/*/state"), null));
    rules.put("requests", rule(Kind.REQUESTS, 1000));
    Limits limits = limits(rules);

    assertThat(admit(limits, true, "/v1/sessions/a/state").policy())
        .isEqualTo("\"requests\";q=1000;w=60, \"state\";q=5;w=60");
    assertThat(admit(limits, true, "/v1/sessions/a/messages").policy())
        .isEqualTo("\"requests\";q=1000;w=60, \"writes\";q=100;w=60");
  }

  @Test
  void aSilentStoreAdmitsUnlessARuleDenies() {
    counters.silent = true;
    Limits allow = limits(Map.of("requests", rule(Kind.REQUESTS, 1)));
    Admission admitted = admitLate(allow, false);
    assertThat(admitted.allowed()).isTrue();
    assertThat(admitted.rateLimit()).isNull();
    assertThat(allow.failures()).isEqualTo(1);

    RuleProperties strict = new RuleProperties(Kind.WRITES, 1, MINUTE, List.of(), OnFailure.DENY);
    Limits deny = limits(Map.of("requests", rule(Kind.REQUESTS, 1), "writes", strict));
    assertThat(admitLate(deny, false).allowed()).isTrue();
    Admission refused = admitLate(deny, true);
    assertThat(refused.refusal()).isNotNull();
    assertThat(refused.refusal().code()).isEqualTo(ProblemCode.LIMITER_UNAVAILABLE);
  }

  @Test
  void whoAlsoWaitedForALeaseIsToldWhenItDoesNotCome() {
    Limits limits = limits(Map.of("requests", rule(Kind.REQUESTS, 1000)));
    for (int i = 0; i < 40; i++) {
      admit(limits, false, "/x");
    }
    now.addAndGet(Duration.ofMillis(950).toNanos());
    counters.silent = true;
    List<CompletableFuture<Admission>> reads = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      reads.add(limits.admit(ANN, false, "/x").toFuture());
    }
    assertThat(counters.calls).isLessThan(13);
    now.addAndGet(Duration.ofMillis(100).toNanos());

    limits.tick();

    assertThat(reads).allMatch(CompletableFuture::isDone).allMatch(read -> read.join().allowed());
    assertThat(limits.failures()).isEqualTo(5);
  }

  @Test
  void readsUsePermitsThatWereCountedAhead() {
    Limits limits = limits(Map.of("requests", rule(Kind.REQUESTS, 1000)));
    for (int i = 1; i <= 100; i++) {
      Admission read = admit(limits, false, "/x");
      assertThat(read.rateLimit()).isEqualTo("\"requests\";r=" + (1000 - i) + ";t=60");
      assertThat(read.policy()).isEqualTo("\"requests\";q=1000;w=60");
    }
    // 1, 1, 2, 4, 8, and then 15, which is the most.
    assertThat(counters.calls).isEqualTo(11);
    assertThat(counters.count(subject(), "requests")).isBetween(100L, 115L);
  }

  @Test
  void aLeaseEndsWithinASecondAndGivesBackWhatIsUnused() {
    Limits limits = limits(Map.of("requests", rule(Kind.REQUESTS, 1000)));
    for (int i = 0; i < 20; i++) {
      admit(limits, false, "/x");
    }
    assertThat(counters.count(subject(), "requests")).isEqualTo(31);
    now.addAndGet(Duration.ofMillis(899).toNanos());
    limits.tick();
    assertThat(counters.gaveBack).isEmpty();

    now.addAndGet(Duration.ofMillis(1).toNanos());
    limits.tick();
    limits.tick();

    assertThat(counters.gaveBack).hasSize(1);
    assertThat(counters.gaveBack.getFirst().count()).isEqualTo(11);
    assertThat(counters.gaveBack.getFirst().left()).isEqualTo(Duration.ofMillis(59_100));
    assertThat(counters.count(subject(), "requests")).isEqualTo(20);
    assertThat(admit(limits, false, "/x").rateLimit()).isEqualTo("\"requests\";r=979;t=60");
  }

  @Test
  void closingGivesBackWhatIsUnused() {
    Limits limits = limits(Map.of("requests", rule(Kind.REQUESTS, 1000)));
    for (int i = 0; i < 20; i++) {
      admit(limits, false, "/x");
    }

    limits.close();

    assertThat(counters.count(subject(), "requests")).isEqualTo(20);
    admit(limits, false, "/x");
    assertThat(counters.count(subject(), "requests")).isEqualTo(21);
  }

  /** The window of a lease that was counted at its very end is over when the answer arrives. */
  @Test
  void noPermitIsUsedAfterItsWindow() {
    Limits limits = limits(Map.of("requests", rule(Kind.REQUESTS, 1000)));
    for (int i = 0; i < 16; i++) {
      admit(limits, false, "/x");
    }
    now.addAndGet(MINUTE.minusMillis(500).toNanos());
    for (int i = 0; i < 20; i++) {
      admit(limits, false, "/x");
    }
    int before = counters.calls;
    now.addAndGet(Duration.ofMillis(498).toNanos());

    assertThat(admit(limits, false, "/x").allowed()).isTrue();
    assertThat(counters.calls).isGreaterThan(before);
    now.addAndGet(Duration.ofMillis(2).toNanos());
    assertThat(admit(limits, false, "/x").rateLimit()).endsWith(";t=60");
    limits.tick();
    assertThat(counters.count(subject(), "requests")).isBetween(1L, 15L);
  }

  @Test
  void nothingIsLeasedUnderAHundredNorAboveEightyPercentNorForWrites() {
    Limits few = limits(Map.of("requests", rule(Kind.REQUESTS, 99)));
    for (int i = 0; i < 50; i++) {
      admit(few, false, "/x");
    }
    assertThat(counters.calls).isEqualTo(50);

    Limits many = limits(Map.of("many", rule(Kind.REQUESTS, 1000)));
    for (int i = 0; i < 800; i++) {
      admit(many, false, "/x");
    }
    int before = counters.calls;
    assertThat(before - 50).isLessThan(80);
    for (int i = 0; i < 200; i++) {
      assertThat(admit(many, false, "/x").allowed()).isTrue();
    }
    assertThat(counters.calls - before).isEqualTo(200);
    assertThat(admit(many, false, "/x").allowed()).isFalse();

    Limits writes = limits(Map.of("writes", rule(Kind.WRITES, 1000)));
    int calls = counters.calls;
    for (int i = 0; i < 50; i++) {
      admit(writes, true, "/x");
    }
    assertThat(counters.calls - calls).isEqualTo(50);
  }

  @Test
  void whoHasPermitsReadsWhileTheStoreIsSilent() {
    Limits limits = limits(Map.of("requests", rule(Kind.REQUESTS, 1000)));
    for (int i = 0; i < 20; i++) {
      admit(limits, false, "/x");
    }
    counters.silent = true;
    for (int i = 0; i < 11; i++) {
      assertThat(admit(limits, false, "/x").rateLimit()).isNotNull();
    }
    assertThat(limits.failures()).isZero();
  }

  @Test
  void aFailingStoreIsLikeASilentOne() {
    counters.failing = true;
    Limits limits = limits(Map.of("requests", rule(Kind.REQUESTS, 1)));

    assertThat(admit(limits, false, "/x").allowed()).isTrue();

    counters.failing = false;
    assertThat(admit(limits, false, "/x").rateLimit()).isEqualTo("\"requests\";r=0;t=60");
  }

  /** Forty forks of one user made the limiter late, and it let him pass. */
  @Test
  void whoMakesTheStoreLateIsNotLetPass() {
    Limits limits = limits(Map.of("writes", rule(Kind.WRITES, 100)));
    counters.silent = true;
    List<Disposable> forks = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      assertThat(admitLate(limits, true).allowed()).isTrue();
      forks.add(limits.working(ANN, Mono.never()).subscribe());
    }
    Admission refused = admitLate(limits, true);
    assertThat(refused.refusal().code()).isEqualTo(ProblemCode.LIMITER_UNAVAILABLE);
    forks.getFirst().dispose();
    assertThat(admitLate(limits, true).allowed()).isTrue();
    // A backend has as many at once as it has users.
    Caller backend = new Caller(Tenant.DEFAULT, null, "ip:127.0.0.1", true);
    for (int i = 0; i < 100; i++) {
      limits.working(backend, Mono.never()).subscribe();
    }
    CompletableFuture<Admission> admission = limits.admit(backend, true, "/x").toFuture();
    now.addAndGet(Duration.ofMillis(100).toNanos());
    limits.tick();
    assertThat(admission.join().allowed()).isTrue();
  }

  @Test
  void whatMayBeARepetitionIsReadOnlySoOften() {
    Limits limits = limits(Map.of("writes", rule(Kind.WRITES, 1)));
    admit(limits, true, "/x");
    Admission refused = admit(limits, true, "/x");
    assertThat(refused.allowed()).isFalse();
    int large = 0;
    while (limits.mayBeRead(refused, 4 << 20)) {
      large++;
    }
    assertThat(large).isEqualTo(3);
    int small = 0;
    while (limits.mayBeRead(refused, 100)) {
      small++;
    }
    assertThat(small).isEqualTo(9);
    now.addAndGet(MINUTE.toNanos() + 1);
    assertThat(limits.mayBeRead(refused, Long.MAX_VALUE)).isTrue();
    assertThat(limits.mayBeRead(refused, 0)).isFalse();
  }

  @Test
  void nothingIsAskedWhenLimitsAreOff() {
    Limits off =
        new Limits(
            counters,
            new LimitProperties(false, MINUTE.dividedBy(60), OnFailure.ALLOW, Map.of()),
            now::get);
    assertThat(admit(off, true, "/x").allowed()).isTrue();

    Limits none = limits(Map.of("requests", rule(Kind.REQUESTS, 0)));
    assertThat(admit(none, true, "/x").policy()).isNull();
    assertThat(counters.calls).isZero();
  }

  @Test
  void nothingIsGivenBackToAWindowThatHasEnded() {
    Limits limits = limits(Map.of("writes", rule(Kind.WRITES, 1)));
    Admission first = admit(limits, true, "/x");
    now.addAndGet(MINUTE.toNanos());

    StepVerifier.create(limits.giveBack(first)).verifyComplete();

    assertThat(counters.gaveBack).isEmpty();
  }

  @Test
  void badRulesAreRefusedByName() {
    assertThatThrownBy(() -> limits(Map.of("Bad Name", rule(Kind.WRITES, 1))))
        .hasMessageContaining("Bad Name");
    assertThatThrownBy(() -> limits(Map.of("writes", rule(Kind.WRITES, -1))))
        .hasMessageContaining("writes");
  }

  private Limits limits(Map<String, RuleProperties> rules) {
    return new Limits(
        counters,
        new LimitProperties(true, Duration.ofMillis(100), OnFailure.ALLOW, rules),
        now::get);
  }

  /** One that the store does not answer in time. */
  private Admission admitLate(Limits limits, boolean write) {
    CompletableFuture<Admission> admission = limits.admit(ANN, write, "/x").toFuture();
    assertThat(admission).isNotDone();
    now.addAndGet(Duration.ofMillis(100).toNanos());
    limits.tick();
    return admission.join();
  }

  private static Subject subject() {
    return Subject.of(ANN);
  }

  private static RuleProperties rule(Kind kind, long limit) {
    return new RuleProperties(kind, limit, MINUTE, List.of(), null);
  }

  private static Admission admit(Limits limits, boolean write, String path) {
    return admit(limits, ANN, write, path);
  }

  private static Admission admit(Limits limits, Caller caller, boolean write, String path) {
    return limits.admit(caller, write, path).block(Duration.ofSeconds(5));
  }
}
