package io.heddle.redis;

import io.heddle.base.SerialExecutor;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletionStage;

/** The live channels of one connection. Only in its owner's turn. */
final class LiveSubscriptions {

  private final FeedConnection connection;
  private final SerialExecutor turns;
  private final Map<String, LiveSubscription> all = new HashMap<>();
  private boolean over;

  LiveSubscriptions(FeedConnection connection, SerialExecutor turns) {
    this.connection = connection;
    this.turns = turns;
  }

  void carry(String channel) {
    settle(all.computeIfAbsent(channel, LiveSubscription::new), true);
  }

  void drop(String channel) {
    LiveSubscription subscription = all.get(channel);
    if (subscription != null) {
      settle(subscription, false);
    }
  }

  /** The connection is over, and what it still answers says nothing. */
  void end() {
    over = true;
  }

  private void settle(LiveSubscription subscription, boolean wanted) {
    Boolean next = subscription.want(wanted);
    if (next == null) {
      if (subscription.isIdle()) {
        all.remove(subscription.channel());
      }
      return;
    }
    byte[] name = RedisKeys.ascii(subscription.channel());
    CompletionStage<Void> asked = next ? connection.subscribe(name) : connection.unsubscribe(name);
    asked.whenComplete((_, error) ->
        turns.execute(() -> {
          if (!over) {
            subscription.answered(error == null);
            settle(subscription, subscription.wanted());
          }
        }));
  }
}
