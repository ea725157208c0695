package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Position;
import io.heddle.faults.Clients.Targets;
import io.heddle.faults.Watcher.Wire;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Watchers through two replicas while links are killed and while very much happens: each is sent
 * every change after its position once, in order.
 *
 * <p>{@code -Dheddle.it.seconds} of load, {@code -Dheddle.it.changes} a second.
 */
class WatchersIT {
  private static final Duration LOAD =
      Duration.ofSeconds(Integer.getInteger("heddle.it.seconds", 6));
  private static final int CHANGES = Integer.getInteger("heddle.it.changes", 300);

  private static Pair pair;
  private static RedisView redis;

  private final History history = new History();
  private final Clients clients = new Clients(history);
  private final List<Watcher> watchers = new ArrayList<>();
  private final Targets a = Targets.of(pair.a());
  private final Targets b = Targets.of(pair.b());

  @BeforeAll
  static void start() {
    pair = Pair.start();
    redis = new RedisView(pair.redis().uri());
  }

  @AfterAll
  static void end() {
    redis.close();
    pair.close();
  }

  @AfterEach
  void leave() {
    clients.close();
    watchers.forEach(Watcher::close);
  }

  private Verdict everythingArrives() throws InterruptedException {
    clients.stop();
    history.awaitWatchers(Duration.ofSeconds(30));
    // What comes once too often comes a little later.
    Pair.pass(Duration.ofMillis(300));
    return history.verdict();
  }

  private static void clean(Verdict verdict) {
    assertThat(verdict.frames()).as("frames").isGreaterThan(verdict.acknowledged());
    assertThat(verdict.clean()).as(verdict.toString()).isTrue();
  }

  /** What was published while a killed link was away never reached the watchers. */
  @Test
  void a5LinksAreKilledInALoopUnderLoad() throws Exception {
    List<String> sessions = Pair.sessions(clients, a, "a5", 20);
    for (String session : sessions) {
      for (Here replica : List.of(pair.a(), pair.b())) {
        watchers.add(watch(Wire.WEB_SOCKET, replica, session));
      }
    }
    for (String session : sessions.subList(0, 5)) {
      watchers.add(watch(Wire.EVENTS, pair.b(), session));
    }
    Pair.await("all to watch").until(() -> watchers.stream().allMatch(Watcher::isWatching));
    for (int i = 0; i < 4; i++) {
      clients.writer(i % 2 == 0 ? a : b, sessions, 40, i);
    }
    Random random = new Random(5);
    long killed = 0;
    long start = System.nanoTime();
    while (System.nanoTime() - start < LOAD.toNanos()) {
      Pair.pass(Duration.ofMillis(100 + random.nextInt(400)));
      killed += random.nextInt(3) > 0 ? redis.killSubscribers() : redis.killOthers();
    }
    Verdict verdict = everythingArrives();
    System.out.printf(
        "A5: %s; killed=%d retries=%d watchers=%d reconnects=%d%n",
        verdict, killed, clients.retries(), watchers.size(), reconnects());
    assertThat(killed).as("links that were killed").isGreaterThan(20);
    clean(verdict);
    assertThat(pair.b().noticed()).as("it did harm").isPositive();
  }

  private int reconnects() {
    return watchers.stream().mapToInt(Watcher::connects).sum() - watchers.size();
  }

  private Watcher watch(Wire wire, Here replica, String session) {
    String name = wire + " of " + session + " at " + replica.name();
    return Watcher.start(wire, name, history, Balancer.to(replica.port()), List.of(session));
  }

  /** A change that fell between a watch's reading of the log and its following was lost. */
  @Test
  void a8ChangesWhileWatchesOpen() throws Exception {
    List<String> sessions = Pair.sessions(clients, a, "a8", 100);
    for (int i = 0; i < 10; i++) {
      clients.writer(i % 2 == 0 ? a : b, sessions, CHANGES / 10.0, i);
    }
    Pair.pass(Duration.ofMillis(200));
    long start = System.nanoTime();
    // Ten a session: eight on sockets of ten sessions each, one alone, one by events.
    for (int round = 0; round < 8; round++) {
      for (int first = 0; first < 100; first += 10) {
        Balancer balancer = Balancer.to(round % 2 == 0 ? pair.a().port() : pair.b().port());
        List<String> ten = sessions.subList(first, first + 10);
        String name = "socket " + round + " of " + first;
        watchers.add(Watcher.start(Wire.WEB_SOCKET, name, history, balancer, ten));
      }
    }
    for (String session : sessions) {
      watchers.add(watch(Wire.WEB_SOCKET, pair.a(), session));
      watchers.add(watch(Wire.EVENTS, pair.b(), session));
    }
    Pair.await("all to watch").until(() -> watchers.stream().allMatch(Watcher::isWatching));
    long opened = (System.nanoTime() - start) / 1_000_000;
    Pair.pass(LOAD.minusNanos(System.nanoTime() - start));
    double seconds = (System.nanoTime() - start) / 1e9;
    Verdict verdict = everythingArrives();
    System.out.printf(
        "A8: %s; watches=%d opened=%dms changes/s=%.0f%n",
        verdict, history.watched().size(), opened, verdict.acknowledged() / seconds);
    assertThat(history.watched()).hasSize(1_000);
    clean(verdict);
  }

  /** The log ends: who comes back after more than it holds must be told so, and what is true. */
  @Test
  void a7LogIsTrimmed() throws Exception {
    String session = "a7-trimmed";
    Position early = clients.create(a, session);
    for (int i = 0; i < 300; i++) {
      clients.patch(a, session, "title " + i);
    }
    for (Wire wire : Wire.values()) {
      Watcher back =
          Watcher.startFrom(wire, wire + " back", history, b.next().port(), session, early);
      watchers.add(back);
      Pair.await("gap and snapshot").until(() -> back.of(session).count("snapshot") == 1);
      assertThat(back.of(session).count("gap")).isEqualTo(1);
    }
    for (int i = 0; i < 5; i++) {
      clients.append(a, session);
    }
    Verdict verdict = everythingArrives();
    System.out.printf("A7 trimmed: %s%n", verdict);
    assertThat(verdict.gaps()).isEqualTo(Wire.values().length);
    assertThat(verdict.clean()).as(verdict.toString()).isTrue();
  }
}
