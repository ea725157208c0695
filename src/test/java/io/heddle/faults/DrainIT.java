package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.ReplicaProcess;
import io.heddle.testing.SocketClient;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/**
 * A replica is told to stop while clients watch. The web server's own graceful stop waits for open
 * streams until its phase's time is up and then cuts them off without a word; here every client is
 * told when to come back, and the process ends with the last of them.
 */
class DrainIT {

  private static final int SOCKETS = 20;

  private final HttpClient http = HttpClient.newHttpClient();

  @Test
  void whoWatchesIsSentAwayAndTheProcessEnds() throws Exception {
    try (ReplicaProcess replica =
        ReplicaProcess.named("drain")
            .set("heddle.engine", "embedded")
            .set("heddle.embedded.path", "")
            .set("heddle.live.drain", "3s")
            .start()) {
      String sessions = "http://127.0.0.1:" + replica.port() + "/v1/sessions";
      HttpRequest create =
          HttpRequest.newBuilder(URI.create(sessions))
              .header("Content-Type", "application/json")
              .POST(BodyPublishers.ofString("{\"id\":\"s\"}"))
              .build();
      assertThat(http.send(create, BodyHandlers.discarding()).statusCode()).isEqualTo(201);
      List<SocketClient> sockets = new ArrayList<>();
      for (int i = 0; i < SOCKETS; i++) {
        sockets.add(SocketClient.open(replica.port(), "?watch=s"));
        sockets.getLast().next("snapshot");
      }
      HttpRequest stream = HttpRequest.newBuilder(URI.create(sessions + "/s/events")).build();
      HttpResponse<Stream<String>> events = http.send(stream, BodyHandlers.ofLines());
      CompletableFuture<String> text =
          CompletableFuture.supplyAsync(() -> events.body().collect(Collectors.joining("\n")));

      new ProcessBuilder("sh", "-c", "kill -TERM " + replica.pid()).start().waitFor();
      // It goes on listening until the last one has gone, and takes no more.
      Awaitility.await().until(() -> replica.readiness() == 503 || !replica.isAlive());
      for (SocketClient socket : sockets) {
        SocketClient.Closed closed = socket.closed();
        assertThat(closed.code()).isEqualTo(1012);
        assertThat(closed.reason()).matches("\\{\"retryAfterMillis\":\\d+}");
      }
      assertThat(text.orTimeout(10, java.util.concurrent.TimeUnit.SECONDS).join())
          .containsPattern("retry: \\d+\\s*$");
      assertThat(replica.waitFor(Duration.ofSeconds(10))).as("it ends by itself").isTrue();
      assertThat(replica.log()).doesNotContain("ERROR");
    }
  }
}
