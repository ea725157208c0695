package io.heddle.session.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Caller;
import io.heddle.limit.Decision;
import io.heddle.limit.LimitProperties;
import io.heddle.limit.LimitProperties.RuleProperties;
import io.heddle.limit.Reservation;
import io.heddle.limit.ReservationResult;
import io.heddle.limit.Rule;
import io.heddle.limit.Rule.Kind;
import io.heddle.limit.Rule.OnFailure;
import io.heddle.limit.Subject;
import io.heddle.limit.TokenLimits;
import io.heddle.limit.TokenReservation;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Tokens: counted before they are used, and as they were used. */
abstract class TokenContract extends ContractSuite {

  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final Duration SHORT = Duration.ofMillis(300);

  private final Subject subject = new Subject(tenant, "user:ann");

  @Test
  void reservesUpToTheLimitAndNoFurther() {
    Rule rule = rule("tokens", 1000, MINUTE);
    ReservationResult first = reserve(700, rule);
    assertThat(first.reservation()).isNotNull();
    assertThat(first.reservation().amount()).isEqualTo(700);
    assertThat(first.decisions()).hasSize(1);
    Decision decision = first.decisions().getFirst();
    assertThat(decision.allowed()).isTrue();
    assertThat(decision.remaining()).isEqualTo(300);
    assertThat(decision.resetAfter()).isPositive().isLessThanOrEqualTo(MINUTE);

    ReservationResult refused = reserve(301, rule);
    assertThat(refused.reservation()).isNull();
    assertThat(refused.decisions().getFirst().allowed()).isFalse();
    assertThat(refused.decisions().getFirst().remaining()).isEqualTo(300);
    assertThat(refused.decisions().getFirst().resetAfter())
        .isPositive()
        .isLessThanOrEqualTo(decision.resetAfter());

    assertThat(reserve(300, rule).reservation()).isNotNull();
    assertThat(reserve(1, rule).reservation()).isNull();
  }

  @Test
  void reservesUnderAllRulesOrUnderNone() {
    Rule wide = rule("wide", 1000, MINUTE);
    Rule narrow = rule("narrow", 100, MINUTE);
    assertThat(reserve(60, wide, narrow).reservation().counters()).hasSize(2);
    ReservationResult refused = reserve(60, wide, narrow);
    assertThat(refused.reservation()).isNull();
    assertThat(refused.decisions()).extracting(Decision::rule).containsExactly(wide, narrow);
    assertThat(refused.decisions()).extracting(Decision::allowed).containsExactly(true, false);
    assertThat(refused.decisions()).extracting(Decision::remaining).containsExactly(940L, 40L);
    assertThat(left(wide)).isEqualTo(940);
    assertThat(left(narrow)).isEqualTo(40);
  }

  @Test
  void lookingCountsNothingAndStartsNoWindow() {
    Rule rule = rule("tokens", 10, SHORT);
    ReservationResult looked = reserve(0, rule);
    assertThat(looked.reservation()).isNull();
    assertThat(looked.decisions()).containsExactly(new Decision(rule, true, 10, SHORT));
    pass(SHORT.dividedBy(3));
    assertThat(reserve(0, rule).decisions()).containsExactly(new Decision(rule, true, 10, SHORT));
    reserve(10, rule);
    assertThat(reserve(0, rule).decisions().getFirst().allowed()).isFalse();
  }

  @Test
  void requestsUnderTheSameNameAreCountedApart() {
    Rule tokens = rule("all", 10, MINUTE);
    Rule requests = new Rule("all", Kind.REQUESTS, 10, MINUTE, List.of(), OnFailure.ALLOW);
    reserve(9, tokens);
    Decision taken = get(engine().limiter().take(subject, List.of(requests))).getFirst();
    assertThat(taken.remaining()).isEqualTo(9);
    assertThat(left(tokens)).isEqualTo(1);
  }

  @Test
  void settlingGivesBackWhatWasNotUsed() {
    Rule rule = rule("tokens", 1000, MINUTE);
    ReservationResult held = reserve(800, rule);
    reserve(100, rule);
    settle(held, 250);
    assertThat(left(rule)).isEqualTo(650);
    ReservationResult all = reserve(650, rule);
    settle(all, 0);
    assertThat(left(rule)).isEqualTo(650);
    assertThat(reserve(0, rule).decisions().getFirst().resetAfter())
        .as("the window ends when it would have")
        .isLessThanOrEqualTo(held.decisions().getFirst().resetAfter());
  }

  @Test
  void settlingCountsWhatWasUsedAboveTheLimitToo() {
    Rule rule = rule("tokens", 1000, MINUTE);
    settle(reserve(100, rule), 400);
    assertThat(left(rule)).isEqualTo(600);
    settle(reserve(600, rule), 5000);
    assertThat(left(rule)).isZero();
    assertThat(reserve(1, rule).reservation()).isNull();
  }

  /**
   * The answer to a settlement may be lost, and two may end the same turn: the first one counts.
   */
  @Test
  void settlesOnce() {
    Rule rule = rule("tokens", 1000, MINUTE);
    ReservationResult less = reserve(500, rule);
    ReservationResult more = reserve(100, rule);
    for (int i = 0; i < 3; i++) {
      settle(less, 100 + 50 * i);
      settle(more, 300 + 50 * i);
      assertThat(left(rule)).isEqualTo(600);
    }
  }

  @Test
  void ofManySettlementsAtOnceOneCounts() {
    Rule rule = rule("tokens", 10_000, MINUTE);
    ReservationResult held = reserve(5000, rule);
    reserve(5000, rule);
    atOnce(
        50,
        i ->
            (i % 2 == 0 ? engine() : engine().peer())
                .limiter()
                .settle(subject, held.reservation(), 1000)
                .thenReturn(i));
    assertThat(left(rule)).isEqualTo(4000);
  }

  @Test
  void aLaterWindowIsChargedWhatExceedsAndGivenNothing() {
    Rule rule = rule("tokens", 1000, SHORT);
    ReservationResult less = reserve(400, rule);
    ReservationResult more = reserve(100, rule);
    ReservationResult again = reserve(100, rule);
    pass(SHORT.plusMillis(50));
    Rule wide = rule("tokens", 1000, MINUTE);
    ReservationResult next = reserve(10, wide);
    assertThat(next.decisions().getFirst().remaining()).isEqualTo(990);

    settle(less, 0);
    assertThat(left(wide)).isEqualTo(990);
    settle(more, 350);
    assertThat(left(wide)).isEqualTo(740);
    settle(more, 350);
    settle(less, 900);
    assertThat(left(wide)).as("each counts once").isEqualTo(740);
    settle(again, 100);
    assertThat(left(wide)).isEqualTo(740);
    settle(next, 0);
    assertThat(left(wide)).isEqualTo(750);
  }

  /**
   * A window that a settlement starts must not be taken for the one that its reservation started,
   * or what others reserved in that one would be taken for settled.
   */
  @Test
  void aSettlementMayStartAWindowOfItsOwn() {
    Rule rule = rule("tokens", 1000, SHORT);
    ReservationResult first = reserve(100, rule);
    ReservationResult second = reserve(100, rule);
    pass(SHORT.plusMillis(50));
    Rule wide = rule("tokens", 1000, MINUTE);
    settle(longer(first), 300);
    Decision now = reserve(0, wide).decisions().getFirst();
    assertThat(now.remaining()).isEqualTo(800);
    assertThat(now.resetAfter()).isGreaterThan(Duration.ofSeconds(50));
    settle(longer(second), 150);
    assertThat(left(wide)).isEqualTo(750);
    settle(longer(first), 300);
    assertThat(left(wide)).isEqualTo(750);
  }

  /** When nobody knows whether a reservation was counted, what was used is counted nevertheless. */
  @Test
  void whatIsNotKnownToBeReservedIsSettledAllTheSame() {
    Rule rule = rule("tokens", 1000, MINUTE);
    settle(unknown("never", rule), 200);
    assertThat(left(rule)).isEqualTo(800);
    settle(unknown("never", rule), 200);
    assertThat(left(rule)).isEqualTo(800);

    String id = IDS.token();
    get(engine().limiter().reserve(subject, List.of(rule), id, 500));
    settle(unknown(id, rule), 200);
    assertThat(left(rule)).as("it was counted, and the answer was lost").isEqualTo(600);
  }

  @Test
  void subjectsAreApart() {
    Rule rule = rule("tokens", 10, MINUTE);
    for (String name : List.of("user:ann", "ip:::1", "ü/{x}:y", "x".repeat(300))) {
      Subject one = new Subject(tenant, name);
      ReservationResult held = get(engine().limiter().reserve(one, List.of(rule), IDS.token(), 10));
      assertThat(held.reservation()).as(name).isNotNull();
      run(engine().peer().limiter().settle(one, held.reservation(), 3));
      assertThat(get(engine().limiter().reserve(one, List.of(rule), "", 0)).decisions())
          .extracting(Decision::remaining)
          .containsExactly(7L);
    }
  }

  // ---- two replicas

  @Test
  void replicasThatRaceReserveNoMoreThanTheLimit() {
    try (TokenLimits one = tokens(engine(), 10_000, MINUTE);
        TokenLimits two = tokens(engine().peer(), 10_000, MINUTE)) {
      List<TokenReservation> all =
          atOnce(300, i -> (i % 2 == 0 ? one : two).reserve(ann(), 10 + i % 91));
      long reserved =
          all.stream()
              .filter(TokenReservation::allowed)
              .mapToLong(held -> held.reservation().amount())
              .sum();
      assertThat(reserved).isBetween(9_901L, 10_000L);
      assertThat(all)
          .filteredOn(held -> !held.allowed())
          .isNotEmpty()
          .allSatisfy(held -> assertThat(held.reservation()).isNull());
    }
  }

  /**
   * Each turn is begun on one replica and settled on the other; what was used is what is counted.
   */
  @Test
  void turnsOfTwoReplicasCountWhatTheyUsed() {
    try (TokenLimits one = tokens(engine(), 1_000_000, MINUTE);
        TokenLimits two = tokens(engine().peer(), 1_000_000, MINUTE)) {
      Long used =
          get(
              Flux.range(0, 400)
                  .flatMap(
                      i -> {
                        long tokens = i % 7 * 100L;
                        return (i % 2 == 0 ? one : two)
                            .reserve(ann(), 300)
                            .map(held -> TokenReservation.parse(held.toJson()))
                            .flatMap(held -> (i % 2 == 0 ? two : one).settle(held, tokens))
                            .thenReturn(tokens);
                      },
                      32)
                  .reduce(0L, Long::sum));
      assertThat(get(one.look(ann())).getFirst().remaining()).isEqualTo(1_000_000 - used);
    }
  }

  @Test
  void aReplicaThatDiesLeavesItsReservationUntilTheWindowEnds() {
    Duration window = Duration.ofSeconds(3);
    try (TokenLimits survivor = tokens(engine().peer(), 1000, window)) {
      try (TokenLimits dead = tokens(engine(), 1000, window)) {
        assertThat(get(dead.reserve(ann(), 900)).allowed()).isTrue();
      }
      assertThat(get(survivor.look(ann())).getFirst().remaining()).isEqualTo(100);
      long start = System.nanoTime();
      Duration waited =
          elapsedUntil(start, () -> get(survivor.look(ann())).getFirst().remaining() == 1000);
      assertThat(waited).isLessThan(window.plusSeconds(2));
      assertThat(get(survivor.reserve(ann(), 1000)).allowed()).isTrue();
    }
  }

  /** Reservations are at any time within the limit, whoever settles what meanwhile. */
  @Test
  void noWindowHoldsMoreThanTheLimitWhileTurnsComeAndGo() {
    long limit = 2000;
    try (TokenLimits one = tokens(engine(), limit, MINUTE);
        TokenLimits two = tokens(engine().peer(), limit, MINUTE)) {
      List<Long> admitted =
          atOnce(
              200,
              i -> {
                TokenLimits here = i % 2 == 0 ? one : two;
                return here.reserve(ann(), 100)
                    .flatMap(held ->
                        held.allowed()
                            // Half of what was reserved is used, so about twice as many fit.
                            ? here.settle(held, 50).thenReturn(50L)
                            : Mono.just(0L));
              });
      long used = admitted.stream().mapToLong(Long::longValue).sum();
      assertThat(used).isBetween(1000L, limit);
      assertThat(get(two.look(ann())).getFirst().remaining()).isEqualTo(limit - used);
    }
  }

  private Caller ann() {
    return new Caller(tenant, "ann", "ann", false);
  }

  private static TokenLimits tokens(EngineUnderTest replica, long limit, Duration window) {
    RuleProperties rule = new RuleProperties(Kind.TOKENS, limit, window, List.of(), null);
    return new TokenLimits(
        replica.limiter(),
        new LimitProperties(true, Duration.ofSeconds(10), OnFailure.DENY, Map.of("tokens", rule)),
        IDS);
  }

  private ReservationResult reserve(long amount, Rule... rules) {
    return get(engine().limiter().reserve(subject, List.of(rules), IDS.token(), amount));
  }

  private void settle(ReservationResult held, long used) {
    run(engine().peer().limiter().settle(subject, held.reservation(), used));
  }

  private long left(Rule rule) {
    return reserve(0, rule).decisions().getFirst().remaining();
  }

  /** The same reservation by a replica whose windows are a minute. */
  private static ReservationResult longer(ReservationResult held) {
    Reservation was = held.reservation();
    return new ReservationResult(
        held.decisions(),
        new Reservation(
            was.id(),
            was.amount(),
            was.counters().stream()
                .map(one -> new Reservation.Counter(one.rule(), MINUTE, one.window()))
                .toList()));
  }

  private static ReservationResult unknown(String id, Rule rule) {
    return new ReservationResult(
        List.of(),
        new Reservation(id, 500, List.of(new Reservation.Counter(rule.name(), rule.window(), ""))));
  }

  private static Rule rule(String name, long limit, Duration window) {
    return new Rule(name, Kind.TOKENS, limit, window, List.of(), OnFailure.ALLOW);
  }
}
