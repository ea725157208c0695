package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.EventStream;
import io.heddle.testing.HttpConnection;
import io.heddle.testing.HttpConnection.Answer;
import io.heddle.testing.RedisProcess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * Redis stops in the middle of turns and does not come back: it is silent, as a process that is
 * stopped, or away. Whoever waits for a turn is told in bounded time, in whatever way he waits, and
 * so is who orders one then. When Redis is back each turn has one end and one answer.
 */
class RedisSilentInTurnIT {

  /** For how long turns outlive a Redis that is away, and some seconds for a busy machine. */
  private static final Duration TOLD = Duration.ofSeconds(20);

  /** The timeout of a request to Redis, tried once more at most. */
  private static final Duration REFUSED = Duration.ofSeconds(5);

  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final String WORDS = "warp and weft ";

  /** Turns that speak until long after everybody was told, and one that ends meanwhile. */
  private static final String LONG = "'tokens':340,'pace':'40ms'";

  private static final String SHORT = "'tokens':60,'pace':'40ms'";
  private static final String RESPONSE =
      "{\"model\":\"echo\",\"echo\":{\"tokens\":340,\"pace\":\"40ms\"},\"input\":\"" + WORDS + "\"";

  @Test
  void whoWaitsIsToldAndTheTurnHasOneEnd() throws Exception {
    try (RedisProcess redis = RedisProcess.start("--appendonly", "yes", "--appendfsync", "always");
        Here owner = Here.start("owner", redis.uri());
        Here other = Here.start("other", redis.uri())) {
      List<String> told = new ArrayList<>();
      told.add(round("silent", owner, other, redis::pause, redis::resume));
      told.add(round("away", owner, other, redis::stop, redis::restart));
      double taken = owner.meter("heddle.turns.reaped") + other.meter("heddle.turns.reaped");
      System.out.printf(
          "RedisSilentInTurnIT: %s; taken for dead=%.0f%n", String.join("; ", told), taken);
      assertThat(taken).as("turns taken for dead that somebody ran").isZero();
    }
  }

  private String round(String what, Here owner, Here other, Runnable stop, Runnable goOn)
      throws Exception {
    try (TurnCalls calls = new TurnCalls(owner.port());
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (String kind : List.of("plain", "short", "streamed", "queue", "late")) {
        calls.create(what + "-" + kind);
      }
      String queued = what + "-queue";
      String before = calls.begin(queued, TurnCalls.echo(WORDS, LONG));
      double running = owner.meter("heddle.turns.running");
      CountDownLatch gone = new CountDownLatch(1);
      Map<String, Future<Told>> waiting = new LinkedHashMap<>();
      waiting.put("plain", wait(threads, gone, () -> order(owner, what + "-plain", LONG)));
      waiting.put("short", wait(threads, gone, () -> order(owner, what + "-short", SHORT)));
      waiting.put("queued", wait(threads, gone, () -> order(owner, queued, SHORT)));
      waiting.put(
          "streamed",
          wait(
              threads,
              gone,
              () ->
                  ended(
                      EventStream.post(
                          owner.port(),
                          TurnCalls.path(what + "-streamed") + "/turns",
                          TurnCalls.streamed(TurnCalls.echo(WORDS, LONG))))));
      waiting.put(
          "followed elsewhere",
          wait(
              threads,
              gone,
              () ->
                  ended(
                      new EventStream(
                          other.port(), TurnCalls.path(queued, before) + "/events", ""))));
      waiting.put("response", wait(threads, gone, () -> response(owner, RESPONSE + "}")));
      waiting.put(
          "streamed response",
          wait(threads, gone, () -> response(owner, RESPONSE + ",\"stream\":true}")));
      Pair.await("turns to speak").until(() -> owner.meter("heddle.turns.running") - running >= 5);
      Pair.await("the short one to have spoken, and the queue to be known")
          .until(() ->
              calls.turns(what + "-short", "running").size() == 1
                  && calls.turns(queued, "queued").size() == 1);
      Pair.pass(Duration.ofSeconds(1));

      stop.run();
      long from = System.nanoTime();
      gone.countDown();
      StringBuilder line = new StringBuilder(what + ", told after");
      try {
        long asked = System.nanoTime();
        String refused = order(owner, what + "-late", SHORT);
        long late = System.nanoTime() - asked;
        assertThat(refused).startsWith("503 ");
        assertThat(Duration.ofNanos(late)).isLessThan(REFUSED);
        Map<String, Told> ends = new LinkedHashMap<>();
        for (Map.Entry<String, Future<Told>> each : waiting.entrySet()) {
          Told end = each.getValue().get(TOLD.toMillis(), TimeUnit.MILLISECONDS);
          ends.put(each.getKey(), end);
          line.append(" %s=%d ms".formatted(each.getKey(), (end.at - from) / 1_000_000));
        }
        // It has begun, so whoever is told to come back later is not told to order it again.
        for (String kind : List.of("plain", "short", "queued")) {
          assertThat(ends.get(kind).answer).as(kind).startsWith("202 ");
        }
        for (String kind : List.of("streamed", "followed elsewhere")) {
          assertThat(ends.get(kind).answer).as(kind).startsWith("200 ").doesNotContain("completed");
        }
        assertThat(ends.get("response").answer).startsWith("503 ").contains("store");
        assertThat(ends.get("streamed response").answer)
            .startsWith("200 ")
            .contains("event: error")
            .contains("store");
        line.append(", an order refused=%d ms".formatted(late / 1_000_000));
      } finally {
        goOn.run();
      }
      long back = System.nanoTime();
      for (String kind : List.of("plain", "short", "streamed", "queue")) {
        whole(calls, what + "-" + kind, kind.equals("queue") ? 2 : 1);
      }
      assertThat(owner.meter("heddle.turns.running")).isZero();
      return line.append(", all ended %d ms after it was back".formatted(since(back))).toString();
    }
  }

  /** Every turn of it comes to its end, and the thread has each question and its whole answer. */
  private static void whole(TurnCalls calls, String session, int turns) {
    Pair.await("turns of " + session)
        .atMost(PATIENCE)
        .ignoreExceptions()
        .untilAsserted(() -> assertThat(calls.turns(session, "completed")).hasSize(turns));
    try {
      assertThat(calls.session(session).path("activeTurn").isNull()).isTrue();
      List<JsonNode> thread = calls.thread(session);
      assertThat(thread).as("questions, each with one answer").hasSize(2 * turns);
      for (int i = 0; i < thread.size(); i++) {
        assertThat(thread.get(i).path("role").asString())
            .isEqualTo(i % 2 == 0 ? "user" : "assistant");
        assertThat(thread.get(i).path("status").asString("")).isNotEqualTo("incomplete");
      }
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** What a caller was told, and when. */
  private record Told(String answer, long at) {}

  private static Future<Told> wait(
      ExecutorService threads, CountDownLatch gone, Callable<String> call) {
    return threads.submit(() -> {
      String answer = call.call();
      long at = System.nanoTime();
      assertThat(gone.getCount()).as("told before Redis went: %s", answer).isZero();
      return new Told(answer, at);
    });
  }

  private static String order(Here replica, String session, String how) throws Exception {
    try (TurnCalls calls = new TurnCalls(replica.port())) {
      return text(calls.order(session, TurnCalls.echo(WORDS, how), Map.of()));
    }
  }

  private static String response(Here replica, String body) throws Exception {
    try (HttpConnection connection = new HttpConnection(replica.port(), PATIENCE)) {
      return text(connection.post("/openai/v1/responses", body));
    }
  }

  private static String ended(EventStream opened) throws Exception {
    try (EventStream events = opened) {
      StringBuilder seen = new StringBuilder(events.status() + " ");
      for (EventStream.Event event = events.receive(); event != null; event = events.receive()) {
        seen.append(event.type()).append(' ');
      }
      return seen.toString();
    }
  }

  private static String text(Answer answer) {
    return answer.status() + " " + answer.body();
  }

  private static long since(long from) {
    return (System.nanoTime() - from) / 1_000_000;
  }
}
