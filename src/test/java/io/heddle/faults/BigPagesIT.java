package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.heddle.nearcache.Coherence;
import io.heddle.testing.InProcess;
import io.heddle.testing.RedisProcess;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.context.ConfigurableApplicationContext;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Many read the largest pages there are, of one session, while others append and speak in sessions
 * of their own. All once went over one connection to Redis: the others' requests were answered
 * {@code store-unavailable}, and the feed was taken for dead.
 */
class BigPagesIT {

  private static final int READERS = 40;
  private static final Duration FOR =
      Duration.ofSeconds(Integer.getInteger("heddle.it.big-pages-seconds", 5));
  private static final JsonMapper JSON = new JsonMapper();

  private final HttpClient http = HttpClient.newHttpClient();
  private final Map<Integer, AtomicInteger> statuses = new ConcurrentHashMap<>();
  private final AtomicBoolean stop = new AtomicBoolean();
  private @Nullable ConfigurableApplicationContext server;

  @Test
  void nobodyWaitsBehindSomebodysBigPages() throws Exception {
    try (RedisProcess redis = RedisProcess.start();
        ConfigurableApplicationContext started =
            InProcess.start(
                "--server.port=0",
                "--heddle.env-file=",
                "--spring.data.redis.url=" + redis.uri(),
                "--heddle.limits.enabled=false",
                // Readers, server and Redis share the cores of whoever builds. One connection
                // with pages of 15 MB took longer than this too.
                "--heddle.redis.timeout=3s",
                "--server.shutdown=immediate")) {
      server = started;
      await()
          .atMost(Duration.ofSeconds(30))
          .until(() -> send("GET", "/actuator/health/readiness", null).statusCode() == 200);
      ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
      try {
        measure(started.getBean(Coherence.class), threads);
      } finally {
        stop.set(true);
        threads.shutdownNow();
      }
    }
  }

  private void measure(Coherence coherence, ExecutorService threads) throws Exception {
    String first = fill();
    await().atMost(Duration.ofSeconds(10)).until(() -> coherence.status().untrusted() == 0);
    long losses = coherence.losses();

    AtomicInteger pages = new AtomicInteger();
    for (int i = 0; i < READERS; i++) {
      threads.submit(() -> {
        while (!stop.get()) {
          read(first, pages);
        }
        return null;
      });
    }
    ConcurrentLinkedQueue<Long> appends = new ConcurrentLinkedQueue<>();
    ConcurrentLinkedQueue<Long> turns = new ConcurrentLinkedQueue<>();
    for (int i = 0; i < 4; i++) {
      String own = "/v1/sessions/other" + i;
      threads.submit(() -> repeat(appends, own + "/messages?create=true", MESSAGE));
      String spoken = "/v1/sessions/spoken" + i;
      HttpResponse<String> made = send("PUT", spoken, "{}");
      assertThat(made.statusCode()).as(made.body()).isEqualTo(201);
      threads.submit(() -> repeat(turns, spoken + "/turns", "{\"content\":\"two words\"}"));
    }
    long end = System.nanoTime() + FOR.toNanos();
    int untrusted = 0;
    while (System.nanoTime() < end) {
      untrusted = Math.max(untrusted, coherence.status().untrusted());
      await().pollDelay(Duration.ofMillis(50)).until(() -> true);
    }
    stop.set(true);
    threads.shutdown();
    assertThat(threads.awaitTermination(30, TimeUnit.SECONDS)).isTrue();

    System.out.printf(
        "%d pages of 1 MB, %d appends with p99 %d ms, %d turns with p99 %d ms, statuses %s%n",
        pages.get(), appends.size(), p99(appends), turns.size(), p99(turns), statuses);
    assertThat(statuses.keySet()).as("statuses").containsOnly(200, 201);
    assertThat(pages.get()).isGreaterThan(READERS);
    assertThat(appends.size()).isGreaterThan(20);
    assertThat(turns.size()).isGreaterThan(4);
    assertThat(p99(appends)).as("p99 of appends in ms").isLessThan(3_000);
    assertThat(coherence.losses()).as("connections of the feed that were lost").isEqualTo(losses);
    assertThat(untrusted).as("partitions that were not proven in time").isZero();
  }

  private static final String MESSAGE = "{\"role\":\"user\",\"content\":\"hello\"}";

  private String fill() throws Exception {
    assertThat(send("PUT", "/v1/sessions/big", "{}").statusCode()).isEqualTo(201);
    String first = "";
    String large = "{\"role\":\"user\",\"content\":\"" + "x".repeat(1_000_000) + "\"}";
    for (int i = 0; i < 15; i++) {
      HttpResponse<String> added = send("POST", "/v1/sessions/big/messages", large);
      assertThat(added.statusCode()).isEqualTo(201);
      JsonNode body = JSON.readTree(added.body());
      first = i == 0 ? body.get("data").get(0).get("id").asString() : first;
    }
    return first;
  }

  /** Each page goes on from the one before. */
  private void read(String first, AtomicInteger pages) throws Exception {
    String after = first;
    while (!stop.get()) {
      HttpResponse<String> page =
          send("GET", "/v1/sessions/big/messages?limit=50&after=" + after, null);
      count(page);
      if (page.statusCode() != 200) {
        return;
      }
      pages.incrementAndGet();
      String body = page.body();
      if (body.endsWith("\"hasMore\":false}")) {
        return;
      }
      // To parse it took more than to send it.
      int id = body.lastIndexOf("\"id\":\"") + 6;
      after = body.substring(id, body.indexOf('"', id));
    }
  }

  private @Nullable Void repeat(ConcurrentLinkedQueue<Long> millis, String path, String body)
      throws Exception {
    while (!stop.get()) {
      long from = System.nanoTime();
      count(send("POST", path, body));
      millis.add(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - from));
      await().pollDelay(Duration.ofMillis(5)).until(() -> true);
    }
    return null;
  }

  private void count(HttpResponse<String> answer) {
    if (statuses.computeIfAbsent(answer.statusCode(), _ -> new AtomicInteger()).getAndIncrement()
            == 0
        && answer.statusCode() >= 300) {
      System.out.println(answer.uri() + ": " + answer.body());
    }
  }

  private static long p99(ConcurrentLinkedQueue<Long> millis) {
    List<Long> sorted = new ArrayList<>(millis);
    sorted.sort(null);
    return sorted.get(sorted.size() * 99 / 100);
  }

  private HttpResponse<String> send(String method, String path, @Nullable String body)
      throws Exception {
    ConfigurableApplicationContext running = server;
    assertThat(running).isNotNull();
    String port = running.getEnvironment().getRequiredProperty("local.server.port");
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
            .timeout(Duration.ofSeconds(60));
    if (body != null) {
      request.header("Content-Type", "application/json");
    }
    request.method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
    // A long body on a connection that has just been answered now and then does not arrive.
    HttpClient by = body == null || body.length() < 100_000 ? http : HttpClient.newHttpClient();
    return by.send(request.build(), BodyHandlers.ofString());
  }
}
