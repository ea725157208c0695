package io.heddle.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.ProblemCode;
import io.heddle.upstream.CallFailure.Blame;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class BreakerTest {

  private final Breaker breaker = breaker(4);

  private static Breaker breaker(int minimumCalls) {
    return new Breaker(
        "test",
        new UpstreamProperties.Breaker(
            Duration.ofSeconds(30), minimumCalls, 50, Duration.ofSeconds(10), 2));
  }

  @Test
  void oneUsersRequestsOpenItForHimAndForNobodyElse() {
    for (int i = 0; i < 100; i++) {
      fail("mallory", Blame.SERVER);
    }
    assertThat(breaker.begin("mallory")).isNull();
    assertThat(breaker.state()).isEqualTo(BreakerState.CLOSED);
    assertThat(breaker.begin("alice")).isNotNull();
    assertThat(breaker.begin(null)).isNotNull();
  }

  /** Also when all goes well for few others, and one of them fails once. */
  @Test
  void oneUsersShareOfWhatOpensItIsBounded() {
    Breaker usual = breaker(10);
    for (int i = 0; i < 6; i++) {
      begin(usual, "user" + i).spoke();
    }
    begin(usual, "bob").failed(failure(Blame.SERVER));
    for (int i = 0; i < 100; i++) {
      Breaker.Request request = usual.begin("mallory");
      if (request != null) {
        request.failed(failure(Blame.SERVER));
      }
    }
    assertThat(usual.state()).isEqualTo(BreakerState.CLOSED);
    assertThat(usual.begin("alice")).isNotNull();
  }

  @Test
  void whatFailsForManyIsTheServersFault() {
    for (int i = 0; i < 6; i++) {
      fail("user" + i, Blame.SERVER);
    }
    assertThat(breaker.state()).isEqualTo(BreakerState.OPEN);
    assertThat(breaker.begin("alice")).isNull();
  }

  @Test
  void whatFailsForOneBackendIsTheServersFault() {
    for (int i = 0; i < 4; i++) {
      fail(null, Blame.SERVER);
    }
    assertThat(breaker.state()).isEqualTo(BreakerState.OPEN);
    assertThat(breaker.begin("alice")).isNull();
  }

  @Test
  void thatNothingCanBeReachedIsNeverAUsersFault() {
    for (int i = 0; i < 4; i++) {
      fail("alice", Blame.LINK);
    }
    assertThat(breaker.state()).isEqualTo(BreakerState.OPEN);
    assertThat(breaker.begin("bob")).isNull();
  }

  @ParameterizedTest
  @EnumSource(names = {"REQUEST", "NOBODY"})
  void whatAServerRefusesOpensNothing(Blame blame) {
    for (int i = 0; i < 100; i++) {
      fail("alice", blame);
      fail(null, blame);
    }
    assertThat(breaker.state()).isEqualTo(BreakerState.CLOSED);
    assertThat(breaker.begin("alice")).isNotNull();
  }

  private void fail(@Nullable String user, Blame blame) {
    Breaker.Request request = breaker.begin(user);
    if (request != null) {
      request.failed(failure(blame));
      request.over();
    }
  }

  private static Breaker.Request begin(Breaker breaker, String user) {
    Breaker.Request request = breaker.begin(user);
    assertThat(request).isNotNull();
    return request;
  }

  private static CallFailure failure(Blame blame) {
    return new CallFailure(ProblemCode.MODEL_FAILED, "failed", blame);
  }
}
