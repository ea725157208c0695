package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.faults.Clients.Target;
import io.heddle.faults.Clients.Targets;
import io.heddle.faults.Watcher.Wire;
import io.heddle.testing.RedisProcess;
import io.heddle.testing.ReplicaProcess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Processes that die and that are restarted under load. New connections go to a replica that is
 * ready, as behind a load balancer.
 *
 * <p>{@code -Dheddle.it.watchers}
 */
class ReplicasComeAndGoIT {
  private static final int WATCHERS = Integer.getInteger("heddle.it.watchers", 100);
  private static final int SESSIONS = 20;

  private final RedisProcess redis = RedisProcess.start();
  private final History history = new History();
  private final Clients clients = new Clients(history);
  private final List<Watcher> watchers = new ArrayList<>();
  private final List<ReplicaProcess> replicas = new CopyOnWriteArrayList<>();
  private final List<Integer> ready = new CopyOnWriteArrayList<>();
  private volatile boolean over;

  private int readyPort() {
    List<Integer> now = List.copyOf(ready);
    return now.isEmpty()
        ? replicas.getFirst().port()
        : now.get(ThreadLocalRandom.current().nextInt(now.size()));
  }

  @BeforeEach
  void start() throws Exception {
    for (String name : List.of("one", "two")) {
      replicas.add(replica(name).launch());
    }
    replicas.forEach(ReplicaProcess::awaitReady);
    // Asks each replica whether it is ready, like a load balancer.
    Thread.ofVirtual()
        .name("balancer")
        .start(() -> {
          while (!over) {
            for (ReplicaProcess replica : replicas) {
              boolean serves = replica.isAlive() && replica.readiness() == 200;
              if (!serves) {
                ready.remove((Integer) replica.port());
              } else if (!ready.contains(replica.port())) {
                ready.add(replica.port());
              }
            }
            LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
          }
        });
    Pair.await("both in the balancer").until(() -> ready.size() == 2);
    Targets anyOne = () -> new Target("any", readyPort());
    List<String> sessions = Pair.sessions(clients, anyOne, "replicas", SESSIONS);
    for (int i = 0; i < WATCHERS; i++) {
      Wire wire = i % 4 == 3 ? Wire.EVENTS : Wire.WEB_SOCKET;
      String session = sessions.get(i % SESSIONS);
      watchers.add(Watcher.start(wire, wire + " " + i, history, this::readyPort, List.of(session)));
    }
    Pair.await("all to watch").until(() -> watchers.stream().allMatch(Watcher::isWatching));
    for (int i = 0; i < 4; i++) {
      clients.writer(anyOne, sessions, 20, i);
    }
    clients.reader(anyOne, sessions, 50, 9);
  }

  private ReplicaProcess.Builder replica(String name) {
    return ReplicaProcess.on(redis.uri(), name).set("heddle.live.drain", "2s");
  }

  @AfterEach
  void end() {
    over = true;
    clients.close();
    watchers.forEach(Watcher::close);
    replicas.forEach(ReplicaProcess::close);
    redis.close();
  }

  private Verdict everythingArrives() throws InterruptedException {
    clients.stop();
    history.awaitWatchers(Duration.ofSeconds(30));
    Pair.pass(Duration.ofMillis(300));
    return history.verdict();
  }

  private List<Integer> connects() {
    return watchers.stream().map(Watcher::connects).toList();
  }

  /** Watchers of a replica that died had a hole, or saw twice what they had not told it of. */
  @Test
  void a6AReplicaIsKilledWhileItsWatchersStream() throws Exception {
    Pair.pass(Duration.ofSeconds(2));
    ReplicaProcess victim = replicas.get(new Random().nextInt(2));
    List<Integer> before = connects();
    victim.kill();
    long killed = System.nanoTime();
    Pair.pass(Duration.ofSeconds(3));
    Verdict verdict = everythingArrives();
    List<Integer> after = connects();
    long resumed = 0;
    for (int i = 0; i < WATCHERS; i++) {
      resumed += after.get(i) - before.get(i);
    }
    System.out.printf(
        "A6: %s; kills=1 watchers=%d resumed=%d retries=%d in %d ms%n",
        verdict, WATCHERS, resumed, clients.retries(), (System.nanoTime() - killed) / 1_000_000);
    assertThat(resumed).as("watchers that had to resume").isBetween(1L, (long) WATCHERS - 1);
    assertThat(verdict.clean()).as(verdict.toString()).isTrue();
    assertThat(verdict.gaps()).isZero();
  }

  /** A deploy threw everybody out at once, twice, and lost what was under way. */
  @Test
  void a12ReplicasAreRestartedOneAfterTheOther() throws Exception {
    Pair.pass(Duration.ofSeconds(1));
    StringBuilder told = new StringBuilder();
    int most = 0;
    for (int i = 0; i < 2; i++) {
      List<Integer> before = connects();
      ReplicaProcess old = replicas.get(i);
      long start = System.nanoTime();
      old.terminate();
      assertThat(old.waitFor(Duration.ofSeconds(30))).as("it ends by itself").isTrue();
      long drained = (System.nanoTime() - start) / 1_000_000;
      ReplicaProcess fresh = replica("again-" + i).port(old.port()).launch();
      replicas.set(i, fresh);
      fresh.awaitReady();
      Pair.await("both in the balancer").until(() -> ready.size() == 2);
      // Those that were told to come back later do.
      Pair.pass(Duration.ofSeconds(2));
      List<Integer> after = connects();
      int reconnects = 0;
      for (int w = 0; w < WATCHERS; w++) {
        reconnects += after.get(w) - before.get(w);
        most = Math.max(most, after.get(w) - before.get(w));
      }
      told.append(
          "restart %d: drained in %d ms, %d reconnects; ".formatted(i + 1, drained, reconnects));
      assertThat(reconnects).as("somebody was on it").isPositive();
      // The whole shutdown phase is 20 s.
      assertThat(drained).as("nothing waits for the whole shutdown phase").isLessThan(12_000);
    }
    Verdict verdict = everythingArrives();
    long odd =
        watchers.stream()
            .flatMap(watcher -> watcher.closed().stream())
            .filter(closed -> closed.code() != 1012)
            .count();
    int failures = watchers.stream().mapToInt(Watcher::failures).sum();
    System.out.printf(
        "A12: %s; watchers=%d mostReconnectsARestart=%d otherCloses=%d failedConnects=%d"
            + " retriedWrites=%d refusedReads=%d; %s%n",
        verdict, WATCHERS, most, odd, failures, clients.retries(), clients.refused(), told);
    assertThat(verdict.clean()).as(verdict.toString()).isTrue();
    assertThat(verdict.gaps()).isZero();
    assertThat(most).as("successful reconnects a restart").isLessThanOrEqualTo(1);
    assertThat(odd).as("sockets closed with another code than 1012").isZero();
  }
}
