package io.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/**
 * A channel left and wanted again at once went silent: the driver wrote the subscribe, which came
 * from its own thread, before the unsubscribe, which another thread had handed to it.
 */
class LiveSubscriptionTest {

  private final LiveSubscription subscription = new LiveSubscription("heddle:{0}:live:t/s");

  @Test
  void oneCommandIsOnItsWayAtATime() {
    assertThat(subscription.want(true)).isTrue();
    assertThat(subscription.want(false)).isNull();
    assertThat(subscription.want(true)).isNull();
    subscription.answered(true);
    assertThat(subscription.want(subscription.wanted())).isNull();
    assertThat(subscription.isIdle()).isFalse();
  }

  @Test
  void whatWasWantedMeanwhileIsSentAfterTheAnswer() {
    subscription.want(true);
    subscription.want(false);
    subscription.answered(true);
    assertThat(subscription.want(subscription.wanted())).isFalse();
    assertThat(subscription.want(true)).isNull();
    subscription.answered(true);
    assertThat(subscription.want(subscription.wanted())).isTrue();
  }

  @Test
  void leftIsIdle() {
    subscription.want(true);
    subscription.answered(true);
    assertThat(subscription.want(false)).isFalse();
    assertThat(subscription.isIdle()).isFalse();
    subscription.answered(true);
    assertThat(subscription.want(subscription.wanted())).isNull();
    assertThat(subscription.isIdle()).isTrue();
  }

  @Test
  void aRefusedChannelIsNotAskedForAgain() {
    subscription.want(true);
    subscription.answered(false);
    assertThat(subscription.want(subscription.wanted())).isNull();
  }

  @Test
  void aRefusedChannelThatNobodyWantsIsIdle() {
    subscription.want(true);
    subscription.want(false);
    subscription.answered(false);
    assertThat(subscription.want(subscription.wanted())).isNull();
    assertThat(subscription.isIdle()).isTrue();
  }
}
