package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.SocketClient;
import io.heddle.web.HeaderNames;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.http.HttpMethod;

/** What comes before the routes, on the wire. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RequestGateIT {

  private static final String PAGE = "https://chat.example";
  private static final String EVIL = "https://evil.example";

  private Application server;
  private Http http;
  private String id;

  @BeforeAll
  void start() {
    Map<String, String> settings = new HashMap<>();
    settings.put("heddle.engine", "embedded");
    settings.put("heddle.embedded.path", "");
    settings.put("heddle.hosts", "heddle,heddle.example.org");
    settings.put("heddle.live.origins", PAGE);
    settings.put("heddle.limits.rules.forks.kind", "writes");
    settings.put("heddle.limits.rules.forks.limit", "1");
    settings.put("heddle.limits.rules.forks.window", "1h");
    settings.put("heddle.limits.rules.forks.paths", "/v1/sessions/*/fork");
    server = Application.start(settings);
    http = new Http(server.port());
  }

  @AfterAll
  void stop() {
    server.close();
  }

  @BeforeEach
  void session() {
    id = "g-" + UUID.randomUUID();
    http.put("/v1/sessions/" + id, "{'user':'bob'}").is(201);
  }

  private String raw(String line, String... headers) throws IOException {
    String all = String.join("\r\n", headers);
    return http.raw(line + "\r\n" + all + "\r\nConnection: close\r\n\r\n", 0);
  }

  private static int status(String answer) {
    return Integer.parseInt(answer.split(" ", 3)[1]);
  }

  // ---- the host

  @ParameterizedTest
  @CsvSource({
    "localhost, 200",
    "LOCALHOST.:1, 200",
    "x.localhost, 200",
    "127.0.0.1:8080, 200",
    "[::1]:80, 200",
    "10.0.0.7, 200",
    "heddle, 200",
    "Heddle.Example.Org.:443, 200",
    "evil.example, 421",
    "heddle.example.org.evil.example, 421",
    "2130706433, 421",
    "'', 400",
    "a b, 400",
    "'localhost, localhost', 400",
    "user@localhost, 400",
    "localhost:99999, 400",
  })
  void onlyNamesOfThisServerAreServed(String host, int expected) throws IOException {
    for (String path :
        List.of(
            "/v1/sessions/" + id,
            "/v1/openapi.json",
            "/openai/v1/models",
            "/actuator/health",
            "/actuator/metrics")) {
      String answer = raw("GET " + path + " HTTP/1.1", "Host: " + host);
      assertThat(status(answer)).as(path).isEqualTo(expected);
      if (path.startsWith("/openai/") && expected >= 400) {
        assertThat(answer).contains("{\"error\":{\"message\":");
      }
    }
    // What streams, and what is at no route.
    for (String path :
        List.of("/v1/sessions/" + id + "/events", "/v1/socket?watch=" + id, "/nothing")) {
      if (expected != 200) {
        assertThat(status(raw("GET " + path + " HTTP/1.1", "Host: " + host))).isEqualTo(expected);
      }
    }
  }

  @Test
  void thereIsOneHost() throws IOException {
    String line = "GET /v1/sessions/" + id;
    assertThat(status(raw(line + " HTTP/1.1", "X: y"))).isEqualTo(400);
    assertThat(status(raw(line + " HTTP/1.1", "Host: localhost", "Host: localhost")))
        .isEqualTo(400);
    assertThat(status(raw(line + " HTTP/1.0", "Host: localhost", "Host: localhost")))
        .isEqualTo(400);
    assertThat(status(raw(line + " HTTP/1.0", "Host: evil.example"))).isEqualTo(421);
    assertThat(status(raw(line + " HTTP/1.0", "X: y"))).isEqualTo(200);
    assertThat(raw(line + " HTTP/1.1", "Host: evil.example"))
        .contains("\"code\":\"misdirected-request\"", "\"field\":\"Host\"", "heddle.hosts");
  }

  @ParameterizedTest
  @CsvSource({
    "GET http://localhost/v1/openapi.json, localhost, 200",
    "GET http://localhost/v1/openapi.json, evil.example, 200",
    "GET http://evil.example/v1/openapi.json, localhost, 421",
    "GET http://a:b:c/v1/openapi.json, localhost, 400",
    "GET http://u@localhost/v1/openapi.json, localhost, 400",
    "GET http://localhost/v1//openapi.json, localhost, 400",
    "GET ftp://localhost/v1/openapi.json, localhost, 400",
    "CONNECT localhost:80, localhost, 400",
    "GET *, localhost, 400",
    "OPTIONS *, localhost, 204",
    "OPTIONS *, evil.example, 421",
    "OPTIONS http://localhost, evil.example, 204",
    "OPTIONS http://evil.example, localhost, 421",
  })
  void targetsOfOtherFormsAreReadAsTheStandardSays(String line, String host, int expected)
      throws IOException {
    String answer =
        http.raw(line + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n", 0);
    assertThat(status(answer)).isEqualTo(expected);
    if (expected == 204) {
      assertThat(answer).contains("Allow: GET, HEAD, POST");
    }
  }

  // ---- the page

  @ParameterizedTest
  @ValueSource(
      strings = {
        EVIL,
        "null",
        "http://localhost:1",
        "https://127.0.0.1",
        "x",
        "chrome-extension://abc"
      })
  void pagesOfOtherOriginsMayCallNothing(String origin) {
    String before = http.get("/v1/sessions/" + id).position();
    for (String call :
        List.of(
            "GET /v1/sessions/ID",
            "HEAD /v1/sessions/ID",
            "POST /v1/sessions/ID/fork",
            "POST /v1/sessions/ID/turns/x/cancel",
            "POST /v1/sessions/ID/checkpoints/x/restore",
            "DELETE /v1/sessions/ID",
            "POST /openai/v1/conversations",
            "POST /openai/v1/responses/x/cancel",
            "GET /v1/sessions/ID/events",
            "GET /v1/openapi.json",
            "GET /actuator/health",
            "GET /actuator/prometheus",
            "OPTIONS /v1/sessions/ID",
            "TRACE /v1/sessions/ID",
            "GET /nothing")) {
      String[] parts = call.replace("ID", id).split(" ", 2);
      HttpMethod method = HttpMethod.valueOf(parts[0]);
      Http.Reply reply = http.send(method, parts[1], null, "Origin", origin);
      assertThat(reply.status()).as(call).isEqualTo(403);
      assertThat(reply.header("Access-Control-Allow-Origin")).isNull();
      Http.Reply asked =
          http.send(
              HttpMethod.OPTIONS,
              parts[1],
              null,
              "Origin",
              origin,
              "Access-Control-Request-Method",
              parts[0]);
      assertThat(asked.status()).as("preflight of " + call).isEqualTo(403);
    }
    assertThat(http.get("/v1/sessions/" + id).position()).isEqualTo(before);
  }

  @Test
  void theServersOwnPagesMayCall() {
    String own = "http://127.0.0.1:" + server.port();
    Http.Reply reply =
        http.get("/v1/sessions/" + id, "Origin", own, "Sec-Fetch-Site", "same-origin");
    reply.is(200);
    http.delete("/v1/sessions/" + id, "Origin", own).is(204);
    // Two are nobody's.
    http.get("/v1/limits", "Origin", own, "Origin", own).problem(403, "forbidden", "Origin");
  }

  @Test
  void pagesOfTheSettingMayCallAndReadEveryHeader() {
    Http.Reply reply =
        http.get("/v1/sessions/" + id, "Origin", PAGE, "Sec-Fetch-Site", "cross-site").is(200);
    assertThat(reply.header("Access-Control-Allow-Origin")).isEqualTo(PAGE);
    assertThat(reply.headers().get("Vary")).contains("Origin");
    Http.Reply asked =
        http.send(
            HttpMethod.OPTIONS,
            "/openai/v1/responses",
            null,
            "Origin",
            PAGE,
            "Sec-Fetch-Site",
            "cross-site",
            "Access-Control-Request-Method",
            "POST",
            "Access-Control-Request-Headers",
            "content-type,x-stainless-os");
    assertThat(asked.status()).isEqualTo(200);
    assertThat(asked.header("Access-Control-Allow-Origin")).isEqualTo(PAGE);
    assertThat(asked.header("Access-Control-Allow-Methods")).contains("POST", "PATCH");
    assertThat(asked.header("Access-Control-Allow-Headers"))
        .isEqualTo("content-type,x-stainless-os");
    assertThat(asked.header("Access-Control-Max-Age")).isEqualTo("3600");
  }

  @ParameterizedTest
  @CsvSource(
      nullValues = "-",
      value = {
        "GET, cross-site, -, -, 403",
        "GET, cross-site, no-cors, image, 403",
        "GET, cross-site, navigate, document, 200",
        "GET, cross-site, navigate, -, 200",
        "GET, cross-site, navigate, iframe, 403",
        "HEAD, cross-site, navigate, document, 200",
        "POST, cross-site, navigate, document, 403",
        "POST, cross-site, -, -, 403",
        "POST, same-site, no-cors, empty, 403",
        "GET, same-site, no-cors, image, 200",
        "GET, same-origin, cors, empty, 200",
        "GET, none, navigate, document, 200",
      })
  void whatABrowserSaysOfASiteIsBelieved(
      String method, String site, String mode, String destination, int expected) {
    String[] headers = {
      "Sec-Fetch-Site",
      site,
      "Sec-Fetch-Mode",
      mode == null ? "cors" : mode,
      "Sec-Fetch-Dest",
      destination == null ? "document" : destination
    };
    String path = "/v1/sessions/" + id + (method.equals("POST") ? "/fork" : "");
    http.send(HttpMethod.valueOf(method), path, null, headers).is(expected);
    if (expected == 403) {
      http.send(HttpMethod.valueOf(method), "/actuator/health", null, headers).is(403);
    }
  }

  @Test
  void aSocketOfAForeignPageIsToldSo() {
    for (String origin : List.of(EVIL, "null", "https://127.0.0.1:" + server.port())) {
      try (SocketClient socket = SocketClient.open(server.port(), "", "Origin", origin)) {
        assertThat(socket.closed().code()).isEqualTo(4403);
      }
    }
  }

  // ---- the target

  /** A rule for a route, and a page's rights, are of the route and not of its spelling. */
  @Test
  void noSpellingIsAnotherPath() {
    http.post("/v1/sessions/" + id + "/fork", null).is(201);
    http.post("/v1/sessions/" + id + "/fork", null).is(429);
    for (String spelled :
        List.of(
            "/%76%31/sessions/ID/fork",
            "/v1/sessions/ID/f%6frk",
            "/v1/sessions/ID/fork;x",
            "/v1/sessions/ID//fork",
            "/v1/./sessions/ID/fork",
            "/v1/x/../sessions/ID/fork",
            "/v1%2Fsessions/ID/fork",
            "/v1/sessions%5CID/fork")) {
      String path = spelled.replace("ID", id);
      http.post(path, null).is(400);
      http.post(path, null, "Origin", EVIL).is(400);
      http.post(path, null, "Host", "evil.example").is(400);
    }
  }

  // ---- the user

  @ParameterizedTest
  @ValueSource(
      strings = {
        "us%65r=eve",
        "%75%73%65%72=eve",
        "user=eve",
        "user=eve&user=eve",
        "us%65r=bob&user=eve",
        "user=",
        "user",
        "user=%ff",
        "user=%00",
        "user=%zz",
        "us%zzr=eve",
        "%ff=eve",
        "User=eve",
        "user%20=eve",
        "user[]=eve",
        "Heddle-User=eve",
        "heddle_user=eve",
        "user_id=eve",
        "+user=eve",
        "user%3Deve",
        ";user=eve",
        "x=1&amp;user=eve",
        "%EF%BB%BFuser=eve",
      })
  void whatNamesAUserIsNeverTakenForNobody(String query) throws IOException {
    for (String path :
        List.of(
            "/v1/sessions/" + id + "/events",
            "/v1/sessions/" + id,
            "/v1/sessions/" + id + "/messages",
            "/v1/limits",
            "/v1/cache/x",
            "/openai/v1/conversations/" + id,
            "/openai/v1/conversations/" + id + "/items")) {
      boolean passedOver = path.startsWith("/openai/") && query.startsWith("%ff");
      String answer = raw("GET " + path + "?" + query + " HTTP/1.1", "Host: localhost");
      assertThat(status(answer))
          .as(path + " " + answer)
          .isIn(passedOver ? List.of(200, 400) : List.of(400, 404));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Heddle-User: ",
        "Heddle-User: \u00ff",
        "Heddle-User: \u00c3",
        "Heddle_User: eve",
        "X-Heddle-User: eve",
        "HEDDLE_USER: eve",
        "x_heddle_user: eve",
        "Heddle.User: eve",
        "HeddleUser: eve",
        "Heddle|User: eve",
        "Heddle-User-Id: eve",
        "Heddle-Usr: eve",
        "Heddle-Users: eve",
        "Heddle-Uesr: eve",
        "Hedle-User: eve",
        "X-Heddle-Usr: eve",
        "Proxy-Heddle-User: eve",
        "HTTP_HEDDLE_USER: eve",
        "Remote-Heddle-User: eve",
        "Original_Heddle_User: eve",
        "Heddle-User: eve\r\nHeddle_User: bob",
        "Heddle-User: a\r\nHeddle-User: a"
      })
  void aHeaderThatIsNoUserIsRefused(String header) throws IOException {
    for (String path :
        List.of(
            "/v1/sessions/" + id,
            "/v1/sessions/" + id + "/events",
            "/openai/v1/conversations/" + id)) {
      String answer = raw("GET " + path + " HTTP/1.1", "Host: localhost", header);
      assertThat(status(answer)).isEqualTo(400);
      assertThat(answer).contains("Heddle-User");
    }
  }

  @Test
  void theOneWhoIsNamedSeesTheSession() {
    for (String eve : List.of("user=eve", "us%65r=eve", "%75%73%65%72=eve")) {
      try (SocketClient socket = SocketClient.open(server.port(), "?watch=" + id + "&" + eve)) {
        assertThat(socket.expect("error").at("/problem/code").asString())
            .isEqualTo("session-not-found");
      }
    }
    try (SocketClient socket = SocketClient.open(server.port(), "?watch=" + id + "&us%65r=bob")) {
      socket.expect("ack");
    }
  }

  // ---- the body's end

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, gzip",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked;q=1",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding: ",
        "Transfer-Encoding: chunked,",
        "Transfer-Encoding: \u000bchunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 12",
        "Content-Length: 2\r\nTransfer-Encoding: xchunked",
        "Content-Length: 2\r\nTransfer-Encoding: chunked",
        "Content-Length: 2\r\nContent-Length: 2",
        "Content-Length: 2\r\nContent-Length: 3",
        "Content-Length: 2, 2",
        "Content-Length: +2",
        "Content-Length: 0x2",
        "Content-Length: -1",
      })
  void whatFollowsABodyWithoutACertainEndIsNoRequest(String headers) throws IOException {
    for (String version : List.of("HTTP/1.1", "HTTP/1.0")) {
      String made = "smuggled-" + UUID.randomUUID();
      String answer =
          http.raw(
              "POST /v1/sessions "
                  + version
                  + "\r\n"
                  + "Host: localhost\r\n"
                  + "Content-Type: application/json\r\n"
                  + "Connection: keep-alive\r\n"
                  + headers
                  + "\r\n\r\n2\r\n{}\r\n0\r\n\r\nPUT /v1/sessions/"
                  + made
                  + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                  + "Content-Length: 2\r\n\r\n{}",
              0);
      assertThat(status(answer)).isIn(400, 501);
      assertThat(answer.split("HTTP/1", -1)).hasSize(2);
      assertThat(answer).contains("application/problem+json");
      if (version.equals("HTTP/1.1")) {
        assertThat(answer).containsIgnoringCase("connection: close");
      } else {
        // A connection of HTTP/1.0 ends unless the answer says otherwise.
        assertThat(answer).doesNotContainIgnoringCase("connection: keep-alive");
      }
      http.get("/v1/sessions/" + made).is(404);
    }
  }

  /** The refusal has its place among the answers to what was sent before. */
  @Test
  void aRefusalIsToldInItsTurn() throws IOException {
    String answer =
        http.raw(
            "GET /v1/limits HTTP/1.1\r\nHost: localhost\r\n\r\n"
                + "GET /v1//x HTTP/1.1\r\nHost: localhost\r\n\r\n"
                + "GET /v1/limits HTTP/1.1\r\nHost: localhost\r\n\r\n"
                + "POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: x\r\n\r\n"
                + "GET /v1/limits HTTP/1.1\r\nHost: localhost\r\n\r\n",
            0);
    assertThat(
            answer
                .lines()
                .filter(line -> line.contains("HTTP/1.1 "))
                .map(line -> line.replaceAll(".*HTTP/1.1 (\\d+).*", "$1")))
        .containsExactly("200", "400", "200", "400");
  }

  // ---- HTTP/1.0

  @Test
  void clientsOfHttp10GetNoChunks() throws IOException {
    for (String path :
        List.of(
            "/v1/sessions/" + id,
            "/v1/openapi.json",
            "/openai/v1/models",
            "/actuator/prometheus",
            "/nothing")) {
      for (String more : List.of("X: y", "Connection: keep-alive")) {
        String answer = http.raw("GET " + path + " HTTP/1.0\r\n" + more + "\r\n\r\n", 0);
        assertThat(answer).doesNotContainIgnoringCase("transfer-encoding").contains("\r\n\r\n");
      }
    }
  }

  @Test
  void anEventStreamOfHttp10EndsWithItsConnection() throws IOException {
    String body =
        "{\"model\":\"echo\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"one"
            + " two\"}]}";
    String chat =
        http.raw(
            "POST /openai/v1/chat/completions HTTP/1.0\r\n"
                + "Content-Type: application/json\r\n"
                + "Content-Length: "
                + body.length()
                + "\r\n\r\n"
                + body,
            0);
    assertThat(chat)
        .doesNotContainIgnoringCase("transfer-encoding")
        .containsIgnoringCase("connection: close");
    assertThat(chat.substring(chat.indexOf("\r\n\r\n") + 4))
        .startsWith("data: {")
        .endsWith("data: [DONE]\n\n")
        .doesNotContain("\r");
    body = "{\"content\":\"one two\",\"stream\":true}";
    String turn =
        http.raw(
            "POST /v1/sessions/"
                + id
                + "/turns HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: "
                + body.length()
                + "\r\n\r\n"
                + body,
            0);
    assertThat(turn).doesNotContainIgnoringCase("transfer-encoding");
    assertThat(turn.substring(turn.indexOf("\r\n\r\n") + 4))
        .contains("event: turn.completed")
        .doesNotContain("\r");
  }

  @Test
  void aNewerMinorVersionIsAnsweredAsThisOne() throws IOException {
    assertThat(raw("GET /v1/limits HTTP/1.2", "Host: localhost")).startsWith("HTTP/1.1 200 ");
  }

  // ---- what callers are told

  @Test
  void answersAboutACallerAreNotForSharedCaches() throws IOException {
    for (String path :
        List.of(
            "/v1/sessions/" + id,
            "/v1/sessions/" + id + "/messages",
            "/v1/sessions?user=bob",
            "/v1/sessions/none",
            "/v1/limits",
            "/openai/v1/conversations/" + id,
            "/openai/v1/conversations/" + id + "/items",
            "/openai/v1/conversations/none")) {
      assertThat(http.get(path).header("Cache-Control")).as(path).isEqualTo("private");
    }
    Http.Reply seen = http.get("/v1/sessions/" + id);
    Http.Reply same = http.get("/v1/sessions/" + id, "If-None-Match", seen.header("ETag")).is(304);
    assertThat(same.header("Cache-Control")).isEqualTo("private");
    http.put("/v1/cache/" + id, "x", "Cache-Control", "max-age=60").is(201);
    assertThat(http.get("/v1/cache/" + id).header("Cache-Control"))
        .isEqualTo("private, max-age=60");
    assertThat(raw("GET /v1/sessions/" + id + "/events HTTP/1.1", "Host: evil.example"))
        .doesNotContain("private");
  }

  @Test
  void aRepetitionIsNotToldAsCounted() {
    Http user = http.with("Heddle-User", "r-" + id);
    String body = "{'role':'user','content':'x'}";
    user.put("/v1/sessions/r" + id, "{}").is(201);
    String path = "/v1/sessions/r" + id + "/messages";
    user.post(path, body, "Idempotency-Key", "k").is(201);
    String before = user.get("/v1/limits").header("RateLimit");
    Http.Reply again = user.post(path, body, "Idempotency-Key", "k");
    assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
    assertThat(left(again.header("RateLimit"))).isEqualTo(left(before));
    Http.Reply turn = user.post("/openai/v1/conversations", "{}", "Idempotency-Key", "c").is(200);
    Http.Reply repeated =
        user.post("/openai/v1/conversations", "{}", "Idempotency-Key", "c").is(200);
    String remaining = "x-ratelimit-remaining-requests";
    assertThat(repeated.header(remaining)).isEqualTo(turn.header(remaining));
  }

  /** Of the rule of requests. */
  private static String left(String header) {
    return header.replaceAll(".*\"requests\";r=(\\d+);.*", "$1");
  }

  /** A page that is not told of a header does not see it. */
  @Test
  void pagesAreToldOfEveryHeader() {
    List<Http.Reply> replies = new ArrayList<>();
    String body = "{'role':'user','content':'x'}";
    String[] page = {"Origin", PAGE};
    Http browser = http.with(page);
    replies.add(browser.post("/v1/sessions", "{'user':'bob'}", "Idempotency-Key", id));
    replies.add(browser.post("/v1/sessions", "{'user':'bob'}", "Idempotency-Key", id));
    replies.add(browser.get("/v1/sessions/" + id + "/messages"));
    replies.add(browser.put("/v1/sessions/" + id + "/state", "{}"));
    replies.add(browser.post("/v1/sessions/" + id + "/lock", "{'ttlSeconds':5}"));
    replies.add(browser.post("/v1/sessions/" + id + "/messages", body));
    replies.add(browser.delete("/v1/sessions"));
    replies.add(browser.post("/v1/sessions/" + id + "-t/turns?create=true", "{'content':'hi'}"));
    replies.add(
        browser.post(
            "/v1/sessions/" + id + "-t/turns", "{'content':'hi'}", "Prefer", "respond-async"));
    replies.add(browser.put("/v1/cache/" + id, "x"));
    replies.add(browser.get("/v1/cache/" + id));
    replies.add(browser.get("/v1/cache/none", "Heddle-Single-Flight", "1"));
    replies.add(browser.get("/openai/v1/conversations/none"));
    replies.add(browser.post("/openai/v1/responses", "{'model':'echo','input':'hi'}"));
    replies.add(
        browser.post(
            "/openai/v1/chat/completions",
            "{'model':'echo','messages':[{'role':'user','content':'hi'}]}"));
    replies.add(
        browser.post(
            "/openai/v1/chat/completions",
            "{'model':'none','messages':[{'role':'user','content':'hi'}]}"));
    Set<String> told = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);
    told.addAll(HeaderNames.EXPOSED);
    // What pages see without being told (Fetch, 2.2.2), and what is the connection's.
    told.addAll(List.of("Cache-Control", "Content-Length", "Content-Type", "Vary", "Connection"));
    told.addAll(List.of("Content-Security-Policy", "X-Content-Type-Options"));
    for (Http.Reply reply : replies) {
      List<String> exposed = List.of(reply.header("Access-Control-Expose-Headers").split(", "));
      assertThat(exposed).containsExactlyElementsOf(HeaderNames.EXPOSED);
      assertThat(
              reply.headers().headerNames().stream()
                  .filter(name -> !name.toLowerCase(Locale.ROOT).startsWith("access-control-")))
          .as(reply.body())
          .allMatch(told::contains);
    }
  }
}
