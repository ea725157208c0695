package io.heddle.session.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.SessionKey;
import io.heddle.session.LiveMessage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;

/** What is told between replicas and kept by nobody. */
abstract class LiveChannelContract extends ContractSuite {

  private static final Duration AGAIN = Duration.ofMillis(50);

  private RecordingListener ear(EngineUnderTest at, SessionKey key) {
    return new RecordingListener(engine(), at, key);
  }

  private void tell(SessionKey key, String user) {
    run(engine().liveChannel().publish(key, new LiveMessage.Typing(user)));
  }

  private static String typing(String user) {
    return "{\"typing\":\"" + user + "\"}";
  }

  @Test
  void everyListenerHearsEachMessageOnceInOrder() {
    SessionKey key = newKey();
    try (RecordingListener first = ear(engine(), key).ready(key);
        RecordingListener second = ear(engine(), key).ready(key);
        RecordingListener other = ear(engine().peer(), key).ready(key)) {
      List<String> told = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        told.add("ä \uD83E\uDDF5 " + i);
      }
      run(
          Flux.fromIterable(told)
              .concatMap(
                  message -> engine().liveChannel().publish(key, new LiveMessage.Typing(message)))
              .then());
      for (RecordingListener ear : List.of(first, second, other)) {
        await().until(() -> ear.heard().size() >= told.size());
        assertThat(ear.heard()).isEqualTo(told.stream().map(LiveChannelContract::typing).toList());
      }
    }
  }

  @Test
  void sessionsDoNotHearEachOther() {
    SessionKey one = newKey();
    SessionKey two = newKey();
    // Named like the end of a partition's own channel.
    SessionKey odd = new SessionKey(tenant, "x:changes");
    try (RecordingListener first = ear(engine(), one).ready(one);
        RecordingListener second = ear(engine(), two).ready(two);
        RecordingListener third = ear(engine(), odd).ready(odd)) {
      tell(one, "1");
      tell(two, "2");
      tell(odd, "3");
      await().until(() -> !first.heard().isEmpty());
      await().until(() -> !second.heard().isEmpty());
      await().until(() -> !third.heard().isEmpty());
      assertThat(first.heard()).containsExactly(typing("1"));
      assertThat(second.heard()).containsExactly(typing("2"));
      assertThat(third.heard()).containsExactly(typing("3"));
    }
  }

  @Test
  void whoLeftHearsNothingAndOthersGoOn() {
    SessionKey key = newKey();
    try (RecordingListener stays = ear(engine(), key).ready(key)) {
      RecordingListener leaves = ear(engine(), key).ready(key);
      leaves.close();
      int heard = leaves.count();
      tell(key, "1");
      await().until(() -> !stays.heard().isEmpty());
      assertThat(leaves.count()).isEqualTo(heard);
    }
    // And whoever comes after the last one left hears again. Not at once for certain: what the one
    // who left had may carry the first words, and end before that of the new one stands.
    try (RecordingListener again = ear(engine(), key)) {
      await()
          .pollInterval(AGAIN)
          .until(() -> {
            tell(key, "2");
            return !again.heard().isEmpty();
          });
      assertThat(again.heard()).containsOnly(typing("2"));
    }
  }

  @Test
  void comingAndGoingQuicklyEndsListening() {
    SessionKey key = newKey();
    for (int i = 0; i < 50; i++) {
      ear(engine(), key).close();
    }
    try (RecordingListener last = ear(engine(), key)) {
      await()
          .pollInterval(AGAIN)
          .until(() -> {
            tell(key, "1");
            return !last.heard().isEmpty();
          });
    }
  }

  @Test
  void aListenerThatFailsHarmsNobody() {
    SessionKey key = newKey();
    Disposable failing =
        engine()
            .liveChannel()
            .listen(
                key,
                message -> {
                  throw new IllegalStateException("on purpose");
                });
    try (RecordingListener ear = ear(engine(), key).ready(key)) {
      tell(key, "1");
      tell(key, "2");
      await().until(() -> ear.heard().size() == 2);
    } finally {
      failing.dispose();
    }
  }

  @Test
  void nobodyNeedListen() {
    tell(newKey(), "1");
  }
}
