package io.heddle.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Tenant;
import io.heddle.limit.Decision;
import io.heddle.limit.Refund;
import io.heddle.limit.Rule;
import io.heddle.limit.Rule.Kind;
import io.heddle.limit.Rule.OnFailure;
import io.heddle.limit.Subject;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.scheduler.Schedulers;

class EmbeddedRateLimiterTest {

  private static final Duration MINUTE = Duration.ofMinutes(1);

  private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 1000);
  private final EmbeddedRateLimiter limiter = new EmbeddedRateLimiter(now::get);
  private final Subject subject = new Subject(Tenant.DEFAULT, "ann");

  @Test
  void countsDownAndThenRefusesUntilTheWindowEnds() {
    Rule rule = rule("requests", 2, MINUTE);
    assertThat(take(rule).getFirst()).isEqualTo(new Decision(rule, true, 1, MINUTE));
    pass(Duration.ofSeconds(20));
    assertThat(take(rule).getFirst())
        .isEqualTo(new Decision(rule, true, 0, Duration.ofSeconds(40)));
    assertThat(take(rule).getFirst())
        .isEqualTo(new Decision(rule, false, 0, Duration.ofSeconds(40)));

    pass(Duration.ofSeconds(40));

    assertThat(take(rule).getFirst()).isEqualTo(new Decision(rule, true, 1, MINUTE));
  }

  @Test
  void takesOfAllRulesOrOfNone() {
    Rule wide = rule("requests", 10, MINUTE);
    Rule narrow = rule("writes", 1, MINUTE.multipliedBy(5));
    take(wide, narrow);

    assertThat(take(wide, narrow))
        .containsExactly(
            new Decision(wide, true, 9, MINUTE),
            new Decision(narrow, false, 0, MINUTE.multipliedBy(5)));
  }

  @Test
  void aShortWindowEndsBesideALongOne() {
    Rule wide = rule("requests", 10, MINUTE.multipliedBy(5));
    Rule narrow = rule("writes", 1, MINUTE);
    take(wide, narrow);
    pass(MINUTE);

    assertThat(take(wide, narrow)).extracting(Decision::remaining).containsExactly(8L, 0L);
  }

  @Test
  void givesBackInTheSameWindowOnlyAndNeverBelowNothing() {
    Rule rule = rule("writes", 3, MINUTE);
    take(rule);
    giveBack(new Refund(rule, Duration.ofSeconds(20)));
    assertThat(take(rule).getFirst().remaining()).isEqualTo(1);

    for (int i = 0; i < 5; i++) {
      giveBack(new Refund(rule, MINUTE));
    }
    assertThat(take(rule).getFirst().remaining()).isEqualTo(2);

    pass(MINUTE);
    giveBack(new Refund(rule, Duration.ofSeconds(1)));
    assertThat(take(rule).getFirst().remaining()).isEqualTo(2);
  }

  @Test
  void aLimitThatWasLoweredRefusesWithNothingLeft() {
    take(rule("lower", 3, MINUTE));
    take(rule("lower", 3, MINUTE));

    assertThat(take(rule("lower", 1, MINUTE)).getFirst())
        .isEqualTo(new Decision(rule("lower", 1, MINUTE), false, 0, MINUTE));
  }

  @Test
  void manyAtOnceGetNoMoreThanTheLimit() {
    Rule rule = rule("many", 500, MINUTE);

    Long allowed =
        Flux.range(0, 2000)
            .parallel(4)
            .runOn(Schedulers.parallel())
            .flatMap(i -> limiter.take(subject, List.of(rule)))
            .filter(decisions -> decisions.getFirst().allowed())
            .sequential()
            .count()
            .block(Duration.ofSeconds(10));

    assertThat(allowed).isEqualTo(500);
  }

  private List<Decision> take(Rule... rules) {
    return limiter.take(subject, List.of(rules)).block(Duration.ofSeconds(5));
  }

  private void giveBack(Refund permit) {
    limiter.giveBack(subject, List.of(permit)).block(Duration.ofSeconds(5));
  }

  private void pass(Duration time) {
    now.addAndGet(time.toNanos());
  }

  private static Rule rule(String name, long limit, Duration window) {
    return new Rule(name, Kind.REQUESTS, limit, window, List.of(), OnFailure.ALLOW);
  }
}
