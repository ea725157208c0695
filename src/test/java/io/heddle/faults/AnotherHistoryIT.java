package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Position;
import io.heddle.faults.Clients.Targets;
import io.heddle.faults.History.Read;
import io.heddle.faults.History.Write;
import io.heddle.faults.Watcher.Wire;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A7: the data go away under running replicas, or come back older than they were. What is counted
 * anew reaches the numbers that were there before, so whoever compares numbers only takes another
 * history for the one it knows.
 */
class AnotherHistoryIT {
  private static final int SESSIONS = 6;
  private static final int APPENDS = 5;

  private final Pair pair = Pair.start();
  private final RedisView redis = new RedisView(pair.redis().uri());
  private final History history = new History();
  private final Clients clients = new Clients(history);
  private final List<Watcher> watchers = new ArrayList<>();
  private final Targets a = Targets.of(pair.a());
  private final Targets b = Targets.of(pair.b());
  private List<String> sessions = List.of();

  @BeforeEach
  void begin() throws Exception {
    sessions = Pair.sessions(clients, a, "a7", SESSIONS);
    appendToAll(a);
    for (String session : sessions) {
      for (Here replica : List.of(pair.a(), pair.b())) {
        for (Wire wire : Wire.values()) {
          String name = wire + " of " + session + " at " + replica.name();
          Balancer there = Balancer.to(replica.port());
          watchers.add(Watcher.start(wire, name, history, there, List.of(session)));
        }
      }
    }
    Pair.await("all to watch").until(() -> watchers.stream().allMatch(Watcher::isWatching));
    for (String session : sessions) {
      for (Targets replica : List.of(a, b)) {
        Pair.await("it to be remembered")
            .until(() -> clients.read(replica, session, null).cache().equals("hit"));
      }
    }
    clients.reader(a, sessions, 100, 1);
    clients.reader(b, sessions, 100, 2);
    Pair.pass(Duration.ofSeconds(1));
  }

  @AfterEach
  void end() {
    watchers.forEach(Watcher::close);
    clients.close();
    redis.close();
    pair.close();
  }

  private void appendToAll(Targets replica) throws IOException {
    for (int i = 0; i < APPENDS; i++) {
      for (String session : sessions) {
        clients.append(replica, session);
      }
    }
  }

  private Map<String, Position> positions() {
    Map<String, Position> positions = new HashMap<>();
    sessions.forEach(session -> positions.put(session, history.newestOf(session)));
    return positions;
  }

  /** Nobody is shown, answered 304 about, or allowed to write upon, what was there before. */
  private void nothingOfTheOld(Map<String, Position> old) throws IOException {
    for (String session : sessions) {
      for (Targets replica : List.of(a, b)) {
        Read read = clients.read(replica, session, old.get(session));
        assertThat(read.status()).as("%s", read).isEqualTo(200);
        assertThat(clients.patchIf(replica, session, old.get(session)))
            .isEqualTo("412 version-conflict");
      }
    }
  }

  private long untilAllWatchers(String what, String... types) {
    long start = System.nanoTime();
    Pair.await(what)
        .until(() ->
            history.watched().stream()
                .allMatch(
                    watched -> List.of(types).stream().anyMatch(type -> watched.count(type) > 0)));
    return (System.nanoTime() - start) / 1_000_000;
  }

  private void done(String name, Object more) throws Exception {
    clients.stop();
    history.awaitWatchers(Duration.ofSeconds(20));
    Pair.pass(Duration.ofMillis(300));
    Verdict verdict = history.verdict();
    System.out.printf("%s: %s; %s%n", name, verdict, more);
    assertThat(verdict.clean()).as(verdict.toString()).isTrue();
  }

  /** Everything is gone, and nobody writes: what was remembered must not outlive it. */
  @Test
  void a7Flushed() throws Exception {
    redis.commands().flushall();
    history.reset(List.of());
    long told = untilAllWatchers("the end", "session.deleted");
    Pair.pass(History.FRESH.plusMillis(100));
    for (String session : sessions) {
      for (Targets replica : List.of(a, b)) {
        assertThat(clients.read(replica, session, null).status()).isEqualTo(404);
      }
    }
    assertThat(told).as("told within two seconds").isLessThan(2_000);
    done("A7 flushed", "watchers told after " + told + " ms");
  }

  /** Everything is gone, and at once there is as much again, with the same numbers. */
  @Test
  void a7FlushedAndWrittenToTheSameNumbers() throws Exception {
    Map<String, Position> old = positions();
    redis.commands().flushall();
    history.reset(List.of());
    long start = System.nanoTime();
    for (String session : sessions) {
      clients.create(a, session);
    }
    appendToAll(a);
    long written = (System.nanoTime() - start) / 1_000_000;
    old.forEach((session, position) ->
        assertThat(history.newestOf(session).version()).isEqualTo(position.version()));
    long told = written + untilAllWatchers("gap and snapshot", "gap", "session.deleted");
    Pair.pass(History.FRESH);
    nothingOfTheOld(old);
    assertThat(told).as("told within two seconds").isLessThan(2_000);
    done("A7 flushed, same numbers", "written in %d ms, told after %d ms".formatted(written, told));
  }

  /** Redis comes back with what it had some writes ago, and those numbers are given again. */
  @Test
  void a7RestartedFromAnOldDump() throws Exception {
    redis.commands().save();
    List<Write> kept = history.writes();
    appendToAll(b);
    Map<String, Position> old = positions();
    pair.redis().kill();
    history.reset(kept);
    pair.redis().restart();
    long start = System.nanoTime();
    long told = untilAllWatchers("gap and snapshot", "gap");
    appendToAll(a);
    old.forEach((session, position) ->
        assertThat(history.newestOf(session).version()).isEqualTo(position.version()));
    long back = (System.nanoTime() - start) / 1_000_000;
    nothingOfTheOld(old);
    assertThat(told).as("told within two seconds").isLessThan(2_000);
    done("A7 old dump", "watchers told %d ms after the start, %d ms".formatted(told, back));
  }
}
