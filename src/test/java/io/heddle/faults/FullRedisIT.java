package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.HttpConnection;
import io.heddle.testing.HttpConnection.Answer;
import io.heddle.testing.RedisProcess;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.sync.RedisCommands;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import tools.jackson.databind.JsonNode;

/**
 * A Redis that is full ({@code maxmemory}, {@code noeviction}): what adds is refused at once and
 * stores nothing, what takes away passes, no turn hangs, and whoever operates it is told.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FullRedisIT {

  private static final String ECHO = "{\"model\":\"echo\",";
  private static final String INPUT = "\"input\":\"hi\"}";

  private final RedisProcess server = RedisProcess.start();
  private final RedisClient client = RedisClient.create(server.uri());
  private final RedisCommands<String, String> redis = client.connect().sync();
  private Here replica;
  private HttpConnection http;

  /** A call, whose path and body may name what was made before. */
  private record Wanted(String method, String path, String body) {

    @Override
    public String toString() {
      return method + " " + path;
    }
  }

  @BeforeAll
  void start() {
    replica = Here.start("full", server.uri(), "management.endpoint.health.show-details=always");
    http = replica.connect();
  }

  @AfterAll
  void stop() {
    http.close();
    replica.close();
    client.shutdown();
    server.close();
  }

  @Test
  void whatAddsIsRefusedAndWhatTakesAwayOrReadsPasses() throws IOException {
    String s = "/v1/sessions/s";
    made("POST", "/v1/sessions", "{\"id\":\"s\",\"user\":\"ann\"}");
    made("POST", s + "/messages", "{\"id\":\"m1\",\"role\":\"user\",\"content\":\"one\"}");
    made("POST", s + "/messages", "{\"id\":\"m2\",\"role\":\"user\",\"content\":\"two\"}");
    made("POST", s + "/messages", "{\"id\":\"m3\",\"role\":\"user\",\"content\":\"three\"}");
    made("PUT", s + "/state", "{\"a\":1}");
    made("POST", "/v1/sessions", "{\"id\":\"locked\"}");
    String token =
        made("POST", "/v1/sessions/locked/lock", "{\"ttlSeconds\":60}").path("lock").asString();
    made("PUT", "/v1/cache/kept", "{\"a\":1}");
    String conversation = made("POST", "/openai/v1/conversations", "{}").path("id").asString();
    String c = "/openai/v1/conversations/" + conversation;
    String item =
        made("POST", c + "/items", "{\"items\":[{\"role\":\"user\",\"content\":\"hi\"}]}")
            .path("data")
            .path(0)
            .path("id")
            .asString();
    String response = made("POST", "/openai/v1/responses", ECHO + INPUT).path("id").asString();
    String longTurn = TurnCalls.echo("words", "\"tokens\":400,\"pace\":\"100ms\"");
    String turn =
        http.call("POST", s + "/turns", longTurn, Map.of("Prefer", "respond-async"))
            .json()
            .path("id")
            .asString();
    String waiting =
        http.call("POST", s + "/turns", longTurn, Map.of("Prefer", "respond-async"))
            .json()
            .path("id")
            .asString();
    assertThat(turn).startsWith("trn_");
    assertThat(waiting).startsWith("trn_");

    List<Wanted> adds =
        List.of(
            new Wanted("POST", "/v1/sessions", "{\"id\":\"new\"}"),
            new Wanted("POST", "/v1/sessions", "{\"id\":\"new\",\"user\":\"ann\"}"),
            new Wanted("PUT", "/v1/sessions/new", "{}"),
            new Wanted("PATCH", s, "{\"title\":\"t\"}"),
            new Wanted("POST", s + "/messages", "{\"role\":\"user\",\"content\":\"x\"}"),
            new Wanted("POST", s + "/fork", "{}"),
            new Wanted("PUT", s + "/state", "{\"b\":1}"),
            new Wanted("PATCH", s + "/state", "{\"b\":1}"),
            new Wanted("POST", s + "/lock", "{\"ttlSeconds\":5}"),
            new Wanted("POST", s + "/turns", "{\"content\":\"x\",\"model\":\"echo\"}"),
            new Wanted(
                "POST", s + "/turns", "{\"content\":\"x\",\"model\":\"echo\",\"stream\":true}"),
            new Wanted("PUT", "/v1/cache/other", "{\"a\":1}"),
            new Wanted("PUT", "/v1/cache/kept", "{\"a\":2}"),
            new Wanted("POST", "/openai/v1/conversations", "{}"),
            new Wanted("POST", c, "{\"metadata\":{\"a\":\"b\"}}"),
            new Wanted("POST", c + "/items", "{\"items\":[{\"role\":\"user\",\"content\":\"x\"}]}"),
            new Wanted("POST", "/openai/v1/responses", ECHO + INPUT),
            new Wanted("POST", "/openai/v1/responses", ECHO + "\"stream\":true," + INPUT),
            new Wanted("POST", "/openai/v1/responses", ECHO + "\"background\":true," + INPUT),
            new Wanted(
                "POST",
                "/openai/v1/responses",
                ECHO + "\"conversation\":\"" + conversation + "\"," + INPUT),
            new Wanted(
                "POST",
                "/openai/v1/responses",
                ECHO + "\"previous_response_id\":\"" + response + "\"," + INPUT));
    List<Wanted> passes =
        List.of(
            new Wanted("GET", s, null),
            new Wanted("GET", s + "/messages", null),
            new Wanted("GET", s + "/state", null),
            new Wanted("GET", s + "/turns", null),
            new Wanted("GET", "/v1/sessions?user=ann", null),
            new Wanted("GET", "/v1/sessions/locked/lock", null),
            new Wanted("GET", "/v1/cache/kept", null),
            new Wanted("GET", c + "/items", null),
            new Wanted("GET", "/openai/v1/responses/" + response, null),
            new Wanted("DELETE", s + "/messages/m1", null),
            new Wanted("DELETE", c + "/items/" + item, null),
            new Wanted("DELETE", "/openai/v1/responses/" + response, null),
            new Wanted("DELETE", c, null),
            new Wanted("DELETE", "/v1/cache/kept", null));
    long before;
    List<String> wrong = new ArrayList<>();
    full();
    try {
      before = used();
      // First: a turn that cannot be saved ends by itself within ten seconds.
      for (String each : List.of(waiting, turn)) {
        Answer answer = http.call("POST", s + "/turns/" + each + "/cancel", "", Map.of());
        assertThat(answer.status()).as(answer.body()).isEqualTo(202);
      }
      for (Wanted call : adds) {
        Answer answer = call(call);
        if (answer.status() != 503 || !tellsThatItIsFull(answer)) {
          wrong.add(call + " " + call.body() + ": " + answer.status() + " " + answer.body());
        }
      }
      assertThat(wrong).as("what adds and was not refused").isEmpty();
      assertThat(redis.keys("*default/new*")).isEmpty();
      for (Wanted call : passes) {
        Answer answer = call(call);
        if (answer.status() >= 300) {
          wrong.add(call + ": " + answer.status() + " " + answer.body());
        }
      }
      Answer renewed =
          http.call(
              "PUT",
              "/v1/sessions/locked/lock",
              "{\"ttlSeconds\":60}",
              Map.of("Heddle-Lock", token));
      assertThat(renewed.status()).as(renewed.body()).isEqualTo(200);
      Answer released =
          http.call("DELETE", "/v1/sessions/locked/lock", null, Map.of("Heddle-Lock", token));
      assertThat(released.status()).as(released.body()).isLessThan(300);
      Awaitility.await("the cancelled turn to end, which its input stands on")
          .atMost(Duration.ofSeconds(10))
          .until(() -> http.get(s + "/turns/" + turn).json().path("endedAt").isString());
      for (Wanted call :
          List.of(
              new Wanted("DELETE", s + "/messages?after=m2", null),
              new Wanted("DELETE", s + "/messages", null),
              new Wanted("DELETE", s, null),
              new Wanted("DELETE", "/v1/sessions/locked", null))) {
        Answer answer = call(call);
        if (answer.status() >= 300) {
          wrong.add(call + ": " + answer.status() + " " + answer.body());
        }
      }
      assertThat(wrong).as("what takes away or reads and was refused").isEmpty();
      assertThat(used() - before).as("bytes that Redis grew").isLessThan(100_000);
    } finally {
      room();
    }
  }

  @Test
  void aTurnEndsFailedAndItsCallerIsToldWithinTenSeconds() throws Exception {
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      List<String> kinds = List.of("whole", "streamed", "short");
      for (String kind : kinds) {
        made("POST", "/v1/sessions", "{\"id\":\"" + kind + "\"}");
      }
      String slow = "\"tokens\":1000,\"pace\":\"50ms\"";
      Map<String, Future<Answer>> answers =
          Map.of(
              "whole", callers.submit(() -> order("whole", TurnCalls.echo("words", slow))),
              "streamed",
                  callers.submit(
                      () -> order("streamed", TurnCalls.streamed(TurnCalls.echo("words", slow)))),
              // It comes to its end by itself while there is no room.
              "short",
                  callers.submit(() ->
                      order("short", TurnCalls.echo("words", "\"tokens\":80,\"pace\":\"100ms\""))),
              "response",
                  callers.submit(() -> {
                    try (HttpConnection one = replica.connect()) {
                      return one.post(
                          "/openai/v1/responses",
                          ECHO + "\"echo\":{\"tokens\":1000,\"pace\":\"50ms\"}," + INPUT);
                    }
                  }));
      Awaitility.await("turns to speak")
          .atMost(Duration.ofSeconds(30))
          .until(() -> replica.meter("heddle.turns.running") >= 4);
      full();
      long since = System.nanoTime();
      try {
        for (String kind : List.of("whole", "streamed", "short")) {
          Answer answer = answers.get(kind).get(10, TimeUnit.SECONDS);
          assertThat(answer.body()).as(kind).contains("store-full");
          assertThat(http.get("/v1/sessions/" + kind).status()).isEqualTo(200);
          JsonNode turn = http.get("/v1/sessions/" + kind + "/turns").json().path("data").path(0);
          assertThat(turn.path("status").asString()).as("%s", turn).isEqualTo("failed");
          assertThat(turn.path("error").path("code").asString()).isEqualTo("store-full");
        }
        Answer response = answers.get("response").get(10, TimeUnit.SECONDS);
        assertThat(tellsThatItIsFull(response)).as(response.body()).isTrue();
        assertThat(Duration.ofNanos(System.nanoTime() - since)).isLessThan(Duration.ofSeconds(10));
        assertThat(replica.isRed()).isTrue();
        assertThat(http.get("/actuator/health/readiness").status()).isEqualTo(200);
        assertThat(http.get("/actuator/health/liveness").status()).isEqualTo(200);
        assertThat(replica.meter("heddle.store.full")).isEqualTo(1);
        assertThat(replica.meter("heddle.store.refused")).isPositive();
      } finally {
        room();
      }
      for (String kind : List.of("whole", "streamed", "short")) {
        Answer answer = order(kind, TurnCalls.echo("again", "\"pace\":\"5ms\""));
        assertThat(answer.json().path("status").asString()).isEqualTo("completed");
      }
    }
  }

  private Answer order(String session, String body) throws IOException {
    try (TurnCalls calls = new TurnCalls(replica.port())) {
      return calls.order(session, body, Map.of());
    }
  }

  private Answer call(Wanted call) throws IOException {
    return http.call(call.method(), call.path(), call.body(), Map.of());
  }

  private JsonNode made(String method, String path, String body) throws IOException {
    Answer answer = http.call(method, path, body, Map.of());
    assertThat(answer.status()).as("%s %s: %s", method, path, answer.body()).isBetween(200, 204);
    return answer.body().isBlank() ? null : answer.json();
  }

  /** In the words of either wire. */
  private static boolean tellsThatItIsFull(Answer answer) {
    return answer.body().contains("store-full") || answer.body().contains("store_full");
  }

  private void full() {
    redis.configSet("maxmemory", "1mb");
  }

  private void room() {
    redis.configSet("maxmemory", "0");
    Awaitility.await("room to be seen again")
        .atMost(Duration.ofSeconds(20))
        .until(() -> replica.meter("heddle.store.full") == 0 && !replica.isRed());
  }

  private long used() {
    return redis
        .info("memory")
        .lines()
        .filter(line -> line.startsWith("used_memory_dataset:"))
        .map(line -> Long.parseLong(line.substring(line.indexOf(':') + 1).strip()))
        .findFirst()
        .orElseThrow();
  }
}
