package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.redis.Scripts;
import io.heddle.testing.HttpConnection;
import io.heddle.testing.HttpConnection.Answer;
import io.heddle.testing.RedisProcess;
import io.heddle.testing.ReplicaProcess;
import io.heddle.testing.TcpProxy;
import io.heddle.testing.TcpProxy.Direction;
import io.heddle.testing.TcpProxy.Hold;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * A replica is stopped (SIGSTOP) inside a critical section, for two leases. Meanwhile another one
 * appends without a lock, gives the session's lock to a client, and deletes the session and makes
 * it anew. Then the first wakes up, and what it had sent arrives: nothing of it may be accepted.
 *
 * <p>Where it is stopped is decided by a proxy between it and Redis, which keeps back one request
 * or one reply. Kept back as a request, the late write does reach Redis, whatever the replica
 * itself thinks of its lease by then.
 *
 * <p>Each case with one of the three stages; all with all by {@code -Dheddle.it.full=true}.
 */
class PausedHolderIT {
  private static final Duration LEASE = Duration.ofSeconds(1);
  private static final boolean FULL = Boolean.getBoolean("heddle.it.full");

  /** What the paused replica is doing, and where it stops. */
  private enum Case {
    STATE_PATCH_AFTER_CLAIM("PATCH", "/state", false, Direction.DOWNSTREAM, "claim"),
    STATE_PATCH_AFTER_READ("PATCH", "/state", false, Direction.DOWNSTREAM, "state-read"),
    STATE_PATCH_BEFORE_WRITE("PATCH", "/state", false, Direction.UPSTREAM, "state"),
    SESSION_PATCH_BEFORE_WRITE("PATCH", "", false, Direction.UPSTREAM, "update"),
    CLIENTS_STATE_PATCH_BEFORE_WRITE("PATCH", "/state", true, Direction.UPSTREAM, "state"),
    CLIENTS_APPEND_BEFORE_WRITE("POST", "/messages", true, Direction.UPSTREAM, "append");

    private final String method;
    private final String path;
    private final boolean clients;
    private final Direction direction;
    private final String script;

    Case(String method, String path, boolean clients, Direction direction, String script) {
      this.method = method;
      this.path = path;
      this.clients = clients;
      this.direction = direction;
      this.script = script;
    }

    String body() {
      return switch (path) {
        case "/state" -> "{\"writer\":\"paused\"}";
        case "/messages" -> message("paused");
        default -> "{\"title\":\"paused\"}";
      };
    }
  }

  /** How far the others go while it is stopped. */
  private enum Stage {
    APPENDED,
    LOCKED,
    CREATED_AGAIN
  }

  private final Map<String, Integer> refusals = new LinkedHashMap<>();
  private int arrived;

  @Test
  void nothingOfAPausedHolderIsAccepted() throws Exception {
    try (RedisProcess redis = RedisProcess.start();
        TcpProxy proxy = TcpProxy.to(redis.uri());
        ReplicaProcess paused =
            ReplicaProcess.on(proxy.uri(), "paused")
                .set("heddle.session.update-lease", LEASE)
                // Its own patience must not be what saves the session.
                .set("heddle.redis.timeout", "20s")
                .launch();
        ReplicaProcess other =
            ReplicaProcess.on(redis.uri(), "other")
                .set("heddle.session.update-lease", LEASE)
                .launch();
        RedisView view = new RedisView(redis.uri());
        ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      paused.awaitReady();
      other.awaitReady();
      int rounds = 0;
      for (Case what : Case.values()) {
        for (Stage stage : Stage.values()) {
          if (FULL || stage.ordinal() == what.ordinal() % Stage.values().length) {
            round(what, stage, paused, other, proxy, view, callers);
            rounds++;
          }
        }
      }
      System.out.printf(
          "PausedHolderIT: rounds=%d leases=2 accepted=0 lateWritesThatReachedRedis=%d"
              + " answers=%s%n",
          rounds, arrived, refusals);
      assertThat(arrived).as("late writes that Redis itself refused").isPositive();
    }
  }

  private void round(
      Case what,
      Stage stage,
      ReplicaProcess paused,
      ReplicaProcess other,
      TcpProxy proxy,
      RedisView view,
      ExecutorService callers)
      throws Exception {
    String id = "paused-" + what.name().toLowerCase(java.util.Locale.ROOT) + "-" + stage.ordinal();
    String session = "/v1/sessions/" + id;
    try (HttpConnection there = paused.connect();
        HttpConnection here = other.connect()) {
      create(here, id);
      Map<String, String> terms =
          what.clients ? Map.of("Heddle-Lock", lock(there, session, LEASE)) : Map.of();

      Hold hold = proxy.hold(what.direction, seen -> seen.argument().equals(sha(what.script)));
      Future<Answer> late =
          callers.submit(() -> there.call(what.method, session + what.path, what.body(), terms));
      assertThat(hold.await(Duration.ofSeconds(10))).as("%s stands at its place", what).isTrue();
      paused.pause();
      long stopped = System.nanoTime();
      try {
        meanwhile(stage, here, id, session);
        Awaitility.await()
            .pollInterval(Duration.ofMillis(20))
            .until(() -> System.nanoTime() - stopped >= 2 * LEASE.toNanos());
        String before = everything(here, session);

        long scripts = view.scriptsRun();
        hold.release();
        if (what.direction == Direction.UPSTREAM) {
          // Its sender still sleeps, so it cannot have thought better of it: Redis refuses it.
          Awaitility.await().until(() -> view.scriptsRun() > scripts);
          arrived++;
          assertThat(everything(here, session)).as("%s %s", what, stage).isEqualTo(before);
        }
        paused.resume();
        Answer answer = late.get(30, TimeUnit.SECONDS);
        refusals.merge(answer.status() + " " + answer.code(), 1, Integer::sum);
        assertThat(answer.ok()).as("%s %s: %s", what, stage, answer).isFalse();
        assertThat(everything(here, session)).as("%s %s", what, stage).isEqualTo(before);
      } finally {
        hold.release();
        paused.resume();
      }
      stillHeld(stage, here, session);
    }
  }

  private static void create(HttpConnection connection, String id) throws IOException {
    ok(201, connection.post("/v1/sessions", "{\"id\":\"" + id + "\",\"title\":\"first\"}"));
    ok(
        200,
        connection.call(
            "PUT", "/v1/sessions/" + id + "/state", "{\"writer\":\"first\"}", Map.of()));
    ok(201, connection.post("/v1/sessions/" + id + "/messages", message("first")));
  }

  private final Map<String, String> tokens = new LinkedHashMap<>();

  private void meanwhile(Stage stage, HttpConnection here, String id, String session)
      throws IOException {
    // Without a lock: it waits for the end of the holder, and no longer.
    ok(
        201,
        here.call(
            "POST", session + "/messages", message("meanwhile"), Map.of("Heddle-Wait", "10")));
    if (stage == Stage.APPENDED) {
      return;
    }
    String token = lock(here, session, Duration.ofSeconds(60));
    tokens.put(session, token);
    Map<String, String> held = Map.of("Heddle-Lock", token);
    ok(201, here.call("POST", session + "/messages", message("with the lock"), held));
    if (stage == Stage.LOCKED) {
      return;
    }
    ok(204, here.call("DELETE", session, null, held));
    create(here, id);
  }

  /** The client that took the lock meanwhile must not have lost it to the late release. */
  private void stillHeld(Stage stage, HttpConnection here, String session) throws IOException {
    if (stage == Stage.LOCKED) {
      Map<String, String> held = Map.of("Heddle-Lock", tokens.get(session));
      ok(201, here.call("POST", session + "/messages", message("still held"), held));
    } else {
      ok(
          200,
          here.call(
              "PATCH", session + "/state", "{\"writer\":\"next\"}", Map.of("Heddle-Wait", "0")));
    }
  }

  /** Session, thread and state as they are, as one text. */
  private static String everything(HttpConnection connection, String session) throws IOException {
    Answer thread = connection.get(session + "?messages=100");
    Answer state = connection.get(session + "/state");
    ok(200, thread);
    ok(200, state);
    JsonNode messages = thread.json().path("messages");
    assertThat(messages.size()).isPositive();
    return thread.body() + state.body();
  }

  private static String lock(HttpConnection connection, String session, Duration ttl)
      throws IOException {
    Answer answer =
        connection.post(
            session + "/lock",
            "{\"ttlSeconds\":" + ttl.toSeconds() + ",\"waitSeconds\":10,\"label\":\"test\"}");
    ok(200, answer);
    return answer.json().path("lock").asString();
  }

  private static String message(String text) {
    return "{\"role\":\"user\",\"content\":\"" + text + "\"}";
  }

  private static String sha(String script) {
    return Scripts.sha(script);
  }

  private static void ok(int status, Answer answer) {
    assertThat(answer.status()).as(answer.body()).isEqualTo(status);
  }
}
