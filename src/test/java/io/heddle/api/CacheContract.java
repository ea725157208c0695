package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.answercache.AnswerKey;
import io.heddle.answercache.AnswerKey.Kind;
import io.heddle.answercache.Answers;
import io.heddle.answercache.NewAnswer;
import io.heddle.api.Http.Reply;
import io.heddle.base.Tenant;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.http.HttpMethod;

/**
 * {@code /v1/cache/{key}} against two replicas; with an engine for one replica both are the same.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class CacheContract {

  private static final Map<String, String> SETTINGS =
      Map.of(
          "heddle.answers.max-bytes", "100KB",
          "heddle.answers.longest-life", "1d",
          "heddle.limits.rules.requests.kind", "requests",
          "heddle.limits.rules.requests.limit", "100000",
          "heddle.limits.rules.writes.kind", "writes",
          "heddle.limits.rules.writes.limit", "5");

  private HttpContract.Server one;
  private HttpContract.Server two;
  private Http http;
  private Http peer;
  private String user;
  private String path;

  /** Starts a replica on a free port. */
  abstract HttpContract.Server start(Map<String, String> properties);

  /** Another one over the same data, or the same one. */
  abstract HttpContract.Server another(HttpContract.Server first, Map<String, String> properties);

  @BeforeAll
  void servers() {
    one = start(SETTINGS);
    two = another(one, SETTINGS);
  }

  @AfterAll
  void stop() {
    two.close();
    one.close();
  }

  /** Users of the test's own: five writes are theirs. */
  @BeforeEach
  void names() {
    user = "user " + UUID.randomUUID();
    http = new Http(one.port()).with("Heddle-User", user);
    peer = new Http(two.port()).with("Heddle-User", user);
    path = "/v1/cache/k-" + UUID.randomUUID();
  }

  @Test
  void whatIsPutIsAnsweredAsItWas() {
    http.get(path).problem(404, "not-found", null);
    byte[] body = new byte[5000];
    new Random(3).nextBytes(body);
    Reply made =
        http.bytes(
                HttpMethod.PUT,
                path,
                body,
                "Content-Type",
                "image/png",
                "Cache-Control",
                "max-age=120")
            .is(201);
    assertThat(made.body()).isEmpty();
    Reply text = peer.put(path, "hello ä", "Content-Type", "text/plain;charset=utf-8").is(204);
    assertThat(text.header("ETag")).isNotEqualTo(made.header("ETag"));

    Reply got = http.get(path).is(200);
    assertThat(got.body()).isEqualTo("hello ä");
    assertThat(got.header("Content-Type")).isEqualTo("text/plain;charset=utf-8");
    assertThat(got.header("ETag")).isEqualTo(text.header("ETag")).matches("\"[A-Za-z0-9_-]{22}\"");
    assertThat(got.header("Age")).matches("[0-5]");
    assertThat(got.header("Cache-Control")).isEqualTo("private, max-age=3600");
    assertThat(got.header("Vary")).isEqualTo("Heddle-User");
    assertThat(got.header("X-Content-Type-Options")).isEqualTo("nosniff");
    assertThat(got.header("RateLimit")).contains("\"requests\"").doesNotContain("writes");

    Reply head = http.send(HttpMethod.HEAD, path, null).is(200);
    assertThat(head.body()).isEmpty();
    assertThat(head.header("Content-Length")).isEqualTo("8");
  }

  @Test
  void anUnchangedAnswerHasNoBody() {
    http.put(path, "x", "Content-Type", "text/plain", "Cache-Control", "max-age=60").is(201);
    String tag = http.get(path).header("ETag");
    for (String given : List.of(tag, "W/" + tag, "\"other\", " + tag, "*")) {
      Reply same = peer.get(path, "If-None-Match", given).is(304);
      assertThat(same.body()).isEmpty();
      assertThat(same.header("ETag")).isEqualTo(tag);
      assertThat(same.header("Cache-Control")).isEqualTo("private, max-age=60");
      assertThat(same.header("Age")).isNotNull();
    }
    http.get(path, "If-None-Match", "\"other\"").is(200);
  }

  @Test
  void deletingIsTheSameTwice() {
    http.put(path, "x").is(201);
    peer.delete(path).is(204);
    peer.delete(path).is(204);
    http.get(path).problem(404, "not-found", null);
  }

  @Test
  void anAnswerEndsAndMayBeTooOldBefore() {
    http.put(path, "x", "Cache-Control", "public, MAX-AGE=\"2\"").is(201);
    long put = System.nanoTime();
    assertThat(http.get(path).is(200).header("Cache-Control")).isEqualTo("private, max-age=2");
    http.get(path, "Cache-Control", "max-age=0, no-transform").is(404);
    http.get(path, "Cache-Control", "max-age=2").is(200);
    Awaitility.await()
        .atMost(Duration.ofSeconds(20))
        .pollInterval(Duration.ofMillis(20))
        .until(() -> http.get(path, "Cache-Control", "max-age=1").status() == 404);
    assertThat(Duration.ofNanos(System.nanoTime() - put)).isGreaterThan(Duration.ofMillis(990));
    assertThat(http.get(path).is(200).header("Age")).isEqualTo("1");
    Awaitility.await()
        .atMost(Duration.ofSeconds(20))
        .pollInterval(Duration.ofMillis(20))
        .until(() -> http.get(path).status() == 404);
    assertThat(Duration.ofNanos(System.nanoTime() - put)).isGreaterThan(Duration.ofMillis(1990));
  }

  /** A name may have any letters, and no two names are one. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "a%2Fb",
        "a%252Fb",
        "%C3%A4",
        "a+b",
        "a%20b",
        "%7B%3F%23%25%3B%7D",
        "a:b",
        "%E2%98%83",
        "..%2F..%2Fetc"
      })
  void namesMayHaveAnyLetters(String name) {
    String at = path + name;
    http.put(at, "\"" + name + "\"").is(201);
    assertThat(peer.get(at).is(200).body()).isEqualTo("\"" + name + "\"");
    http.get(path + "x" + name).is(404);
    peer.delete(at).is(204);
    http.get(at).is(404);
  }

  @Test
  void preconditionsAreObeyed() {
    http.put(path, "1", "If-Match", "*").problem(412, "version-conflict", null);
    http.get(path).is(404);
    String tag = http.put(path, "1", "If-None-Match", "*").is(201).header("ETag");
    http.put(path, "2", "If-None-Match", "*").problem(412, "version-conflict", null);
    http.put(path, "2", "If-None-Match", tag).problem(412, "version-conflict", null);
    http.delete(path, "If-Match", "\"other\"").problem(412, "version-conflict", null);
    assertThat(http.get(path).body()).isEqualTo("1");
  }

  /**
   * A read with {@code If-Match} of another tag was given the answer, as if nothing had been asked
   * for; and a write with a list that has {@code *} among its tags was carried out.
   */
  @ParameterizedTest
  @CsvSource({
    "*, 200",
    "TAG, 200",
    "'\"a,b\", TAG', 200",
    "\"other\", 412",
    "'\"other\", W/\"another\"', 412",
    "'*, TAG', 400",
    "'TAG, *', 400",
    "',', 400"
  })
  void readsObeyIfMatchAsWritesDo(String match, int status) {
    http.get(path, "If-Match", match).is(404);
    String tag = http.put(path, "1").is(201).header("ETag");
    String sent = match.replace("TAG", tag);
    http.get(path, "If-Match", sent).is(status);
    http.get(path, "If-Match", sent, "Heddle-Single-Flight", "1").is(status);
    http.get(path, "If-Match", sent, "If-None-Match", tag).is(status == 200 ? 304 : status);
    http.put(path, "2", "If-Match", sent).is(status == 200 ? 204 : status);
    http.put(path, "1").is(204);
    http.delete(path, "If-Match", sent).is(status == 200 ? 204 : status);
  }

  @Test
  void tagsAreCompared() {
    String tag = http.put(path, "1").is(201).header("ETag");
    http.put(path, "2", "If-Match", "\"a,b\", " + tag).is(204);
    http.put(path, "3", "If-Match", tag).problem(412, "version-conflict", null);
    http.delete(path, "If-Match", "*").is(204);
    http.delete(path, "If-Match", "*").problem(412, "version-conflict", null);
  }

  /** What must not be kept is not; what is known of the rest is read alike everywhere. */
  @Test
  void noStoreWins() {
    for (String said : List.of("no-store", "no-store, max-age=60", "max-age=60, NO-STORE")) {
      http.put(path, "1", "Cache-Control", said).problem(400, "invalid-request", "Cache-Control");
    }
    http.get(path).is(404);
    http.put(path, "1", "Cache-Control", "x=\"no-store\", max-age=\"60\"").is(201);
    http.get(path, "Cache-Control", "no-cache").is(404);
    http.get(path, "Cache-Control", "max-age=99999999999999999999").is(200);
  }

  @Test
  void longNamesAreBounded() {
    String base = "/v1/cache/";
    http.put(base + "x".repeat(512), "1").is(201);
    http.get(base + "x".repeat(511) + "y").is(404);
    http.get(base + "x".repeat(513)).problem(400, "invalid-request", "key");
    for (String bad : List.of("a%0Ab", "%00", "a;b", "a%FFb", "%7F")) {
      http.get(base + bad).problem(400, "invalid-request", "key");
    }
    http.put(base + "a%0Ab", "1").problem(400, "invalid-request", "key");
    http.delete(base + "a%0Ab").problem(400, "invalid-request", "key");
  }

  @Test
  void nobodyReadsAnothersAnswers() {
    Http other = new Http(two.port()).with("Heddle-User", "other " + UUID.randomUUID());
    Http backend = new Http(two.port());
    http.put(path, "mine").is(201);
    other.get(path).is(404);
    backend.get(path).is(404);
    other.delete(path).is(204);
    other.put(path, "theirs").is(201);
    assertThat(peer.get(path).is(200).body()).isEqualTo("mine");
    assertThat(other.get(path).is(200).body()).isEqualTo("theirs");
    // Nor does any name lead to what Heddle keeps of models.
    String name = path.substring("/v1/cache/".length());
    one.bean(Answers.class)
        .put(
            new AnswerKey(Tenant.DEFAULT, Kind.MODEL, null, name),
            new NewAnswer("text/plain", new byte[3], Duration.ofMinutes(1)))
        .block();
    backend.get(path).is(404);
  }

  @Test
  void bodiesAreBounded() {
    http.bytes(HttpMethod.PUT, path, new byte[100 * 1024]).is(201);
    Reply refused = http.bytes(HttpMethod.PUT, path, new byte[100 * 1024 + 1]);
    refused.problem(413, "body-too-large", null);
    assertThat(refused.json().path("limit").asInt()).isEqualTo(100 * 1024);
    assertThat(http.get(path).is(200).body()).hasSize(100 * 1024);
    http.bytes(HttpMethod.PUT, path, new byte[0]).is(204);
    assertThat(http.get(path).is(200).body()).isEmpty();
  }

  @Test
  void aBodyMayHaveNoType() throws Exception {
    String reply =
        new Http(one.port())
            .raw(
                "PUT "
                    + path
                    + " HTTP/1.1\r\nHost: localhost\r\nHeddle-User: "
                    + user
                    + "\r\nContent-Length: 2\r\nConnection: close"
                    + "\r\n\r\nhi",
                0);
    assertThat(reply).startsWith("HTTP/1.1 201");
    Reply got = peer.get(path).is(200);
    assertThat(got.header("Content-Type")).isEqualTo("application/octet-stream");
    assertThat(got.body()).isEqualTo("hi");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "PUT | Cache-Control | max-age=0",
        "PUT | Cache-Control | max-age=86401",
        "PUT | Cache-Control | max-age=x",
        "PUT | Cache-Control | max-age",
        "PUT | Cache-Control | max-age=1, max-age=2",
        "GET | Cache-Control | max-age=-1",
        "GET | Heddle-Single-Flight | 0",
        "GET | Heddle-Single-Flight | 61",
        "GET | Heddle-Single-Flight | soon",
        "PUT | Content-Type | */*",
      })
  void badHeadersAreRefused(String method, String name, String value) {
    http.bytes(
            HttpMethod.valueOf(method),
            path,
            method.equals("PUT") ? new byte[1] : null,
            name,
            value)
        .problem(400, "invalid-request", name);
    http.get(path).is(404);
  }

  @Test
  void whatWouldBeLostIsRefused() {
    http.put(path, "x", "Content-Encoding", "gzip")
        .problem(415, "unsupported-media-type", "Content-Encoding");
    http.get(path + "?x=1").problem(400, "unknown-field", "x");
  }

  @Test
  void aTypeThatIsNoneIsRefused() throws Exception {
    for (String type : List.of("text", "text/", "a/b\tc", "text/plain; charset=\"", "ä/b")) {
      assertThat(
              new Http(one.port())
                  .raw(
                      "PUT "
                          + path
                          + " HTTP/1.1\r\nHost: localhost\r\nHeddle-User: "
                          + user
                          + "\r\nContent-Length: 1\r\nContent-Type: "
                          + type
                          + "\r\nConnection: close\r\n\r\nx",
                      0))
          .as(type)
          .startsWith("HTTP/1.1 400")
          .contains("\"field\":\"Content-Type\"");
    }
    http.get(path).is(404);
  }

  @Test
  void writesAreCountedAndReadsAreNotCountedAsSuch() {
    for (int i = 0; i < 5; i++) {
      http.put(path, "x");
    }
    http.put(path, "y").problem(429, "rate-limited", null);
    http.put(path, "y", "Idempotency-Key", "some").problem(429, "rate-limited", null);
    http.delete(path).problem(429, "rate-limited", null);
    assertThat(http.get(path).is(200).body()).isEqualTo("x");
  }

  // ---- one computes and the others wait

  @Test
  void ofFiftyWhoComeAtOnceOneComputes() throws Exception {
    try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Reply>> replies = new ArrayList<>();
      for (int i = 0; i < 50; i++) {
        Http mine = i % 2 == 0 ? http : peer;
        replies.add(clients.submit(() -> mine.get(path, "Heddle-Single-Flight", "30")));
      }
      Future<Reply> first = firstOf(replies);
      first.get().problem(404, "not-found", null);
      assertThat(first.get().header("Heddle-Single-Flight")).isEqualTo("compute");
      // Longer than any look at the store is apart from the one before.
      pass(Duration.ofMillis(700));
      assertThat(replies).filteredOn(Future::isDone).hasSize(1);

      http.put(path, "computed", "Content-Type", "text/plain").is(201);

      for (Future<Reply> reply : replies) {
        if (reply != first) {
          Reply told = reply.get(20, TimeUnit.SECONDS).is(200);
          assertThat(told.body()).isEqualTo("computed");
          assertThat(told.header("Heddle-Single-Flight")).isNull();
        }
      }
    }
  }

  @Test
  void whenTheOneWhoComputesGivesUpAnotherIsToldTo() throws Exception {
    http.get(path, "Heddle-Single-Flight", "2").is(404);
    try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
      long start = System.nanoTime();
      List<Future<Reply>> replies = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        Http mine = i % 2 == 0 ? http : peer;
        replies.add(clients.submit(() -> mine.get(path, "Heddle-Single-Flight", "10")));
      }
      Future<Reply> next = firstOf(replies);
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .as("its lease was two seconds")
          .isBetween(Duration.ofMillis(1000), Duration.ofSeconds(8));
      assertThat(next.get().header("Heddle-Single-Flight")).isEqualTo("compute");
      // Whoever knows that he will not compute says so.
      peer.delete(path).is(204);
      replies.remove(next);
      Future<Reply> third = firstOf(replies);
      assertThat(third.get().header("Heddle-Single-Flight")).isEqualTo("compute");
      http.put(path, "at last").is(201);
      replies.remove(third);
      for (Future<Reply> reply : replies) {
        assertThat(reply.get(20, TimeUnit.SECONDS).is(200).body()).isEqualTo("at last");
      }
    }
  }

  @Test
  void whoWaitsTooLongIsToldSo() {
    http.get(path, "Heddle-Single-Flight", "30").is(404);
    Reply late = peer.get(path, "Heddle-Single-Flight", "1");
    late.problem(404, "not-found", null);
    assertThat(late.header("Heddle-Single-Flight")).isEqualTo("busy");
    assertThat(late.header("Retry-After")).isEqualTo("1");
    // Who does not wait is told nothing.
    assertThat(peer.get(path).is(404).header("Heddle-Single-Flight")).isNull();
  }

  @Test
  void anAnswerThatIsThereIsGivenAtOnce() {
    http.put(path, "there").is(201);
    Reply got = peer.get(path, "Heddle-Single-Flight", "30").is(200);
    assertThat(got.body()).isEqualTo("there");
    peer.get(path, "Heddle-Single-Flight", "30", "If-None-Match", got.header("ETag")).is(304);
    // Too old for this one, who therefore computes.
    assertThat(
            peer.get(path, "Heddle-Single-Flight", "30", "Cache-Control", "max-age=0")
                .is(404)
                .header("Heddle-Single-Flight"))
        .isEqualTo("compute");
  }

  @Test
  void usersDoNotWaitForEachOther() {
    http.get(path, "Heddle-Single-Flight", "30").is(404);
    Http other = new Http(two.port()).with("Heddle-User", "other " + UUID.randomUUID());
    assertThat(other.get(path, "Heddle-Single-Flight", "30").is(404).header("Heddle-Single-Flight"))
        .isEqualTo("compute");
  }

  /** A stop must not take as long as somebody waits. */
  @Test
  void aReplicaThatStopsLetsNobodyWait() throws Exception {
    HttpContract.Server stops = start(Map.of("heddle.live.drain", "100ms"));
    Http there = new Http(stops.port());
    there.get(path, "Heddle-Single-Flight", "60").is(404);
    try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<String> waits =
          clients.submit(() ->
              there.raw(
                  "GET "
                      + path
                      + " HTTP/1.1\r\nHost: localhost\r\nHeddle-Single-Flight: 60\r\n\r\n",
                  1));
      pass(Duration.ofMillis(500));
      assertThat(waits.isDone()).isFalse();
      stops.close();
      assertThat(waits.get(10, TimeUnit.SECONDS))
          .startsWith("HTTP/1.1 503")
          .contains("\"code\":\"restarting\"")
          .contains("Retry-After: 1");
    }
  }

  private static <T> Future<T> firstOf(List<Future<T>> all) {
    Awaitility.await()
        .atMost(Duration.ofSeconds(20))
        .pollInterval(Duration.ofMillis(5))
        .until(() -> all.stream().anyMatch(Future::isDone));
    return all.stream().filter(Future::isDone).findFirst().orElseThrow();
  }

  private static void pass(Duration time) {
    long end = System.nanoTime() + time.toNanos();
    Awaitility.await()
        .atMost(Duration.ofMinutes(1))
        .pollInterval(Duration.ofMillis(5))
        .until(() -> System.nanoTime() - end >= 0);
  }
}
