package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.HttpConnection.Answer;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import tools.jackson.databind.JsonNode;

/** What comes at the same time as a turn's end, and what is done to a session while one runs. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RacesIT {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final int ROUNDS = 80;
  private static final int WRITES = 25;

  /** Takes about 100 ms. */
  private static final String SOON = "'tokens':10,'pace':'10ms'";

  private static final String SLOWLY = "'tokens':10,'pace':'200ms'";

  private Pair replicas;

  @BeforeAll
  void start() {
    replicas = Pair.start(Pair.PATIENT);
  }

  @AfterAll
  void end() {
    replicas.close();
  }

  /** In turns on the two replicas, so that the owner is asked, and one that is not. */
  private int port(int number) {
    return replicas.both().get(number % 2).port();
  }

  private static List<Future<String>> each(ExecutorService callers, Round round) {
    List<Future<String>> all = new ArrayList<>();
    for (int i = 0; i < ROUNDS; i++) {
      int number = i;
      all.add(callers.submit(() -> round.run(number)));
    }
    return all;
  }

  private interface Round {
    String run(int number) throws Exception;
  }

  private static Map<String, Integer> count(List<Future<String>> outcomes) throws Exception {
    Map<String, Integer> counts = new TreeMap<>();
    for (Future<String> each : outcomes) {
      counts.merge(each.get(60, TimeUnit.SECONDS), 1, Integer::sum);
    }
    return counts;
  }

  /** Around the time of the end. */
  private static void waitABit(int number) {
    LockSupport.parkNanos(new Random(number).nextInt(40, 200) * 1_000_000L);
  }

  @Test
  void aCancelAtTheTimeOfTheEndComesBeforeOrAfterIt() throws Exception {
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      Map<String, Integer> counts = count(each(callers, this::cancelled));
      System.out.println("RacesIT: cancel and end at once: " + counts);
      assertThat(counts.keySet())
          .as("what the cancel was answered, and how the turn ended")
          .isSubsetOf("202 cancelled", "202 completed", "409 completed");
      assertThat(counts).containsKeys("202 cancelled", "409 completed");
    }
  }

  private String cancelled(int number) throws Exception {
    String session = "cancel-" + number;
    try (TurnCalls owner = new TurnCalls(port(0));
        TurnCalls canceller = new TurnCalls(port(number))) {
      owner.create(session);
      int words = number / 2 % 3;
      // What is cancelled in its middle has one, on a busy machine too.
      String order = TurnCalls.echo("c" + number + " ", words == 1 ? SLOWLY : SOON);
      try (TurnFollower follower = TurnFollower.order(port(0), session, order)) {
        String turn = follower.turn();
        if (words == 0) {
          waitABit(number);
        } else {
          // After the first word it comes in the middle; after the last only the end is left.
          int length = ("c" + number + " ").repeat(words == 1 ? 1 : 10).length();
          Pair.await("word").until(() -> follower.text().length() >= length);
        }
        Answer answer = canceller.call("POST", TurnCalls.path(session, turn) + "/cancel", "");
        if (answer.status() != 202) {
          assertThat(answer.code()).as(answer.body()).isEqualTo("turn-ended");
        }
        JsonNode end = follower.end(PATIENCE);
        String status = end.path("type").asString().substring("turn.".length());
        assertThat(canceller.turn(session, turn).path("status").asString()).isEqualTo(status);
        String said = TurnFollower.answer(end);
        assertThat(follower.text()).isEqualTo(said);
        assertThat(("c" + number + " ").repeat(10)).startsWith(said);
        List<String> thread = new ArrayList<>(List.of("user:c" + number + " "));
        if (!said.isEmpty()) {
          thread.add("assistant:" + said);
        }
        assertThat(canceller.texts(session)).isEqualTo(thread);
        // A cancel that came too late is not the next one's.
        Answer next = canceller.order(session, TurnCalls.echo("next", "'pace':'1ms'"), Map.of());
        assertThat(next.json().path("status").asString()).as(next.body()).isEqualTo("completed");
        thread.addAll(List.of("user:next", "assistant:next"));
        assertThat(owner.texts(session)).isEqualTo(thread);
        return answer.status() + " " + status;
      }
    }
  }

  @Test
  void aDeleteAtTheTimeOfTheEndLeavesNothing() throws Exception {
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor();
        RedisView view = new RedisView(replicas.redis().uri())) {
      Map<String, Integer> counts = count(each(callers, this::deleted));
      List<String> left =
          view.keys("heddle:*/delete-*").stream()
              .filter(key -> !key.matches("heddle:\\{[^}]*}:s:.*"))
              .toList();
      System.out.println(
          "RacesIT: delete and end at once: "
              + counts
              + ", keys left beside tombstones="
              + left.size());
      assertThat(left).as("keys of sessions that are gone").isEmpty();
      assertThat(counts).containsKeys("completed", "cut off");
      Pair.await("turns of sessions that are gone to be given up")
          .until(
              () -> replicas.both().stream().allMatch(r -> r.meter("heddle.turns.running") == 0));
      // A later session of that id knows nothing of them.
      try (TurnCalls calls = new TurnCalls(port(1))) {
        for (int i = 0; i < ROUNDS; i++) {
          String session = "delete-" + i;
          calls.create(session);
          assertThat(calls.texts(session)).isEmpty();
          assertThat(calls.session(session).path("activeTurn").isNull()).isTrue();
          Answer next = calls.order(session, TurnCalls.echo("next", "'pace':'1ms'"), Map.of());
          assertThat(next.json().path("status").asString()).as(next.body()).isEqualTo("completed");
          assertThat(calls.texts(session)).containsExactly("user:next", "assistant:next");
        }
      }
    }
  }

  private String deleted(int number) throws Exception {
    String session = "delete-" + number;
    try (TurnCalls owner = new TurnCalls(port(0));
        TurnCalls deleter = new TurnCalls(port(number))) {
      owner.create(session);
      String order = TurnCalls.echo("d" + number + " ", SOON);
      try (TurnFollower follower = TurnFollower.order(port(0), session, order)) {
        String turn = follower.turn();
        if (number % 4 == 0) {
          owner.begin(session, TurnCalls.echo("waits", SOON));
        }
        waitABit(number);
        TurnCalls.ok(204, deleter.call("DELETE", TurnCalls.path(session), null));
        String outcome = "completed";
        try {
          JsonNode end = follower.end(PATIENCE);
          if (end.path("type").asString().equals("session.deleted")) {
            outcome = "cut off";
          } else {
            assertThat(end.path("type").asString()).isEqualTo("turn.completed");
            assertThat(follower.text()).isEqualTo(("d" + number + " ").repeat(10));
          }
        } catch (IOException gone) {
          assertThat(follower.isOver()).as("the stream ends with the session").isTrue();
          outcome = "cut off";
        }
        for (String path : List.of(TurnCalls.path(session), TurnCalls.path(session, turn))) {
          Answer answer = deleter.call("GET", path, null);
          assertThat(answer.code()).as(answer.body()).isEqualTo("session-deleted");
        }
        return outcome;
      }
    }
  }

  @Test
  void whileATurnRunsTheSessionIsWrittenToAsEver() throws Exception {
    String session = "written";
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor();
        TurnCalls calls = new TurnCalls(port(1))) {
      calls.create(session);
      try (ChangeStream watcher = new ChangeStream(port(1), session);
          TurnFollower follower =
              TurnFollower.order(
                  port(0), session, TurnCalls.echo("say ", "'tokens':100,'pace':'30ms'"))) {
        String turn = follower.turn();
        List<Future<Integer>> writers = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
          int writer = i;
          writers.add(callers.submit(writer(session, turn, writer, follower)));
        }
        int during = 0;
        for (Future<Integer> each : writers) {
          during += each.get(60, TimeUnit.SECONDS);
        }
        JsonNode end = follower.end(PATIENCE);
        assertThat(end.path("type").asString()).isEqualTo("turn.completed");
        assertThat(follower.text()).isEqualTo("say ".repeat(100));
        assertThat(calls.session(session).path("activeTurn").isNull()).isTrue();

        List<JsonNode> thread = calls.thread(session);
        assertThat(thread).hasSize(4 * WRITES + 2);
        assertThat(thread.stream().map(m -> m.path("seq").asInt()).toList())
            .as("seqs without a hole")
            .isEqualTo(java.util.stream.IntStream.rangeClosed(1, thread.size()).boxed().toList());
        List<String> texts = calls.texts(session);
        assertThat(texts.getFirst()).isEqualTo("user:say ");
        assertThat(texts).containsOnlyOnce("assistant:" + follower.text());
        for (int writer = 0; writer < 4; writer++) {
          String of = "user:writer " + writer + " ";
          List<String> expected = new ArrayList<>();
          for (int n = 0; n < WRITES; n++) {
            expected.add(of + n);
          }
          assertThat(texts.stream().filter(text -> text.startsWith(of)).toList())
              .as("what one writer wrote, in its order")
              .isEqualTo(expected);
        }
        Pair.await("the end to be watched").until(() -> watcher.ends() == 1);
        assertThat(watcher.thread()).as("what a watcher shows").isEqualTo(texts);
        System.out.printf(
            "RacesIT: while a turn ran: appends=%d patches=%d state saves=%d, all accepted, %d of"
                + " them before its end%n",
            4 * WRITES, 4 * WRITES, 4 * WRITES, during);
        assertThat(during).as("writes while it ran").isGreaterThan(50);
      }
    }
  }

  private Callable<Integer> writer(String session, String turn, int writer, TurnFollower follower) {
    return () -> {
      int during = 0;
      try (TurnCalls calls = new TurnCalls(port(writer))) {
        String path = TurnCalls.path(session);
        for (int n = 0; n < WRITES; n++) {
          String text = "{\"role\":\"user\",\"content\":\"writer " + writer + " " + n + "\"}";
          TurnCalls.ok(201, calls.call("POST", path + "/messages", text));
          TurnCalls.ok(
              200, calls.call("PATCH", path, "{\"metadata\":{\"w" + writer + "\":\"" + n + "\"}}"));
          String state = "{\"w" + writer + "\":" + n + "}";
          TurnCalls.ok(200, calls.call("PATCH", path + "/state", state));
          String active = calls.session(session).path("activeTurn").asString("");
          if (!follower.isOver()) {
            during += 3;
          }
          // The end may come between the two looks, but never is another one active.
          assertThat(active).isIn(turn, "");
          if (active.isEmpty()) {
            assertThat(calls.turn(session, turn).path("status").asString()).isEqualTo("completed");
          }
        }
      }
      return during;
    };
  }

  @Test
  void whatTheTurnStandsOnIsNotTakenAway() throws Exception {
    String session = "stands";
    String path = TurnCalls.path(session);
    try (TurnCalls calls = new TurnCalls(port(1))) {
      calls.create(session);
      TurnCalls.ok(
          201, calls.call("POST", path + "/messages", "{\"role\":\"user\",\"content\":\"old\"}"));
      TurnCalls.ok(200, calls.call("PUT", path + "/state", "{\"n\":1}"));
      TurnCalls.ok(200, calls.call("PUT", path + "/state", "{\"n\":2}"));
      String old = calls.thread(session).getFirst().path("id").asString();
      String first =
          calls
              .call("GET", path + "/checkpoints?limit=10", null)
              .json()
              .path("data")
              .valueStream()
              .map(checkpoint -> checkpoint.path("id").asString())
              .toList()
              .getLast();
      try (TurnFollower follower =
          TurnFollower.order(
              port(0), session, TurnCalls.echo("input ", "'tokens':60,'pace':'30ms'"))) {
        String turn = follower.turn();
        String input = calls.turn(session, turn).path("input").path(0).asString();
        for (String refused :
            List.of(
                "DELETE " + path + "/messages",
                "DELETE " + path + "/messages?after=" + old,
                "POST " + path + "/checkpoints/" + first + "/restore")) {
          String[] call = refused.split(" ", 2);
          Answer answer = calls.call(call[0], call[1], null);
          TurnCalls.ok(409, answer);
          assertThat(answer.code()).as(refused).isEqualTo("turn-running");
        }
        TurnCalls.ok(
            201,
            calls.call("POST", path + "/messages", "{\"role\":\"user\",\"content\":\"extra\"}"));
        Answer cut = calls.call("DELETE", path + "/messages?after=" + input, null);
        assertThat(cut.ok()).as("a cut behind its input: %s", cut.body()).isTrue();
        assertThat(follower.isOver()).as("it still runs").isFalse();
        assertThat(follower.end(PATIENCE).path("type").asString()).isEqualTo("turn.completed");
        assertThat(calls.texts(session))
            .containsExactly("user:old", "user:input ", "assistant:" + follower.text());
        assertThat(calls.call("GET", path + "/state", null).json().path("n").asInt()).isEqualTo(2);
        Answer after = calls.call("POST", path + "/checkpoints/" + first + "/restore", null);
        assertThat(after.ok()).as("after its end: %s", after.body()).isTrue();
        assertThat(calls.call("DELETE", path + "/messages", null).ok()).isTrue();
        assertThat(calls.texts(session)).isEmpty();
      }
    }
  }

  /** The session's time comes while its turn speaks, and once more while the next one does. */
  @Test
  void aSessionDoesNotExpireUnderItsTurn() throws Exception {
    String session = "expires";
    String path = TurnCalls.path(session);
    try (TurnCalls calls = new TurnCalls(port(1))) {
      TurnCalls.ok(
          201, calls.call("POST", "/v1/sessions", "{\"id\":\"expires\",\"ttlSeconds\":1}"));
      String how = "'tokens':100,'pace':'30ms'";
      try (TurnFollower one = TurnFollower.order(port(0), session, TurnCalls.echo("first ", how))) {
        String waits = calls.begin(session, TurnCalls.echo("second ", how));
        try (TurnFollower two = TurnFollower.of(port(1), session, waits)) {
          long start = System.nanoTime();
          assertThat(one.end(PATIENCE).path("type").asString()).isEqualTo("turn.completed");
          assertThat(two.end(PATIENCE).path("type").asString()).isEqualTo("turn.completed");
          double seconds = (two.endedAt() - start) / 1e9;
          assertThat(seconds).as("longer than the session's time").isGreaterThan(2.5);
          assertThat(calls.texts(session))
              .containsExactly(
                  "user:first ",
                  "assistant:" + one.text(),
                  "user:second ",
                  "assistant:" + two.text());
          Pair.await("the session to expire")
              .until(() -> calls.call("GET", path, null).code().equals("session-expired"));
          System.out.printf(
              "RacesIT: a session of 1 s lived through turns of %.1f s and expired %.1f s after%n",
              seconds, (System.nanoTime() - two.endedAt()) / 1e9);
        }
      }
    }
  }
}
