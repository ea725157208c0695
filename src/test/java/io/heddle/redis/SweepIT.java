package io.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.session.Outcome;
import io.heddle.session.SessionAttributes;
import io.heddle.session.StoreLimits;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import io.heddle.testing.RedisProcess;
import io.lettuce.core.Range;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.codec.ByteArrayCodec;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** One due time that cannot be seen to does not keep any other from its end. */
class SweepIT {

  private static final Duration SOON = Duration.ofSeconds(20);
  private static final int PARTITION = 7;

  private final RedisProcess server = RedisProcess.start();
  private final RedisClient client = RedisClient.create(server.uri());
  private final RedisCommands<byte[], byte[]> redis =
      client.connect(ByteArrayCodec.INSTANCE).sync();
  private EngineFixture fixture;

  @BeforeEach
  void open() {
    fixture = EngineFixture.standalone(server.uri(), StoreLimits.DEFAULT);
  }

  @AfterEach
  void close() {
    fixture.close();
    client.shutdown();
    server.close();
  }

  @Test
  void aSessionThatCannotEndIsPutOffAndTheOthersEnd() {
    List<SessionKey> sessions = sessions("gone", 150);
    List<SessionKey> broken = sessions("broken", 120);
    byte[] due = RedisKeys.of(PARTITION).due();
    for (SessionKey key : broken) {
      // Longer due than the others, more of them than a look takes, and none that a script can
      // read.
      redis.hset(RedisKeys.of(key).session(), ascii("p"), ascii("not a state"));
      redis.zadd(due, 1, ascii("x:" + key.path()));
    }
    expire(sessions);
    Awaitility.await()
        .atMost(SOON)
        .untilAsserted(() ->
            assertThat(sessions)
                .allMatch(key -> redis.hexists(RedisKeys.of(key).session(), ascii("g"))));
    assertThat(fixture.engine().dueFailures()).isPositive();
    assertThat(redis.zcard(due)).as("they are not forgotten").isGreaterThanOrEqualTo(120);
  }

  @Test
  void aMemberThatNamesNoSessionIsTakenOut() {
    List<String> strange =
        List.of(
            "x:BAD/zz",
            "x:",
            "x:/",
            "x:default",
            "x:default/",
            "x:default/..",
            "x:default/a b",
            "x:default/a/b",
            "x:default/" + "a".repeat(129),
            "x:default/elsewhere-" + elsewhere(),
            "",
            "/",
            "BAD/zz",
            "default/a b",
            "\u00ff\u00fe\u0000",
            "nothing");
    for (byte[] kind : List.of(RedisKeys.of(PARTITION).due(), RedisKeys.of(PARTITION).turnsDue())) {
      for (String member : strange) {
        redis.zadd(kind, 1, member.getBytes(StandardCharsets.ISO_8859_1));
      }
      redis.zadd(kind, 1, ascii("default/elsewhere-" + elsewhere()));
    }
    redis.zadd(RedisKeys.of(PARTITION).due(), 1, ascii("z:another/release"));
    List<SessionKey> sessions = sessions("gone", 5);
    expire(sessions);
    Awaitility.await()
        .atMost(SOON)
        .untilAsserted(() -> {
          // Whoever looks after turns asks each second.
          fixture.engine().turnLog().due(Duration.ZERO).collectList().block();
          assertThat(redis.zcard(RedisKeys.of(PARTITION).turnsDue())).isZero();
          assertThat(redis.zcount(RedisKeys.of(PARTITION).due(), Range.create(0, 1000))).isZero();
          assertThat(sessions)
              .allMatch(key -> redis.hexists(RedisKeys.of(key).session(), ascii("g")));
        });
    assertThat(redis.zscore(RedisKeys.of(PARTITION).due(), ascii("z:another/release")))
        .as("another release's is only put off")
        .isGreaterThan(1000);
  }

  @Test
  void aPartitionThatCannotBeReadKeepsNoOtherFromBeingSwept() {
    redis.set(RedisKeys.of(PARTITION + 1).due(), ascii("of another type"));
    redis.set(RedisKeys.of(PARTITION + 1).turnsDue(), ascii("of another type"));
    List<SessionKey> sessions = sessions("gone", 3);
    expire(sessions);
    Awaitility.await()
        .atMost(SOON)
        .untilAsserted(() ->
            assertThat(sessions)
                .allMatch(key -> redis.hexists(RedisKeys.of(key).session(), ascii("g"))));
    SessionKey one = sessions.getFirst();
    redis.zadd(RedisKeys.of(PARTITION).turnsDue(), 1, ascii(one.path()));
    assertThat(fixture.engine().turnLog().due(Duration.ZERO).collectList().block())
        .containsExactly(one);
  }

  /** What is handed out again and again is in somebody's way. */
  @Test
  void aTurnThatIsDueForEverIsPutOff() {
    SessionKey one = sessions("busy", 1).getFirst();
    byte[] turns = RedisKeys.of(PARTITION).turnsDue();
    redis.zadd(turns, 1, ascii(one.path()));
    Awaitility.await()
        .atMost(SOON)
        .pollInterval(Duration.ofMillis(50))
        .until(() -> fixture.engine().turnLog().due(Duration.ZERO).collectList().block().isEmpty());
    assertThat(redis.zscore(turns, ascii(one.path()))).isGreaterThan(1000);
    Awaitility.await()
        .atMost(SOON)
        .until(
            () -> !fixture.engine().turnLog().due(Duration.ZERO).collectList().block().isEmpty());
  }

  private List<SessionKey> sessions(String name, int count) {
    List<SessionKey> sessions = new ArrayList<>();
    for (int i = 0; sessions.size() < count; i++) {
      SessionKey key = new SessionKey(Tenant.DEFAULT, name + "-" + i);
      if (key.partition() == PARTITION) {
        sessions.add(key);
      }
    }
    SessionAttributes description =
        new SessionAttributes(
            null,
            null,
            Json.EMPTY_OBJECT,
            null,
            null,
            SessionAttributes.Status.ACTIVE,
            Duration.ofHours(1));
    for (SessionKey key : sessions) {
      assertThat(
              fixture
                  .engine()
                  .writer()
                  .apply(key, new Write.Create(description, List.of()), WritePreconditions.NONE)
                  .block())
          .isInstanceOf(Outcome.Applied.class);
    }
    return sessions;
  }

  /** A name that is not of this partition. */
  private static int elsewhere() {
    for (int i = 0; ; i++) {
      if (new SessionKey(Tenant.DEFAULT, "elsewhere-" + i).partition() != PARTITION) {
        return i;
      }
    }
  }

  private void expire(List<SessionKey> sessions) {
    for (SessionKey key : sessions) {
      byte[] session = RedisKeys.of(key).session();
      String[] state =
          new String(redis.hget(session, ascii("p")), StandardCharsets.US_ASCII).split(" ", -1);
      state[5] = "1";
      redis.hset(session, ascii("p"), ascii(String.join(" ", state)));
      redis.zadd(RedisKeys.of(PARTITION).due(), 2, ascii("x:" + key.path()));
    }
  }

  private static byte[] ascii(String text) {
    return RedisKeys.ascii(text);
  }
}
