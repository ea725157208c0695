package io.heddle.session.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Tenant;
import io.heddle.limit.Decision;
import io.heddle.limit.Lease;
import io.heddle.limit.RateLimiter;
import io.heddle.limit.Refund;
import io.heddle.limit.Rule;
import io.heddle.limit.Rule.Kind;
import io.heddle.limit.Rule.OnFailure;
import io.heddle.limit.Subject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** How often, and never more often. */
abstract class RateLimiterContract extends ContractSuite {

  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final Duration GRAIN = Duration.ofMillis(2);

  private final Subject subject = new Subject(tenant, "user:ann");

  @Test
  void countsDownAndThenRefuses() {
    Rule rule = rule("writes", 5, MINUTE);
    Duration reset = MINUTE;
    for (int left = 4; left >= 0; left--) {
      Decision decision = take(subject, rule);
      assertThat(decision.rule()).isEqualTo(rule);
      assertThat(decision.allowed()).isTrue();
      assertThat(decision.remaining()).isEqualTo(left);
      assertThat(decision.resetAfter()).isPositive().isLessThanOrEqualTo(reset);
      reset = decision.resetAfter();
    }
    for (int i = 0; i < 3; i++) {
      Decision refused = take(subject, rule);
      assertThat(refused.allowed()).isFalse();
      assertThat(refused.remaining()).isZero();
      assertThat(refused.resetAfter()).isPositive().isLessThanOrEqualTo(reset);
    }
  }

  @Test
  void countsUnderAllRulesOrUnderNone() {
    Rule wide = rule("wide", 10, MINUTE);
    Rule narrow = rule("narrow", 2, MINUTE);
    take(subject, wide, narrow);
    take(subject, wide, narrow);
    for (int i = 0; i < 4; i++) {
      List<Decision> refused = takeAll(engine(), subject, wide, narrow);
      assertThat(refused).extracting(Decision::rule).containsExactly(wide, narrow);
      assertThat(refused.get(1).allowed()).isFalse();
      assertThat(refused.get(1).remaining()).isZero();
    }
    assertThat(take(subject, wide).remaining()).isEqualTo(7);
  }

  @Test
  void aWindowEndsByItselfAndNotBefore() {
    Duration window = Duration.ofMillis(400);
    Rule rule = rule("short", 2, window);
    long sent = System.nanoTime();
    assertThat(take(subject, rule).allowed()).isTrue();
    assertThat(take(subject, rule).allowed()).isTrue();
    Duration waited = elapsedUntil(sent, () -> take(subject, rule).allowed());
    assertThat(waited).isBetween(window.minus(GRAIN), window.plusSeconds(2));
    Decision next = take(subject, rule);
    assertThat(next.allowed()).isTrue();
    assertThat(next.remaining()).isZero();
  }

  /** Refused calls do not prolong the window, nor do allowed ones. */
  @Test
  void noOneWindowAdmitsMoreThanTheLimit() {
    Duration window = Duration.ofMillis(300);
    Rule rule = rule("short", 7, window);
    List<Long> admitted = new ArrayList<>();
    long end = System.nanoTime() + window.multipliedBy(5).toNanos();
    await()
        .pollInterval(Duration.ofMillis(1))
        .until(() -> {
          long before = System.nanoTime();
          if (take(subject, rule).allowed()) {
            admitted.add(before);
          }
          return System.nanoTime() - end > 0;
        });
    assertThat(admitted).hasSizeBetween(14, 7 * 6);
    // A window starts with its first one: the eighth after it is in a later window.
    for (int first = 0; first + 7 < admitted.size(); first += 7) {
      Duration span = Duration.ofNanos(admitted.get(first + 7) - admitted.get(first));
      assertThat(span).isGreaterThan(window.dividedBy(2));
    }
  }

  @Test
  void subjectsTenantsAndRulesAreApart() {
    Rule rule = rule("writes", 1, MINUTE);
    List<Subject> subjects =
        Stream.of("user:ann", "user:an", "user:ann ", "ann", "ip:::1", "ü/{x}:y", "x".repeat(300))
            .flatMap(name ->
                Stream.of(
                    new Subject(tenant, name), new Subject(new Tenant("x" + tenant.name()), name)))
            .toList();
    for (Subject one : subjects) {
      assertThat(take(one, rule).allowed()).as(one.toString()).isTrue();
      assertThat(take(one, rule("reads", 1, MINUTE)).allowed()).isTrue();
    }
    for (Subject one : subjects) {
      assertThat(take(one, rule).allowed()).as(one.toString()).isFalse();
    }
  }

  @Test
  void ofManyAtOnceTheLimitIsAdmitted() {
    Rule rule = rule("writes", 50, MINUTE);
    Rule wide = rule("all", 1000, MINUTE);
    List<List<Decision>> answers =
        atOnce(
            300,
            i ->
                (i % 2 == 0 ? engine() : engine().peer())
                    .limiter()
                    .take(subject, List.of(wide, rule)));
    assertThat(answers)
        .filteredOn(decisions -> decisions.stream().allMatch(Decision::allowed))
        .hasSize(50);
    assertThat(take(subject, wide).remaining()).isEqualTo(949);
  }

  @Test
  void givesBackInItsWindow() {
    Rule rule = rule("writes", 2, MINUTE);
    take(subject, rule);
    Decision counted = take(subject, rule);
    assertThat(take(subject, rule).allowed()).isFalse();

    giveBack(new Refund(rule, counted.resetAfter()));

    Decision again = take(subject, rule);
    assertThat(again.allowed()).isTrue();
    assertThat(again.remaining()).isZero();
    assertThat(again.resetAfter()).isLessThanOrEqualTo(counted.resetAfter());
    assertThat(take(subject, rule).allowed()).isFalse();
  }

  @Test
  void neverGivesBackMoreThanWasCounted() {
    Rule rule = rule("writes", 2, MINUTE);
    Decision counted = take(subject, rule);
    for (int i = 0; i < 5; i++) {
      giveBack(new Refund(rule, counted.resetAfter()));
    }
    assertThat(take(subject, rule).remaining()).isEqualTo(1);
    assertThat(take(subject, rule).remaining()).isZero();
    assertThat(take(subject, rule).allowed()).isFalse();
  }

  @Test
  void givesNothingBackInAnotherWindow() {
    Rule rule = rule("writes", 1, MINUTE);
    giveBack(new Refund(rule, MINUTE));
    take(subject, rule);
    giveBack(new Refund(rule, Duration.ofSeconds(20)));
    assertThat(take(subject, rule).allowed()).isFalse();
    giveBack(new Refund(rule("other", 1, MINUTE), MINUTE));
    assertThat(take(subject, rule).allowed()).isFalse();
  }

  @Test
  void leasesUpToEightyPercentAndThenOneByOne() {
    Rule rule = rule("reads", 200, MINUTE);
    Lease first = lease(engine(), 150, rule);
    assertThat(first.permits()).isEqualTo(150);
    assertThat(first.decisions()).hasSize(1);
    assertThat(first.decisions().getFirst().allowed()).isTrue();
    assertThat(first.decisions().getFirst().remaining()).isEqualTo(50);
    assertThat(first.decisions().getFirst().resetAfter()).isPositive();

    assertThat(lease(engine().peer(), 150, rule).permits()).isEqualTo(10);
    for (int left = 39; left >= 0; left--) {
      Lease one = lease(engine(), 150, rule);
      assertThat(one.permits()).isEqualTo(1);
      assertThat(one.decisions().getFirst().remaining()).isEqualTo(left);
    }
    Lease refused = lease(engine(), 150, rule);
    assertThat(refused.permits()).isZero();
    assertThat(refused.decisions().getFirst().allowed()).isFalse();
    assertThat(refused.decisions().getFirst().remaining()).isZero();
    assertThat(take(subject, rule).allowed()).isFalse();
  }

  @Test
  void leasesOneOfALimitUnderAHundred() {
    Rule rule = rule("reads", 99, MINUTE);
    assertThat(lease(engine(), 50, rule).permits()).isEqualTo(1);
    assertThat(take(subject, rule).remaining()).isEqualTo(97);
  }

  @Test
  void leasesAsManyUnderEveryRuleOrNone() {
    Rule wide = rule("wide", 1000, MINUTE);
    Rule narrow = rule("narrow", 100, MINUTE);
    assertThat(lease(engine(), 200, wide, narrow).permits()).isEqualTo(80);
    assertThat(take(subject, wide).remaining()).isEqualTo(919);
    for (int i = 0; i < 20; i++) {
      assertThat(lease(engine(), 200, wide, narrow).permits()).isEqualTo(1);
    }
    Lease refused = lease(engine(), 200, wide, narrow);
    assertThat(refused.permits()).isZero();
    assertThat(refused.decisions()).extracting(Decision::allowed).containsExactly(true, false);
    assertThat(take(subject, wide).remaining()).isEqualTo(898);
  }

  @Test
  void ofManyLeasesAtOnceTheLimitIsCounted() {
    Rule rule = rule("reads", 500, MINUTE);
    List<Lease> leases =
        atOnce(
            300,
            i ->
                (i % 2 == 0 ? engine() : engine().peer())
                    .limiter()
                    .lease(subject, List.of(rule), 1 + i % 7));
    assertThat(leases.stream().mapToLong(Lease::permits).sum()).isEqualTo(500);
  }

  @Test
  void givesBackWhatALeaseDidNotUse() {
    Rule rule = rule("reads", 200, MINUTE);
    Lease lease = lease(engine(), 150, rule);
    Duration left = lease.decisions().getFirst().resetAfter();

    giveBack(new Refund(rule, 100, left));
    assertThat(take(subject, rule).remaining()).isEqualTo(149);
    giveBack(new Refund(rule, 10_000, left));
    assertThat(take(subject, rule).remaining()).isEqualTo(199);
  }

  private Lease lease(EngineUnderTest replica, long most, Rule... rules) {
    return get(replica.limiter().lease(subject, List.of(rules), most));
  }

  private Decision take(Subject of, Rule... rules) {
    return takeAll(engine(), of, rules).getFirst();
  }

  private static List<Decision> takeAll(EngineUnderTest replica, Subject of, Rule... rules) {
    RateLimiter limiter = replica.limiter();
    List<Decision> decisions = get(limiter.take(of, List.of(rules)));
    assertThat(decisions).hasSize(rules.length);
    return decisions;
  }

  private void giveBack(Refund permit) {
    run(engine().peer().limiter().giveBack(subject, List.of(permit)));
  }

  private static Rule rule(String name, long limit, Duration window) {
    return new Rule(name, Kind.WRITES, limit, window, List.of(), OnFailure.ALLOW);
  }
}
