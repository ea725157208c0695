package io.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.heddle.base.Tenant;
import io.heddle.limit.Decision;
import io.heddle.limit.Lease;
import io.heddle.limit.Refund;
import io.heddle.limit.Rule;
import io.heddle.limit.Rule.Kind;
import io.heddle.limit.Rule.OnFailure;
import io.heddle.limit.Subject;
import io.heddle.testing.RedisCluster;
import io.heddle.testing.TcpProxy;
import io.heddle.testing.TestRedis;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.cluster.RedisClusterClient;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** {@code limit/count.lua} and {@code limit/give_back.lua} through their only caller. */
class RedisRateLimiterIT {

  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private static TcpProxy proxy;
  private static RedisClient client;
  private static RedisLink link;
  private static RedisCommands<String, String> redis;

  private final RedisRateLimiter limiter = new RedisRateLimiter(link);
  private final Subject subject = new Subject(Tenant.DEFAULT, "limit-" + UUID.randomUUID());

  @BeforeAll
  static void connect() {
    proxy = TcpProxy.to(TestRedis.uri(RedisRateLimiterIT.class));
    client = RedisClient.create(proxy.uri());
    link = new RedisLink(client, Duration.ofSeconds(2));
    link.connect();
    redis = client.connect(RedisURI.create(TestRedis.uri(RedisRateLimiterIT.class))).sync();
  }

  @AfterAll
  static void disconnect() {
    client.shutdown();
    proxy.close();
  }

  @Test
  void countsDownAndThenRefuses() {
    Rule rule = rule("requests", 3, MINUTE);

    for (int left = 2; left >= 0; left--) {
      Decision decision = take(rule).getFirst();
      assertThat(decision.allowed()).isTrue();
      assertThat(decision.remaining()).isEqualTo(left);
      assertThat(decision.resetAfter()).isBetween(MINUTE.minusSeconds(5), MINUTE);
    }
    Decision refused = take(rule).getFirst();
    assertThat(refused.allowed()).isFalse();
    assertThat(refused.remaining()).isZero();
    assertThat(redis.get(key(rule))).isEqualTo("3");
    assertThat(redis.pttl(key(rule))).isBetween(55_000L, 60_000L);
  }

  @Test
  void takesOfAllRulesOrOfNone() {
    Rule wide = rule("requests", 10, MINUTE);
    Rule narrow = rule("writes", 1, Duration.ofMinutes(5));
    take(wide, narrow);

    List<Decision> refused = take(wide, narrow);

    assertThat(refused).extracting(Decision::allowed).containsExactly(true, false);
    assertThat(refused).extracting(Decision::remaining).containsExactly(9L, 0L);
    assertThat(redis.get(key(wide))).isEqualTo("1");
    assertThat(refused.getLast().resetAfter()).isGreaterThan(Duration.ofMinutes(4));
  }

  @Test
  void aLeaseIsOneRequestAndIsCountedWhole() {
    Rule wide = rule("wide", 1_000_000_000_000L, MINUTE);
    Rule narrow = rule("narrow", 1000, Duration.ofMinutes(5));
    lease(1, wide, narrow);
    proxy.forgetRequests();

    assertThat(lease(700, wide, narrow).permits()).isEqualTo(700);

    assertThat(proxy.requests()).hasSize(1);
    assertThat(redis.get(key(wide))).isEqualTo("701");
    assertThat(redis.get(key(narrow))).isEqualTo("701");
    assertThat(redis.pttl(key(narrow))).isBetween(290_000L, 300_000L);
    assertThat(lease(15_625_000_000L, wide).permits()).isEqualTo(15_625_000_000L);
    assertThat(redis.get(key(wide))).isEqualTo("15625000701");
  }

  @Test
  void aLeaseOfANewCounterHasItsWindowAndARefusedOneLeavesNothing() {
    Rule fresh = rule("fresh", 1000, MINUTE);
    Rule full = rule("full", 1, MINUTE);
    take(full);

    assertThat(lease(10, fresh, full).permits()).isZero();
    assertThat(redis.exists(key(fresh))).isZero();

    assertThat(lease(10, fresh).permits()).isEqualTo(10);
    assertThat(redis.get(key(fresh))).isEqualTo("10");
    assertThat(redis.pttl(key(fresh))).isBetween(55_000L, 60_000L);
  }

  @Test
  void isOneRequestHoweverManyRules() {
    take(rule("a", 5, MINUTE));
    proxy.forgetRequests();

    take(rule("a", 5, MINUTE), rule("b", 5, MINUTE), rule("c", 5, MINUTE));

    assertThat(proxy.requests()).hasSize(1);
  }

  @Test
  void aWindowEndsByItselfAndTheNextOneStartsWithItsFirstRequest() {
    Rule rule = rule("short", 1, Duration.ofMillis(200));
    assertThat(take(rule).getFirst().allowed()).isTrue();
    assertThat(take(rule).getFirst().allowed()).isFalse();

    await().atMost(PATIENCE).until(() -> redis.exists(key(rule)) == 0);

    Decision next = take(rule).getFirst();
    assertThat(next.allowed()).isTrue();
    assertThat(next.resetAfter()).isEqualTo(Duration.ofMillis(200));
  }

  /**
   * A counter without a time to live was left behind when INCR and EXPIRE were two commands and the
   * second one was lost: its subject stayed refused for ever.
   */
  @Test
  void aCounterThatWouldNeverEndIsGivenItsWindow() {
    Rule rule = rule("immortal", 3, MINUTE);
    redis.set(key(rule), "3");

    Decision decision = take(rule).getFirst();

    assertThat(decision.allowed()).isFalse();
    assertThat(decision.resetAfter()).isEqualTo(MINUTE);
    assertThat(redis.pttl(key(rule))).isBetween(55_000L, 60_000L);
  }

  @Test
  void aWindowThatWasShortenedInTheConfigurationIsShortenedInRedis() {
    take(rule("window", 3, Duration.ofHours(1)));

    Decision decision = take(rule("window", 3, MINUTE)).getFirst();

    assertThat(decision.remaining()).isEqualTo(1);
    assertThat(redis.pttl(key(rule("window", 3, MINUTE)))).isLessThanOrEqualTo(60_000L);
  }

  @Test
  void aLimitThatWasLoweredRefusesWithNothingLeft() {
    take(rule("lower", 3, MINUTE));
    take(rule("lower", 3, MINUTE));

    Decision decision = take(rule("lower", 1, MINUTE)).getFirst();

    assertThat(decision.allowed()).isFalse();
    assertThat(decision.remaining()).isZero();
  }

  @Test
  void givesBackInTheSameWindowOnly() {
    Rule rule = rule("back", 3, MINUTE);
    Decision taken = take(rule).getFirst();

    giveBack(new Refund(rule, Duration.ofSeconds(20)));
    assertThat(redis.get(key(rule))).isEqualTo("1");

    giveBack(new Refund(rule, taken.resetAfter()));
    assertThat(redis.get(key(rule))).isEqualTo("0");
    assertThat(redis.pttl(key(rule))).isPositive();
  }

  @Test
  void neverGivesBackBelowNothing() {
    Rule rule = rule("below", 3, MINUTE);
    Decision taken = take(rule).getFirst();
    Refund permit = new Refund(rule, taken.resetAfter());

    giveBack(permit);
    giveBack(permit);
    assertThat(redis.get(key(rule))).isEqualTo("0");

    redis.del(key(rule));
    giveBack(permit);
    assertThat(redis.exists(key(rule))).isZero();
  }

  @Test
  void aWindowKeepsItsEndWhenAllOfItWasGivenBack() {
    Rule rule = rule("kept", 3, MINUTE);
    Decision taken = take(rule).getFirst();
    redis.pexpire(key(rule), 59_500);
    giveBack(new Refund(rule, taken.resetAfter()));

    take(rule);

    assertThat(redis.pttl(key(rule))).isLessThanOrEqualTo(59_500L);
  }

  @Test
  void manyAtOnceGetNoMoreThanTheLimit() {
    Rule rule = rule("many", 50, MINUTE);

    long allowed =
        Flux.range(0, 200)
            .flatMap(i -> limiter.take(subject, List.of(rule)), 64)
            .filter(decisions -> decisions.getFirst().allowed())
            .count()
            .block(PATIENCE);

    assertThat(allowed).isEqualTo(50);
  }

  /** While the first is on its way 63 wait, and the second question is for all of them. */
  @Test
  void thoseWhoAskAtTheSameTimeAskTogetherAndAreCountedOneByOne() {
    Rule wide = rule("wide", 100, MINUTE);
    Rule narrow = rule("narrow", 40, MINUTE);
    List<Rule> rules = List.of(wide, narrow);
    limiter.take(subject, rules).block(PATIENCE);
    Flux.range(0, 2)
        .flatMap(_ -> limiter.take(new Subject(Tenant.DEFAULT, "warm"), rules))
        .blockLast();
    proxy.forgetRequests();

    List<List<Decision>> all =
        Flux.range(0, 64)
            .flatMap(_ -> limiter.take(subject, rules), 64)
            .collectList()
            .block(PATIENCE);

    assertThat(proxy.requests()).hasSizeLessThan(10);
    List<List<Decision>> allowed =
        all.stream().filter(each -> each.stream().allMatch(Decision::allowed)).toList();
    assertThat(allowed).extracting(each -> each.get(1).remaining()).doesNotHaveDuplicates();
    assertThat(allowed).hasSize(39);
    assertThat(all)
        .filteredOn(each -> !allowed.contains(each))
        .allSatisfy(refused -> {
          assertThat(refused).extracting(Decision::allowed).containsExactly(true, false);
          assertThat(refused).extracting(Decision::remaining).containsExactly(60L, 0L);
          assertThat(refused.get(1).resetAfter()).isPositive().isLessThanOrEqualTo(MINUTE);
        });
    assertThat(redis.get(key(wide))).isEqualTo("40");
    assertThat(redis.get(key(narrow))).isEqualTo("40");
    assertThat(redis.pttl(key(wide))).isPositive();
  }

  @Test
  void thoseWhoStartAWindowTogetherGiveItItsEnd() throws InterruptedException {
    Rule rule = rule("window", 1_000, MINUTE);
    TcpProxy.Hold hold = proxy.hold(TcpProxy.Direction.DOWNSTREAM, _ -> true);
    Flux<Decision> all =
        Flux.range(0, 3)
            .flatMap(_ -> limiter.take(subject, List.of(rule)))
            .map(List::getFirst)
            .cache();
    all.subscribe();
    assertThat(hold.await(PATIENCE)).isTrue();
    await().until(() -> redis.del(key(rule)) == 1);
    hold.release();

    assertThat(all.map(Decision::remaining).collectList().block(PATIENCE))
        .containsExactly(999L, 999L, 998L);
    assertThat(redis.get(key(rule))).isEqualTo("2");
    assertThat(redis.pttl(key(rule))).isBetween(50_000L, 60_000L);
  }

  @Test
  void whoHangsUpInLineIsNotCountedAndHoldsNobodyUp() {
    Rule rule = rule("hung-up", 10, MINUTE);
    List<Rule> rules = List.of(rule);
    TcpProxy.Hold hold = proxy.hold(TcpProxy.Direction.DOWNSTREAM, _ -> true);
    Mono<List<Decision>> first = limiter.take(subject, rules).cache();
    first.subscribe();
    limiter.take(subject, rules).subscribe().dispose();
    limiter.take(subject, rules).subscribe().dispose();
    Mono<List<Decision>> last = limiter.take(subject, rules).cache();
    last.subscribe();
    hold.release();

    assertThat(first.block(PATIENCE).getFirst().remaining()).isEqualTo(9);
    assertThat(last.block(PATIENCE).getFirst().remaining()).isEqualTo(8);
    assertThat(redis.get(key(rule))).isEqualTo("2");
  }

  @Test
  void anySubjectHasItsOwnCounterInOneSlot() {
    Rule rule = rule("any", 1, MINUTE);
    String id = UUID.randomUUID().toString();
    for (String name :
        List.of(id, id + "}{x", id + " ☃\n", id.repeat(8), id.repeat(8) + "x", id + ":any")) {
      Subject one = new Subject(Tenant.DEFAULT, name);
      assertThat(limiter.take(one, List.of(rule)).block(PATIENCE).getFirst().allowed()).isTrue();
      String key =
          new String(
              RedisKeys.limit(one.tenant(), one.name(), rule.name()), StandardCharsets.US_ASCII);
      assertThat(key).matches("heddle:l:\\{default/[A-Za-z0-9_.-]{1,100}}:any");
    }
  }

  @Test
  void worksOnACluster() throws Exception {
    try (RedisCluster cluster = RedisCluster.start()) {
      RedisClusterClient nodes =
          RedisClusterClient.create(cluster.uris().stream().map(RedisURI::create).toList());
      RedisLink clustered = new RedisLink(nodes, Duration.ofSeconds(2));
      clustered.connect();
      RedisRateLimiter there = new RedisRateLimiter(clustered);
      Rule requests = rule("requests", 2, MINUTE);
      Rule writes = rule("writes", 1, MINUTE);
      for (int i = 0; i < 20; i++) {
        Subject one = new Subject(Tenant.DEFAULT, "c" + i);
        List<Decision> first = there.take(one, List.of(requests, writes)).block(PATIENCE);
        assertThat(first).extracting(Decision::remaining).containsExactly(1L, 0L);
        there
            .giveBack(one, List.of(new Refund(writes, first.getLast().resetAfter())))
            .block(PATIENCE);
        assertThat(there.take(one, List.of(requests, writes)).block(PATIENCE))
            .extracting(Decision::allowed)
            .containsExactly(true, true);
      }
      clustered.close();
      nodes.shutdown();
    }
  }

  private List<Decision> take(Rule... rules) {
    return limiter.take(subject, List.of(rules)).block(PATIENCE);
  }

  private Lease lease(long most, Rule... rules) {
    return limiter.lease(subject, List.of(rules), most).block(PATIENCE);
  }

  private void giveBack(Refund permit) {
    limiter.giveBack(subject, List.of(permit)).block(PATIENCE);
  }

  private String key(Rule rule) {
    return new String(
        RedisKeys.limit(subject.tenant(), subject.name(), rule.name()), StandardCharsets.US_ASCII);
  }

  private static Rule rule(String name, long limit, Duration window) {
    return new Rule(name, Kind.REQUESTS, limit, window, List.of(), OnFailure.ALLOW);
  }
}
