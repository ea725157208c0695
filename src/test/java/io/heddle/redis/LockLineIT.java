package io.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.heddle.base.Caller;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.RandomIds;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.NewMessage;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.SessionAttributes;
import io.heddle.session.SessionProperties;
import io.heddle.session.StoreLimits;
import io.heddle.session.WriteContext;
import io.heddle.session.WritePreconditions;
import io.heddle.session.service.SessionServices;
import io.heddle.testing.RedisProcess;
import io.heddle.testing.TcpProxy;
import io.lettuce.core.ClientOptions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** What waiting for a lock costs Redis, and what it comes to when Redis falls silent. */
class LockLineIT {

  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final RandomIds IDS = new RandomIds(InstantSource.system());
  private static final Caller CALLER = new Caller(Tenant.DEFAULT, null, "ip:127.0.0.1", true);
  private static final RedisProperties SETTINGS =
      new Binder(new MapConfigurationPropertySource())
          .bindOrCreate("heddle.redis", Bindable.of(RedisProperties.class));
  private static final SessionProperties SESSIONS =
      new Binder(new MapConfigurationPropertySource())
          .bindOrCreate("heddle.session", Bindable.of(SessionProperties.class));

  private final RedisProcess redis = RedisProcess.start();
  private final TcpProxy proxy = TcpProxy.to(redis.uri());
  private final EngineFixture here =
      EngineFixture.standalone(proxy.uri(), StoreLimits.DEFAULT, SETTINGS, ClientOptions.builder());
  private final EngineFixture there = EngineFixture.standalone(redis.uri(), StoreLimits.DEFAULT);
  private final SessionKey key = new SessionKey(Tenant.DEFAULT, IDS.sessionId());
  private final SessionServices services = services(here);
  private final SessionServices others = services(there);

  @BeforeEach
  void create() {
    SessionAttributes description =
        new SessionAttributes(
            null,
            "one",
            Json.EMPTY_OBJECT,
            null,
            null,
            SessionAttributes.Status.ACTIVE,
            Duration.ofHours(1));
    get(others.sessions().create(request(null, Duration.ZERO), description, List.of()));
  }

  @AfterEach
  void stop() {
    here.close();
    there.close();
    proxy.close();
    redis.close();
  }

  /** A fifth of these were updates, which also stand in Redisson's line. */
  @Test
  void fortyWhoWaitAskOnceASecondAndAreServedAtTheRelease() {
    String token = lock(Duration.ofSeconds(20));
    Mono<List<Object>> all =
        Flux.range(0, 40)
            .<Object>flatMap(
                i -> {
                  WriteContext request = request(null, Duration.ofSeconds(20));
                  return i % 5 == 0
                      ? services.sessions().patch(request, d -> d)
                      : services.threads().append(request, List.of(message()), null);
                },
                40)
            .collectList();
    var waiting = all.toFuture();
    pause(Duration.ofSeconds(2));
    proxy.forgetRequests();
    pause(Duration.ofSeconds(3));
    int asked = asked();
    assertThat(waiting).isNotDone();
    long released = System.nanoTime();
    get(others.locks().release(request(token, Duration.ZERO), false));
    assertThat(waiting.orTimeout(20, TimeUnit.SECONDS).join()).hasSize(40);
    long millis = (System.nanoTime() - released) / 1_000_000;
    int served = asked() - asked;
    System.out.printf(
        "LockLineIT: waiting=40 asked in 3 s=%d, served in %d ms by %d requests%n",
        asked, millis, served);
    // An append is one request; an update takes the line, the claim, and gives both back.
    assertThat(asked).as("requests in 3 s").isLessThanOrEqualTo(4 * 6);
    assertThat(millis).isLessThan(3_000);
    assertThat(served).isLessThan(40 * 8);
  }

  /** Nobody tells the end of a lock whose time is over. */
  @Test
  void theEndOfALockIsMetAtOnce() {
    lock(Duration.ofMillis(1_500));
    long began = System.nanoTime();
    get(services.threads().append(request(null, Duration.ofSeconds(10)), List.of(message()), null));
    assertThat(Duration.ofNanos(System.nanoTime() - began))
        .isBetween(Duration.ofMillis(1_300), Duration.ofMillis(2_300));
  }

  /** Everything that takes a lock, on a Redis that swallows what it is sent. */
  @Test
  void aSilentRedisIsToldInItsTimeout() {
    proxy.swallow(TcpProxy.Direction.DOWNSTREAM);
    Map<String, Mono<?>> calls = new LinkedHashMap<>();
    Duration wait = Duration.ofSeconds(2);
    WritePreconditions once =
        WritePreconditions.NONE.withRetry(new IdempotentRequest(IDS.token(), "0".repeat(64)));
    calls.put("patch", services.sessions().patch(request(null, wait), d -> d));
    calls.put(
        "patch with a key",
        services.sessions().patch(new WriteContext(CALLER, key, once, wait), d -> d));
    calls.put("patch state", services.states().patch(request(null, wait), Json.of("{\"a\":1}")));
    calls.put("lock", services.locks().lock(request(null, wait), Duration.ofSeconds(5), null));
    calls.put("renew", services.locks().renew(request("1-x", wait), Duration.ofSeconds(5)));
    calls.put("release", services.locks().release(request("1-x", wait), false));
    calls.put("append", services.threads().append(request(null, wait), List.of(message()), null));
    Map<String, Long> took =
        get(
            Flux.fromIterable(calls.entrySet())
                .flatMap(call -> {
                  long began = System.nanoTime();
                  return call.getValue()
                      .then(Mono.<Long>error(new AssertionError(call.getKey() + " was done")))
                      .onErrorResume(
                          ProblemException.class,
                          e -> Mono.just((System.nanoTime() - began) / 1_000_000))
                      .map(millis -> Map.entry(call.getKey(), millis));
                })
                .collectMap(Map.Entry::getKey, Map.Entry::getValue));
    System.out.println("LockLineIT: a silent Redis is told after " + took + " ms");
    assertThat(took.values()).allMatch(millis -> millis < 2_000);
  }

  /** An answer of Redis that is late by more than its timeout must not leave the lock taken. */
  @Test
  void whatIsGotTooLateIsGivenBack() {
    proxy.delayReplies(Duration.ofMillis(1_500));
    assertThatThrownBy(() ->
            get(services.sessions().patch(request(null, Duration.ofMillis(200)), d -> retitled(d))))
        .isInstanceOfSatisfying(
            ProblemException.class,
            e -> assertThat(e.problem().code()).isEqualTo(ProblemCode.STORE_UNAVAILABLE));
    proxy.delayReplies(Duration.ZERO);
    // Its lease is 10 s; given back, it is free long before.
    get(others.sessions().patch(request(null, Duration.ofSeconds(6)), d -> d));
    Mono.delay(Duration.ofSeconds(1)).block();
    String title =
        get(others.sessions().load(key, ReadContext.ANY, PageRequest.NONE))
            .session()
            .description()
            .title();
    assertThat(title).as("who was told no").isEqualTo("one");
  }

  /** All but what a replica asks by itself each second. */
  private int asked() {
    return (int)
        proxy.requests().stream()
            .filter(request -> request.command().startsWith("EVAL"))
            .filter(request -> {
              boolean isWhole = request.command().equals("EVAL");
              return isWhole
                  ? !Scripts.nameOfSource(request.argument()).equals("probe")
                  : !List.of("due", "seqs", "other").contains(Scripts.name(request.argument()));
            })
            .count();
  }

  private String lock(Duration ttl) {
    var held = get(others.locks().lock(request(null, Duration.ZERO), ttl, null)).held();
    assertThat(held).isNotNull();
    return String.valueOf(held.token());
  }

  private WriteContext request(@Nullable String token, Duration wait) {
    return new WriteContext(CALLER, key, WritePreconditions.NONE.withLock(token), wait);
  }

  private static NewMessage message() {
    return new NewMessage(null, Json.of("{\"role\":\"user\",\"content\":\"hi\"}"));
  }

  private static SessionAttributes retitled(SessionAttributes d) {
    return new SessionAttributes(
        d.user(), "two", d.metadata(), d.systemPrompt(), d.model(), d.status(), d.ttl());
  }

  private static SessionServices services(EngineFixture engine) {
    RedisEngine redis = engine.engine();
    return new SessionServices(
        redis.reader(),
        redis.writer(),
        redis.index(),
        redis.locks(),
        redis.records(),
        IDS,
        InstantSource.system(),
        SESSIONS);
  }

  private static void pause(Duration time) {
    Mono.delay(time).block();
  }

  private static <T> T get(Mono<T> mono) {
    return mono.block(PATIENCE);
  }
}
