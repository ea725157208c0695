package io.heddle.limit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.heddle.base.Caller;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.Tenant;
import io.heddle.limit.LimitProperties.RuleProperties;
import io.heddle.limit.Rule.Kind;
import io.heddle.limit.Rule.OnFailure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
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
    Admission admitted = admit(allow, false, "/x");
    assertThat(admitted.allowed()).isTrue();
    assertThat(admitted.rateLimit()).isNull();
    assertThat(allow.failures()).isEqualTo(1);

    RuleProperties strict = new RuleProperties(Kind.WRITES, 1, MINUTE, List.of(), OnFailure.DENY);
    Limits deny = limits(Map.of("requests", rule(Kind.REQUESTS, 1), "writes", strict));
    assertThat(admit(deny, false, "/x").allowed()).isTrue();
    Admission refused = admit(deny, true, "/x");
    assertThat(refused.refusal()).isNotNull();
    assertThat(refused.refusal().code()).isEqualTo(ProblemCode.LIMITER_UNAVAILABLE);
  }

  @Test
  void aFailingStoreIsLikeASilentOne() {
    counters.failing = true;
    Limits limits = limits(Map.of("requests", rule(Kind.REQUESTS, 1)));

    assertThat(admit(limits, false, "/x").allowed()).isTrue();

    counters.failing = false;
    assertThat(admit(limits, false, "/x").rateLimit()).isEqualTo("\"requests\";r=0;t=60");
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

  private static RuleProperties rule(Kind kind, long limit) {
    return new RuleProperties(kind, limit, MINUTE, List.of(), null);
  }

  private static Admission admit(Limits limits, boolean write, String path) {
    return admit(limits, ANN, write, path);
  }

  private static Admission admit(Limits limits, Caller caller, boolean write, String path) {
    return limits.admit(caller, write, path).block(Duration.ofSeconds(5));
  }

  /** A limiter on the test's clock. */
  private static final class Counters implements RateLimiter {
    private final AtomicLong now;
    private final Map<String, long[]> counts = new HashMap<>();
    private final List<Permit> gaveBack = new ArrayList<>();
    private int calls;
    private boolean silent;
    private boolean failing;

    Counters(AtomicLong now) {
      this.now = now;
    }

    @Override
    public Mono<List<Decision>> take(Subject subject, List<Rule> rules) {
      calls++;
      if (silent) {
        return Mono.never();
      }
      if (failing) {
        return Mono.error(
            Problem.of(ProblemCode.STORE_UNAVAILABLE, "the store is away").toException());
      }
      boolean all = rules.stream().allMatch(rule -> window(subject, rule)[0] < rule.limit());
      List<Decision> decisions = new ArrayList<>();
      for (Rule rule : rules) {
        long[] window = window(subject, rule);
        boolean allowed = window[0] < rule.limit();
        if (all) {
          window[0]++;
        }
        decisions.add(
            new Decision(
                rule, allowed, rule.limit() - window[0], Duration.ofNanos(window[1] - now.get())));
      }
      return Mono.just(decisions);
    }

    @Override
    public Mono<Void> giveBack(Subject subject, List<Permit> permits) {
      for (Permit permit : permits) {
        gaveBack.add(permit);
        window(subject, permit.rule())[0]--;
      }
      return Mono.empty();
    }

    private long[] window(Subject subject, Rule rule) {
      String key = subject + rule.name();
      long[] window = counts.get(key);
      if (window == null || window[1] <= now.get()) {
        window = new long[] {0, now.get() + rule.window().toNanos()};
        counts.put(key, window);
      }
      return window;
    }
  }
}
