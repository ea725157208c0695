package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.api.Http.Reply;
import io.heddle.testing.WebSocketConnection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** One user is bounded in everything he can keep, and nobody else is by that. */
abstract class QuotasContract {

  private final String user = "u" + UUID.randomUUID();
  private HttpContract.Server server;
  private Http http;

  abstract HttpContract.Server start(Map<String, String> properties);

  @BeforeEach
  void begin() {
    Map<String, String> quotas = new HashMap<>();
    quotas.put("heddle.quotas.sessions", "4");
    quotas.put("heddle.quotas.stored-bytes", "100KB");
    quotas.put("heddle.quotas.cached-bytes", "100KB");
    quotas.put("heddle.quotas.connections", "2");
    quotas.put("heddle.quotas.running-turns", "2");
    server = start(quotas);
    http = new Http(server.port()).with("Heddle-User", user);
  }

  @AfterEach
  void end() {
    server.close();
  }

  private static String text(int kilobytes) {
    return "{'role':'user','content':'" + "x".repeat(kilobytes * 1024) + "'}";
  }

  @Test
  void sessionsAndStoredBytes() {
    http.post("/v1/sessions/s-" + user + "/messages?create=true", text(60)).is(201);
    Reply refused = http.post("/v1/sessions/s-" + user + "/messages", text(60));
    refused.problem(429, "quota-exceeded", null);
    assertThat(refused.body()).contains("\"quota\":\"stored-bytes\"").contains("\"limit\":102400");
    // A fork adds as much as all of its source, and is refused before it begins.
    http.post("/v1/sessions/s-" + user + "/fork", null).problem(429, "quota-exceeded", null);
    http.put("/v1/sessions/s-" + user + "/state", "{'x':'" + "y".repeat(60_000) + "'}")
        .problem(429, "quota-exceeded", null);
    String told = http.get("/v1/limits").is(200).body();
    assertThat(told).contains("{\"name\":\"sessions\",\"limit\":4,\"used\":1}");

    // Another user, and a backend, go on; so does who takes something away.
    new Http(server.port())
        .with("Heddle-User", "other" + user)
        .post("/v1/sessions/o-" + user + "/messages?create=true", text(60))
        .is(201);
    Http backend = new Http(server.port());
    backend.post("/v1/sessions/s-" + user + "/messages", text(60)).is(201);
    http.delete("/v1/sessions/s-" + user + "/messages").is(204);
    http.post("/v1/sessions/s-" + user + "/messages", text(60)).is(201);
    http.delete("/v1/sessions/s-" + user).is(204);

    for (int i = 0; i < 4; i++) {
      http.post("/v1/sessions", "{}").is(201);
    }
    Reply more = http.post("/v1/sessions", "{}");
    more.problem(429, "quota-exceeded", null);
    assertThat(more.body()).contains("\"quota\":\"sessions\"");
    http.post("/v1/sessions/n-" + user + "/messages?create=true", text(1))
        .problem(429, "quota-exceeded", null);
    Reply wire = http.post("/openai/v1/conversations", "{}");
    assertThat(wire.status()).isEqualTo(429);
    assertThat(wire.body()).contains("insufficient_quota");
  }

  @Test
  void whatWasDoneIsRepeatedOverAQuota() {
    Http keyed = http.with("Heddle-User", user, "Idempotency-Key", "k");
    String path = "/v1/sessions/k-" + user + "/messages?create=true";
    String first = keyed.post(path, text(60)).is(201).body();
    assertThat(keyed.post(path, text(60)).is(201).body()).isEqualTo(first);
    http.post(path, text(60)).problem(429, "quota-exceeded", null);
  }

  @Test
  void manyForksAtOnceFindTheRoomThatIsThereOnce() {
    http.post("/v1/sessions/f-" + user + "/messages?create=true", text(30)).is(201);
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      threads.add(
          Thread.ofVirtual().start(() -> http.post("/v1/sessions/f-" + user + "/fork", null)));
    }
    threads.forEach(QuotasContract::join);
    int sessions = http.get("/v1/sessions").is(200).json().path("data").size();
    assertThat(sessions).isBetween(2, 3);
  }

  @Test
  void cachedBytes() {
    http.put("/v1/cache/a", "x".repeat(60_000)).is(201);
    Reply refused = http.put("/v1/cache/b", "x".repeat(60_000));
    refused.problem(429, "quota-exceeded", null);
    assertThat(refused.body()).contains("\"quota\":\"cached-bytes\"");
    http.delete("/v1/cache/a").is(204);
    http.put("/v1/cache/b", "x".repeat(30_000)).is(201);
    // What takes another's place takes its room.
    for (int i = 0; i < 10; i++) {
      http.put("/v1/cache/b", "x".repeat(30_000)).is(204);
    }
    new Http(server.port())
        .with("Heddle-User", "other" + user)
        .put("/v1/cache/b", "x".repeat(60_000))
        .is(201);
  }

  @Test
  void runningTurns() {
    String slow =
        "{'content':'x','stream':false,'parameters':{'echo':{'tokens':100,'pace':'100ms'}}}";
    for (int i = 0; i < 2; i++) {
      http.post("/v1/sessions/t" + i + user + "/turns?create=true", slow, "Prefer", "respond-async")
          .is(202);
    }
    Reply refused =
        http.post("/v1/sessions/t2" + user + "/turns?create=true", slow, "Prefer", "respond-async");
    refused.problem(429, "quota-exceeded", null);
    assertThat(refused.header("Retry-After")).isEqualTo("1");
    new Http(server.port())
        .with("Heddle-User", "other" + user)
        .post("/v1/sessions/t3" + user + "/turns?create=true", slow, "Prefer", "respond-async")
        .is(202);
    String turn =
        http.get("/v1/sessions/t0" + user + "/turns")
            .json()
            .path("data")
            .path(0)
            .path("id")
            .asString();
    http.post("/v1/sessions/t0" + user + "/turns/" + turn + "/cancel", null);
    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .until(() ->
            http.post(
                        "/v1/sessions/t2" + user + "/turns?create=true",
                        slow,
                        "Prefer",
                        "respond-async")
                    .status()
                == 202);
  }

  @Test
  void connections() throws Exception {
    List<WebSocketConnection> open = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      open.add(socket());
    }
    http.post("/v1/sessions/e-" + user + "/messages?create=true", text(1)).is(201);
    awaitConnections(2);
    http.get("/v1/sessions/e-" + user + "/events").problem(429, "quota-exceeded", null);
    open.getFirst().close();
    awaitConnections(1);
    open.getLast().close();
  }

  private void awaitConnections(int used) {
    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .until(() ->
            http.get("/v1/limits").body().contains("\"connections\",\"limit\":2,\"used\":" + used));
  }

  private WebSocketConnection socket() throws Exception {
    return new WebSocketConnection(server.port(), "/v1/socket?user=" + user, 0);
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
