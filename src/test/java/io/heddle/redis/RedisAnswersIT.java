package io.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.heddle.answercache.AnswerKey;
import io.heddle.answercache.AnswerKey.Kind;
import io.heddle.answercache.AnswerProperties;
import io.heddle.answercache.AnswerStore.Answer;
import io.heddle.answercache.AnswerStore.Kept;
import io.heddle.answercache.Answers;
import io.heddle.answercache.Flight;
import io.heddle.answercache.NewAnswer;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.RandomIds;
import io.heddle.base.Tenant;
import io.heddle.testing.RedisProcess;
import io.heddle.testing.TcpProxy;
import io.heddle.testing.TestRedis;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.sync.RedisCommands;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.springframework.util.unit.DataSize;

/** The scripts of answers through their only caller. */
class RedisAnswersIT {

  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final RandomIds IDS = new RandomIds(InstantSource.system());

  private static TcpProxy proxy;
  private static RedisClient client;
  private static RedisAnswers answers;
  private static RedisCommands<String, String> redis;

  private final Tenant tenant = new Tenant("t" + IDS.tag());

  @BeforeAll
  static void connect() {
    proxy = TcpProxy.to(TestRedis.uri(RedisAnswersIT.class));
    client = RedisClient.create(proxy.uri());
    RedisLink link = new RedisLink(client, Duration.ofSeconds(2));
    link.connect();
    RedisPages pages = new RedisPages(client, Duration.ofSeconds(2), 1, 100, null);
    pages.open(1);
    answers = new RedisAnswers(link, pages);
    redis = client.connect(RedisURI.create(TestRedis.uri(RedisAnswersIT.class))).sync();
  }

  @AfterAll
  static void disconnect() {
    client.shutdown();
    proxy.close();
  }

  @Test
  void anAnswerIsOneKeyThatEndsByItself() {
    put("k", "a");
    proxy.forgetRequests();
    Kept kept = put("k", "hello");

    assertThat(proxy.requests()).hasSize(1);
    assertThat(redis.get(key("k")))
        .isEqualTo(kept.answer().storedAt().toEpochMilli() + " text/plain\nhello");
    assertThat(redis.pttl(key("k"))).isBetween(55_000L, 60_000L);
    assertThat(key("k")).isEqualTo("heddle:x:{" + tenant + "/aw}");
  }

  @Test
  void readingIsOneRequest() {
    put("k", "hello");
    answers.get(tenant, "k").block(PATIENCE);
    proxy.forgetRequests();

    Answer answer = answers.get(tenant, "k").block(PATIENCE);

    assertThat(proxy.requests()).hasSize(1);
    assertThat(new String(answer.body(), StandardCharsets.UTF_8)).isEqualTo("hello");
    assertThat(answers.get(tenant, "none").block(PATIENCE)).isNull();
  }

  @Test
  void removingLeavesNothing() {
    put("k", "hello");
    answers.claim(tenant, "k", "one", MINUTE).block(PATIENCE);

    assertThat(answers.remove(tenant, "k").block(PATIENCE)).isTrue();

    assertThat(redis.exists(key("k"), claim("k"))).isZero();
    assertThat(answers.remove(tenant, "k").block(PATIENCE)).isFalse();
  }

  @Test
  void aClaimEndsByItself() {
    answers.claim(tenant, "k", "one", MINUTE).block(PATIENCE);
    redis.pexpire(claim("k"), 10_000);

    assertThat(answers.claim(tenant, "k", "two", MINUTE).block(PATIENCE)).isFalse();
    assertThat(redis.pttl(claim("k"))).isLessThanOrEqualTo(10_000L);
    assertThat(answers.claim(tenant, "k", "one", MINUTE).block(PATIENCE)).isTrue();
    assertThat(redis.pttl(claim("k"))).isBetween(55_000L, 60_000L);
    answers.release(tenant, "k", "two").block(PATIENCE);
    assertThat(redis.get(claim("k"))).isEqualTo("one");
    answers.release(tenant, "k", "one").block(PATIENCE);
    assertThat(redis.exists(claim("k"))).isZero();
  }

  /** However many wait in one replica, Redis is asked for all of them together, and not often. */
  @Test
  void manyWhoWaitCostLittle() {
    Answers here = service();
    AnswerKey key = new AnswerKey(tenant, Kind.CLIENT, null, "k");
    assertThat(here.join(key, null, MINUTE, MINUTE).block(PATIENCE))
        .isInstanceOf(Flight.Compute.class);
    List<CompletableFuture<Flight>> waiting = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      waiting.add(here.join(key, null, MINUTE, MINUTE).toFuture());
    }
    long start = System.nanoTime();
    Duration second = Duration.ofSeconds(1);
    Awaitility.await().until(() -> System.nanoTime() - start > second.toNanos());
    proxy.forgetRequests();
    long from = System.nanoTime();
    Awaitility.await().until(() -> System.nanoTime() - from > second.multipliedBy(2).toNanos());

    // A look and an attempt to claim, each 225 ms or more after the one before.
    assertThat(proxy.requests()).hasSizeBetween(4, 2 * 10);
    here.put(key, new NewAnswer("text/plain", new byte[] {1}, MINUTE)).block(PATIENCE);
    assertThat(waiting)
        .allSatisfy(one ->
            assertThat(one.orTimeout(5, TimeUnit.SECONDS).join()).isInstanceOf(Flight.Found.class));
  }

  @Test
  void aFullRedisSaysSoAndKeepsWhatItHas() {
    try (RedisProcess small = RedisProcess.start()) {
      RedisClient direct = RedisClient.create(small.uri());
      RedisLink link = new RedisLink(direct, Duration.ofSeconds(2));
      link.connect();
      RedisPages pages = new RedisPages(direct, Duration.ofSeconds(2), 1, 100, null);
      pages.open(1);
      RedisAnswers there = new RedisAnswers(link, pages);
      there.put(tenant, "k", "text/plain", new byte[10], MINUTE).block(PATIENCE);
      var commands = direct.connect().sync();
      commands.configSet("maxmemory", "1mb");

      assertThatThrownBy(
              () -> there.put(tenant, "k", "text/plain", new byte[1 << 20], MINUTE).block(PATIENCE))
          .isInstanceOfSatisfying(
              ProblemException.class,
              e -> assertThat(e.problem().code()).isEqualTo(ProblemCode.STORE_FULL));
      assertThat(there.get(tenant, "k").block(PATIENCE).body()).hasSize(10);
      direct.shutdown();
    }
  }

  private static Answers service() {
    return new Answers(
        answers,
        new AnswerProperties(DataSize.ofMegabytes(1), MINUTE, MINUTE, MINUTE),
        IDS,
        InstantSource.system());
  }

  private Kept put(String name, String text) {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    return answers.put(tenant, name, "text/plain", body, MINUTE).block(PATIENCE);
  }

  private String key(String name) {
    return new String(RedisKeys.answer(tenant, name), StandardCharsets.US_ASCII);
  }

  private String claim(String name) {
    return new String(RedisKeys.answerClaim(tenant, name), StandardCharsets.US_ASCII);
  }
}
