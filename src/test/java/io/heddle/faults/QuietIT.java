package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.faults.Clients.Targets;
import io.heddle.faults.Watcher.Wire;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * A11: under load and with nothing wrong, comparisons on another connection gave false alarms, each
 * of which emptied a partition. Here nothing may be noticed.
 *
 * <p>{@code -Dheddle.it.quiet-seconds}
 */
class QuietIT {
  private static final Duration LOAD =
      Duration.ofSeconds(Integer.getInteger("heddle.it.quiet-seconds", 20));
  private static final int SESSIONS = 60;

  private final History history = new History();
  private final List<Watcher> watchers = new ArrayList<>();

  @Test
  void a11NoFalseAlarm() throws Exception {
    try (Pair pair = Pair.start();
        Clients clients = new Clients(history)) {
      Targets a = Targets.of(pair.a());
      Targets b = Targets.of(pair.b());
      List<String> sessions = Pair.sessions(clients, a, "a11", SESSIONS);
      for (int i = 0; i < SESSIONS; i++) {
        Wire wire = i % 3 == 2 ? Wire.EVENTS : Wire.WEB_SOCKET;
        Balancer there = Balancer.to(pair.both().get(i % 2).port());
        List<String> one = List.of(sessions.get(i));
        watchers.add(Watcher.start(wire, wire + " " + i, history, there, one));
      }
      Pair.await("all to watch").until(() -> watchers.stream().allMatch(Watcher::isWatching));
      // Most is written to a few, and read of all.
      List<String> busy = sessions.subList(0, 10);
      for (int i = 0; i < 4; i++) {
        clients.writer(i % 2 == 0 ? a : b, busy, 40, i);
        clients.reader(i % 2 == 0 ? a : b, sessions, 100, 10 + i);
      }
      long start = System.nanoTime();
      long untrusted = 0;
      while (System.nanoTime() - start < LOAD.toNanos()) {
        Pair.pass(Duration.ofMillis(50));
        untrusted = Math.max(untrusted, Math.max(pair.a().untrusted(), pair.b().untrusted()));
      }
      clients.stop();
      history.awaitWatchers(Duration.ofSeconds(10));
      Verdict verdict = history.verdict();
      CacheUse use = CacheUse.of(history);
      long noticed = pair.a().noticed() + pair.b().noticed();
      int reconnects = watchers.stream().mapToInt(Watcher::connects).sum() - watchers.size();
      watchers.forEach(Watcher::close);
      System.out.printf(
          "A11: %s; seconds=%d drops=%d mostUntrusted=%d reconnects=%d %s%n",
          verdict, LOAD.toSeconds(), noticed, untrusted, reconnects, use);
      assertThat(verdict.clean()).as(verdict.toString()).isTrue();
      assertThat(verdict.gaps()).as("gaps told to watchers").isZero();
      assertThat(noticed).as("holes, comparisons that differ, links lost").isZero();
      assertThat(untrusted).as("partitions not trusted").isZero();
      assertThat(use.bypasses()).as("reads past the cache").isZero();
      assertThat(reconnects).isZero();
      assertThat(use.repeated()).isGreaterThan(1_000);
      assertThat(use.rate()).as(use.toString()).isGreaterThanOrEqualTo(0.9);
    }
  }
}
