package io.heddle.turn;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Caller;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.redis.EngineFixture;
import io.heddle.session.ReadContext;
import io.heddle.session.Turn;
import io.heddle.session.WriteContext;
import io.heddle.session.WritePreconditions;
import io.heddle.testing.RedisProcess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * However seldom or often a replica looks for dead owners next to the lease: the dead are found, in
 * the time that the settings say, and who lives is left alone.
 */
class ReapEveryIT {

  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Duration BUSY = Duration.ofSeconds(10);
  private static final Caller CALLER = new Caller(Tenant.DEFAULT, "someone", "someone", false);

  private final RedisProcess redis = RedisProcess.start();
  private final List<EngineFixture> fixtures = new ArrayList<>();
  private final List<Replica> replicas = new ArrayList<>();

  @AfterEach
  void stop() {
    replicas.forEach(Replica::close);
    fixtures.forEach(EngineFixture::close);
    redis.close();
  }

  @ParameterizedTest(name = "lease {0}, a look every {1}")
  @CsvSource({
    // Often; just too seldom to prove anything by that; much more seldom than the lease.
    "500, 50",
    "1000, 340",
    "600, 4000",
  })
  void theDeadAreFoundInTheTimeThatTheSettingsSay(long lease, long every) {
    Replica owner = replica(lease, 100);
    Replica other = replica(lease, every);
    Turn spoke = begin(owner, "spoke", "speak");
    Turn silent = begin(owner, "silent", "wait");
    assertThat(
            other
                .turns
                .follow(spoke.session(), ReadContext.ANY, spoke.id(), 0)
                .ofType(TurnEvent.Delta.class)
                .blockFirst(PATIENCE))
        .isNotNull();
    owner.kill();
    long killed = System.nanoTime();
    // The lease's rest, the time until it looks, and a lease that proves the link.
    Duration most = Duration.ofMillis(lease + every + 2 * lease).plus(BUSY);
    Awaitility.await()
        .atMost(most)
        .pollInterval(Duration.ofMillis(50))
        .until(() -> other.turns.counts().reaped() + other.turns.counts().retaken() == 2);
    assertThat(Duration.ofNanos(System.nanoTime() - killed))
        .as("nobody is dead before his lease has ended")
        .isGreaterThan(Duration.ofMillis(lease / 2 - 50));
    assertThat(get(other, spoke)).isEqualTo("incomplete");
  }

  /**
   * No owner can renew while the store is away, and may find it again later than a reaper does, who
   * must have noticed that.
   */
  @Test
  void whoLivesIsLeftAloneAfterTheStoreWasAway() {
    long lease = 1000;
    Replica owner = replica(lease, 100);
    List<Replica> others = List.of(replica(lease, 100), replica(lease, 900), replica(lease, 2000));
    Turn turn = begin(owner, "lives", "speak");
    for (int i = 0; i < 2; i++) {
      pass(lease + 500);
      replicas.forEach(replica -> replica.away = true);
      pass(lease + 500);
      others.forEach(replica -> replica.away = false);
      pass(300);
      owner.away = false;
    }
    // Each has looked, and has proven its link.
    pass(2 * lease + 2000);
    for (Replica other : others) {
      assertThat(get(other, turn)).isEqualTo("running");
      assertThat(other.turns.counts().reaped() + other.turns.counts().retaken()).isZero();
    }
    assertThat(owner.turns.counts().lost()).isZero();
  }

  private Replica replica(long lease, long every) {
    EngineFixture fixture = EngineFixture.standalone(redis.uri(), Replica.SESSIONS.storeLimits());
    fixtures.add(fixture);
    Replica replica =
        new Replica(
            Replica.Ports.of(fixture.engine()),
            new Talker(),
            Map.of(
                "heddle.turns.lease", lease + "ms",
                "heddle.turns.renew-every", lease / 4 + "ms",
                "heddle.turns.reap-every", every + "ms"));
    replicas.add(replica);
    return replica;
  }

  private static String get(Replica replica, Turn turn) {
    return replica
        .turns
        .get(turn.session(), ReadContext.ANY, turn.id())
        .block(PATIENCE)
        .status()
        .text();
  }

  private static Turn begin(Replica replica, String session, String says) {
    SessionKey key = new SessionKey(Tenant.DEFAULT, session);
    WriteContext request = new WriteContext(CALLER, key, WritePreconditions.NONE, Duration.ZERO);
    return replica
        .services
        .sessions()
        .create(request, TurnsSuite.description("someone"), List.of())
        .then(Mono.defer(() -> replica.turns.begin(request, TurnsSuite.order(says))))
        .block(PATIENCE)
        .value();
  }

  private static void pass(long millis) {
    long end = System.nanoTime() + millis * 1_000_000;
    Awaitility.await()
        .atMost(Duration.ofMillis(millis).plus(PATIENCE))
        .pollInterval(Duration.ofMillis(10))
        .until(() -> System.nanoTime() > end);
  }

  /** Goes on for ever; of a question that says so, without a word. */
  private static final class Talker implements Upstream {

    @Override
    public Flux<List<ModelEvent>> call(ModelCall call) {
      boolean silent = call.messages().getLast().toString().contains("wait");
      return silent
          ? Flux.never()
          : Flux.interval(Duration.ofMillis(50))
              .map(i -> List.of(new ModelEvent.Text("word " + i + " ")));
    }

    @Override
    public boolean has(String model) {
      return true;
    }

    @Override
    public List<Model> models() {
      return List.of(new Model("talker", "test"));
    }
  }
}
