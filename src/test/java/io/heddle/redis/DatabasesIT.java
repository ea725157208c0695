package io.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.RandomIds;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.session.Change;
import io.heddle.session.ChangeFeed;
import io.heddle.session.LiveMessage;
import io.heddle.session.NewMessage;
import io.heddle.session.Outcome;
import io.heddle.session.SessionAttributes;
import io.heddle.session.StoreLimits;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import io.heddle.testing.TestRedis;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import reactor.core.Disposable;

/**
 * Two databases of one Redis are two stores. Their channels are the server's: what is published in
 * one reached the watchers of the other, and its near cache took every change for a lost one.
 */
class DatabasesIT {

  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final RandomIds IDS = new RandomIds(InstantSource.system());

  private static EngineFixture zero;
  private static EngineFixture three;
  private static EngineFixture threeToo;

  private final SessionKey key = new SessionKey(Tenant.DEFAULT, IDS.sessionId());

  @BeforeAll
  static void start() {
    zero = EngineFixture.standalone(TestRedis.uri(DatabasesIT.class), StoreLimits.DEFAULT);
    three = EngineFixture.standalone(TestRedis.uri(DatabasesIT.class) + "/3", StoreLimits.DEFAULT);
    threeToo =
        EngineFixture.standalone(TestRedis.uri(DatabasesIT.class) + "/3", StoreLimits.DEFAULT);
  }

  @AfterAll
  static void stop() {
    zero.close();
    three.close();
    threeToo.close();
  }

  /** What one replica hears of one session, and what it must take for lost. */
  private static final class Ear implements ChangeFeed.Listener, AutoCloseable {
    private final SessionKey key;
    private final Queue<Change.Published> changes = new ConcurrentLinkedQueue<>();
    private final Queue<String> live = new ConcurrentLinkedQueue<>();
    private final Disposable feed;
    private final Disposable channel;
    private volatile boolean compared;

    Ear(EngineFixture at, SessionKey key) {
      this.key = key;
      feed = at.engine().feed().listen(this);
      channel =
          at.engine().liveChannel().listen(key, message -> live.add(message.toJson().toString()));
    }

    @Override
    public void changed(Change.Published change) {
      if (change.session().equals(key)) {
        changes.add(change);
      }
    }

    @Override
    public void compared(int partition, long seq, long askedAt) {
      compared |= partition == key.partition();
    }

    @Override
    public void lost(int partition, ChangeFeed.Loss loss) {}

    @Override
    public void close() {
      feed.dispose();
      channel.dispose();
    }
  }

  @ParameterizedTest
  @CsvSource({"0", "3"})
  void whatHappensInOneIsHeardThereAndNowhereElse(int where) {
    EngineFixture at = where == 0 ? zero : threeToo;
    try (Ear inZero = new Ear(zero, key);
        Ear inThree = new Ear(three, key)) {
      Ear hears = where == 0 ? inZero : inThree;
      Ear deaf = where == 0 ? inThree : inZero;
      Awaitility.await().atMost(PATIENCE).until(() -> hears.compared && deaf.compared);
      write(at, new Write.Create(described(), List.of()));
      write(at, new Write.Append(List.of(says())));
      Awaitility.await()
          .atMost(PATIENCE)
          .untilAsserted(() -> {
            at.engine().liveChannel().publish(key, new LiveMessage.Typing("heard")).block(PATIENCE);
            assertThat(hears.live).isNotEmpty();
            assertThat(hears.changes).hasSize(2);
          });
      // The other one hears its own, which is sent later over the same server.
      EngineFixture other = where == 0 ? three : zero;
      write(other, new Write.Create(described(), List.of()));
      other.engine().liveChannel().publish(key, new LiveMessage.Typing("own")).block(PATIENCE);
      Awaitility.await().atMost(PATIENCE).until(() -> !deaf.live.isEmpty());
      Awaitility.await().atMost(PATIENCE).until(() -> !deaf.changes.isEmpty());
      assertThat(deaf.live).containsExactly("{\"typing\":\"own\"}");
      assertThat(deaf.changes)
          .singleElement()
          .extracting(c -> c.position().version())
          .isEqualTo(1L);
    }
  }

  /** A replica of an earlier Heddle, and one of this, hear each other there. */
  @Test
  void theNamesOfTheFirstDatabaseStayAsTheyWere() {
    RedisKeys keys = RedisKeys.of(new SessionKey(Tenant.DEFAULT, "a:live:b"));
    String tag = Partitions.tag(keys.partitionNumber());
    assertThat(keys.channelName(0)).isEqualTo("heddle:{" + tag + "}:changes");
    assertThat(keys.liveChannel(0)).isEqualTo("heddle:{" + tag + "}:live:default/a:live:b");
    assertThat(keys.channelName(3)).isEqualTo("heddle:3:{" + tag + "}:changes");
    assertThat(keys.liveChannel(3)).isEqualTo("heddle:3:{" + tag + "}:live:default/a:live:b");
  }

  private void write(EngineFixture at, Write write) {
    assertThat(at.engine().writer().apply(key, write, WritePreconditions.NONE).block(PATIENCE))
        .isInstanceOf(Outcome.Applied.class);
  }

  private static SessionAttributes described() {
    return new SessionAttributes(
        "ann",
        null,
        Json.EMPTY_OBJECT,
        null,
        null,
        SessionAttributes.Status.ACTIVE,
        Duration.ofHours(1));
  }

  private static NewMessage says() {
    return new NewMessage(null, Json.of("{\"role\":\"user\",\"content\":\"hello\"}"));
  }
}
