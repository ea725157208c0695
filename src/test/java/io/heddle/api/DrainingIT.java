package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.live.SessionHubs;
import io.heddle.testing.HttpConnection;
import io.heddle.testing.HttpConnection.Answer;
import io.heddle.testing.SocketClient;
import io.heddle.web.Connections;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.boot.availability.ApplicationAvailability;
import org.springframework.boot.availability.ReadinessState;
import tools.jackson.databind.JsonNode;

/**
 * A replica that stops, as newcomers and the load balancer see it. Were readiness still up when the
 * first watcher is sent away, the balancer would send it to the very replica that it came from.
 */
class DrainingIT {

  private static final Map<String, String> UPGRADE =
      Map.of(
          "Upgrade", "websocket",
          "Connection", "Upgrade",
          "Sec-WebSocket-Version", "13",
          "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");

  /** So many that the last of them does not go early in the time over which they are spread. */
  private static final int WATCHERS = 40;

  private final List<SocketClient> watchers = new ArrayList<>();
  private Application server;
  private CompletableFuture<Void> stopped;

  @BeforeEach
  void start() {
    server =
        Application.start(
            Map.of(
                "heddle.engine", "embedded",
                "heddle.embedded.path", "",
                "heddle.limits.enabled", "false",
                "heddle.live.drain", "4s"));
    new Http(server.port()).post("/v1/sessions", "{'id':'s'}");
    for (int i = 0; i < WATCHERS; i++) {
      watchers.add(SocketClient.open(server.port(), "?watch=s"));
      watchers.getLast().next("snapshot");
    }
  }

  /** Begins to stop the server, and returns when it is draining. */
  private ReadinessState drain() {
    Connections connections = server.bean(Connections.class);
    ApplicationAvailability availability = server.bean(ApplicationAvailability.class);
    assertThat(availability.getReadinessState()).isEqualTo(ReadinessState.ACCEPTING_TRAFFIC);
    stopped = CompletableFuture.runAsync(server::close);
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (!connections.isDraining()) {
      assertThat(System.nanoTime()).isLessThan(end);
      Thread.onSpinWait();
    }
    return availability.getReadinessState();
  }

  @AfterEach
  void end() {
    watchers.forEach(SocketClient::close);
    stopped.orTimeout(20, TimeUnit.SECONDS).join();
  }

  @Test
  void readinessIsDownBeforeTheFirstIsSentAway() throws Exception {
    assertThat(drain()).isEqualTo(ReadinessState.REFUSING_TRAFFIC);
    try (HttpConnection balancer = connection()) {
      assertThat(balancer.get("/actuator/health/readiness").status()).isEqualTo(503);
      assertThat(balancer.get("/actuator/health/liveness").status()).isEqualTo(200);
    }
    assertThat(server.bean(SessionHubs.class).watches())
        .as("of whom some are still here")
        .isPositive();
  }

  @Test
  void newcomersAreToldThatItRestartsAndOtherRequestsAreStillAnswered() throws Exception {
    int port = server.port();
    drain();
    try (HttpConnection newcomer = connection()) {
      isRestarting(newcomer.call("GET", "/v1/socket?watch=s", null, UPGRADE));
      isRestarting(newcomer.call("GET", "/v1/socket", null, UPGRADE));
      isRestarting(newcomer.get("/v1/sessions/s/events"));
      EventSourceIT.comesBack(server, "/v1/sessions/s/events", "restarting", 503);
      Answer append =
          newcomer.post("/v1/sessions/s/messages", "{\"role\":\"user\",\"content\":\"late\"}");
      assertThat(append.status()).isEqualTo(201);
      assertThat(newcomer.get("/v1/sessions/s/messages").body()).contains("late");
    }
    assertThat(server.bean(Connections.class).open()).as("none of them counts").isPositive();
    int told = 0;
    for (SocketClient watcher : watchers) {
      assertThat(watcher.closed().code()).isEqualTo(1012);
      told += watcher.size() > 0 && content(watcher.next()).equals("late") ? 1 : 0;
    }
    assertThat(told).as("watchers who saw the late message before they went").isPositive();
    stopped.orTimeout(20, TimeUnit.SECONDS).join();
    try (HttpConnection late = new HttpConnection(port, Duration.ofSeconds(2))) {
      assertThat(fails(late)).as("it listens no more").isTrue();
    }
  }

  private static String content(JsonNode frame) {
    return frame.path("messages").path(0).path("content").asString();
  }

  private HttpConnection connection() {
    return new HttpConnection(server.port(), Duration.ofSeconds(5));
  }

  private static void isRestarting(Answer answer) {
    assertThat(answer.status()).isEqualTo(503);
    assertThat(answer.headers()).containsEntry("content-type", "application/problem+json");
    assertThat(answer.code()).isEqualTo("restarting");
    assertThat(answer.headers().get("retry-after")).matches("[1-9]\\d*");
  }

  private static boolean fails(HttpConnection connection) {
    try {
      connection.get("/v1/limits");
      return false;
    } catch (IOException refused) {
      return true;
    }
  }
}
