package io.heddle.limit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.heddle.base.Caller;
import io.heddle.base.ProblemCode;
import io.heddle.base.RandomIds;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.limit.LimitProperties.RuleProperties;
import io.heddle.limit.Rule.Kind;
import io.heddle.limit.Rule.OnFailure;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

@Isolated("Its virtual time is that of all schedulers of the JVM.")
class TokenLimitsTest {

  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final Caller ANN = new Caller(Tenant.DEFAULT, "ann", "ann", false);

  private final AtomicLong now = new AtomicLong(1);
  private final Counters counters = new Counters(now);

  @Test
  void tellsWhatIsLeft() {
    TokenReservation held = reserve(limits(Map.of("tokens", tokens(100_000))), 1200);

    assertThat(held.allowed()).isTrue();
    assertThat(held.rateLimit()).isEqualTo("\"tokens\";r=98800;t=60");
    assertThat(held.policy()).isEqualTo("\"tokens\";q=100000;w=60");
    Decision told = Decision.tightest(held.decisions());
    assertThat(told).isNotNull();
    assertThat(told.rule().limit()).isEqualTo(100_000);
    assertThat(told.remaining()).isEqualTo(98_800);
  }

  @Test
  void theTightestRuleIsTheOneWithLeastLeft() {
    Map<String, RuleProperties> rules = new LinkedHashMap<>();
    rules.put("daily", rule(Kind.TOKENS, 5000, Duration.ofDays(1), null));
    rules.put("minutely", tokens(2000));
    rules.put("hourly", rule(Kind.TOKENS, 2000, Duration.ofHours(1), null));
    TokenReservation held = reserve(limits(rules), 1500);

    assertThat(Decision.tightest(held.decisions()).rule().name()).isEqualTo("hourly");
    assertThat(Decision.tightest(List.of())).isNull();
  }

  @Test
  void tellsARefusedCallerWhichLimitAndHowLong() {
    TokenLimits limits = limits(Map.of("tokens", tokens(1000)));
    reserve(limits, 800);
    now.addAndGet(Duration.ofMillis(20_500).toNanos());

    TokenReservation refused = reserve(limits, 201);

    assertThat(refused.allowed()).isFalse();
    assertThat(refused.reservation()).isNull();
    assertThat(refused.refusal().code()).isEqualTo(ProblemCode.RATE_LIMITED);
    assertThat(refused.refusal().members())
        .containsEntry("name", "tokens")
        .containsEntry("limit", 1000L)
        .containsEntry("requested", 201L)
        .containsEntry("retryAfter", 40L);
    assertThat(refused.rateLimit()).isEqualTo("\"tokens\";r=200;t=40");
    assertThat(limits.refused()).isEqualTo(1);
    assertThat(reserve(limits, 200).allowed()).isTrue();
  }

  /** Coming again would not help: no window ever has so many. */
  @Test
  void whoAsksForMoreThanALimitIsNotToldToComeAgain() {
    Map<String, RuleProperties> rules = new LinkedHashMap<>();
    rules.put("small", rule(Kind.TOKENS, 100, Duration.ofSeconds(1), null));
    rules.put("tokens", tokens(1000));
    TokenLimits limits = limits(rules);
    reserve(limits, 50);

    TokenReservation refused = reserve(limits, 960);

    assertThat(refused.refusal().members())
        .containsEntry("name", "small")
        .doesNotContainKey("retryAfter");
  }

  /** Counting is work: it is not done for what its output alone forbids. */
  @Test
  void aTextIsNotCountedWhenTheOutputIsTooMuchAlready() {
    TokenLimits limits = limits(Map.of("tokens", tokens(1000)));

    TokenLimits.Estimated estimated =
        limits.reserve(ANN, 1000, 5, _ -> Mono.error(new AssertionError("was counted"))).block();

    assertThat(estimated.reservation().refusal().code()).isEqualTo(ProblemCode.RATE_LIMITED);
    assertThat(counters.count(Subject.of(ANN), "tokens")).isZero();
  }

  @Test
  void aLongTextIsCountedOnlyAsFarAsThereIsSomethingLeft() {
    TokenLimits limits = limits(Map.of("tokens", tokens(1000)));
    reserve(limits, 700);
    List<Long> bounds = new ArrayList<>();

    TokenLimits.Estimated refused =
        limits.reserve(ANN, 100, 1 << 20, enough -> counted(bounds, enough, enough + 7)).block();

    assertThat(bounds).containsExactly(200L);
    assertThat(refused.reservation().allowed()).isFalse();
    assertThat(counters.count(Subject.of(ANN), "tokens")).isEqualTo(700);
  }

  /** Else a part of it would be reserved, and all of it used. */
  @Test
  void aTextOfWhichAPartWasCountedIsCountedAgainWhenAWindowHasEndedMeanwhile() {
    TokenLimits limits = limits(Map.of("tokens", tokens(1000)));
    reserve(limits, 990);
    List<Long> bounds = new ArrayList<>();

    TokenLimits.Estimated held =
        limits
            .reserve(
                ANN,
                100,
                1 << 20,
                enough -> {
                  now.addAndGet(MINUTE.toNanos());
                  return counted(bounds, enough, Math.min(600, enough + 7));
                })
            .block();

    assertThat(bounds).containsExactly(0L, 900L);
    assertThat(held.reservation().allowed()).isTrue();
    assertThat(held.input()).isEqualTo(600);
    assertThat(counters.count(Subject.of(ANN), "tokens")).isEqualTo(700);
  }

  @Test
  void moreThanALimitEverHasIsRefusedWhileTheStoreIsSilentToo() {
    TokenLimits limits = limits(Map.of("tokens", tokens(1000)));
    counters.failing = true;

    TokenLimits.Estimated refused =
        limits.reserve(ANN, 100, 5, enough -> Mono.just(enough + 1)).block();

    assertThat(refused.reservation().allowed()).isFalse();
    assertThat(limits.reserve(ANN, 100, 5, _ -> Mono.just(50L)).block().reservation().allowed())
        .isTrue();
  }

  @Test
  void whoHasNoTokenLeftIsKnownForAMoment() {
    TokenLimits limits = limits(Map.of("tokens", tokens(1000)));
    assertThat(limits.exhausted(ANN)).isNull();
    reserve(limits, 900);
    reserve(limits, 200);
    assertThat(limits.exhausted(ANN)).isNull();
    reserve(limits, 100);
    reserve(limits, 1);
    assertThat(limits.exhausted(ANN).members()).containsEntry("retryAfter", 60L);
    now.addAndGet(Duration.ofMillis(1001).toNanos());
    assertThat(limits.exhausted(ANN)).isNull();
  }

  private static Mono<Long> counted(List<Long> bounds, long enough, long count) {
    bounds.add(enough);
    return Mono.just(count);
  }

  @Test
  void otherRulesAreNotTouched() {
    Map<String, RuleProperties> rules = new LinkedHashMap<>();
    rules.put("requests", rule(Kind.REQUESTS, 10, MINUTE, null));
    rules.put("tokens", tokens(10));
    LimitProperties properties = properties(OnFailure.ALLOW, rules);
    Limits requests = new Limits(counters, properties, now::get);
    TokenLimits limits = limits(properties);

    reserve(limits, 10);

    Admission write = requests.admit(ANN, true, "/x").block();
    assertThat(write.rateLimit()).isEqualTo("\"requests\";r=9;t=60");
    assertThat(write.policy()).isEqualTo("\"requests\";q=10;w=60");
    assertThat(counters.count(Subject.of(ANN), "tokens")).isEqualTo(10);
    assertThat(requests.rules()).hasSize(2);
  }

  @Test
  void withoutARuleNothingIsAskedAndNothingSettled() {
    for (TokenLimits none : List.of(limits(Map.of()), limits(Map.of("tokens", tokens(0))))) {
      TokenReservation held = reserve(none, 5);
      assertThat(held.allowed()).isTrue();
      assertThat(held.rateLimit()).isNull();
      assertThat(held.policy()).isNull();
      StepVerifier.create(none.settle(TokenReservation.parse(held.toJson()), 7)).verifyComplete();
      assertThat(none.look(ANN).block()).isEmpty();
    }
    assertThat(counters.calls).isZero();
  }

  @Test
  void aReservationIsReadBackFromItsJson() {
    Map<String, RuleProperties> rules = new LinkedHashMap<>();
    rules.put("daily", rule(Kind.TOKENS, 5000, Duration.ofDays(1), null));
    rules.put("tokens", tokens(2000));
    Caller odd = new Caller(new Tenant("t1"), "a\"\\\u00e9 \uD83E\uDDF5", "x", false);
    TokenReservation held = limits(rules).reserve(odd, 1500).block();

    TokenReservation read = TokenReservation.parse(held.toJson());

    assertThat(read.subject()).isEqualTo(held.subject());
    assertThat(read.reservation()).isEqualTo(held.reservation());
    assertThat(read.reservation().counters()).hasSize(2);
    assertThat(read.toJson()).isEqualTo(held.toJson());
    String newer = held.toJson().toString().replace("\"amount\":", "\"new\":[{}],\"amount\":");
    assertThat(TokenReservation.parse(Json.of(newer)).reservation()).isEqualTo(held.reservation());
    for (String broken : List.of("", "[]", "{}", "7", "{\"tenant\":\"t\"}", "{\"tenant\":\"t\",")) {
      assertThatThrownBy(() -> TokenReservation.parse(Json.of(broken)))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void whatWasUsedIsSettled() {
    TokenLimits limits = limits(Map.of("tokens", tokens(1000)));
    TokenReservation held = reserve(limits, 800);
    StepVerifier.create(limits.settle(held, 12)).verifyComplete();
    assertThat(counters.settled).containsExactly(held.reservation().id() + "=12");
  }

  @Test
  void whoIsRefusedHasNothingToSettle() {
    TokenLimits limits = limits(Map.of("tokens", tokens(10)));
    TokenReservation refused = reserve(limits, 11);
    StepVerifier.create(limits.settle(refused, 0)).verifyComplete();
    assertThat(counters.settled).isEmpty();
  }

  @Test
  void aSilentStoreAdmitsUnlessARuleDenies() {
    counters.silent = true;
    TokenLimits allow = limits(Map.of("tokens", tokens(1)));
    TokenReservation admitted = reserveLate(allow, 500);
    assertThat(admitted.allowed()).isTrue();
    assertThat(admitted.rateLimit()).isNull();
    assertThat(allow.failures()).isEqualTo(1);
    // Nobody knows whether it was counted; its use is counted all the same.
    assertThat(admitted.reservation().counters())
        .containsExactly(new Reservation.Counter("tokens", MINUTE, ""));
    counters.silent = false;
    StepVerifier.create(allow.settle(admitted, 9)).verifyComplete();
    assertThat(counters.settled).containsExactly(admitted.reservation().id() + "=9");

    counters.silent = true;
    TokenLimits deny =
        limits(
            Map.of(
                "tokens", tokens(1000), "strict", rule(Kind.TOKENS, 1000, MINUTE, OnFailure.DENY)));
    TokenReservation refused = reserveLate(deny, 5);
    assertThat(refused.refusal().code()).isEqualTo(ProblemCode.LIMITER_UNAVAILABLE);
    assertThat(refused.reservation()).isNull();
  }

  @Test
  void aSettlementIsTriedAgain() {
    TokenLimits limits = limits(Map.of("tokens", tokens(1000)));
    TokenReservation held = reserve(limits, 800);
    counters.failing = true;
    StepVerifier.withVirtualTime(() -> limits.settle(held, 12))
        .expectSubscription()
        .expectNoEvent(Duration.ofMillis(100))
        .then(() -> counters.failing = false)
        .thenAwait(Duration.ofSeconds(1))
        .verifyComplete();
    assertThat(counters.settled).hasSize(1);
    assertThat(limits.failures()).isEqualTo(1);
    assertThat(limits.unsettled()).isZero();
  }

  @Test
  void aSettlementThatNeverWorksIsGivenUpAndCounted() {
    TokenLimits limits = limits(Map.of("tokens", tokens(1000)));
    TokenReservation held = reserve(limits, 800);
    counters.failing = true;
    int before = counters.calls;
    StepVerifier.withVirtualTime(() -> limits.settle(held, 12))
        .expectSubscription()
        .thenAwait(Duration.ofMinutes(1))
        .verifyComplete();
    assertThat(counters.calls - before).isEqualTo(6);
    assertThat(limits.unsettled()).isEqualTo(1);
  }

  /** A turn ends when its caller hangs up, and nobody waits for the settlement any more. */
  @Test
  void aSettlementGoesOnWithoutItsSubscriber() {
    TokenLimits limits = limits(Map.of("tokens", tokens(1000)));
    TokenReservation held = reserve(limits, 800);
    counters.silent = true;
    limits.settle(held, 12).subscribe().dispose();
    counters.silent = false;
    now.addAndGet(Duration.ofMillis(100).toNanos());
    limits.tick();
    Awaitility.await().until(() -> counters.settled.size() == 1);
  }

  @Test
  void lookingIsNotCounted() {
    TokenLimits limits = limits(Map.of("tokens", tokens(1000)));
    reserve(limits, 300);
    assertThat(limits.look(ANN).block()).extracting(Decision::remaining).containsExactly(700L);
    assertThat(limits.look(ANN).block()).extracting(Decision::remaining).containsExactly(700L);
    counters.failing = true;
    assertThat(limits.look(ANN).block()).isEmpty();
  }

  @Test
  void badRulesAreRefusedByName() {
    assertThatThrownBy(() ->
            limits(
                Map.of(
                    "mine", new RuleProperties(Kind.TOKENS, 1, MINUTE, List.of("/v1/**"), null))))
        .hasMessageContaining("mine")
        .hasMessageContaining("paths");
  }

  private TokenLimits limits(Map<String, RuleProperties> rules) {
    return limits(properties(OnFailure.ALLOW, rules));
  }

  private TokenLimits limits(LimitProperties properties) {
    return new TokenLimits(counters, properties, new RandomIds(InstantSource.system()), now::get);
  }

  private static LimitProperties properties(
      OnFailure onFailure, Map<String, RuleProperties> rules) {
    return new LimitProperties(true, Duration.ofMillis(100), onFailure, rules);
  }

  private static TokenReservation reserve(TokenLimits limits, long estimate) {
    return limits.reserve(ANN, estimate).block(Duration.ofSeconds(5));
  }

  /** One that the store does not answer in time. */
  private TokenReservation reserveLate(TokenLimits limits, long estimate) {
    CompletableFuture<TokenReservation> held = limits.reserve(ANN, estimate).toFuture();
    assertThat(held).isNotDone();
    now.addAndGet(Duration.ofMillis(100).toNanos());
    limits.tick();
    return held.join();
  }

  private static RuleProperties tokens(long limit) {
    return rule(Kind.TOKENS, limit, MINUTE, null);
  }

  private static RuleProperties rule(Kind kind, long limit, Duration window, OnFailure onFailure) {
    return new RuleProperties(kind, limit, window, List.of(), onFailure);
  }
}
