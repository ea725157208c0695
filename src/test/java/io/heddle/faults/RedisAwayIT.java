package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.HttpConnection;
import io.heddle.testing.HttpConnection.Answer;
import io.heddle.testing.RedisProcess;
import io.heddle.testing.ReplicaProcess;
import io.lettuce.core.KillArgs;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** A real Redis that is away at the start, dies, falls silent, or is another one than expected. */
class RedisAwayIT {
  private static final Duration TIMEOUT = Duration.ofSeconds(1);

  /** What an answer may take beyond the timeout, on a machine that is busy with other tests. */
  private static final Duration SLACK = Duration.ofSeconds(2);

  private static final int AT_ONCE = 100;

  @Test
  void awayAtTheStartDeadLaterSilentAndBack() throws Exception {
    try (RedisProcess redis = RedisProcess.start("--appendonly", "yes", "--appendfsync", "always");
        ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      redis.kill();
      try (ReplicaProcess replica = ReplicaProcess.on(redis.uri(), "away").launch()) {
        replica.awaitLive();
        assertThat(replica.readiness()).isEqualTo(503);
        isAway(replica);

        redis.restart();
        replica.awaitReady();
        assertThat(replica.liveness()).isEqualTo(200);
        assertThat(replica.status("/actuator/health")).isEqualTo(200);
        isBack(replica, "first");

        redis.kill();
        isAway(replica);
        assertThat(replica.status("/actuator/health")).as("health is red").isEqualTo(503);
        assertThat(replica.readiness()).as("readiness stays").isEqualTo(200);
        assertThat(replica.liveness()).isEqualTo(200);

        redis.restart();
        awaitWorking(replica);
        isBack(replica, "second");
        try (HttpConnection connection = replica.connect()) {
          assertThat(connection.get("/v1/sessions/first").status())
              .as("what Redis had kept is there, and nothing was kept elsewhere")
              .isEqualTo(200);
        }

        silent(redis, replica, callers);
      }
    }
  }

  /** Redis takes requests and does not answer: SIGSTOP. */
  private static void silent(RedisProcess redis, ReplicaProcess replica, ExecutorService callers)
      throws Exception {
    redis.pause();
    List<Future<Timed>> unanswered = new ArrayList<>();
    Callable<Answer> unkeyed = () -> append(replica, "second", "without a key", Map.of());
    Map<String, String> key = Map.of("Idempotency-Key", "the key");
    Callable<Answer> keyed = () -> append(replica, "second", "with a key", key);
    Callable<Answer> read = () -> get(replica, "/v1/sessions/second");
    unanswered.add(callers.submit(() -> timed(unkeyed)));
    unanswered.add(callers.submit(() -> timed(keyed)));
    for (int i = 0; i < AT_ONCE; i++) {
      unanswered.add(callers.submit(() -> timed(read)));
    }
    int unknown = 0;
    int away = 0;
    List<Duration> took = new ArrayList<>();
    for (Future<Timed> caller : unanswered) {
      Timed timed = caller.get(30, TimeUnit.SECONDS);
      assertThat(timed.answer().status()).as(timed.answer().body()).isEqualTo(503);
      unknown += timed.answer().code().equals("outcome-unknown") ? 1 : 0;
      away += timed.answer().code().equals("store-unavailable") ? 1 : 0;
      took.add(timed.took());
    }
    // A write with a key was once sent five times to a Redis that was silent, one timeout each.
    assertThat(took.get(1)).as("with a key").isLessThan(TIMEOUT.multipliedBy(2).plus(SLACK));
    Collections.sort(took);
    Duration median = took.get(took.size() / 2);
    assertThat(unknown).as("a write that was sent and not answered").isEqualTo(2);
    assertThat(away).as("reads").isEqualTo(AT_ONCE);
    assertThat(took.getFirst()).isGreaterThan(TIMEOUT.minusMillis(100));
    assertThat(median).isLessThan(TIMEOUT.plus(SLACK));

    // Those who come later do not wait behind those who came first.
    Timed later = timed(read);
    assertThat(later.answer().status()).isEqualTo(503);
    assertThat(later.took()).isLessThan(TIMEOUT.plus(SLACK));
    assertThat(replica.liveness()).isEqualTo(200);

    redis.resume();
    awaitWorking(replica);
    Answer retried = append(replica, "second", "with a key", key);
    assertThat(retried.status()).as(retried.body()).isEqualTo(201);
    Awaitility.await().until(() -> texts(replica, "second").contains("without a key"));
    List<String> texts = texts(replica, "second");
    assertThat(texts).containsOnlyOnce("with a key", "without a key");
    System.out.printf(
        "RedisAwayIT: silent Redis, %d at once: answered after %d ms (median; last %d ms), one"
            + " later after %d ms; outcome-unknown=%d store-unavailable=%d; after it woke: with a"
            + " key once, replayed=%s%n",
        unanswered.size(),
        median.toMillis(),
        took.getLast().toMillis(),
        later.took().toMillis(),
        unknown,
        away,
        retried.headers().getOrDefault("idempotency-replayed", "false"));
  }

  private record Timed(Answer answer, Duration took) {}

  private static Timed timed(Callable<Answer> call) throws Exception {
    long start = System.nanoTime();
    Answer answer = call.call();
    return new Timed(answer, Duration.ofNanos(System.nanoTime() - start));
  }

  @Test
  void aWriteInFlightWhenRedisDiesIsUnknown() throws Exception {
    try (RedisProcess redis = RedisProcess.start();
        ReplicaProcess replica =
            ReplicaProcess.on(redis.uri(), "in-flight").set("heddle.redis.timeout", "20s").start();
        ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      isBack(replica, "in-flight");
      redis.pause();
      Future<Answer> write =
          callers.submit(() -> append(replica, "in-flight", "nobody knows", Map.of()));
      Future<Answer> read = callers.submit(() -> get(replica, "/v1/sessions/in-flight"));
      // Nothing tells from outside that the request has left the replica.
      Awaitility.await()
          .pollDelay(Duration.ofMillis(500))
          .until(() -> !write.isDone() && !read.isDone());
      long died = System.nanoTime();
      redis.kill();
      Answer written = write.get(10, TimeUnit.SECONDS);
      assertThat(written.status()).isEqualTo(503);
      assertThat(written.code()).isEqualTo("outcome-unknown");
      assertThat(read.get(10, TimeUnit.SECONDS).code()).isEqualTo("store-unavailable");
      assertThat(Duration.ofNanos(System.nanoTime() - died))
          .as("the reset is noticed, the timeout of 20 s not waited for")
          .isLessThan(Duration.ofSeconds(8));
    }
  }

  @Test
  void aWrongPasswordIsToldInTheLog() {
    try (RedisProcess redis = RedisProcess.start("--requirepass", "right");
        ReplicaProcess replica =
            ReplicaProcess.on(redis.uri().replace("//", "//:wrong@"), "password").launch()) {
      replica.awaitLive();
      Awaitility.await()
          .atMost(Duration.ofSeconds(20))
          .untilAsserted(() -> assertThat(replica.log()).contains("WRONGPASS"));
      assertThat(replica.readiness()).isEqualTo(503);
      assertThat(replica.log()).as("no secret in the log").doesNotContain("wrong@");
    }
  }

  /** The same in the middle: the log said only that Redis could not be reached. */
  @Test
  void aPasswordThatIsChangedIsToldInTheLog() {
    try (RedisProcess redis = RedisProcess.start();
        RedisView view = new RedisView(redis.uri());
        ReplicaProcess replica = ReplicaProcess.on(redis.uri(), "changed").start()) {
      replica.awaitReady();
      view.commands().configSet("requirepass", "right");
      view.commands().clientKill(KillArgs.Builder.typeNormal().skipme());
      Awaitility.await()
          .atMost(Duration.ofSeconds(20))
          .untilAsserted(() -> assertThat(replica.log()).contains("does not answer: Redis asks"));
      assertThat(replica.log()).contains("NOAUTH");
    }
  }

  @Test
  void dataOfAnotherLayoutEndsTheProcess() {
    try (RedisProcess redis = RedisProcess.start();
        RedisView view = new RedisView(redis.uri())) {
      view.commands()
          .hset(
              "heddle:schema",
              Map.of(
                  "layout", "99",
                  "hash", "murmur3_x86_32",
                  "partitions", "128",
                  "publish", "PUBLISH"));
      try (ReplicaProcess replica = ReplicaProcess.on(redis.uri(), "schema").launch()) {
        assertThat(replica.waitFor(Duration.ofSeconds(90))).as("it ends by itself").isTrue();
        assertThat(replica.exitValue()).isNotZero();
        assertThat(replica.log()).contains("layout 99").contains("heddle:schema");
      }
    }
  }

  private static void isAway(ReplicaProcess replica) throws IOException {
    for (Answer answer :
        List.of(
            get(replica, "/v1/sessions/first"),
            create(replica, "none"),
            append(replica, "first", "none", Map.of()))) {
      assertThat(answer.status()).as(answer.body()).isEqualTo(503);
      assertThat(answer.code()).isEqualTo("store-unavailable");
      assertThat(answer.headers()).containsKey("retry-after");
    }
  }

  private static void isBack(ReplicaProcess replica, String session) throws IOException {
    Answer created = create(replica, session);
    assertThat(created.status()).as(created.body()).isEqualTo(201);
    Answer appended = append(replica, session, "hello", Map.of());
    assertThat(appended.status()).as(appended.body()).isEqualTo(201);
    try (HttpConnection connection = replica.connect()) {
      // Through Redisson's line.
      Answer patched =
          connection.call(
              "PATCH",
              "/v1/sessions/" + session + "/state",
              "{\"a\":1}",
              Map.of("Heddle-Wait", "10"));
      assertThat(patched.status()).as(patched.body()).isEqualTo(200);
    }
  }

  private static void awaitWorking(ReplicaProcess replica) {
    Awaitility.await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> get(replica, "/v1/sessions/first").status() == 200);
  }

  private static Answer create(ReplicaProcess replica, String id) throws IOException {
    try (HttpConnection connection = replica.connect()) {
      return connection.post("/v1/sessions", "{\"id\":\"" + id + "\"}");
    }
  }

  private static Answer get(ReplicaProcess replica, String path) throws IOException {
    try (HttpConnection connection = replica.connect()) {
      return connection.get(path);
    }
  }

  private static Answer append(
      ReplicaProcess replica, String session, String text, Map<String, String> headers)
      throws IOException {
    try (HttpConnection connection = replica.connect()) {
      return connection.call(
          "POST",
          "/v1/sessions/" + session + "/messages",
          "{\"role\":\"user\",\"content\":\"" + text + "\"}",
          headers);
    }
  }

  private static List<String> texts(ReplicaProcess replica, String session) throws IOException {
    List<String> texts = new ArrayList<>();
    for (JsonNode message :
        get(replica, "/v1/sessions/" + session + "/messages").json().path("data")) {
      texts.add(message.path("content").asString());
    }
    return texts;
  }
}
