package io.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.RandomIds;
import io.heddle.base.Tenant;
import io.heddle.limit.Decision;
import io.heddle.limit.RateLimiter;
import io.heddle.limit.Reservation;
import io.heddle.limit.ReservationResult;
import io.heddle.limit.Rule;
import io.heddle.limit.Rule.Kind;
import io.heddle.limit.Rule.OnFailure;
import io.heddle.limit.Subject;
import io.heddle.testing.TcpProxy;
import io.heddle.testing.TestRedis;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.sync.RedisCommands;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** {@code limit/reserve.lua} and {@code limit/settle.lua} through their only caller. */
class RedisTokensIT {

  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final RandomIds IDS = new RandomIds(InstantSource.system());

  private static TcpProxy proxy;
  private static RedisClient client;
  private static RedisLink link;
  private static RedisCommands<String, String> redis;

  private final RedisRateLimiter limiter = new RedisRateLimiter(link);
  private final Subject subject = new Subject(Tenant.DEFAULT, "tokens-" + IDS.token());

  @BeforeAll
  static void connect() {
    proxy = TcpProxy.to(TestRedis.uri(RedisTokensIT.class));
    client = RedisClient.create(proxy.uri());
    link = new RedisLink(client, Duration.ofSeconds(2));
    link.connect();
    redis = client.connect(RedisURI.create(TestRedis.uri(RedisTokensIT.class))).sync();
  }

  @AfterAll
  static void disconnect() {
    client.shutdown();
    proxy.close();
  }

  @Test
  void reservingIsOneRequestHoweverManyRules() {
    Rule day = rule("day", 100_000, Duration.ofDays(1));
    Rule minute = rule("minute", 1000, MINUTE);
    reserve(1, day, minute);
    proxy.forgetRequests();

    Reservation held = reserve(700, day, minute).reservation();

    assertThat(proxy.requests()).hasSize(1);
    for (Rule rule : List.of(day, minute)) {
      Map<String, String> counter = redis.hgetall(key(rule));
      assertThat(counter).containsEntry("count", "701").containsEntry(held.id(), "700");
      assertThat(counter.get("window")).isNotEqualTo(held.id()).isNotBlank();
    }
    assertThat(redis.pttl(key(minute))).isBetween(55_000L, 60_000L);
    assertThat(redis.pttl(key(day))).isBetween(86_390_000L, 86_400_000L);
  }

  @Test
  void aRefusedReservationAndALookLeaveNothing() {
    Rule fresh = rule("fresh", 1000, MINUTE);
    Rule full = rule("full", 10, MINUTE);
    reserve(10, full);

    assertThat(reserve(10, fresh, full).reservation()).isNull();
    assertThat(reserve(0, fresh).reservation()).isNull();

    assertThat(redis.exists(key(fresh))).isZero();
    assertThat(redis.hget(key(full), "count")).isEqualTo("10");
  }

  @Test
  void settlingIsOneRequestAndLeavesTheMarkOnly() {
    Rule rule = rule("tokens", 1000, MINUTE);
    Reservation held = reserve(700, rule).reservation();
    Long before = redis.pttl(key(rule));
    proxy.forgetRequests();

    settle(held, 20);

    assertThat(proxy.requests()).hasSize(1);
    assertThat(redis.hgetall(key(rule))).containsOnlyKeys("count", "window");
    assertThat(redis.hget(key(rule), "count")).isEqualTo("20");
    assertThat(redis.pttl(key(rule))).isLessThanOrEqualTo(before);
    assertThat(redis.pttl(mark(held)))
        .isBetween(RateLimiter.SETTLED_FOR.toMillis() - 10_000, RateLimiter.SETTLED_FOR.toMillis());
  }

  /** After the mark's life the window's own name still says that it was settled. */
  @Test
  void inItsOwnWindowItIsSettledOnceForEver() {
    Rule rule = rule("tokens", 1000, MINUTE);
    Reservation held = reserve(700, rule).reservation();
    settle(held, 900);
    redis.del(mark(held));

    settle(held, 900);

    assertThat(redis.hget(key(rule), "count")).isEqualTo("900");
  }

  @Test
  void aLaterWindowThatASettlementStartsHasItsEnd() {
    Rule rule = rule("tokens", 1000, MINUTE);
    Reservation held = reserve(700, rule).reservation();
    redis.del(key(rule));

    settle(held, 900);

    assertThat(redis.hgetall(key(rule)))
        .containsOnly(Map.entry("count", "200"), Map.entry("window", held.id() + "+"));
    assertThat(redis.pttl(key(rule))).isBetween(55_000L, 60_000L);
  }

  @Test
  void aLaterWindowIsNotStartedForNothing() {
    Rule rule = rule("tokens", 1000, MINUTE);
    Reservation held = reserve(700, rule).reservation();
    redis.del(key(rule));

    settle(held, 700);

    assertThat(redis.exists(key(rule))).isZero();
  }

  @Test
  void neverBelowNothing() {
    Rule rule = rule("tokens", 1000, MINUTE);
    Reservation held = reserve(700, rule).reservation();
    redis.hset(key(rule), "count", "100");

    settle(held, 0);

    assertThat(redis.hget(key(rule), "count")).isEqualTo("0");
  }

  /** What limit/count.lua tells of a counter without a time to live is true of these too. */
  @Test
  void aCounterThatWouldNeverEndIsGivenItsWindow() {
    Rule rule = rule("immortal", 1000, MINUTE);
    reserve(1000, rule);
    redis.persist(key(rule));

    Decision decision = reserve(1, rule).decisions().getFirst();

    assertThat(decision.allowed()).isFalse();
    assertThat(decision.resetAfter()).isEqualTo(MINUTE);
    assertThat(redis.pttl(key(rule))).isBetween(55_000L, 60_000L);
  }

  @Test
  void aWindowThatWasShortenedInTheConfigurationIsShortenedInRedis() {
    reserve(3, rule("window", 10, Duration.ofHours(1)));

    Decision decision = reserve(3, rule("window", 10, MINUTE)).decisions().getFirst();

    assertThat(decision.remaining()).isEqualTo(4);
    assertThat(redis.pttl(key(rule("window", 10, MINUTE)))).isLessThanOrEqualTo(60_000L);
  }

  @Test
  void aLimitThatWasLoweredRefusesWithNothingLeft() {
    reserve(500, rule("lower", 1000, MINUTE));

    Decision decision = reserve(1, rule("lower", 100, MINUTE)).decisions().getFirst();

    assertThat(decision.allowed()).isFalse();
    assertThat(decision.remaining()).isZero();
  }

  @Test
  void countsAsFarAsALimitGoes() {
    Rule rule = rule("huge", 1_000_000_000_000L, MINUTE);
    Reservation held = reserve(999_999_999_999L, rule).reservation();
    assertThat(reserve(2, rule).reservation()).isNull();
    settle(held, 123_456_789_012L);
    assertThat(redis.hget(key(rule), "count")).isEqualTo("123456789012");
    assertThat(reserve(0, rule).decisions().getFirst().remaining()).isEqualTo(876_543_210_988L);
  }

  private ReservationResult reserve(long amount, Rule... rules) {
    return limiter.reserve(subject, List.of(rules), IDS.token(), amount).block(PATIENCE);
  }

  private void settle(Reservation held, long used) {
    limiter.settle(subject, held, used).block(PATIENCE);
  }

  private String key(Rule rule) {
    return text(RedisKeys.tokens(subject.tenant(), subject.name(), rule.name()));
  }

  private String mark(Reservation held) {
    return text(RedisKeys.settled(subject.tenant(), subject.name(), held.id()));
  }

  private static String text(byte[] key) {
    return new String(key, StandardCharsets.US_ASCII);
  }

  private static Rule rule(String name, long limit, Duration window) {
    return new Rule(name, Kind.TOKENS, limit, window, List.of(), OnFailure.ALLOW);
  }
}
