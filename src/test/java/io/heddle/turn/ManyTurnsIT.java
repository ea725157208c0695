package io.heddle.turn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.heddle.base.Caller;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.redis.EngineFixture;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.Message;
import io.heddle.session.OnBusy;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.Turn;
import io.heddle.session.WriteContext;
import io.heddle.session.WritePreconditions;
import io.heddle.testing.TestRedis;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Hundreds of turns on few sessions, on replicas that die, stall, and lose their store, with
 * callers who cancel, hang up, come back and repeat themselves. Whatever happens, no two turns mix,
 * none is left over, and whoever followed one has the text that the thread has.
 */
class ManyTurnsIT {

  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final int SESSIONS = 12;
  private static final int TURNS = 400;
  private static final int AT_ONCE = 40;
  private static final Caller CALLER = new Caller(Tenant.DEFAULT, "someone", "someone", false);

  private static final Map<String, String> SETTINGS =
      Map.of(
          "heddle.turns.lease", "1500ms",
          "heddle.turns.renew-every", "500ms",
          "heddle.turns.reap-every", "250ms",
          "heddle.turns.max-queue", "8");

  private final Random random = new Random(20261125);
  private final Speaker model = new Speaker(15, Duration.ofMillis(40), Duration.ofMillis(12));
  private final List<EngineFixture> fixtures = new ArrayList<>();
  private final List<Replica> replicas = new CopyOnWriteArrayList<>();
  private final List<SessionKey> sessions = new ArrayList<>();
  private final AtomicInteger kills = new AtomicInteger();

  /** By turn, the nonce it was ordered with. */
  private final Map<String, String> nonces = new ConcurrentHashMap<>();

  private final Queue<Seen> seen = new ConcurrentLinkedQueue<>();
  private final Map<String, AtomicInteger> refusals = new ConcurrentHashMap<>();

  /** What somebody who followed a turn to its end was told. */
  private record Seen(String turn, String text, TurnEvent.Ended end) {}

  @BeforeEach
  void start() {
    for (int i = 0; i < 3; i++) {
      fixtures.add(
          EngineFixture.standalone(
              TestRedis.uri(ManyTurnsIT.class), Replica.SESSIONS.storeLimits()));
      replicas.add(replica(i));
    }
    for (int i = 0; i < SESSIONS; i++) {
      SessionKey key = new SessionKey(Tenant.DEFAULT, "f-" + UUID.randomUUID());
      sessions.add(key);
      replicas
          .getFirst()
          .services
          .sessions()
          .create(request(key, null), TurnsContract.description("someone"), List.of())
          .block(PATIENCE);
    }
  }

  @AfterEach
  void stop() {
    for (SessionKey key : sessions) {
      replicas.getFirst().services.sessions().delete(request(key, null)).block(PATIENCE);
    }
    replicas.forEach(Replica::close);
    fixtures.forEach(EngineFixture::close);
  }

  @Test
  void nothingMixesNothingIsLeftAndEverybodyHasTheSame() {
    Flux.range(0, TURNS)
        .flatMap(i -> oneTurn(i).onErrorResume(this::refused), AT_ONCE)
        .mergeWith(faults().then(Mono.empty()))
        .then()
        .block(Duration.ofMinutes(4));

    // Whoever waits now has nobody who disturbs him any more: the last fault may outlast the turns.
    replicas.forEach(replica -> replica.away = false);
    await()
        .atMost(Duration.ofSeconds(10))
        .pollInterval(Duration.ofMillis(200))
        .untilAsserted(() -> assertThat(unfinished()).as("turns left over").isEmpty());

    Map<String, Integer> statuses = new HashMap<>();
    for (SessionKey key : sessions) {
      check(key, statuses);
    }
    for (Seen one : seen) {
      String saved =
          one.end().messages().stream()
              .map(message -> TurnsContract.content(message.body()))
              .findFirst()
              .orElse("");
      boolean rolledBack =
          one.end().turn().status() == Turn.Status.CANCELLED && one.end().messages().isEmpty();
      if (!rolledBack) {
        assertThat(one.text()).as("followed of %s", one.end().turn()).isEqualTo(saved);
      }
    }
    System.out.printf(
        "%d turns ordered, %s; %d followed to the end; %d kills; refused %s; %d model calls%n",
        nonces.size(), statuses, seen.size(), kills.get(), refusals, model.calls.get());
    assertThat(statuses.get("completed")).isGreaterThan(TURNS / 4);
    assertThat(seen.size()).isGreaterThan(TURNS / 2);
    assertThat(kills.get()).isGreaterThan(3);
  }

  private Mono<Void> refused(Throwable error) {
    String name =
        error instanceof ProblemException e ? e.problem().code().code() : error.toString();
    refusals.computeIfAbsent(name, _ -> new AtomicInteger()).incrementAndGet();
    return Mono.empty();
  }

  private Mono<Void> oneTurn(int i) {
    SessionKey key = sessions.get(random.nextInt(SESSIONS));
    OnBusy onBusy =
        switch (random.nextInt(10)) {
          case 0 -> OnBusy.REJECT;
          case 1 -> OnBusy.INTERRUPT;
          case 2 -> OnBusy.ROLLBACK;
          default -> OnBusy.ENQUEUE;
        };
    IdempotentRequest retry =
        random.nextBoolean()
            ? new IdempotentRequest("%064x".formatted(random.nextLong() >>> 1), "0".repeat(64))
            : null;
    String nonce = i + "-" + key.mark();
    TurnSpec order =
        TurnsContract.order(List.of(TurnsContract.said("user", Speaker.NONCE + nonce)), onBusy);
    int manner = random.nextInt(8);
    // A replica that is killed answers nothing any more: its callers are cut off and come again.
    Mono<Turn> begun =
        Mono.defer(() -> any().turns.begin(request(key, retry), order))
            .timeout(Duration.ofSeconds(4))
            .retryWhen(
                reactor.util.retry.Retry.max(retry == null ? 0 : 5)
                    .filter(error -> !(error instanceof ProblemException)))
            .map(written -> written.value());
    return begun
        .doOnNext(turn -> nonces.put(turn.id(), nonce))
        .flatMap(turn -> live(key, turn.id(), manner))
        .then();
  }

  /** What a caller does with his turn. */
  private Mono<Void> live(SessionKey key, String turn, int manner) {
    Mono<Void> followed = follow(key, turn, -1, new StringBuilder(), new long[1]);
    return switch (manner) {
      case 0 ->
          Mono.delay(Duration.ofMillis(random.nextInt(250)))
              .then(Mono.defer(() -> any().turns.cancel(request(key, null), turn)))
              .timeout(Duration.ofSeconds(4))
              .onErrorComplete()
              .then(followed);
      // Hangs up for good.
      case 1 -> Mono.empty();
      case 2 ->
          Mono.delay(Duration.ofMillis(random.nextInt(150)))
              .then(
                  Mono.defer(() ->
                      any()
                          .services
                          .threads()
                          .append(
                              request(key, null),
                              List.of(TurnsContract.said("user", "by the way")),
                              null)))
              .timeout(Duration.ofSeconds(4))
              .onErrorComplete()
              .then(followed);
      default -> followed;
    };
  }

  /** Follows to the end, on another replica each time it is cut off, from where it was. */
  private Mono<Void> follow(
      SessionKey key, String turn, long after, StringBuilder text, long[] at) {
    Duration cut = Duration.ofMillis(100 + random.nextInt(2000));
    boolean[] over = new boolean[1];
    return Flux.defer(() -> any().turns.follow(key, ReadContext.ANY, turn, after))
        .takeUntilOther(Mono.delay(cut))
        .publishOn(Schedulers.parallel())
        .doOnNext(event -> {
          switch (event) {
            case TurnEvent.SoFar(long seq, TurnEvent.Said said) -> {
              text.setLength(0);
              text.append(said.text());
              at[0] = seq;
            }
            case TurnEvent.Delta(long seq, ModelEvent piece) -> {
              assertThat(seq).isEqualTo(at[0] + 1);
              at[0] = seq;
              text.append(((ModelEvent.Text) piece).text());
            }
            case TurnEvent.Ended ended -> {
              over[0] = true;
              seen.add(new Seen(turn, text.toString(), ended));
            }
            default -> {}
          }
        })
        .then()
        .onErrorResume(
            ProblemException.class,
            error ->
                error.problem().code() == io.heddle.base.ProblemCode.STORE_UNAVAILABLE
                    ? Mono.empty()
                    : Mono.error(error))
        .then(
            Mono.defer(() ->
                over[0] ? Mono.empty() : follow(key, turn, at[0] > 0 ? at[0] : -1, text, at)));
  }

  /** Kills a replica, or takes its store away for a while, all the time. */
  private Flux<Long> faults() {
    // Not on a thread of Reactor's that must not wait: ending a replica ends its threads.
    return Flux.interval(Duration.ofMillis(700), Schedulers.boundedElastic())
        .take(25)
        .doOnNext(n -> {
          int which = random.nextInt(3);
          if (n % 3 == 0) {
            Replica old = replicas.get(which);
            replicas.set(which, replica(which));
            old.kill();
            old.close();
            kills.incrementAndGet();
          } else if (n % 3 == 1) {
            Replica one = replicas.get(which);
            one.away = true;
            Mono.delay(Duration.ofMillis(200 + random.nextInt(2500)))
                .subscribe(_ -> one.away = false);
          }
        });
  }

  private void check(SessionKey key, Map<String, Integer> statuses) {
    List<Turn> turns = replicas.getFirst().turns.list(key, ReadContext.ANY, null).block(PATIENCE);
    Map<String, Turn> byId = turns.stream().collect(Collectors.toMap(Turn::id, turn -> turn));
    List<Message> thread =
        replicas
            .getFirst()
            .services
            .threads()
            .page(key, ReadContext.ANY, PageRequest.last(10_000))
            .block(PATIENCE)
            .messages();
    Set<String> inputs = new TreeSet<>();
    Map<String, String> answered = new HashMap<>();
    for (Message message : thread) {
      JsonNode body = JsonMapper.shared().readTree(message.body().utf8());
      String text = body.path("content").asString("");
      if (text.startsWith(Speaker.NONCE)) {
        assertThat(inputs.add(text)).as("one input: %s", text).isTrue();
      }
      if (!body.path("role").asString().equals("assistant")) {
        continue;
      }
      String turn = body.path("turn").asString();
      assertThat(answered.put(turn, text)).as("one answer of %s", turn).isNull();
      String nonce = nonceOf(byId.get(turn), thread);
      String whole = model.answerTo(nonce);
      boolean completed = body.path("status").asString().equals("completed");
      assertThat(completed ? whole.equals(text) : whole.startsWith(text))
          .as("%s of %s, which was asked %s", text, turn, nonce)
          .isTrue();
    }
    for (Turn turn : turns) {
      statuses.merge(turn.status().text(), 1, Integer::sum);
      boolean completed = turn.status() == Turn.Status.COMPLETED;
      if (completed) {
        assertThat(answered).containsKey(turn.id());
      }
      assertThat(turn.output()).hasSize(answered.containsKey(turn.id()) ? 1 : 0);
    }
  }

  private String nonceOf(Turn turn, List<Message> thread) {
    Message input =
        thread.stream()
            .filter(message -> turn.input().contains(message.id()))
            .findFirst()
            .orElseThrow();
    String nonce = TurnsContract.content(input.body()).substring(Speaker.NONCE.length());
    String ordered = nonces.get(turn.id());
    assertThat(ordered == null || ordered.equals(nonce)).isTrue();
    return nonce;
  }

  private List<Turn> unfinished() {
    return sessions.stream()
        .flatMap(key ->
            replicas.getFirst().turns.list(key, ReadContext.ANY, null).block(PATIENCE).stream())
        .filter(turn -> !turn.status().isEnd())
        .toList();
  }

  private Replica any() {
    return replicas.get(random.nextInt(replicas.size()));
  }

  private Replica replica(int i) {
    return new Replica(Replica.Ports.of(fixtures.get(i).engine()), model, SETTINGS);
  }

  private static WriteContext request(SessionKey key, IdempotentRequest retry) {
    return new WriteContext(
        CALLER, key, WritePreconditions.NONE.withRetry(retry), Duration.ofSeconds(1));
  }
}
