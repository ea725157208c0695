package io.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.RandomIds;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.session.NewMessage;
import io.heddle.session.NewTurn;
import io.heddle.session.OnBusy;
import io.heddle.session.Outcome;
import io.heddle.session.SessionAttributes;
import io.heddle.session.SessionLocks;
import io.heddle.session.StoreLimits;
import io.heddle.session.Turn;
import io.heddle.session.TurnAttempt;
import io.heddle.session.TurnId;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import io.heddle.testing.TcpProxy;
import io.heddle.testing.TestRedis;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The keys' own expiry never comes before the end that the session was told to have, although the
 * link to Redis is cut and refused right after the one request of the write: what moves the expiry
 * once came as a second request, and a session that was promised a month was gone after two days.
 */
class KeysLifeIT {

  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final Duration LONG = Duration.ofDays(30);
  private static final Duration LEASE = Duration.ofMinutes(5);
  private static final Json END = Json.of("{\"finishReason\":\"stop\"}");
  private static final String KEEP = RedisScript.KEEP.sha();
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
  private RedisKeys keys;
  private String turn;
  private String waiting;
  private String token;

  /** Everything that can give a session a later end. */
  private enum Lengthens {
    UPDATE(Write.Update.class),
    APPEND(Write.Append.class),
    APPEND_WITH_ID(Write.Append.class),
    DELETE_MESSAGE(Write.DeleteMessage.class),
    CUT(Write.TruncateThread.class),
    CLEAR(Write.TruncateThread.class),
    SAVE_STATE(Write.SaveState.class),
    RESTORE_STATE(Write.RestoreState.class),
    BEGIN_TURN(Write.BeginTurn.class),
    QUEUE_TURN(Write.BeginTurn.class),
    NEXT_TURN(Write.NextTurn.class),
    CANCEL_WAITING(Write.CancelTurn.class),
    DROP_TURN(Write.DropTurn.class),
    END_TURN(Write.EndTurn.class),
    RETAKE_TURN(Write.RetakeTurn.class),
    OPEN(Write.PublishBuild.class),
    CREATE_OVER_TOMBSTONE(Write.Create.class),
    FLUSH(null),
    LOCK(null),
    RENEW(null);

    final Class<? extends Write> write;

    Lengthens(Class<? extends Write> write) {
      this.write = write;
    }
  }

  @BeforeAll
  static void start() {
    proxy = TcpProxy.to(TestRedis.uri(KeysLifeIT.class));
    broken =
        EngineFixture.standalone(
            proxy.uri(), StoreLimits.DEFAULT, PROPERTIES, ClientOptions.builder());
    whole = EngineFixture.standalone(TestRedis.uri(KeysLifeIT.class), StoreLimits.DEFAULT);
    // So that each write of the tests is one request.
    for (RedisScript script : RedisScript.values()) {
      whole.engine().link().command(redis -> redis.scriptLoad(script.source())).block(PATIENCE);
    }
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
    keys = RedisKeys.of(key);
    turn = TurnId.next(IDS, key).toString();
    waiting = TurnId.next(IDS, key).toString();
  }

  @Test
  void everyKindOfWriteIsLookedAt() {
    Set<String> looked =
        Arrays.stream(Lengthens.values())
            .filter(each -> each.write != null)
            .map(each -> each.write.getSimpleName())
            .collect(Collectors.toCollection(TreeSet::new));
    // They begin what Open ends, or end a session.
    looked.addAll(Set.of("StartBuild", "AppendToBuild", "Delete", "Expire"));
    assertThat(looked)
        .containsExactlyInAnyOrderElementsOf(
            Arrays.stream(Write.class.getPermittedSubclasses()).map(Class::getSimpleName).toList());
  }

  @ParameterizedTest
  @EnumSource
  void theKeysOutliveTheSession(Lengthens what) {
    make(what);
    age();
    long before = isThere("p") ? stored().expiresAt() : 0;
    proxy.forgetRequests();
    run(broken, what);
    proxy.refuse();
    proxy.cut();
    try {
      assertThat(stored().expiresAt()).as("it lives longer now").isGreaterThan(before);
      keysOutliveIt();
      assertThat(proxy.requests().stream().filter(r -> r.argument().equals(KEEP))).isEmpty();
    } finally {
      proxy.accept();
      Awaitility.await().atMost(PATIENCE).until(() -> broken.engine().link().isOpen());
    }
  }

  /** What an earlier Heddle told of and then lost. */
  @Test
  void whatNobodyAskedForIsDoneWhenTheSessionIsLookedAfter() {
    make(Lengthens.APPEND);
    age();
    // Longer than its keys, as a write left it whose second request was lost.
    change(5, Long.toString(stored().keysUntil() + Duration.ofDays(20).toMillis()));
    Outcome swept =
        whole
            .engine()
            .writer()
            .apply(key, new Write.Expire(), WritePreconditions.NONE)
            .block(PATIENCE);
    assertThat(swept).isInstanceOf(Outcome.Refused.class);
    keysOutliveIt();
  }

  private void keysOutliveIt() {
    long left = stored().expiresAt() - System.currentTimeMillis();
    List<byte[]> all =
        new ArrayList<>(List.of(keys.session(), keys.thread(), keys.clientIds(), keys.changes()));
    for (byte[] key : List.of(keys.state(), keys.checkpoints())) {
      if (this.<Long>ask(redis -> redis.exists(key)) == 1) {
        all.add(key);
      }
    }
    for (byte[] each : all) {
      assertThat(this.<Long>ask(redis -> redis.pttl(each)))
          .as(new String(each, StandardCharsets.US_ASCII))
          .isGreaterThan(left);
    }
    assertThat(stored().keysUntil()).isGreaterThan(stored().expiresAt());
  }

  /** A session in which the write can be done, with every key that one can have. */
  private void make(Lengthens what) {
    if (what == Lengthens.OPEN) {
      write(whole, new Write.StartBuild("builder", described(LONG)));
      write(whole, new Write.AppendToBuild("builder", List.of(new Write.Copied(says("a"), now()))));
      return;
    }
    boolean short_ = what == Lengthens.FLUSH || what == Lengthens.LOCK || what == Lengthens.RENEW;
    Duration life = short_ ? Duration.ofSeconds(30) : LONG;
    write(whole, new Write.Create(described(life), List.of(says("a"), says("b"))));
    if (what == Lengthens.CREATE_OVER_TOMBSTONE) {
      write(whole, new Write.Delete());
      return;
    }
    write(whole, new Write.SaveState(Json.of("{\"n\":1}")));
    switch (what) {
      case QUEUE_TURN, FLUSH, END_TURN -> write(whole, begin(turn, LEASE));
      case RETAKE_TURN -> {
        write(whole, begin(turn, Duration.ofMillis(1)));
        Awaitility.await().pollDelay(Duration.ofMillis(5)).until(() -> true);
      }
      case CANCEL_WAITING, DROP_TURN -> {
        write(whole, begin(turn, LEASE));
        write(whole, begin(waiting, LEASE));
      }
      case NEXT_TURN -> {
        write(whole, begin(turn, LEASE));
        write(whole, begin(waiting, LEASE));
        write(whole, end());
      }
      case RENEW -> token = lock(whole, Duration.ofSeconds(20));
      default -> {}
    }
  }

  /** As it is when nothing was written for long: the keys end soon, and the session before. */
  private void age() {
    if (isThere("p") || isThere("xp")) {
      long end = System.currentTimeMillis() + Duration.ofSeconds(60).toMillis();
      change(5, Long.toString(end - 30_000));
      change(9, Long.toString(end));
      for (byte[] each :
          Stream.of(
                  keys.session(),
                  keys.thread(),
                  keys.clientIds(),
                  keys.changes(),
                  keys.state(),
                  keys.checkpoints())
              .toList()) {
        ask(redis -> redis.pexpireat(each, end));
      }
    }
  }

  private void change(int word, String value) {
    String field = isThere("p") ? "p" : "xp";
    String[] words = state(field).split(" ", -1);
    words[word] = value;
    byte[] state = RedisKeys.ascii(String.join(" ", words));
    ask(redis -> redis.hset(keys.session(), Map.of(RedisKeys.ascii(field), state)));
  }

  private void run(EngineFixture engine, Lengthens what) {
    switch (what) {
      case UPDATE -> write(engine, new Write.Update(described(LONG)));
      case APPEND -> write(engine, new Write.Append(List.of(says(null))));
      case APPEND_WITH_ID -> write(engine, new Write.Append(List.of(says("c"))));
      case DELETE_MESSAGE -> write(engine, new Write.DeleteMessage("a"));
      case CUT -> write(engine, new Write.TruncateThread("a"));
      case CLEAR -> write(engine, new Write.TruncateThread(null));
      case SAVE_STATE -> write(engine, new Write.SaveState(Json.of("{\"n\":2}")));
      case RESTORE_STATE -> write(engine, new Write.RestoreState("latest"));
      case BEGIN_TURN -> write(engine, begin(turn, LEASE));
      case QUEUE_TURN -> write(engine, begin(waiting, LEASE));
      case NEXT_TURN -> write(engine, new Write.NextTurn(waiting, LEASE));
      case CANCEL_WAITING -> write(engine, new Write.CancelTurn(waiting, Turn.Cancel.KEEP, END));
      case DROP_TURN -> write(engine, new Write.DropTurn(waiting, END));
      case END_TURN -> write(engine, end());
      case RETAKE_TURN ->
          write(engine, new Write.RetakeTurn(new TurnAttempt(turn, 1), Duration.ofDays(3)));
      case OPEN -> write(engine, new Write.PublishBuild("builder"));
      case CREATE_OVER_TOMBSTONE ->
          write(engine, new Write.Create(described(LONG), List.of(says("a"))));
      case FLUSH ->
          engine
              .engine()
              .turnLog()
              .flush(key, new TurnAttempt(turn, 1), 0, List.of(END), Duration.ofDays(3))
              .block(PATIENCE);
      case LOCK -> lock(engine, Duration.ofDays(3));
      case RENEW ->
          engine
              .engine()
              .locks()
              .apply(key, null, new SessionLocks.Call.Renew(token, Duration.ofDays(3)), null)
              .block(PATIENCE);
    }
  }

  private String lock(EngineFixture engine, Duration ttl) {
    return engine
        .engine()
        .locks()
        .apply(key, null, new SessionLocks.Call.Take(ttl, "label"), null)
        .block(PATIENCE)
        .held()
        .token();
  }

  private void write(EngineFixture engine, Write write) {
    assertThat(engine.engine().writer().apply(key, write, WritePreconditions.NONE).block(PATIENCE))
        .isInstanceOf(Outcome.Applied.class);
  }

  private Write begin(String id, Duration lease) {
    NewTurn asked =
        new NewTurn(id, null, Json.EMPTY_OBJECT, List.of(says(null)), lease, Duration.ofHours(1));
    return new Write.BeginTurn(asked, OnBusy.ENQUEUE, 16);
  }

  private Write end() {
    return new Write.EndTurn(
        new TurnAttempt(turn, 1),
        Turn.Status.COMPLETED,
        List.of(says(null)),
        END,
        List.of(),
        false);
  }

  private static NewMessage says(String id) {
    return new NewMessage(id, Json.of("{\"role\":\"user\",\"content\":\"hello\"}"));
  }

  private static SessionAttributes described(Duration ttl) {
    return new SessionAttributes(
        "ann", null, Json.EMPTY_OBJECT, null, null, SessionAttributes.Status.ACTIVE, ttl);
  }

  private static Instant now() {
    return InstantSource.system().instant();
  }

  private boolean isThere(String field) {
    return ask(redis -> redis.hexists(keys.session(), RedisKeys.ascii(field)));
  }

  private String state(String field) {
    byte[] found = ask(redis -> redis.hget(keys.session(), RedisKeys.ascii(field)));
    return new String(found, StandardCharsets.UTF_8);
  }

  private StoredState stored() {
    return StoredState.parse(RedisKeys.ascii(state("p")));
  }

  private <T> T ask(
      Function<RedisClusterAsyncCommands<byte[], byte[]>, CompletionStage<T>> command) {
    return whole.engine().link().command(command).block(PATIENCE);
  }
}
