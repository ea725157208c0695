package io.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.RandomIds;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.NewMessage;
import io.heddle.session.NewTurn;
import io.heddle.session.OnBusy;
import io.heddle.session.Outcome;
import io.heddle.session.SessionAttributes;
import io.heddle.session.StoreLimits;
import io.heddle.session.Turn;
import io.heddle.session.TurnAttempt;
import io.heddle.session.TurnId;
import io.heddle.session.TurnLog.Flushed;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import io.heddle.testing.TcpProxy;
import io.heddle.testing.TcpProxy.Direction;
import io.heddle.testing.TcpProxy.Hold;
import io.heddle.testing.TcpProxy.Links;
import io.heddle.testing.TestRedis;
import io.lettuce.core.ClientOptions;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;

/** Turns over a line to Redis that breaks, or is away. */
class RedisTurnsIT {

  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final Duration LEASE = Duration.ofMinutes(1);
  private static final Duration SHORT = Duration.ofMillis(500);
  private static final Json END = Json.of("{\"finishReason\":\"stop\"}");
  private static final RandomIds IDS = new RandomIds(InstantSource.system());
  private static final RedisProperties PROPERTIES =
      new RedisProperties(
          Duration.ofSeconds(2),
          Duration.ofSeconds(2),
          10_000,
          2,
          Duration.ofMillis(100),
          Duration.ofHours(1),
          100,
          16);

  private static TcpProxy proxy;
  private static EngineFixture broken;
  private static EngineFixture whole;

  private SessionKey key;

  @BeforeAll
  static void start() {
    proxy = TcpProxy.to(TestRedis.uri(RedisTurnsIT.class));
    broken =
        EngineFixture.standalone(
            proxy.uri(), StoreLimits.DEFAULT, PROPERTIES, ClientOptions.builder());
    whole = EngineFixture.standalone(TestRedis.uri(RedisTurnsIT.class), StoreLimits.DEFAULT);
  }

  @AfterAll
  static void stop() {
    broken.close();
    whole.close();
    proxy.close();
  }

  @BeforeEach
  void freshSession() {
    key = new SessionKey(Tenant.DEFAULT, IDS.sessionId());
    SessionAttributes description =
        new SessionAttributes(
            null,
            null,
            Json.EMPTY_OBJECT,
            null,
            null,
            SessionAttributes.Status.ACTIVE,
            Duration.ofHours(1));
    write(whole, new Write.Create(description, List.of()));
  }

  /**
   * A replica whose link broke right after a turn had begun took its own second sending for
   * somebody's repetition: it did not call the model, and the turn waited for a reaper.
   */
  @Test
  void aBeginThatWasNotAnsweredIsStillItsSenders() throws InterruptedException {
    NewTurn turn = turn(LEASE);
    Outcome.Applied begun = unanswered(RedisScript.TURN_BEGIN, begin(turn));
    assertThat(begun.head().activeTurn()).isEqualTo(turn.id());
    assertThat(begun.head().position().version()).isEqualTo(2);
    assertThat(begun.head().lastSeq()).isEqualTo(1);

    NewTurn waits = turn(LEASE);
    Outcome.Applied queued = unanswered(RedisScript.TURN_BEGIN, begin(waits));
    assertThat(queued.head().activeTurn()).isEqualTo(turn.id());
    assertThat(queued.head().position().version()).isEqualTo(3);
    assertThat(list()).extracting(Turn::id).containsExactly(turn.id(), waits.id());
  }

  @Test
  void aKeyDoesNotMakeItAReplay() throws InterruptedException {
    NewTurn turn = turn(LEASE);
    WritePreconditions once =
        WritePreconditions.NONE.withRetry(new IdempotentRequest(IDS.token(), IDS.token()));
    Outcome.Applied begun = unanswered(RedisScript.TURN_BEGIN, begin(turn), once);
    assertThat(begun.head().activeTurn()).isEqualTo(turn.id());
  }

  @Test
  void aNextThatWasNotAnsweredIsStillItsSenders() throws InterruptedException {
    NewTurn first = turn(LEASE);
    NewTurn second = turn(LEASE);
    write(whole, begin(first));
    write(whole, begin(second));
    write(whole, end(first.id(), 1));
    Outcome.Applied started =
        unanswered(RedisScript.TURN_NEXT, new Write.NextTurn(second.id(), LEASE));
    assertThat(started.head().activeTurn()).isEqualTo(second.id());
    assertThat(started.head().position().version()).isEqualTo(5);
  }

  @Test
  void aRetakeThatWasNotAnsweredIsStillItsSenders() throws InterruptedException {
    NewTurn turn = turn(SHORT);
    write(whole, begin(turn));
    await().until(() -> record(turn.id()).leaseUntil().isBefore(now()));
    Outcome.Applied taken =
        unanswered(
            RedisScript.TURN_RETAKE, new Write.RetakeTurn(new TurnAttempt(turn.id(), 1), LEASE));
    assertThat(taken.head().activeTurn()).isEqualTo(turn.id());
    assertThat(record(turn.id()).attempt()).isEqualTo(2);
  }

  @Test
  void anEndAndACancelThatWereNotAnsweredHappenOnce() throws InterruptedException {
    NewTurn first = turn(LEASE);
    NewTurn second = turn(LEASE);
    write(whole, begin(first));
    write(whole, begin(second));
    Outcome.Applied cancelled =
        unanswered(
            RedisScript.TURN_CANCEL, new Write.CancelTurn(second.id(), Turn.Cancel.KEEP, END));
    assertThat(cancelled.head().position().version()).isEqualTo(4);
    assertThat(record(second.id()).status()).isEqualTo(Turn.Status.CANCELLED);
    Outcome.Applied ended = unanswered(RedisScript.TURN_END, end(first.id(), 1));
    assertThat(ended.head().position().version()).isEqualTo(5);
    assertThat(ended.head().messageCount()).isEqualTo(2);
  }

  @Test
  void aFlushIsOneRequestAndIsSentAgainWithoutHarm() throws InterruptedException {
    NewTurn turn = turn(LEASE);
    write(broken, begin(turn));
    assertThat(flush(turn, 0, "1").block(PATIENCE)).isEqualTo(kept(1));
    proxy.forgetRequests();
    assertThat(flush(turn, 1, "2", "3").block(PATIENCE)).isEqualTo(kept(3));
    assertThat(flush(turn, 3).block(PATIENCE)).isEqualTo(kept(3));
    String flush = RedisScript.TURN_FLUSH.sha();
    assertThat(proxy.requests().stream().filter(request -> request.argument().equals(flush)))
        .hasSize(2);
    assertThat(proxy.requests("EVALSHA", "EVAL")).hasSize(2);

    Hold hold = proxy.hold(Direction.DOWNSTREAM, request -> request.argument().equals(flush));
    CompletableFuture<Flushed> unanswered = flush(turn, 3, "4").toFuture();
    assertThat(hold.await(PATIENCE)).isTrue();
    await().until(() -> last(turn) == 4);
    proxy.cut();
    hold.release();
    assertThat(unanswered.handle((_, error) -> error != null).join()).isTrue();
    await()
        .ignoreExceptions()
        .untilAsserted(
            () -> assertThat(flush(turn, 3, "4", "5").block(PATIENCE)).isEqualTo(kept(5)));
  }

  /** After an outage the owners, who had it too, must have had the time to renew. */
  @Test
  void nothingIsDueUntilTheLinkHasBeenProvenAgain() {
    Duration proven = Duration.ofSeconds(2);
    NewTurn turn = turn(SHORT);
    write(whole, begin(turn));
    await().until(() -> isDue(whole, Duration.ZERO));
    isDue(broken, proven);
    await().until(() -> isDue(broken, proven));
    assertThat(isDue(broken, Duration.ofHours(1))).isFalse();

    proxy.swallow(Direction.DOWNSTREAM, Links.OTHERS);
    await().until(() -> !answers());
    proxy.deliver();
    proxy.cut();
    await().until(RedisTurnsIT::answers);
    assertThat(isDue(broken, proven)).as("away in between").isFalse();
    long asked = System.nanoTime();
    await().until(() -> isDue(broken, proven));
    assertThat(Duration.ofNanos(System.nanoTime() - asked)).isGreaterThan(proven.minusMillis(500));
  }

  private static boolean answers() {
    return Boolean.TRUE.equals(
        broken
            .engine()
            .turnLog()
            .due(Duration.ZERO)
            .then(broken.engine().link().command(redis -> redis.ping()))
            .map(_ -> true)
            .onErrorReturn(false)
            .block(PATIENCE));
  }

  private boolean isDue(EngineFixture engine, Duration proven) {
    return engine.engine().turnLog().due(proven).collectList().block(PATIENCE).contains(key);
  }

  private Outcome.Applied unanswered(RedisScript script, Write write) throws InterruptedException {
    return unanswered(script, write, WritePreconditions.NONE);
  }

  /** What the sender is told of a write that Redis did, and whose answer was lost. */
  private Outcome.Applied unanswered(RedisScript script, Write write, WritePreconditions conditions)
      throws InterruptedException {
    // So that the script is known there: its first sending is refused without it.
    broken.engine().link().command(redis -> redis.scriptLoad(script.source())).block(PATIENCE);
    Hold hold =
        proxy.hold(Direction.DOWNSTREAM, request -> request.argument().equals(script.sha()));
    CompletableFuture<Outcome> outcome =
        broken.engine().writer().apply(key, write, conditions).toFuture();
    assertThat(hold.await(PATIENCE)).isTrue();
    // Redis answers in order, so by its next answer to anybody it has done it.
    list();
    proxy.cut();
    hold.release();
    assertThat(outcome.join()).isInstanceOf(Outcome.Applied.class);
    return (Outcome.Applied) outcome.join();
  }

  private void write(EngineFixture engine, Write write) {
    assertThat(engine.engine().writer().apply(key, write, WritePreconditions.NONE).block(PATIENCE))
        .isInstanceOf(Outcome.Applied.class);
  }

  private Mono<Flushed> flush(NewTurn turn, long after, String... events) {
    return broken
        .engine()
        .turnLog()
        .flush(
            key,
            new TurnAttempt(turn.id(), 1),
            after,
            List.of(events).stream().map(Json::of).toList(),
            LEASE);
  }

  private static Flushed kept(long last) {
    return new Flushed.Kept(last, Turn.Cancel.NONE);
  }

  private long last(NewTurn turn) {
    return whole.engine().turnLog().read(key, null, turn.id(), 0, 0).block(PATIENCE).last();
  }

  private Turn record(String turn) {
    return whole.engine().turnLog().read(key, null, turn, 0, 0).block(PATIENCE).turn();
  }

  private List<Turn> list() {
    return whole.engine().turnLog().list(key, null).block(PATIENCE);
  }

  private static Instant now() {
    return InstantSource.system().instant();
  }

  private NewTurn turn(Duration lease) {
    NewMessage input = new NewMessage(null, Json.of("{\"role\":\"user\",\"content\":\"hello\"}"));
    return new NewTurn(
        TurnId.next(IDS, key).toString(),
        null,
        Json.EMPTY_OBJECT,
        List.of(input),
        lease,
        Duration.ofHours(1));
  }

  private static Write begin(NewTurn turn) {
    return new Write.BeginTurn(turn, OnBusy.ENQUEUE, 16);
  }

  private static Write end(String turn, int attempt) {
    NewMessage answer =
        new NewMessage(null, Json.of("{\"role\":\"assistant\",\"content\":\"hi\"}"));
    return new Write.EndTurn(
        new TurnAttempt(turn, attempt),
        Turn.Status.COMPLETED,
        List.of(answer),
        END,
        List.of(),
        false);
  }

  private static ConditionFactory await() {
    return Awaitility.await().atMost(PATIENCE).pollInterval(Duration.ofMillis(50));
  }
}
