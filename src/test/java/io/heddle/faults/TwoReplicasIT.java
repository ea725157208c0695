package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.faults.Recorder.Acknowledged;
import io.heddle.faults.Recorder.Stored;
import io.heddle.faults.Recorder.Verdict;
import io.heddle.testing.HttpConnection;
import io.heddle.testing.HttpConnection.Answer;
import io.heddle.testing.RedisProcess;
import io.heddle.testing.ReplicaProcess;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * Two replicas on one Redis. Many clients append to one session that all share and to many others,
 * one replica is killed with -9 midway, and its clients send what was not answered to the other,
 * with the same Idempotency-Key.
 *
 * <p>{@code -Dheddle.it.messages} to the one session, and as many to the others, one session for
 * twenty of them.
 */
class TwoReplicasIT {
  private static final int CLIENTS = 64;
  private static final int MESSAGES = Integer.getInteger("heddle.it.messages", 4_000);
  private static final int SESSIONS = Math.max(CLIENTS, MESSAGES / 20);
  private static final int PAGE = 200;
  private static final String SHARED = "shared";

  private final Recorder recorder = new Recorder();
  private final LongAdder retries = new LongAdder();
  private final LongAdder replays = new LongAdder();
  private final LongAdder pages = new LongAdder();
  private final AtomicInteger next = new AtomicInteger();

  @Test
  void acknowledgedMessagesAreThereOnceAndInOrder() throws Exception {
    try (RedisProcess redis = RedisProcess.start();
        ReplicaProcess one = ReplicaProcess.on(redis.uri(), "one").launch();
        ReplicaProcess two = ReplicaProcess.on(redis.uri(), "two").launch();
        ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
      one.awaitReady();
      two.awaitReady();
      create(two);

      long start = System.nanoTime();
      List<Future<?>> running = new ArrayList<>();
      for (int client = 0; client < CLIENTS; client++) {
        int number = client;
        int first = client % 2 == 0 ? one.port() : two.port();
        int second = client % 2 == 0 ? two.port() : one.port();
        running.add(clients.submit(() -> run(number, first, second)));
      }
      Awaitility.await()
          .pollInterval(Duration.ofMillis(5))
          .atMost(Duration.ofMinutes(5))
          .until(() -> recorder.acknowledged() >= MESSAGES || ended(running));
      one.kill();
      for (Future<?> client : running) {
        client.get(5, TimeUnit.MINUTES);
      }
      long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);

      Verdict verdict = recorder.compare(threads(two));
      System.out.printf(
          "TwoReplicasIT: %s; clients=%d sessions=1+%d kills=1 retries=%d replays=%d pages=%d"
              + " appends/s=%d%n",
          verdict,
          CLIENTS,
          SESSIONS,
          retries.sum(),
          replays.sum(),
          pages.sum(),
          2L * MESSAGES * 1_000 / Math.max(1, millis));
      assertThat(verdict.acknowledged()).isEqualTo(2L * MESSAGES);
      assertThat(verdict.clean()).as(verdict.toString()).isTrue();
      assertThat(retries.sum()).as("the kill was noticed").isPositive();
    }
  }

  private static boolean ended(List<Future<?>> running) {
    return running.stream().allMatch(Future::isDone);
  }

  private static void create(ReplicaProcess replica) throws IOException {
    try (HttpConnection connection = replica.connect()) {
      for (int i = -1; i < SESSIONS; i++) {
        Answer answer = connection.post("/v1/sessions", "{\"id\":\"" + session(i) + "\"}");
        assertThat(answer.status()).as(answer.body()).isEqualTo(201);
      }
    }
  }

  private static String session(int number) {
    return number < 0 ? SHARED : "other-" + number;
  }

  /** One client: it has one request under way, and sends the next when that was answered. */
  private Void run(int client, int first, int second) throws Exception {
    Random random = new Random(client);
    int[] ports = {first, second};
    int at = 0;
    HttpConnection connection = new HttpConnection(ports[at], Duration.ofSeconds(20));
    try {
      for (int n = next.getAndIncrement(); n < 2 * MESSAGES; n = next.getAndIncrement()) {
        String session = session(n % 2 == 0 ? -1 : (n / 2) % SESSIONS);
        String text = "client " + client + " message " + n;
        String key = "key-" + client + "-" + n;
        String body = "{\"role\":\"user\",\"content\":\"" + text + "\"}";
        long sentAt = System.nanoTime();
        long giveUp = sentAt + Duration.ofSeconds(60).toNanos();
        while (true) {
          try {
            Answer answer =
                connection.call(
                    "POST",
                    "/v1/sessions/" + session + "/messages",
                    body,
                    Map.of("Idempotency-Key", key));
            if (answer.status() == 201) {
              acknowledge(session, text, sentAt, answer);
              break;
            }
            assertThat(answer.status()).as(answer.body()).isIn(409, 423, 503);
          } catch (IOException gone) {
            connection.close();
            at = 1 - at;
            connection = new HttpConnection(ports[at], Duration.ofSeconds(20));
          }
          retries.increment();
          assertThat(System.nanoTime()).as("patience of %s", text).isLessThan(giveUp);
        }
        if (random.nextInt(25) == 0) {
          read(connection, session);
        }
      }
    } finally {
      connection.close();
    }
    return null;
  }

  private void acknowledge(String session, String text, long sentAt, Answer answer) {
    long toldAt = System.nanoTime();
    JsonNode message = answer.json().path("data").path(0);
    assertThat(message.path("content").asString("")).isEqualTo(text);
    if (answer.headers().containsKey("idempotency-replayed")) {
      replays.increment();
    }
    recorder.acknowledged(
        new Acknowledged(
            session,
            text,
            message.path("id").asString(),
            message.path("seq").asLong(),
            sentAt,
            toldAt));
  }

  /** The end of the thread; what was acknowledged to anybody before this is asked must be in it. */
  private void read(HttpConnection connection, String session) {
    long newest = recorder.newestSeq(session);
    try {
      Answer answer = connection.get("/v1/sessions/" + session + "/messages?limit=20");
      assertThat(answer.status()).as(answer.body()).isEqualTo(200);
      recorder.shown(session, newest, stored(answer.json()));
      pages.increment();
    } catch (IOException killed) {
      // The next append finds out and goes to the other replica.
    }
  }

  private static Map<String, List<Stored>> threads(ReplicaProcess replica) throws IOException {
    Map<String, List<Stored>> threads = new HashMap<>();
    try (HttpConnection connection = replica.connect()) {
      for (int i = -1; i < SESSIONS; i++) {
        threads.put(session(i), thread(connection, session(i)));
      }
    }
    return threads;
  }

  private static List<Stored> thread(HttpConnection connection, String session) throws IOException {
    List<Stored> thread = new ArrayList<>();
    String path = "/v1/sessions/" + session + "/messages?order=asc&limit=" + PAGE;
    while (true) {
      String after = thread.isEmpty() ? "" : "&after=" + thread.getLast().id();
      Answer answer = connection.get(path + after);
      assertThat(answer.status()).as(answer.body()).isEqualTo(200);
      thread.addAll(stored(answer.json()));
      if (!answer.json().path("hasMore").asBoolean()) {
        return thread;
      }
    }
  }

  private static List<Stored> stored(JsonNode page) {
    List<Stored> messages = new ArrayList<>();
    for (JsonNode message : page.path("data")) {
      messages.add(
          new Stored(
              message.path("id").asString(),
              message.path("seq").asLong(),
              message.path("content").asString("")));
    }
    return messages;
  }
}
