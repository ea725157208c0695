package io.heddle.limit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.Tenant;
import io.heddle.limit.Rule.Kind;
import io.heddle.limit.Rule.OnFailure;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;

/** A store that has no room for a counter does not switch the limits off. */
class StandbyLimiterTest {

  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final Rule THREE =
      new Rule("three", Kind.REQUESTS, 3, MINUTE, List.of(), OnFailure.ALLOW);
  private static final Rule MANY =
      new Rule("many", Kind.WRITES, 100, MINUTE, List.of(), OnFailure.ALLOW);
  private static final Rule TOKENS =
      new Rule("tokens", Kind.TOKENS, 100, MINUTE, List.of(), OnFailure.ALLOW);

  private final Subject ann = new Subject(Tenant.DEFAULT, "user:ann");
  private final Subject bob = new Subject(Tenant.DEFAULT, "user:bob");
  private ProblemCode answer = ProblemCode.STORE_FULL;
  private long now;
  private final StandbyLimiter limiter = new StandbyLimiter(new Refusing(), () -> now);

  @Test
  void noMoreThanTheLimitIsCountedHere() {
    for (int i = 3; i > 0; i--) {
      List<Decision> said = take(ann);
      assertThat(said).allMatch(Decision::allowed);
      assertThat(said.getFirst().remaining()).isEqualTo(i - 1);
    }
    now += MINUTE.toNanos() / 2;
    List<Decision> said = take(ann);
    assertThat(said.getFirst().allowed()).isFalse();
    assertThat(said.getFirst().resetAfter()).isEqualTo(MINUTE.dividedBy(2));
    assertThat(said.getLast().remaining()).as("under all of them or none").isEqualTo(97);
    assertThat(limiter.lease(ann, List.of(THREE), 50).block().permits()).isZero();
    assertThat(take(bob)).as("another's").allMatch(Decision::allowed);

    limiter.giveBack(ann, List.of(new Refund(THREE, MINUTE))).block();
    assertThat(take(ann)).allMatch(Decision::allowed);
    assertThat(take(ann).getFirst().allowed()).isFalse();
    now += MINUTE.toNanos() / 2;
    assertThat(limiter.lease(ann, List.of(THREE), 50).block().permits()).isEqualTo(1);
  }

  @Test
  void tokensAreReservedHereAndSettled() {
    ReservationResult first = limiter.reserve(ann, List.of(TOKENS), "id1", 80).block();
    assertThat(first.reservation()).isNotNull();
    assertThat(limiter.reserve(ann, List.of(TOKENS), "id2", 30).block().reservation()).isNull();
    limiter.settle(ann, first.reservation(), 0).block();
    assertThat(limiter.reserve(ann, List.of(TOKENS), "id3", 30).block().reservation()).isNotNull();
  }

  /** Another failure is the rules' to decide, as they say. */
  @Test
  void aStoreThatIsAwayIsNotStoodInFor() {
    answer = ProblemCode.STORE_UNAVAILABLE;
    assertThatThrownBy(() -> take(ann)).hasMessageContaining("store-unavailable");
  }

  private List<Decision> take(Subject subject) {
    return limiter.take(subject, List.of(THREE, MANY)).block();
  }

  private final class Refusing implements RateLimiter {

    private <T> Mono<T> refusal() {
      return Mono.error(() -> Problem.of(answer, answer.title()).toException());
    }

    @Override
    public Mono<List<Decision>> take(Subject subject, List<Rule> rules) {
      return refusal();
    }

    @Override
    public Mono<Lease> lease(Subject subject, List<Rule> rules, long most) {
      return refusal();
    }

    @Override
    public Mono<Void> giveBack(Subject subject, List<Refund> permits) {
      return Mono.empty();
    }

    @Override
    public Mono<ReservationResult> reserve(
        Subject subject, List<Rule> rules, String id, long amount) {
      return refusal();
    }

    @Override
    public Mono<Void> settle(Subject subject, Reservation reservation, long used) {
      return Mono.empty();
    }
  }
}
