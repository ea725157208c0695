package io.heddle.session.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Json;
import io.heddle.base.SessionKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;

/** What is told between replicas and kept by nobody. */
abstract class LiveChannelContract extends ContractSuite {

  /** What one listener heard. */
  private final class Ear implements AutoCloseable {
    private final List<String> heard = new CopyOnWriteArrayList<>();
    private final Disposable listening;

    Ear(EngineUnderTest at, SessionKey key) {
      listening = at.liveChannel().listen(key, message -> heard.add(message.toString()));
    }

    /** Says something until it is heard: a channel does not tell when it stands. */
    Ear ready(SessionKey key) {
      await()
          .pollInterval(Duration.ofMillis(50))
          .until(() -> {
            tell(key, "\"ready\"");
            return heard.contains("\"ready\"");
          });
      return this;
    }

    List<String> heard() {
      return heard.stream().filter(message -> !message.equals("\"ready\"")).toList();
    }

    @Override
    public void close() {
      listening.dispose();
    }
  }

  private void tell(SessionKey key, String message) {
    run(engine().liveChannel().publish(key, Json.of(message)));
  }

  @Test
  void everyListenerHearsEachMessageOnceInOrder() {
    SessionKey key = newKey();
    try (Ear first = new Ear(engine(), key).ready(key);
        Ear second = new Ear(engine(), key).ready(key);
        Ear other = new Ear(engine().peer(), key).ready(key)) {
      List<String> told = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        told.add("{\"n\":" + i + ",\"text\":\"ä \uD83E\uDDF5\"}");
      }
      run(
          Flux.fromIterable(told)
              .concatMap(message -> engine().liveChannel().publish(key, Json.of(message)))
              .then());
      for (Ear ear : List.of(first, second, other)) {
        await().until(() -> ear.heard().size() >= told.size());
        assertThat(ear.heard()).isEqualTo(told);
      }
    }
  }

  @Test
  void sessionsDoNotHearEachOther() {
    SessionKey one = newKey();
    SessionKey two = newKey();
    // Named like the end of a partition's own channel.
    SessionKey odd = new SessionKey(tenant, "x:changes");
    try (Ear first = new Ear(engine(), one).ready(one);
        Ear second = new Ear(engine(), two).ready(two);
        Ear third = new Ear(engine(), odd).ready(odd)) {
      tell(one, "1");
      tell(two, "2");
      tell(odd, "3");
      await().until(() -> !first.heard().isEmpty());
      await().until(() -> !second.heard().isEmpty());
      await().until(() -> !third.heard().isEmpty());
      assertThat(first.heard()).containsExactly("1");
      assertThat(second.heard()).containsExactly("2");
      assertThat(third.heard()).containsExactly("3");
    }
  }

  @Test
  void whoLeftHearsNothingAndOthersGoOn() {
    SessionKey key = newKey();
    try (Ear stays = new Ear(engine(), key).ready(key)) {
      Ear leaves = new Ear(engine(), key).ready(key);
      leaves.close();
      int heard = leaves.heard.size();
      tell(key, "1");
      await().until(() -> !stays.heard().isEmpty());
      assertThat(leaves.heard).hasSize(heard);
    }
    // And whoever comes after the last one left hears again.
    try (Ear again = new Ear(engine(), key).ready(key)) {
      tell(key, "2");
      await().until(() -> !again.heard().isEmpty());
      assertThat(again.heard()).containsExactly("2");
    }
  }

  @Test
  void comingAndGoingQuicklyEndsListening() {
    SessionKey key = newKey();
    for (int i = 0; i < 50; i++) {
      new Ear(engine(), key).close();
    }
    try (Ear last = new Ear(engine(), key).ready(key)) {
      tell(key, "1");
      await().until(() -> !last.heard().isEmpty());
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
    try (Ear ear = new Ear(engine(), key).ready(key)) {
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
