package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.HttpConnection.Answer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/**
 * 200 turns at once on 50 sessions, over two replicas, for each thing that one can do with a turn
 * that finds another one running. Each session is watched: its changes must tell of one turn at a
 * time, and what a watcher shows in the end must be the thread that is stored.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BusyIT {
  private static final int SESSIONS = 50;
  private static final int A_SESSION = 4;
  private static final int WORDS = 12;

  private Pair replicas;

  @BeforeAll
  void start() {
    replicas = Pair.start(Pair.PATIENT, "heddle.echo.pace=10ms");
  }

  @AfterAll
  void end() {
    replicas.close();
  }

  /** One order and what its caller was told. */
  private record Told(String content, int status, JsonNode body) {
    String turn() {
      return body.path("id").asString();
    }

    /** {@code completed} and the like, or the problem. */
    String outcome() {
      return status == 200 ? body.path("status").asString() : body.path("code").asString();
    }

    boolean isRolledBack() {
      return body.path("finishReason").asString("").equals("rolled_back");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"enqueue", "reject", "interrupt", "rollback"})
  void twoHundredAtOnce(String onBusy) throws Exception {
    Map<String, List<Future<Told>>> orders = new HashMap<>();
    List<String> sessions = new ArrayList<>();
    Map<String, ChangeStream> watchers = new HashMap<>();
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor();
        TurnCalls calls = new TurnCalls(replicas.a().port())) {
      for (int i = 0; i < SESSIONS; i++) {
        String session = onBusy + "-" + i;
        sessions.add(session);
        calls.create(session);
        int port = replicas.both().get(i % 2).port();
        watchers.put(session, new ChangeStream(port, session));
      }
      long start = System.nanoTime();
      for (String session : sessions) {
        List<Future<Told>> some = new ArrayList<>();
        for (int i = 0; i < A_SESSION; i++) {
          String content = session + "/" + i + " ";
          int port = replicas.both().get(i % 2).port();
          // Some find the other one before its first word, and some in the middle.
          long after = new Random(content.hashCode()).nextInt(i == 0 ? 1 : 150) * 1_000_000L;
          some.add(callers.submit(() -> order(port, session, content, onBusy, after)));
        }
        orders.put(session, some);
      }
      Map<String, Integer> outcomes = new TreeMap<>();
      int rolledBack = 0;
      for (String session : sessions) {
        List<Told> told = new ArrayList<>();
        for (Future<Told> each : orders.get(session)) {
          told.add(each.get(60, TimeUnit.SECONDS));
        }
        for (Told each : told) {
          outcomes.merge(each.outcome(), 1, Integer::sum);
          rolledBack += each.isRolledBack() ? 1 : 0;
        }
        look(session, onBusy, told, watchers.get(session), calls);
      }
      double seconds = (System.nanoTime() - start) / 1e9;
      System.out.printf(
          "BusyIT: %s: turns=%d sessions=%d outcomes=%s rolledBack=%d twoAtOnce=0 in %.1f s%n",
          onBusy, SESSIONS * A_SESSION, SESSIONS, outcomes, rolledBack, seconds);
      addUp(onBusy, outcomes, rolledBack);
    } finally {
      watchers.values().forEach(ChangeStream::close);
    }
  }

  private static Told order(int port, String session, String content, String onBusy, long after)
      throws Exception {
    LockSupport.parkNanos(after);
    try (TurnCalls calls = new TurnCalls(port)) {
      String body = TurnCalls.onBusy(TurnCalls.echo(content, "'tokens':" + WORDS), onBusy);
      Answer answer = calls.order(session, body, Map.of());
      return new Told(content, answer.status(), answer.json());
    }
  }

  private static void addUp(String onBusy, Map<String, Integer> outcomes, int rolledBack) {
    int completed = outcomes.getOrDefault("completed", 0);
    int cancelled = outcomes.getOrDefault("cancelled", 0);
    int refused = outcomes.getOrDefault("turn-running", 0);
    assertThat(completed + cancelled + refused)
        .as("of %s", outcomes)
        .isEqualTo(SESSIONS * A_SESSION);
    switch (onBusy) {
      case "enqueue" -> assertThat(completed).isEqualTo(SESSIONS * A_SESSION);
      case "reject" -> {
        assertThat(completed).isGreaterThanOrEqualTo(SESSIONS);
        assertThat(refused).isPositive();
        assertThat(cancelled).isZero();
      }
      default -> {
        assertThat(refused).isZero();
        assertThat(cancelled).isPositive();
        assertThat(completed).isGreaterThanOrEqualTo(SESSIONS);
        assertThat(rolledBack).isEqualTo(onBusy.equals("rollback") ? cancelled : 0);
      }
    }
  }

  private static void look(
      String session, String onBusy, List<Told> told, ChangeStream watcher, TurnCalls calls)
      throws Exception {
    List<Told> ran = told.stream().filter(each -> each.status() == 200).toList();
    Pair.await("all ends to be watched").until(() -> watcher.ends() >= ran.size());
    assertThat(watcher.ends()).isEqualTo(ran.size());
    List<JsonNode> thread = calls.thread(session);
    assertThat(watcher.thread())
        .as("what a watcher of %s shows", session)
        .isEqualTo(calls.texts(session));
    List<String> started = watcher.turns("turn.started");
    assertThat(started).containsExactlyInAnyOrderElementsOf(ran.stream().map(Told::turn).toList());
    if (onBusy.equals("enqueue")) {
      assertThat(started).as("order of the queue of %s", session).isEqualTo(taken(watcher));
    }
    Map<String, Told> byTurn = new HashMap<>();
    ran.forEach(each -> byTurn.put(each.turn(), each));
    valid(session, thread, started, byTurn);
    assertThat(calls.session(session).path("activeTurn").isNull()).isTrue();
  }

  /** As they were taken in: at their start if they began at once, else where they began to wait. */
  private static List<String> taken(ChangeStream watcher) {
    return watcher.changes().stream()
        .filter(
            change -> List.of("turn.queued", "turn.started").contains(ChangeStream.type(change)))
        .map(change -> change.path("turn").asString())
        .distinct()
        .toList();
  }

  /**
   * An input, its output, the next input …; only one cut off before its first word has no output.
   */
  private static void valid(
      String session, List<JsonNode> thread, List<String> started, Map<String, Told> byTurn) {
    int at = 0;
    for (String turn : started) {
      Told told = byTurn.get(turn);
      String answer = TurnFollower.answer(told.body());
      if (told.isRolledBack()) {
        assertThat(answer).isEmpty();
        assertThat(told.body().path("output").size()).isZero();
        continue;
      }
      JsonNode input = thread.get(at++);
      assertThat(input.path("role").asString()).as(session).isEqualTo("user");
      assertThat(input.path("content").asString()).isEqualTo(told.content());
      String whole = told.content().repeat(WORDS);
      if (told.outcome().equals("completed")) {
        assertThat(answer).isEqualTo(whole);
      } else {
        assertThat(whole).startsWith(answer);
      }
      if (!answer.isEmpty()) {
        JsonNode output = thread.get(at++);
        assertThat(output.path("role").asString()).as(session).isEqualTo("assistant");
        assertThat(output.path("turn").asString()).isEqualTo(turn);
        assertThat(output.path("content").asString()).isEqualTo(answer);
      } else {
        assertThat(told.outcome()).isEqualTo("cancelled");
      }
    }
    assertThat(at).as("messages that are no turn's, of %s", session).isEqualTo(thread.size());
    long seq = 0;
    for (JsonNode message : thread) {
      assertThat(message.path("seq").asLong()).isGreaterThan(seq);
      seq = message.path("seq").asLong();
    }
  }
}
