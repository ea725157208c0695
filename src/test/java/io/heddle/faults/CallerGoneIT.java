package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.HttpConnection;
import io.heddle.testing.HttpConnection.Answer;
import io.heddle.testing.ModelScript;
import io.heddle.testing.ScriptedModel;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Callers that hang up, come back and repeat themselves. How often the model was asked is counted
 * at the model.
 */
class CallerGoneIT {
  private static final JsonMapper JSON = new JsonMapper();
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final int WORDS = 30;
  private static final int CALLERS = 40;
  private static final int SAME = 20;

  private final ScriptedModel model = ScriptedModel.start();
  private final Pair replicas =
      Pair.start(
          Pair.PATIENT,
          "heddle.upstreams.scripted.base-url=" + model.baseUrl(),
          "heddle.upstreams.scripted.models=scripted");

  /** Says its input again and again, with time between the words. */
  @BeforeEach
  void speak() {
    model.answer(request -> {
      JsonNode messages = JSON.readTree(request.body()).path("messages");
      String input = messages.path(messages.size() - 1).path("content").asString();
      ModelScript script = ModelScript.stream();
      for (int i = 0; i < WORDS; i++) {
        script = script.text(input + " ").pause(Duration.ofMillis(20));
      }
      return script.finish("stop").usage(1, WORDS).done();
    });
  }

  @AfterEach
  void end() {
    replicas.close();
    model.close();
  }

  private static String order(String content) {
    return "{\"content\":\"" + content + "\",\"model\":\"scripted\"}";
  }

  private static String answer(String content) {
    return (content + " ").repeat(WORDS);
  }

  /** How often the model was asked for an answer to this. */
  private long calls(String content) {
    String last = "\"" + content + "\"";
    return model.requests().stream().filter(request -> request.body().contains(last)).count();
  }

  @Test
  void whoHangsUpInTheMiddleFindsItsAnswerAndComesBackWhereItWas() throws Exception {
    int a = replicas.a().port();
    int b = replicas.b().port();
    int resumed = 0;
    try (TurnCalls calls = new TurnCalls(b)) {
      for (int i = 0; i < 4; i++) {
        String session = "middle-" + i;
        String content = "middle" + i;
        calls.create(session);
        String text;
        String turn;
        long seq;
        try (TurnFollower caller =
            TurnFollower.order(a, session, order(content), "Idempotency-Key", session)) {
          Pair.await("some of the answer").until(() -> caller.seq() > 4);
          turn = caller.turn();
          synchronized (caller) {
            text = caller.text();
            seq = caller.seq();
          }
        }
        if (i >= 2) {
          // Nobody listens to the rest of it.
          Pair.await("the turn to end")
              .until(() -> calls.turn(session, turn).path("status").asString().equals("completed"));
        }
        if (i % 2 == 0) {
          try (TurnFollower again = TurnFollower.again(b, session, turn, text, seq)) {
            JsonNode end = again.end(PATIENCE);
            assertThat(end.path("type").asString()).isEqualTo("turn.completed");
            assertThat(again.text()).isEqualTo(answer(content));
          }
        } else {
          try (TurnFollower again =
              TurnFollower.order(b, session, order(content), "Idempotency-Key", session)) {
            JsonNode end = again.end(PATIENCE);
            assertThat(again.turn()).isEqualTo(turn);
            assertThat(end.path("type").asString()).isEqualTo("turn.completed");
            assertThat(again.text()).isEqualTo(answer(content));
          }
        }
        resumed++;
        assertThat(calls.texts(session))
            .containsExactly("user:" + content, "assistant:" + answer(content));
        assertThat(calls(content)).as("model calls").isOne();
      }
    }
    System.out.printf(
        "CallerGoneIT: %d hung up in the middle and came back elsewhere: all had the whole answer,"
            + " one model call each%n",
        resumed);
  }

  /** Some are gone before their request was read, and some after the turn was begun. */
  @Test
  void whoHangsUpAtOnceHasOrderedOneTurnOrNone() throws Exception {
    int begun = 0;
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor();
        TurnCalls calls = new TurnCalls(replicas.b().port())) {
      List<Future<?>> gone = new ArrayList<>();
      for (int i = 0; i < CALLERS; i++) {
        calls.create(session(i));
      }
      for (int i = 0; i < CALLERS; i++) {
        int number = i;
        gone.add(callers.submit(() -> hangUpAtOnce(number)));
      }
      for (Future<?> each : gone) {
        each.get(20, TimeUnit.SECONDS);
      }
      awaitTheEndOfWhatWasBegun(calls);
      for (int i = 0; i < CALLERS; i++) {
        List<String> thread = calls.texts(session(i));
        if (!thread.isEmpty()) {
          begun++;
          assertThat(thread)
              .containsExactly("user:" + content(i), "assistant:" + answer(content(i)));
        }
        assertThat(calls(content(i))).isEqualTo(thread.isEmpty() ? 0 : 1);
      }
      // Whoever repeats the order gets the turn that there is, or begins it now.
      List<Future<Answer>> again = new ArrayList<>();
      for (int i = 0; i < CALLERS; i++) {
        int number = i;
        again.add(callers.submit(() -> order(replicas.b().port(), number)));
      }
      int replayed = 0;
      for (int i = 0; i < CALLERS; i++) {
        Answer answer = again.get(i).get(20, TimeUnit.SECONDS);
        TurnCalls.ok(200, answer);
        replayed += answer.headers().containsKey("idempotency-replayed") ? 1 : 0;
        assertThat(TurnFollower.answer(answer.json())).isEqualTo(answer(content(i)));
        assertThat(calls(content(i))).as("model calls").isOne();
        assertThat(calls.texts(session(i))).hasSize(2);
      }
      System.out.printf(
          "CallerGoneIT: %d hung up at once: turns begun=%d, all whole; repeated: replayed=%d,"
              + " model calls each=1%n",
          CALLERS, begun, replayed);
      assertThat(replayed).isEqualTo(begun);
      assertThat(begun).as("some orders arrived").isPositive();
    }
  }

  /**
   * An order may be read, and its turn begun, some time after its caller is gone. A question
   * without its answer is one whose turn still runs. What was begun later than the last of these
   * looks is begun once too, and would be seen below.
   */
  private static void awaitTheEndOfWhatWasBegun(TurnCalls calls) {
    Pair.pass(Duration.ofMillis(500));
    List<Integer> before = new ArrayList<>();
    Pair.await("what was begun to end, and nothing more to begin")
        .pollInterval(Duration.ofMillis(500))
        .until(() -> {
          List<Integer> sizes = new ArrayList<>();
          for (int i = 0; i < CALLERS; i++) {
            sizes.add(calls.texts(session(i)).size());
          }
          boolean settled = sizes.equals(before) && sizes.stream().allMatch(n -> n == 0 || n == 2);
          before.clear();
          before.addAll(sizes);
          return settled;
        });
  }

  private static String session(int number) {
    return "at-once-" + number;
  }

  private static String content(int number) {
    return "at-once" + number + ".";
  }

  private static Map<String, String> key(int number) {
    return Map.of("Idempotency-Key", "at-once-" + number);
  }

  private Answer order(int port, int number) throws IOException {
    try (TurnCalls calls = new TurnCalls(port)) {
      return calls.order(session(number), order(content(number)), key(number));
    }
  }

  private Void hangUpAtOnce(int number) throws IOException {
    try (HttpConnection connection = replicas.a().connect()) {
      Map<String, String> headers = new HashMap<>(key(number));
      connection.send(
          "POST", TurnCalls.path(session(number)) + "/turns", order(content(number)), headers);
      if (number % 2 == 0) {
        LockSupport.parkNanos(Duration.ofMillis(5L * number).toNanos());
      }
      connection.hangUp(number % 4 < 2);
    }
    return null;
  }

  /** Three tries of a client that repeats a request before the first one is answered. */
  @Test
  void theSameRequestThreeTimesAtOnceIsOneTurn() throws Exception {
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor();
        TurnCalls calls = new TurnCalls(replicas.b().port())) {
      int replays = 0;
      List<List<Future<Answer>>> all = new ArrayList<>();
      for (int i = 0; i < SAME; i++) {
        calls.create("same-" + i);
        List<Future<Answer>> three = new ArrayList<>();
        for (Here replica : List.of(replicas.a(), replicas.b(), replicas.a())) {
          String session = "same-" + i;
          String body = order("same" + i + ".");
          Callable<Answer> call =
              () -> {
                try (TurnCalls own = new TurnCalls(replica.port())) {
                  return own.order(session, body, Map.of("Idempotency-Key", session));
                }
              };
          three.add(callers.submit(call));
        }
        all.add(three);
      }
      for (int i = 0; i < SAME; i++) {
        List<String> bodies = new ArrayList<>();
        int replayed = 0;
        for (Future<Answer> each : all.get(i)) {
          Answer answer = each.get(30, TimeUnit.SECONDS);
          TurnCalls.ok(200, answer);
          bodies.add(answer.body());
          replayed += answer.headers().containsKey("idempotency-replayed") ? 1 : 0;
        }
        assertThat(bodies.get(1)).isEqualTo(bodies.get(0));
        assertThat(bodies.get(2)).isEqualTo(bodies.get(0));
        assertThat(replayed).as("answers that say they are a replay").isEqualTo(2);
        replays += replayed;
        assertThat(calls("same" + i + ".")).as("model calls").isOne();
        assertThat(calls.texts("same-" + i))
            .containsExactly("user:same" + i + ".", "assistant:" + answer("same" + i + "."));
      }
      System.out.printf(
          "CallerGoneIT: %d requests, each three times at once on two replicas: turns=%d"
              + " replays=%d model calls=%d, equal answers%n",
          SAME, SAME, replays, SAME);
    }
  }
}
