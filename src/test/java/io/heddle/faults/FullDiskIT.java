package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.ReplicaProcess;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The embedded engine's process may not write its file any further, as on a disk that is full. One
 * failed write ended the engine for good, while the process looked alive and ready.
 */
class FullDiskIT {

  private static final Pattern TEXT = Pattern.compile("\"content\":\"(m\\d+) ");

  @TempDir Path directory;

  private final HttpClient http = HttpClient.newHttpClient();
  private final Set<String> answered = new TreeSet<>();
  private final Set<String> refused = new TreeSet<>();
  private String sessions;
  private int next;

  /**
   * @param most bytes that a file may have while the disk is full, over what the journal has: the
   *     journal itself meets the bound, or the tables' file when they catch up
   */
  @ParameterizedTest
  @ValueSource(longs = {20_000, 0})
  void itGoesOnWhenThereIsRoomAgain(long most) throws Exception {
    Path file = directory.resolve("heddle.mv");
    try (ReplicaProcess replica = start(file)) {
      post("", "{\"id\":\"s\"}");
      for (int i = 0; i < 20; i++) {
        assertThat(append()).isEqualTo(201);
      }
      limit(replica, Files.size(file) + most);
      Awaitility.await()
          .atMost(Duration.ofSeconds(30))
          .pollInterval(Duration.ofMillis(20))
          .until(() -> append() == 503);
      Awaitility.await().atMost(Duration.ofSeconds(10)).until(() -> append() == 503);
      assertThat(health(replica)).contains("cannot be written");
      assertThat(replica.liveness()).as("it can recover").isEqualTo(200);
      assertThat(replica.readiness()).isEqualTo(200);
      assertThat(texts())
          .as("reads go on")
          .containsAll(answered)
          .doesNotContainAnyElementsOf(refused);

      limit(replica, -1);
      Awaitility.await()
          .atMost(Duration.ofSeconds(10))
          .until(() -> !health(replica).contains("cannot be written"));
      for (int i = 0; i < 20; i++) {
        assertThat(append()).isEqualTo(201);
      }
      assertThat(texts()).isEqualTo(answered);
      String log = replica.log();
      assertThat(log.split("cannot be written", -1)).as("told once").hasSize(2);
      assertThat(log).contains("is written again, after").doesNotContain("\tat ");
      replica.kill();
    }
    try (ReplicaProcess replica = start(file)) {
      assertThat(texts()).isEqualTo(answered);
      assertThat(append()).isEqualTo(201);
    }
    assertThat(refused).isNotEmpty();
  }

  private ReplicaProcess start(Path file) {
    ReplicaProcess replica =
        ReplicaProcess.named("full-disk")
            .set("heddle.engine", "embedded")
            .set("heddle.limits.enabled", false)
            .set("heddle.embedded.path", file)
            .start();
    sessions = "http://127.0.0.1:" + replica.port() + "/v1/sessions";
    return replica;
  }

  /** Of its files, as a disk that has no more room refuses them. */
  private static void limit(ReplicaProcess replica, long bytes) throws Exception {
    String soft = bytes < 0 ? "unlimited" : Long.toString(bytes);
    Process done =
        new ProcessBuilder(
                "prlimit", "--pid", Long.toString(replica.pid()), "--fsize=" + soft + ":")
            .inheritIO()
            .start();
    assertThat(done.waitFor()).isZero();
  }

  private int append() throws IOException, InterruptedException {
    String text = "m" + ++next;
    int status =
        post(
            "/s/messages",
            "{\"role\":\"user\",\"content\":\"" + text + " " + "x".repeat(2_000) + "\"}");
    (status == 201 ? answered : refused).add(text);
    return status;
  }

  private int post(String path, String body) throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(sessions + path))
            .header("Content-Type", "application/json")
            .timeout(Duration.ofSeconds(10))
            .POST(BodyPublishers.ofString(body))
            .build();
    return http.send(request, BodyHandlers.ofString()).statusCode();
  }

  private Set<String> texts() throws IOException, InterruptedException {
    Set<String> texts = new TreeSet<>();
    List<String> cursor = new ArrayList<>(List.of(""));
    while (!cursor.isEmpty()) {
      String body = get(sessions + "/s/messages?limit=100" + cursor.removeFirst());
      Matcher found = TEXT.matcher(body);
      while (found.find()) {
        texts.add(found.group(1));
      }
      Matcher ids = Pattern.compile("\"id\":\"(msg_[^\"]+)\"").matcher(body);
      String last = null;
      while (ids.find()) {
        last = ids.group(1);
      }
      if (last != null) {
        cursor.add("&after=" + last);
      }
    }
    return texts;
  }

  private String health(ReplicaProcess replica) throws IOException, InterruptedException {
    return get("http://127.0.0.1:" + replica.port() + "/actuator/health");
  }

  private String get(String uri) throws IOException, InterruptedException {
    HttpRequest request = HttpRequest.newBuilder(URI.create(uri)).build();
    return http.send(request, BodyHandlers.ofString()).body();
  }
}
