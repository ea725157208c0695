package io.heddle.turn;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Caller;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.redis.EngineFixture;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.Turn;
import io.heddle.session.WriteContext;
import io.heddle.session.WritePreconditions;
import io.heddle.testing.RedisProcess;
import io.heddle.testing.TcpProxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Ends that take much longer than a lease: the last of a long answer is written, its tokens are
 * counted because the model's server does not say how many, and the end waits. All that time the
 * owner renews, so nobody else takes the turn for dead, and the answer is kept whole.
 *
 * <p>{@code -Dheddle.it.slow.turns}, {@code -Dheddle.it.slow.chars} and {@code
 * -Dheddle.it.slow.lease} (in milliseconds) give other sizes.
 */
class SlowEndsIT {

  private static final int TURNS = Integer.getInteger("heddle.it.slow.turns", 12);
  private static final int CHARS = Integer.getInteger("heddle.it.slow.chars", 900_000);
  private static final long LEASE = Long.getLong("heddle.it.slow.lease", 2000);
  private static final Duration PATIENCE = Duration.ofMinutes(3);
  private static final Caller CALLER = new Caller(Tenant.DEFAULT, "someone", "someone", false);
  private static final Map<String, String> SETTINGS =
      Map.of(
          "heddle.turns.lease", LEASE + "ms",
          "heddle.turns.renew-every", LEASE / 4 + "ms",
          "heddle.turns.reap-every", "100ms");

  private final RedisProcess redis = RedisProcess.start();

  /** The first replica's way to Redis; the others' is short. */
  private final TcpProxy line = TcpProxy.to(redis.uri());

  private final List<EngineFixture> fixtures = new ArrayList<>();
  private final List<Replica> replicas = new ArrayList<>();

  @BeforeEach
  void start() {
    for (int i = 0; i < 2; i++) {
      EngineFixture fixture =
          EngineFixture.byDefault(
              i == 0 ? line.uri() : redis.uri(), Replica.SESSIONS.storeLimits());
      fixtures.add(fixture);
      replicas.add(new Replica(Replica.Ports.of(fixture.engine()), new Talker(), SETTINGS));
    }
  }

  @AfterEach
  void stop() {
    replicas.forEach(Replica::close);
    fixtures.forEach(EngineFixture::close);
    line.close();
    redis.close();
  }

  @Test
  void noTurnIsTakenOverWhileItsTokensAreCounted() {
    List<Turn> turns =
        Flux.range(0, TURNS)
            .flatMap(i -> begin(replicas.get(i % 2), "counted-" + i), TURNS)
            .collectList()
            .block(PATIENCE);
    assertThat(turns).hasSize(TURNS);
    for (Turn turn : turns) {
      ended(turn, "completed");
    }
    assertNobodyTookOver();
  }

  /**
   * What the owner writes takes much longer than a lease to reach Redis, and all of it goes over
   * one line; what says that the owner lives must not wait behind it.
   */
  @Test
  void noTurnIsTakenOverWhileWhatItsOwnerWritesIsOnItsWay() {
    Replica owner = replicas.getFirst();
    List<Turn> turns =
        Flux.range(0, TURNS / 2)
            .flatMap(i -> begin(owner, "slow-" + i), TURNS)
            .collectList()
            .block(PATIENCE);
    line.slowRequests((long) CHARS * TURNS / 2 * 1000 / (2 * LEASE));
    for (Turn turn : turns) {
      ended(turn, "completed");
    }
    assertNobodyTookOver();
    assertThat(owner.endsWaiting.get()).as("ends sent").isEqualTo(turns.size());
  }

  @Test
  void noTurnIsTakenOverWhileItsEndWaits() {
    Replica owner = replicas.getFirst();
    owner.ends = Mono.delay(Duration.ofMillis(2 * LEASE)).then();
    Turn turn = begin(owner, "waits").block(PATIENCE);
    ended(turn, "completed");
    assertNobodyTookOver();
  }

  private void ended(Turn turn, String status) {
    Replica other = replicas.getLast();
    Awaitility.await()
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(100))
        .untilAsserted(() ->
            assertThat(
                    other
                        .turns
                        .get(turn.session(), ReadContext.ANY, turn.id())
                        .block(PATIENCE)
                        .status())
                .matches(Turn.Status::isEnd));
    Turn now = other.turns.get(turn.session(), ReadContext.ANY, turn.id()).block(PATIENCE);
    assertThat(now.status().text()).isEqualTo(status);
    String said =
        TurnsSuite.content(
            other
                .services
                .threads()
                .page(turn.session(), ReadContext.ANY, PageRequest.last(1))
                .block(PATIENCE)
                .messages()
                .getFirst()
                .body());
    assertThat(said).hasSize(CHARS);
  }

  private void assertNobodyTookOver() {
    long taken =
        replicas.stream()
            .mapToLong(
                replica -> replica.turns.counts().reaped() + replica.turns.counts().retaken())
            .sum();
    System.out.printf(
        "SlowEndsIT: turns of %d characters=%d, lease=%d ms, taken over=%d%n",
        CHARS,
        replicas.stream().mapToLong(replica -> replica.turns.counts().started()).sum(),
        LEASE,
        taken);
    for (Replica replica : replicas) {
      assertThat(replica.turns.counts().reaped()).as("turns taken for dead").isZero();
      assertThat(replica.turns.counts().retaken()).as("turns begun again").isZero();
      assertThat(replica.turns.counts().lost()).as("turns lost").isZero();
    }
  }

  private static Mono<Turn> begin(Replica replica, String session) {
    SessionKey key = new SessionKey(Tenant.DEFAULT, session);
    return replica
        .services
        .sessions()
        .create(
            new WriteContext(CALLER, key, WritePreconditions.NONE, Duration.ZERO),
            TurnsSuite.description("someone"),
            List.of())
        .then(
            Mono.defer(() ->
                replica.turns.begin(
                    new WriteContext(CALLER, key, WritePreconditions.NONE, Duration.ZERO),
                    TurnsSuite.order("speak"))))
        .map(begun -> begun.value());
  }

  /** Says much at once, and not how many tokens that was. */
  private static final class Talker implements Upstream {

    @Override
    public Flux<List<ModelEvent>> call(ModelCall call) {
      String words = "warp weft ".repeat(410).substring(0, 4096);
      return Flux.range(0, CHARS / 4096)
          .<ModelEvent>map(_ -> new ModelEvent.Text(words))
          .concatWithValues(
              new ModelEvent.Text("x".repeat(CHARS % 4096)),
              new ModelEvent.Finish("stop", null, "talker"))
          .map(List::of);
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
