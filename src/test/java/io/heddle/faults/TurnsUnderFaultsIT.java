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
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * Turns on three replicas of which one is killed with -9 again and again, ordered by clients that
 * hang up, come back elsewhere, repeat their orders and cancel. The model answers a function of
 * what was said to it, so an answer in the wrong turn shows itself.
 *
 * <p>A replica takes seconds to start, many turns less than one. So the clients go in rounds, one a
 * kill: it comes while the round's turns are ordered and run, and the next round begins when its
 * replica is back.
 *
 * <p>{@code -Dheddle.it.turns}, ten in a session.
 */
class TurnsUnderFaultsIT {
  private static final int TURNS = Integer.getInteger("heddle.it.turns", 200);
  private static final int A_SESSION = 10;
  private static final int REPLICAS = 3;
  private static final int KILLS = Math.clamp(TURNS / 200, 2, 50);

  /** Over so long the clients of a round order their next turns. */
  private static final int SPREAD_MILLIS = 1500;

  /** After the last fault nothing may be stuck for longer. */
  private static final Duration STUCK = Duration.ofSeconds(10);

  private final AtomicReferenceArray<ReplicaProcess> replicas =
      new AtomicReferenceArray<>(REPLICAS);
  private final List<CountDownLatch> rounds =
      Stream.generate(() -> new CountDownLatch(1)).limit(KILLS).toList();
  private final AtomicInteger inFlight = new AtomicInteger();
  private final List<Integer> met = new CopyOnWriteArrayList<>();

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
      Future<?> killer = clients.submit(() -> kill(redis));
      long start = System.nanoTime();
      List<Future<?>> running = new ArrayList<>();
      for (int client = 0; client < TURNS / (A_SESSION / 2); client++) {
        int number = client;
        running.add(clients.submit(() -> run(turns, number)));
      }
      killer.get(10, TimeUnit.MINUTES);
      for (Future<?> each : running) {
        each.get(10, TimeUnit.MINUTES);
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
          "TurnsUnderFaultsIT: %s; turns=%d in %.1f s, kills=%d with turns under way=%s hangUps=%d"
              + " resumes=%d retries=%d replays=%d cancels=%d; all ended %.1f s after the last"
              + " fault%n",
          verdict,
          turns.seen.size(),
          seconds,
          met.size(),
          met,
          turns.hangUps.sum(),
          turns.resumes.sum(),
          turns.retries.sum(),
          turns.replays.sum(),
          turns.cancels.sum(),
          quiet);
      assertThat(turns.seen).hasSize(TURNS);
      assertThat(verdict.wrong.stream().limit(5)).isEmpty();
      assertThat(met).as("turns under way at each kill").hasSize(KILLS).allMatch(some -> some > 0);
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

  private Void run(TurnClients turns, int client) throws IOException, InterruptedException {
    Random chance = new Random(client);
    int own = A_SESSION / 2;
    for (int i = 0; i < own; i++) {
      rounds.get((i * KILLS + client % KILLS) / own).await();
      LockSupport.parkNanos(Duration.ofMillis(chance.nextInt(SPREAD_MILLIS)).toNanos());
      inFlight.incrementAndGet();
      turns.turn(session(client / 2), "nonce-" + client + "-" + i, chance);
      inFlight.decrementAndGet();
    }
    return null;
  }

  private static String session(int number) {
    return "turns-" + number;
  }

  /** One at a time, so that there is always somebody to go to. */
  private Void kill(RedisProcess redis) {
    Random chance = new Random(7);
    try {
      for (CountDownLatch round : rounds) {
        round.countDown();
        int wait = SPREAD_MILLIS / 3 + chance.nextInt(SPREAD_MILLIS / 3);
        LockSupport.parkNanos(Duration.ofMillis(wait).toNanos());
        int victim = chance.nextInt(REPLICAS);
        ReplicaProcess old = replicas.get(victim);
        met.add(inFlight.get());
        old.kill();
        replicas.set(victim, replica(redis, victim).port(old.port()).launch());
        replicas.get(victim).awaitReady();
      }
      return null;
    } finally {
      // Should it fail, the clients must not wait for ever.
      rounds.forEach(CountDownLatch::countDown);
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
