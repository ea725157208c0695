package io.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.session.MessagePlace;
import io.heddle.testing.InProcess;
import io.heddle.testing.RedisProcess;
import io.lettuce.core.RedisClient;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.sync.RedisCommands;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.springframework.context.ConfigurableApplicationContext;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * How long scripts take in sessions as large as they may be, by Redis's own slow log: one of
 * 300,000 short messages and one of 1 MB messages, under every call of the API. Redis does one
 * thing at a time, so a script that took long for one session would keep all of them waiting.
 *
 * <p>A machine that does other things makes any script slow now and then: of each call's runs the
 * fastest counts (one run is enough far from the bound), and where a call takes many steps of one
 * kind, nine of ten.
 */
@Isolated("It measures how long Redis is busy with one call: whatever else runs makes it longer.")
class ScriptTimesIT {

  private static final int RUNS = 5;

  /** Before a script is found to take too long. */
  private static final int MORE_RUNS = 10;

  private static final int MANY_STEPS = 10;
  private static final long BOUND_MICROS = Long.getLong("heddle.it.script-micros", 10_000);
  private static final int MESSAGES = Integer.getInteger("heddle.it.script-messages", 300_000);
  private static final String SHORT = "{\"role\":\"user\",\"content\":\"a short word or two\"}";
  private static final JsonMapper JSON = new JsonMapper();
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  /** Short messages, some with ids of its own, in versions of a hundred. */
  private static final String FILL =
      """
      for i = tonumber(ARGV[1]), tonumber(ARGV[2]) do
        local version = ARGV[3] + math.floor(i / 100)
        local entry = string.format('%d-%d', version, i % 100)
        local id = i % 30 == 0 and 'own' .. i or ''
        redis.call('XADD', KEYS[1], entry, 'h', string.format('v%07d %d 1700000000000 ', version, i + 1) .. id, 'b', ARGV[4])
        if id ~= '' then redis.call('HSET', KEYS[2], id, entry) end
      end
      return 1
      """;

  /** The other changes, as many and as long as are kept, and the counters. */
  private static final String FINISH =
      """
      local version = ARGV[1] + 0
      for i = 1, 256 do
        version = version + 1
        redis.call('XADD', KEYS[2], 'MAXLEN', 256, string.format('%d-0', version), 't', string.format('v%07d', version), 'z', '1700000000000', 'c', ARGV[4])
      end
      local p = redis.call('HGET', KEYS[1], 'p')
      local rest = string.match(p, '^%S+ %d+ %d+ %d+ %d+( .*)$')
      redis.call('HSET', KEYS[1], 'p', string.format('v%07d %d %s %s %s', version, version, ARGV[2], ARGV[2], ARGV[3]) .. rest)
      return 1
      """;

  private static RedisProcess redisProcess;
  private static RedisClient client;
  private static RedisCommands<String, String> redis;
  private static ConfigurableApplicationContext server;
  private static final Map<String, String> SCRIPTS = new HashMap<>();

  /** What every replica asks by itself, whatever is called: told apart from the calls. */
  private static final Set<String> BACKGROUND = Set.of("due", "seqs", "probe");

  private static final Map<String, List<Long>> BACKGROUND_TIMES = new TreeMap<>();
  private static final Map<String, Map<String, Long>> FIGURES = new LinkedHashMap<>();
  private static Subject many;
  private static Subject large;
  private static int copies;

  /**
   * A session, and what is in it.
   *
   * @param first the first message's id
   * @param since a position near the beginning
   */
  private record Subject(
      String id, String first, String middle, String last, String since, String turn) {

    String path() {
      return "/v1/sessions/" + id;
    }

    String conversation() {
      return "/openai/v1/conversations/" + id;
    }
  }

  /** A call on a session. */
  private interface Call {
    void on(Subject thread) throws Exception;
  }

  @BeforeAll
  static void start() throws Exception {
    redisProcess = RedisProcess.start();
    client = RedisClient.create(redisProcess.uri());
    redis = client.connect().sync();
    redis.configSet("slowlog-max-len", "100000");
    redis.configSet("slowlog-log-slower-than", "0");
    for (RedisScript script : RedisScript.values()) {
      SCRIPTS.put(script.sha(), script.name().toLowerCase(Locale.ROOT));
    }
    server =
        InProcess.start(
            "--server.port=0",
            "--heddle.env-file=",
            "--spring.data.redis.url=" + redisProcess.uri(),
            "--heddle.limits.enabled=false",
            "--heddle.redis.timeout=5s",
            "--heddle.session.index-every=10m",
            "--server.shutdown=immediate");
    await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> send("GET", "/actuator/health/readiness", null).statusCode() == 200);
    many = many();
    large = large();
  }

  @AfterAll
  static void stop() {
    server.close();
    client.shutdown();
    redisProcess.close();
  }

  private static Subject many() throws Exception {
    String id = "many";
    String turn = furnished(id);
    SessionKey key = new SessionKey(Tenant.DEFAULT, id);
    String[] keys = {name(key, "m"), name(key, "i")};
    long from = version(key) + 1;
    for (int i = 0; i < MESSAGES; i += 10_000) {
      int to = Math.min(MESSAGES, i + 10_000) - 1;
      redis.eval(
          FILL,
          ScriptOutputType.INTEGER,
          keys,
          Integer.toString(i),
          Integer.toString(to),
          Long.toString(from),
          SHORT);
    }
    long last = from + (MESSAGES - 1) / 100;
    redis.eval(
        FINISH,
        ScriptOutputType.INTEGER,
        new String[] {name(key, "s"), name(key, "c")},
        Long.toString(last),
        Integer.toString(MESSAGES),
        Long.toString((long) MESSAGES * SHORT.length()),
        "{\"type\":\"state.saved\",\"more\":\"" + "x".repeat(1990) + "\"}");
    return new Subject(
        id,
        message(key, from, 1),
        message(key, from + (last - from) / 2, 50),
        message(key, last, 99),
        "%d-v%07d".formatted(from, from),
        turn);
  }

  private static String message(SessionKey key, long version, int index) {
    return new MessagePlace(version, index, "v%07d".formatted(version), key.mark()).id();
  }

  private static Subject large() throws Exception {
    String id = "large";
    String turn = furnished(id);
    ok(send("DELETE", "/v1/sessions/" + id + "/messages", null));
    List<String> ids = new ArrayList<>();
    String since = "";
    for (int i = 0; i < 15; i++) {
      HttpResponse<byte[]> added =
          ok(send("POST", "/v1/sessions/" + id + "/messages", longMessage(1_000_000)));
      JsonNode body = JSON.readTree(added.body());
      ids.add(body.get("data").get(0).get("id").asString());
      since = i == 0 ? body.get("position").asString() : since;
    }
    return new Subject(id, ids.getFirst(), ids.get(7), ids.getLast(), since, turn);
  }

  /** A session with as many and as large states as are kept, and a turn that has ended. */
  private static String furnished(String id) throws Exception {
    ok(send("PUT", "/v1/sessions/" + id, "{\"user\":\"ann\",\"ttlSeconds\":86400}"));
    for (int i = 0; i < 9; i++) {
      ok(
          send(
              "PUT",
              "/v1/sessions/" + id + "/state",
              "{\"n\":" + i + ",\"text\":\"" + "s".repeat(900_000) + "\"}"));
    }
    HttpResponse<byte[]> turn =
        ok(send("POST", "/v1/sessions/" + id + "/turns", "{\"content\":\"hello\"}"));
    return JSON.readTree(turn.body()).get("id").asString();
  }

  private static String longMessage(int bytes) {
    return "{\"role\":\"user\",\"content\":\"" + "x".repeat(bytes) + "\"}";
  }

  private static String messages(int count, int bytes) {
    StringBuilder all = new StringBuilder("{\"messages\":[");
    for (int i = 0; i < count; i++) {
      all.append(i == 0 ? "" : ",").append(longMessage(bytes));
    }
    return all.append("]}").toString();
  }

  /** Every call of the OpenAPI document, and some more; those that change something on a copy. */
  @Test
  void noScriptTakesLong() throws Exception {
    Map<String, List<Call>> calls = new LinkedHashMap<>();
    reads(calls);
    besides(calls);
    Map<String, List<Call>> writes = new LinkedHashMap<>();
    writes(writes);
    Set<String> covered = new TreeSet<>(calls.keySet());
    covered.addAll(writes.keySet());
    assertThat(covered).as("every call of the API").containsAll(documented());

    for (Map.Entry<String, List<Call>> entry : calls.entrySet()) {
      for (Call call : entry.getValue()) {
        measure(entry.getKey(), many, call, RUNS);
        measure(entry.getKey(), large, call, RUNS);
      }
    }
    for (Map.Entry<String, List<Call>> entry : writes.entrySet()) {
      for (Call call : entry.getValue()) {
        measureCopies(entry.getKey(), many, call, RUNS);
        measureCopies(entry.getKey(), large, call, RUNS);
      }
    }
    // Many steps each, so once.
    measureCopies("a cut in the middle", many, t -> cut(t, t.middle()), 1);
    measureCopies("a cut in the middle", large, t -> cut(t, t.middle()), RUNS);
    measureCopies(
        "POST /v1/sessions/{id}/fork",
        many,
        t ->
            ok(
                send(
                    "POST",
                    t.path() + "/fork",
                    "{\"after\":\"own" + MESSAGES / 20 / 30 * 30 + "\"}")),
        1);
    measureCopies(
        "POST /v1/sessions/{id}/fork",
        large,
        t -> ok(send("POST", t.path() + "/fork", "{}")),
        RUNS);
    Map<String, Long> background = new TreeMap<>();
    BACKGROUND_TIMES.forEach((script, times) -> background.put(script, longest(times)));
    FIGURES.put("by itself", background);
    print();
    FIGURES.forEach((call, scripts) ->
        scripts.forEach((script, micros) ->
            assertThat(micros)
                .as("microseconds of %s in %s", script, call)
                .isLessThanOrEqualTo(BOUND_MICROS)));
  }

  private static void reads(Map<String, List<Call>> calls) {
    for (String path : List.of("/v1/cache/{key}", "/v1/limits", "/v1/openapi.json")) {
      String plain = path.replace("{key}", "nothing");
      add(calls, "GET " + path, _ -> send("GET", plain, null));
    }
    add(calls, "GET /v1/sessions", _ -> get("/v1/sessions?limit=200"));
    add(calls, "GET /v1/sessions", _ -> get("/v1/sessions?user=ann&limit=200"));
    add(calls, "GET /v1/sessions/{id}", t -> get(t.path()));
    add(calls, "GET /v1/sessions/{id}", t -> get(t.path() + "?messages=1000"));
    String messages = "GET /v1/sessions/{id}/messages";
    for (String query :
        List.of(
            "limit=1000",
            "limit=1000&order=asc",
            "limit=1000&order=desc",
            "limit=1000&after={first}",
            "limit=1000&before={last}",
            "limit=50&after={first}&before={last}&order=desc",
            "limit=50&after={middle}")) {
      add(
          calls,
          messages,
          t -> get(t.path() + "/messages?" + filled(query, t), "Heddle-Min-Position", t.since()));
    }
    add(calls, messages + "/{messageId}", t -> get(t.path() + "/messages/" + t.middle()));
    add(calls, "GET /v1/sessions/{id}/state", t -> get(t.path() + "/state"));
    add(calls, "GET /v1/sessions/{id}/checkpoints", t -> get(t.path() + "/checkpoints?limit=100"));
    add(
        calls,
        "GET /v1/sessions/{id}/checkpoints/{checkpointId}",
        t -> get(t.path() + "/checkpoints/latest"));
    add(calls, "GET /v1/sessions/{id}/lock", t -> get(t.path() + "/lock"));
    add(calls, "GET /v1/sessions/{id}/turns", t -> get(t.path() + "/turns"));
    add(calls, "GET /v1/sessions/{id}/turns/{turnId}", t -> get(t.path() + "/turns/" + t.turn()));
    add(
        calls,
        "GET /v1/sessions/{id}/turns/{turnId}/events",
        t -> get(t.path() + "/turns/" + t.turn() + "/events"));
    for (String since : List.of("?since={since}", "?since=1-aaaaaaaa", "")) {
      add(
          calls,
          "GET /v1/sessions/{id}/events",
          t -> firstEvent(t.path() + "/events" + since.replace("{since}", t.since())));
      add(calls, "GET /v1/socket", t -> watched(t, since));
    }
    String items = "GET /openai/v1/conversations/{id}/items";
    add(calls, items, t -> get(t.conversation() + "/items?limit=100"));
    add(calls, items, t -> get(t.conversation() + "/items?limit=100&order=asc"));
    add(calls, "GET /openai/v1/conversations/{id}", t -> get(t.conversation()));
    add(calls, "GET /openai/v1/conversations", _ -> get("/openai/v1/conversations?limit=100"));
  }

  /** Writes that leave the thread as it is. */
  private static void besides(Map<String, List<Call>> calls) {
    add(calls, "PUT /v1/cache/{key}", t -> put("/v1/cache/" + t.id(), longMessage(900_000)));
    add(
        calls,
        "DELETE /v1/cache/{key}",
        t -> {
          put("/v1/cache/" + t.id(), longMessage(900_000));
          ok(send("DELETE", "/v1/cache/" + t.id(), null));
        });
    String first = "\"messages\":" + messages(100, 20).substring("{\"messages\":".length());
    add(calls, "POST /v1/sessions", _ -> post("/v1/sessions", "{" + first));
    add(calls, "PUT /v1/sessions/{id}", t -> put(t.path() + "-new-" + ++copies, "{" + first));
    add(calls, "PUT /v1/sessions/{id}", t -> put(t.path(), "{}"));
    add(
        calls,
        "PATCH /v1/sessions/{id}",
        t -> ok(send("PATCH", t.path(), "{\"title\":\"" + "t".repeat(200) + "\"}")));
    add(calls, "POST /v1/sessions/{id}/fork", t -> fork(t, t.first()));
    String state = "{\"text\":\"" + "s".repeat(1_000_000) + "\"}";
    add(calls, "PUT /v1/sessions/{id}/state", t -> put(t.path() + "/state", state));
    add(
        calls,
        "PATCH /v1/sessions/{id}/state",
        t -> ok(send("PATCH", t.path() + "/state", "{\"a\":1}")));
    add(
        calls,
        "POST /v1/sessions/{id}/checkpoints/{checkpointId}/restore",
        t -> post(t.path() + "/checkpoints/latest/restore", null));
    add(calls, "POST /v1/sessions/{id}/lock", ScriptTimesIT::locked);
    add(calls, "PUT /v1/sessions/{id}/lock", ScriptTimesIT::locked);
    add(calls, "DELETE /v1/sessions/{id}/lock", ScriptTimesIT::locked);
  }

  private static void writes(Map<String, List<Call>> calls) {
    add(calls, "DELETE /v1/sessions/{id}", t -> ok(send("DELETE", t.path(), null)));
    for (int[] many : new int[][] {{1, 30}, {100, 30}, {1, 1_000_000}, {30, 33_000}}) {
      add(
          calls,
          "POST /v1/sessions/{id}/messages",
          t -> added(send("POST", t.path() + "/messages", messages(many[0], many[1]))));
    }
    String messages = "DELETE /v1/sessions/{id}/messages";
    add(calls, messages, t -> ok(send("DELETE", t.path() + "/messages", null)));
    add(calls, messages, t -> cut(t, t.first()));
    add(calls, messages, t -> cut(t, t.last()));
    add(calls, messages + "/{messageId}", t -> deleted(t, t.middle()));
    add(
        calls,
        "POST /v1/sessions/{id}/compact",
        t -> added(send("POST", t.path() + "/compact", "{\"model\":\"echo\",\"keep\":10}")));
    String turns = "POST /v1/sessions/{id}/turns";
    add(calls, turns, t -> post(t.path() + "/turns", "{\"content\":\"hello\"}"));
    add(
        calls,
        turns,
        t ->
            added(
                send(
                    "POST", t.path() + "/turns", "{\"content\":\"" + "x".repeat(400_000) + "\"}")));
    add(
        calls,
        turns + "/{turnId}/cancel",
        t -> {
          HttpResponse<byte[]> begun =
              send(
                  "POST",
                  t.path() + "/turns",
                  "{\"content\":\"" + "word ".repeat(2000) + "\"}",
                  "Prefer",
                  "respond-async");
          String turn = JSON.readTree(begun.body()).path("id").asString("");
          send("POST", t.path() + "/turns/" + turn + "/cancel", null);
        });
    add(
        calls,
        "POST /openai/v1/conversations/{id}/items",
        t ->
            post(
                t.conversation() + "/items",
                "{\"items\":[{\"type\":\"message\",\"role\":\"user\",\"content\":\"hello\"}]}"));
    add(
        calls,
        "POST /openai/v1/responses",
        t ->
            post(
                "/openai/v1/responses",
                "{\"input\":\"hello\",\"conversation\":\"" + t.id() + "\"}"));
    add(calls, "expiry", ScriptTimesIT::expired);
  }

  // ---- calls

  private static void add(Map<String, List<Call>> calls, String name, Call call) {
    calls.computeIfAbsent(name, _ -> new ArrayList<>()).add(call);
  }

  private static String filled(String query, Subject t) {
    return query
        .replace("{first}", t.first())
        .replace("{middle}", t.middle())
        .replace("{last}", t.last());
  }

  private static void get(String path, String... headers) throws Exception {
    ok(send("GET", path, null, headers));
  }

  private static void put(String path, String body) throws Exception {
    ok(send("PUT", path, body));
  }

  private static void post(String path, @Nullable String body) throws Exception {
    ok(send("POST", path, body));
  }

  /** What adds to a thread that is full may be refused. */
  private static void added(HttpResponse<byte[]> answer) {
    if (answer.statusCode() != 413 && answer.statusCode() != 422) {
      ok(answer);
    }
  }

  private static void fork(Subject t, String after) throws Exception {
    post(t.path() + "/fork", "{\"after\":\"" + after + "\"}");
  }

  private static void cut(Subject t, String after) throws Exception {
    ok(send("DELETE", t.path() + "/messages?after=" + after, null));
  }

  private static void deleted(Subject t, String message) throws Exception {
    ok(send("DELETE", t.path() + "/messages/" + message, null));
  }

  private static void locked(Subject t) throws Exception {
    HttpResponse<byte[]> taken = ok(send("POST", t.path() + "/lock", "{\"ttlSeconds\":30}"));
    String token = JSON.readTree(taken.body()).get("lock").asString();
    ok(send("PUT", t.path() + "/lock", "{\"ttlSeconds\":30}", "Heddle-Lock", token));
    ok(send("DELETE", t.path() + "/lock", null, "Heddle-Lock", token));
  }

  /** Its time comes, and a sweeper. */
  private static void expired(Subject t) {
    SessionKey key = new SessionKey(Tenant.DEFAULT, t.id());
    redis.eval(
        """
        local p = redis.call('HGET', KEYS[1], 'p')
        local head, rest = string.match(p, '^(%S+ %d+ %d+ %d+ %d+ )%d+( .*)$')
        redis.call('HSET', KEYS[1], 'p', head .. '1' .. rest)
        return redis.call('ZADD', KEYS[2], 1, 'x:' .. ARGV[1])
        """,
        ScriptOutputType.INTEGER,
        new String[] {name(key, "s"), text(RedisKeys.of(key).due())},
        key.path());
    await().atMost(Duration.ofSeconds(20)).until(() -> redis.hget(name(key, "s"), "g") != null);
  }

  private static void firstEvent(String path) throws Exception {
    HttpRequest request = HttpRequest.newBuilder(uri(path)).build();
    HttpResponse<InputStream> answer = HTTP.send(request, BodyHandlers.ofInputStream());
    assertThat(answer.statusCode()).isEqualTo(200);
    try (InputStream in = answer.body()) {
      StringBuilder seen = new StringBuilder();
      byte[] buffer = new byte[1 << 16];
      while (seen.indexOf("data:") < 0) {
        int read = in.read(buffer);
        if (read < 0) {
          return;
        }
        seen.append(new String(buffer, 0, read, StandardCharsets.UTF_8));
      }
    }
  }

  private static void watched(Subject t, String since) throws Exception {
    String position =
        since.isEmpty()
            ? ""
            : ",\"since\":\""
                + since.substring(since.indexOf('=') + 1).replace("{since}", t.since())
                + "\"";
    CompletableFuture<String> first = new CompletableFuture<>();
    WebSocket socket =
        HTTP.newWebSocketBuilder()
            .buildAsync(
                URI.create(uri("/v1/socket").toString().replace("http:", "ws:")),
                new WebSocket.Listener() {
                  @Override
                  public @Nullable CompletionStage<?> onText(
                      WebSocket from, CharSequence data, boolean end) {
                    first.complete(data.toString());
                    from.request(1);
                    return null;
                  }
                })
            .get(10, TimeUnit.SECONDS);
    String watch = "{\"type\":\"watch\",\"session\":\"%s\"%s}".formatted(t.id(), position);
    socket.sendText(watch, true);
    assertThat(first.get(10, TimeUnit.SECONDS)).isNotEmpty();
    socket.abort();
  }

  private static HttpResponse<byte[]> ok(HttpResponse<byte[]> answer) {
    assertThat(answer.statusCode())
        .as(
            "%s %s: %s",
            answer.request().method(),
            answer.uri(),
            new String(
                answer.body(), 0, Math.min(300, answer.body().length), StandardCharsets.UTF_8))
        .isBetween(200, 299);
    return answer;
  }

  private static HttpResponse<byte[]> send(
      String method, String path, @Nullable String body, String... headers) throws Exception {
    HttpRequest.Builder request = HttpRequest.newBuilder(uri(path)).timeout(Duration.ofMinutes(2));
    if (headers.length > 0) {
      request.headers(headers);
    }
    if (body != null) {
      request.header(
          "Content-Type",
          method.equals("PATCH") ? "application/merge-patch+json" : "application/json");
    }
    request.method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
    // A long body on a connection that has just been answered now and then does not arrive.
    HttpClient http = body == null || body.length() < 100_000 ? HTTP : HttpClient.newHttpClient();
    return http.send(request.build(), BodyHandlers.ofByteArray());
  }

  private static URI uri(String path) {
    String port = server.getEnvironment().getRequiredProperty("local.server.port");
    return URI.create("http://127.0.0.1:" + port + path);
  }

  /** Method and path of every operation of the OpenAPI document. */
  private static Set<String> documented() throws Exception {
    JsonNode paths = JSON.readTree(send("GET", "/v1/openapi.json", null).body()).get("paths");
    Set<String> all = new TreeSet<>();
    for (Map.Entry<String, JsonNode> path : paths.properties()) {
      for (String method : List.of("get", "put", "post", "patch", "delete")) {
        if (path.getValue().has(method)) {
          all.add(method.toUpperCase(Locale.ROOT) + " " + path.getKey());
        }
      }
    }
    assertThat(all).hasSizeGreaterThan(20);
    return all;
  }

  // ---- sessions

  private static Subject copy(Subject t) {
    String id = t.id() + "-" + ++copies;
    SessionKey from = new SessionKey(Tenant.DEFAULT, t.id());
    SessionKey to = new SessionKey(Tenant.DEFAULT, id);
    for (String kind : List.of("s", "m", "c", "i", "d", "k")) {
      redis.copy(name(from, kind), name(to, kind));
    }
    return new Subject(
        id, moved(t.first(), to), moved(t.middle(), to), moved(t.last(), to), t.since(), t.turn());
  }

  /** The id of the same message in the copy. */
  private static String moved(String message, SessionKey to) {
    MessagePlace place = MessagePlace.parse(message);
    assertThat(place).isNotNull();
    return new MessagePlace(place.version(), place.index(), place.tag(), to.mark()).id();
  }

  private static String name(SessionKey key, String kind) {
    return text(RedisKeys.of(key).session()).replace("}:s:", "}:" + kind + ":");
  }

  private static String text(byte[] key) {
    return new String(key, StandardCharsets.US_ASCII);
  }

  private static long version(SessionKey key) {
    return Long.parseLong(redis.hget(name(key, "s"), "p").split(" ")[1]);
  }

  // ---- figures

  private static void measureCopies(String name, Subject of, Call call, int runs) throws Exception {
    List<Subject> all = new ArrayList<>();
    Call onCopy =
        t -> {
          Subject copy = copy(of);
          all.add(copy);
          redis.slowlogReset();
          call.on(copy);
        };
    measure(name, of, onCopy, runs);
    for (Subject copy : all) {
      SessionKey key = new SessionKey(Tenant.DEFAULT, copy.id());
      for (String kind : List.of("s", "m", "c", "i", "d", "k")) {
        redis.unlink(name(key, kind));
      }
    }
  }

  private static void measure(String name, Subject subject, Call call, int runs) throws Exception {
    Map<String, List<Long>> best = new TreeMap<>();
    for (int run = 0; run < runs || (isOver(best) && run < runs + MORE_RUNS); run++) {
      redis.slowlogReset();
      call.on(subject);
      took()
          .forEach(
              (script, micros) -> best.computeIfAbsent(script, _ -> new ArrayList<>()).add(micros));
      if (best.values().stream().allMatch(each -> Collections.min(each) <= BOUND_MICROS / 4)) {
        // Far from the bound: no other run is needed to tell it from what the machine does besides.
        break;
      }
    }
    Map<String, Long> figures =
        FIGURES.computeIfAbsent(name + " (" + subject.id() + ")", _ -> new TreeMap<>());
    best.forEach((script, micros) ->
        figures.merge(
            script, micros.stream().mapToLong(Long::longValue).min().orElse(0), Math::max));
  }

  private static boolean isOver(Map<String, List<Long>> best) {
    return best.values().stream().anyMatch(each -> Collections.min(each) > BOUND_MICROS);
  }

  /** The longest time of each script since the slow log was emptied, in microseconds. */
  private static Map<String, Long> took() {
    Map<String, List<Long>> all = new TreeMap<>();
    for (Object logged : redis.slowlogGet(100_000)) {
      List<?> entry = (List<?>) logged;
      List<?> words = (List<?>) entry.get(3);
      String command = String.valueOf(words.getFirst()).toUpperCase(Locale.ROOT);
      LuaFile.check(words.stream().map(String::valueOf).toList());
      if (command.equals("EVALSHA") || command.equals("EVAL")) {
        String script = SCRIPTS.get(String.valueOf(words.get(1)));
        // The first time it is sent as text; what else is sent as text is this test's own.
        if (script != null && BACKGROUND.contains(script)) {
          BACKGROUND_TIMES.computeIfAbsent(script, _ -> new ArrayList<>()).add((Long) entry.get(2));
        } else if (script != null) {
          all.computeIfAbsent(script, _ -> new ArrayList<>()).add((Long) entry.get(2));
        }
      }
    }
    Map<String, Long> longest = new TreeMap<>();
    all.forEach((script, times) -> longest.put(script, longest(times)));
    return longest;
  }

  private static long longest(List<Long> times) {
    times.sort(null);
    return times.get(times.size() <= MANY_STEPS ? times.size() - 1 : times.size() * 9 / 10);
  }

  private static void print() {
    System.out.printf("%-64s %-14s %s%n", "call", "script", "microseconds");
    FIGURES.forEach((call, scripts) ->
        scripts.forEach(
            (script, micros) -> System.out.printf("%-64s %-14s %d%n", call, script, micros)));
    System.out.printf(
        "longest of %d calls: %d microseconds%n",
        FIGURES.size(),
        FIGURES.values().stream()
            .flatMap(scripts -> scripts.values().stream())
            .mapToLong(Long::longValue)
            .max()
            .orElse(0));
  }
}
