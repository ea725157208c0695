package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.faults.TurnClients.Seen;
import io.heddle.testing.HttpConnection;
import io.heddle.testing.RedisProcess;
import io.heddle.testing.ReplicaProcess;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * Turns on three replicas of which one is killed with -9 again and again, ordered by clients that
 * hang up, come back elsewhere, repeat their orders and cancel. The model answers a function of
 * what was said to it, so an answer in the wrong turn shows itself.
 *
 * <p>{@code -Dheddle.it.turns}, ten in a session.
 */
class TurnsUnderFaultsIT {
  private static final int TURNS = Integer.getInteger("heddle.it.turns", 200);
  private static final int A_SESSION = 10;
  private static final int REPLICAS = 3;
  private static final Duration BETWEEN_KILLS = Duration.ofSeconds(1);

  /** After the last fault nothing may be stuck for longer. */
  private static final Duration STUCK = Duration.ofSeconds(10);

  private final AtomicReferenceArray<ReplicaProcess> replicas =
      new AtomicReferenceArray<>(REPLICAS);
  private int kills;

  @Test
  void turnsAreNeitherMixedNorDoubleNorStuck() throws Exception {
    try (RedisProcess redis = RedisProcess.start();
        ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < REPLICAS; i++) {
        replicas.set(i, replica(redis, i).launch());
      }
      for (int i = 0; i < REPLICAS; i++) {
        replicas.get(i).awaitReady();
      }
      Random ports = new Random(1);
      TurnClients turns =
          new TurnClients(() -> {
            synchronized (ports) {
              return replicas.get(ports.nextInt(REPLICAS)).port();
            }
          });
      CountDownLatch over = new CountDownLatch(1);
      Thread killer = Thread.ofPlatform().name("killer").start(() -> kill(redis, over));
      long start = System.nanoTime();
      List<Future<?>> running = new ArrayList<>();
      for (int client = 0; client < TURNS / (A_SESSION / 2); client++) {
        int number = client;
        running.add(clients.submit(() -> run(turns, number)));
      }
      try {
        for (Future<?> each : running) {
          each.get(10, TimeUnit.MINUTES);
        }
      } finally {
        over.countDown();
        killer.join();
      }
      double seconds = (System.nanoTime() - start) / 1e9;

      Verdict verdict = new Verdict();
      long stuckFrom = System.nanoTime();
      Awaitility.await()
          .atMost(STUCK)
          .ignoreExceptions()
          .untilAsserted(() -> assertThat(unfinished()).isEmpty());
      double quiet = (System.nanoTime() - stuckFrom) / 1e9;
      verdict.look(turns);
      System.out.printf(
          "TurnsUnderFaultsIT: %s; turns=%d in %.1f s, kills=%d hangUps=%d resumes=%d retries=%d"
              + " replays=%d cancels=%d; all ended %.1f s after the last fault%n",
          verdict,
          turns.seen.size(),
          seconds,
          kills,
          turns.hangUps.sum(),
          turns.resumes.sum(),
          turns.retries.sum(),
          turns.replays.sum(),
          turns.cancels.sum(),
          quiet);
      assertThat(turns.seen).hasSize(TURNS);
      assertThat(verdict.wrong.stream().limit(5)).isEmpty();
      assertThat(kills).as("kills").isPositive();
      assertThat(verdict.ends.get("completed")).as("completed turns").isGreaterThan(TURNS / 2);
    } finally {
      for (int i = 0; i < REPLICAS; i++) {
        if (replicas.get(i) != null) {
          replicas.get(i).close();
        }
      }
    }
  }

  private static ReplicaProcess.Builder replica(RedisProcess redis, int number) {
    return ReplicaProcess.on(redis.uri(), "turns-" + number);
  }

  private static Void run(TurnClients turns, int client) throws IOException {
    Random chance = new Random(client);
    for (int i = 0; i < A_SESSION / 2; i++) {
      turns.turn(session(client / 2), "nonce-" + client + "-" + i, chance);
    }
    return null;
  }

  private static String session(int number) {
    return "turns-" + number;
  }

  /** One at a time, so that there is always somebody to go to. */
  private void kill(RedisProcess redis, CountDownLatch over) {
    Random chance = new Random(7);
    try {
      while (!over.await(BETWEEN_KILLS.toMillis(), TimeUnit.MILLISECONDS)) {
        int victim = chance.nextInt(REPLICAS);
        ReplicaProcess old = replicas.get(victim);
        old.kill();
        kills++;
        replicas.set(victim, replica(redis, victim).port(old.port()).launch());
        replicas.get(victim).awaitReady();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private HttpConnection connect() {
    return replicas.get(0).connect();
  }

  private List<String> unfinished() throws IOException {
    List<String> left = new ArrayList<>();
    try (HttpConnection connection = connect()) {
      for (int i = 0; i < TURNS / A_SESSION; i++) {
        for (String status : List.of("running", "queued")) {
          connection
              .get("/v1/sessions/" + session(i) + "/turns?status=" + status)
              .json()
              .path("data")
              .forEach(turn -> left.add(turn.path("id").asString()));
        }
      }
    }
    return left;
  }

  /** What the threads have, next to what the clients were told. */
  private final class Verdict {
    final List<String> wrong = new ArrayList<>();
    final Map<String, Integer> ends = new TreeMap<>();
    private int mixed;
    private int doubled;
    private int invalid;
    private int otherText;

    void look(TurnClients turns) throws IOException {
      Map<String, Map<String, Seen>> bySession = new HashMap<>();
      for (Seen seen : turns.seen) {
        ends.merge(seen.status(), 1, Integer::sum);
        bySession.computeIfAbsent(seen.session(), _ -> new HashMap<>()).put(seen.nonce(), seen);
        if (seen.followed() != null && !seen.followed().equals(seen.told())) {
          otherText++;
          wrong.add("followed another text than was told with the end: " + seen);
        }
      }
      try (HttpConnection connection = connect()) {
        for (Map.Entry<String, Map<String, Seen>> session : bySession.entrySet()) {
          JsonNode page =
              connection
                  .get("/v1/sessions/" + session.getKey() + "/messages?limit=1000&order=asc")
                  .json();
          thread(session.getKey(), page.path("data"), session.getValue());
        }
      }
    }

    /** Only turns write here: an input, then its output, then the next turn's. */
    private void thread(String session, JsonNode messages, Map<String, Seen> seen) {
      Set<String> inputs = new HashSet<>();
      Map<String, String> saved = new HashMap<>();
      String last = "";
      for (JsonNode message : messages) {
        String text = message.path("content").asString("");
        if (message.path("role").asString().equals("user")) {
          last = text;
          if (!inputs.add(text)) {
            doubled++;
            wrong.add(session + ": twice " + text);
          }
          continue;
        }
        Seen turn = seen.get(last);
        if (turn == null || !turn.turn().equals(message.path("turn").asString())) {
          invalid++;
          wrong.add(
              session + ": after the input " + last + " stands " + message + ", seen " + turn);
          continue;
        }
        if (saved.put(last, text) != null) {
          doubled++;
          wrong.add(session + ": two answers to " + last);
        }
        boolean whole = turn.status().equals("completed");
        String answer = answer(last);
        // The model ends each word with a space.
        String said = text.strip();
        if (whole ? !said.equals(answer) : !answer.startsWith(said)) {
          mixed++;
          wrong.add(session + ": to " + last + " was said " + said);
        }
      }
      for (Seen turn : seen.values()) {
        if (!saved.getOrDefault(turn.nonce(), "").equals(turn.told())) {
          otherText++;
          wrong.add("told another text than was saved: " + turn);
        }
        // A turn that never started has no input in the thread.
        boolean started = turn.status().equals("completed") || turn.status().equals("incomplete");
        if (started && !inputs.contains(turn.nonce())) {
          invalid++;
          wrong.add("its input is lost: " + turn);
        }
      }
    }

    private static String answer(String input) {
      try {
        byte[] hash =
            MessageDigest.getInstance("SHA-256").digest(input.getBytes(StandardCharsets.UTF_8));
        return String.join(
            " ", Collections.nCopies(TurnClients.WORDS, HexFormat.of().formatHex(hash)));
      } catch (java.security.NoSuchAlgorithmException e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    public String toString() {
      return "mixed=%d double=%d invalid=%d otherText=%d ends=%s"
          .formatted(mixed, doubled, invalid, otherText, ends);
    }
  }
}
