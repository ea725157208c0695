package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.live.SessionHubs;
import io.heddle.nearcache.Coherence;
import io.heddle.testing.SocketClient;
import io.heddle.testing.WebSocketConnection;
import io.heddle.testing.WebSocketConnection.Closed;
import io.heddle.testing.WebSocketConnection.Received;
import io.heddle.testing.WebSocketConnection.Text;
import io.heddle.web.Connections;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.springframework.http.HttpMethod;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Event streams, and connections that are too slow, idle or too many. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EventsIT {

  private static final HttpClient CLIENT = HttpClient.newHttpClient();
  private static final JsonMapper JSON = new JsonMapper();

  private Application server;
  private Http http;
  private String id;

  @BeforeAll
  void start() {
    Map<String, String> settings = new HashMap<>();
    settings.put("heddle.engine", "embedded");
    settings.put("heddle.embedded.path", "");
    settings.put("heddle.limits.enabled", "false");
    settings.put("heddle.live.comment-every", "1s");
    settings.put("heddle.live.slow-after", "2s");
    settings.put("heddle.live.ping-every", "1s");
    settings.put("heddle.live.idle-after", "4s");
    settings.put("heddle.live.buffer", "64KB");
    settings.put("heddle.live.drain", "0s");
    settings.put("heddle.live.max-connections", "5");
    settings.put("heddle.live.origins", "https://chat.example");
    server = Application.start(settings);
    http = new Http(server.port());
  }

  @AfterAll
  void stop() {
    server.close();
  }

  @BeforeEach
  void session() {
    id = "e-" + UUID.randomUUID();
    http.post("/v1/sessions", "{'id':'" + id + "'}");
  }

  private String append(String content) {
    return http.post(
            "/v1/sessions/" + id + "/messages", "{'role':'user','content':'" + content + "'}")
        .json()
        .path("position")
        .asString();
  }

  private HttpResponse<Stream<String>> events(String query, String... headers) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(
            URI.create(
                "http://127.0.0.1:" + server.port() + "/v1/sessions/" + id + "/events" + query));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return CLIENT.send(request.build(), BodyHandlers.ofLines());
  }

  /** The lines of the next event; comments are passed over. */
  private static List<String> next(Iterator<String> lines) {
    List<String> event = new ArrayList<>();
    while (lines.hasNext()) {
      String line = lines.next();
      if (line.isEmpty() && !event.isEmpty()) {
        return event;
      }
      if (!line.isEmpty() && !line.startsWith(":")) {
        event.add(line);
      }
    }
    return event;
  }

  @Test
  void eventsWithTheirPositionsUntilTheSessionEnds() throws Exception {
    HttpResponse<Stream<String>> response = events("");
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.headers().firstValue("Content-Type")).hasValue("text/event-stream");
    Iterator<String> lines = response.body().iterator();
    assertThat(next(lines)).singleElement().asString().matches("retry: [1-4]\\d{3}");
    assertThat(next(lines)).element(1).isEqualTo("event: snapshot");
    String position = append("über");
    List<String> event = next(lines);
    assertThat(event.get(0)).isEqualTo("id: " + position);
    assertThat(event.get(1)).isEqualTo("event: message.appended");
    assertThat(event.get(2)).startsWith("data: {").contains("über").contains(position);
    http.delete("/v1/sessions/" + id);
    assertThat(next(lines)).element(1).isEqualTo("event: session.deleted");
    assertThat(lines.hasNext()).isFalse();
  }

  @Test
  void whoComesBackNamesTheLastEvent() throws Exception {
    String seen = append("1");
    append("2");
    append("3");
    for (String way : List.of("header", "query")) {
      HttpResponse<Stream<String>> response =
          way.equals("header") ? events("", "Last-Event-ID", seen) : events("?since=" + seen);
      try (Stream<String> body = response.body()) {
        Iterator<String> lines = body.iterator();
        next(lines);
        assertThat(next(lines).get(2)).contains("\"content\":\"2\"");
        assertThat(next(lines).get(2)).contains("\"content\":\"3\"");
      }
    }
    try (Stream<String> body = events("?since=7-zzzzzzzz").body()) {
      Iterator<String> lines = body.iterator();
      next(lines);
      assertThat(next(lines)).element(0).isEqualTo("event: gap");
      assertThat(next(lines)).element(1).isEqualTo("event: snapshot");
    }
    nothingIsLeft();
  }

  @Test
  void whatIsWrongIsAProblemBeforeTheStreamBegins() throws Exception {
    assertThat(http.get("/v1/sessions/none/events").status()).isEqualTo(404);
    assertThat(http.get("/v1/sessions/" + id + "/events?x=1").status()).isEqualTo(400);
    assertThat(http.get("/v1/sessions/" + id + "/events?since=x").status()).isEqualTo(400);
    assertThat(http.get("/v1/sessions/" + id + "/events?user=ann").status()).isEqualTo(404);
    http.delete("/v1/sessions/" + id);
    assertThat(http.get("/v1/sessions/" + id + "/events").status()).isEqualTo(410);
    nothingIsLeft();
  }

  /** The connection is used again after a stream has ended on it. */
  @Test
  void theConnectionTakesAnotherRequestAfterAStream() throws Exception {
    try (Socket socket = new Socket("127.0.0.1", server.port())) {
      socket.setSoTimeout(10_000);
      BufferedReader in =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
      ask(socket, "GET /v1/sessions/" + id + "/events HTTP/1.1");
      until(in, "event: snapshot");
      http.delete("/v1/sessions/" + id);
      until(in, "event: session.deleted");
      until(in, "0");
      ask(socket, "GET /v1/limits HTTP/1.1");
      until(in, "HTTP/1.1 200 OK");
    }
    nothingIsLeft();
  }

  private static void ask(Socket socket, String line) throws IOException {
    OutputStream out = socket.getOutputStream();
    out.write((line + "\r\nHost: localhost\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
    out.flush();
  }

  private static void until(BufferedReader in, String wanted) throws IOException {
    for (String line = in.readLine(); !line.equals(wanted); line = in.readLine()) {
      assertThat(line).isNotNull();
    }
  }

  @Test
  void aStreamOnWhichNothingHappensGetsComments() throws Exception {
    try (Stream<String> body = events("").body()) {
      assertThat(body.anyMatch(":"::equals)).isTrue();
    }
    nothingIsLeft();
  }

  /** A client that does not read: what it is sent waits in the log, and then it is sent away. */
  @Test
  void whoTakesTooLittleIsClosed() throws Exception {
    long before = server.bean(Connections.class).tooSlow();
    try (Socket socket = new Socket()) {
      socket.setReceiveBufferSize(4096);
      socket.connect(new InetSocketAddress("127.0.0.1", server.port()));
      ask(socket, "GET /v1/sessions/" + id + "/events HTTP/1.1");
      Awaitility.await().until(() -> server.bean(SessionHubs.class).watches() == 1);
      String large = "x".repeat(100_000);
      for (int i = 0; i < 80; i++) {
        append(large);
        if (i % 20 == 19) {
          http.delete("/v1/sessions/" + id + "/messages");
        }
      }
      Awaitility.await()
          .atMost(Duration.ofSeconds(20))
          .until(() -> server.bean(Connections.class).tooSlow() == before + 1);
    }
    nothingIsLeft();
  }

  /** A browser tab that was put to sleep: told why it is closed, and it has lost nothing. */
  @Test
  void aSocketThatTakesTooLittleIsClosedAndGoesOnWhereItWas() throws Exception {
    long before = server.bean(Connections.class).tooSlow();
    List<String> sent = new ArrayList<>();
    List<String> seen = new ArrayList<>();
    try (WebSocketConnection asleep =
        new WebSocketConnection(server.port(), "/v1/socket?watch=" + id, 4096)) {
      Awaitility.await().until(() -> server.bean(SessionHubs.class).watches() == 1);
      String large = "x".repeat(100_000);
      for (int i = 0; i < 80; i++) {
        sent.add(append(large));
      }
      Awaitility.await()
          .atMost(Duration.ofSeconds(20))
          .until(() -> server.bean(Connections.class).tooSlow() == before + 1);
      Received last = asleep.receive();
      for (; last instanceof Text frame; last = asleep.receive()) {
        JsonNode json = JSON.readTree(frame.text());
        if (json.path("type").asString().equals("message.appended")) {
          seen.add(json.path("position").asString());
        }
      }
      assertThat(last).isInstanceOf(Closed.class);
      assertThat(((Closed) last).code()).isEqualTo(4408);
      assertThat(((Closed) last).reason()).isNotBlank();
    }
    nothingIsLeft();
    assertThat(seen).isNotEmpty().hasSizeLessThan(sent.size());
    try (SocketClient awake =
        SocketClient.open(server.port(), "?watch=" + id + "&since=" + seen.getLast())) {
      awake.expect("ack");
      while (seen.size() < sent.size()) {
        seen.add(awake.expect("message.appended").path("position").asString());
      }
    }
    assertThat(seen).isEqualTo(sent);
    assertThat(server.bean(Connections.class).tooSlow()).isEqualTo(before + 1);
    nothingIsLeft();
  }

  /** Java's client answers pings by itself; this one does not. */
  @Test
  void aSocketFromWhichNothingComesIsClosed() throws Exception {
    try (Socket socket = new Socket("127.0.0.1", server.port())) {
      socket.setSoTimeout(10_000);
      String key = "dGhlIHNhbXBsZSBub25jZQ==";
      ask(
          socket,
          "GET /v1/socket HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
              + key);
      byte[] all = socket.getInputStream().readAllBytes();
      String text = new String(all, StandardCharsets.ISO_8859_1);
      assertThat(text).startsWith("HTTP/1.1 101");
      assertThat(text.substring(text.indexOf("\r\n\r\n") + 4)).startsWith("\u0089\0");
    }
    nothingIsLeft();
  }

  @Test
  void aSocketThatAnswersPingsStays() throws Exception {
    try (SocketClient socket = SocketClient.open(server.port(), "?watch=" + id)) {
      socket.next("snapshot");
      Awaitility.await()
          .during(Duration.ofSeconds(6))
          .atMost(Duration.ofSeconds(10))
          .until(() -> server.bean(Connections.class).open() == 1);
      append("still there");
      socket.next("message.appended");
    }
    nothingIsLeft();
  }

  @Test
  void oneConnectionTooManyIsSentAway() throws Exception {
    List<SocketClient> sockets = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      sockets.add(SocketClient.open(server.port(), "?watch=" + id));
      sockets.getLast().next("snapshot");
    }
    try (SocketClient more = SocketClient.open(server.port(), "")) {
      assertThat(more.closed().code()).isEqualTo(4429);
    }
    assertThat(http.get("/v1/sessions/" + id + "/events").status()).isEqualTo(429);
    sockets.forEach(SocketClient::close);
    nothingIsLeft();
  }

  @Test
  void pagesOfAnAllowedOriginMayCall() throws Exception {
    Http.Reply reply = http.get("/v1/sessions/" + id, "Origin", "https://chat.example");
    assertThat(reply.header("Access-Control-Allow-Origin")).isEqualTo("https://chat.example");
    assertThat(reply.header("Access-Control-Expose-Headers")).contains("ETag");
    Http.Reply other = http.get("/v1/sessions/" + id, "Origin", "https://other.example");
    assertThat(other.status()).isEqualTo(403);
    assertThat(other.json().path("code").asString()).isEqualTo("forbidden");
    Http.Reply asked =
        http.send(
            HttpMethod.OPTIONS,
            "/v1/sessions/" + id + "/messages",
            null,
            "Origin",
            "https://chat.example",
            "Access-Control-Request-Method",
            "POST",
            "Access-Control-Request-Headers",
            "content-type,idempotency-key");
    assertThat(asked.status()).isEqualTo(200);
    assertThat(asked.header("Access-Control-Allow-Headers")).contains("idempotency-key");
    try (SocketClient socket =
        SocketClient.open(server.port(), "?watch=" + id, "Origin", "https://chat.example")) {
      socket.next("snapshot");
    }
    nothingIsLeft();
  }

  private void nothingIsLeft() {
    Awaitility.await()
        .untilAsserted(() -> {
          assertThat(server.bean(Connections.class).open()).isZero();
          assertThat(server.bean(SessionHubs.class).watches()).isZero();
          assertThat(server.bean(SessionHubs.class).watchedSessions()).isZero();
          assertThat(server.bean(Coherence.class).followed()).isZero();
        });
  }
}
