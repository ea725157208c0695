package io.heddle;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.ByteBudget;
import io.heddle.testing.FreePort;
import io.heddle.testing.ReplicaProcess;
import io.heddle.testing.WebSocketConnection;
import io.heddle.web.ConnectionGuard;
import io.heddle.web.ConnectionGuard.Cause;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Connections are bounded in number and in time. Each kind of silence was once open for ever: with
 * a few hundred of them a server has no file left, and answers nobody.
 */
class ConnectionGuardIT {

  private static final String GET = "GET /v1/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
  private static final int MOST = 24;
  private static final int PER_ADDRESS = 8;

  private static Server server;

  private final List<Raw> opened = new ArrayList<>();

  @BeforeAll
  static void start() {
    server =
        Server.start(
            "heddle.engine=embedded",
            "heddle.embedded.path=",
            "heddle.limits.enabled=false",
            "heddle.http.head-timeout=600ms",
            "heddle.http.idle-timeout=2s",
            "heddle.http.write-timeout=1s",
            "heddle.http.max-connections=" + MOST,
            "heddle.http.max-connections-per-address=" + PER_ADDRESS,
            "heddle.http.trusted-proxies=127.0.0.9",
            "management.server.port=0");
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @AfterEach
  void closeAll() throws IOException {
    for (Raw raw : opened) {
      raw.close();
    }
    Awaitility.await().until(() -> guard().open() == 0);
    assertThat(server.bean(ByteBudget.class).used()).isZero();
  }

  // ---- time

  @Test
  void aSilentConnectionIsClosed() throws IOException {
    Raw raw = connect("127.0.0.1");

    assertThat(raw.readToEnd()).isEmpty();
    raw.tookBetween(500, 3000);
  }

  /** Each byte alone is quick enough; together they would take a minute. */
  @Test
  void aHeadThatDripsIsClosedAsWell() throws IOException {
    Raw raw = connect("127.0.0.1");
    String answer = raw.drip(GET.substring(0, GET.length() - 2), Duration.ofMillis(50));

    assertThat(answer).startsWith("HTTP/1.1 408 ").contains("request-timeout");
    raw.tookBetween(500, 3000);
  }

  @Test
  void aLaterHeadHasItsTimeFromItsFirstByte() throws IOException {
    Raw raw = connect("127.0.0.1");
    raw.send(GET);
    assertThat(raw.answer()).startsWith("HTTP/1.1 200 ");
    // Longer than a head may take: it has not begun.
    raw.staysOpen(Duration.ofMillis(1000));
    raw.begin();

    assertThat(raw.drip(GET.substring(0, 20), Duration.ofMillis(50))).startsWith("HTTP/1.1 408 ");
    raw.tookBetween(400, 1900);
  }

  @Test
  void aHeadThatBeganBehindAnotherRequestIsOneThatHasBegun() throws IOException {
    Raw raw = connect("127.0.0.1");
    raw.send(GET + "GET /v1/ses");
    assertThat(raw.answer()).startsWith("HTTP/1.1 200 ");
    raw.begin();

    assertThat(raw.readToEnd()).startsWith("HTTP/1.1 408 ");
    raw.tookBetween(400, 1900);
  }

  @Test
  void anIdleConnectionIsClosedAfterItsTime() throws IOException {
    Raw raw = connect("127.0.0.1");
    raw.send(GET);
    raw.answer();
    raw.begin();

    assertThat(raw.readToEnd()).isEmpty();
    raw.tookBetween(1900, 5000);
  }

  /** A body has a time of its own, and an answer may take as long as it takes. */
  @Test
  void aRequestInWorkIsNeitherIdleNorLate() throws IOException {
    Raw raw = connect("127.0.0.1");
    server.post("/v1/sessions", "{\"id\":\"slow\"}");
    String head =
        "POST /v1/sessions/slow/messages HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            + "Content-Type: application/json\r\nContent-Length: ";
    String body = "{\"role\":\"user\",\"content\":\"hi\"}";
    raw.send(head + body.length() + "\r\n\r\n" + body.substring(0, 5));
    raw.staysOpen(Duration.ofMillis(2500));
    raw.send(body.substring(5));

    assertThat(raw.answer()).startsWith("HTTP/1.1 201 ");
  }

  @Test
  void requestsInOneBurstAreAllAnswered() throws IOException {
    Raw raw = connect("127.0.0.1");
    raw.send(GET.repeat(40));

    for (int i = 0; i < 40; i++) {
      assertThat(raw.answer()).as("answer %d", i).startsWith("HTTP/1.1 200 ");
    }
    // And the connection can be used on.
    raw.send(GET);
    assertThat(raw.answer()).startsWith("HTTP/1.1 200 ");
  }

  @Test
  void whoAsksBeforeItsBodyIsToldToGoOn() throws IOException {
    server.post("/v1/sessions", "{\"id\":\"asks\"}");
    Raw raw = connect("127.0.0.1");
    String body = "{\"role\":\"user\",\"content\":\"hi\"}";
    raw.send(
        "POST /v1/sessions/asks/messages HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            + "Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: "
            + body.length()
            + "\r\n\r\n");
    assertThat(raw.head()).startsWith("HTTP/1.1 100 ");
    raw.send(body);

    assertThat(raw.answer()).startsWith("HTTP/1.1 201 ");
    raw.staysOpen(Duration.ofMillis(900));
  }

  @Test
  void socketsAndEventStreamsHaveRulesOfTheirOwn() throws IOException {
    server.post("/v1/sessions", "{\"id\":\"seen\"}");
    Raw events = connect("127.0.0.1");
    events.send(
        "GET /v1/sessions/seen/events HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            + "Accept: text/event-stream\r\n\r\n");
    assertThat(events.head()).startsWith("HTTP/1.1 200 ");
    try (WebSocketConnection socket = new WebSocketConnection(server.port(), "/v1/socket", 0)) {
      events.staysOpen(Duration.ofMillis(3500));
      socket.send("{\"type\":\"watch\",\"session\":\"seen\"}");
      assertThat(socket.receive().toString()).contains("seen");
    }
  }

  /** Answers that nobody reads: the first of a burst stops the others. */
  @Test
  void aWriteThatDoesNotMoveClosesItsConnection() throws IOException {
    Raw raw = connect("127.0.0.1", 4096);
    long before = guard().count(Cause.WRITE);
    raw.send(GET.repeat(400));

    Awaitility.await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> guard().count(Cause.WRITE) == before + 1);
    Awaitility.await().until(() -> guard().open() == 0);
  }

  @Test
  void whatComesAfterTheAnswerIsNotReadForEver() throws IOException {
    Raw raw = connect("127.0.0.1");
    raw.send(
        "POST /v1/nothing/here HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            + "Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{");
    assertThat(raw.answer()).startsWith("HTTP/1.1 404 ");
    raw.begin();

    raw.readToEnd();
    raw.tookBetween(0, 5000);
  }

  // ---- number

  @Test
  void anAddressHasItsShareOfTheConnections() throws IOException {
    for (int i = 0; i < PER_ADDRESS; i++) {
      ask("127.0.0.2");
    }
    Raw refused = connect("127.0.0.2");

    assertThat(refused.readToEnd())
        .startsWith("HTTP/1.1 503 ")
        .contains("Retry-After: 1")
        .contains("overloaded");
    assertThat(guard().count(Cause.ADDRESS_FULL)).isPositive();
    ask("127.0.0.3");
    // There is room again when one is gone.
    opened.getFirst().close();
    Awaitility.await().until(() -> guard().open() == PER_ADDRESS);
    ask("127.0.0.2");
  }

  @Test
  void thereAreSoManyInAllAndATrustedProxyHasNoShareOfItsOwn() throws IOException {
    for (int i = 0; i < MOST; i++) {
      ask("127.0.0.9");
    }

    assertThat(connect("127.0.0.2").readToEnd()).startsWith("HTTP/1.1 503 ");
    assertThat(guard().count(Cause.FULL)).isPositive();
    assertThat(server.managementStatus("/actuator/health/liveness")).isEqualTo(200);
  }

  @Test
  void aManagementServerHasBoundsOfItsOwn() throws IOException {
    Raw raw = new Raw(server.managementPort(), "127.0.0.1", 0);
    opened.add(raw);

    assertThat(raw.drip(GET.substring(0, GET.length() - 2), Duration.ofMillis(50)))
        .startsWith("HTTP/1.1 408 ");
    assertThat(server.managementStatus("/actuator/health/liveness")).isEqualTo(200);
  }

  /** 500 files, as in a container, and more silent connections than that. */
  @Test
  void livenessAnswersWhileNobodyElseCan() throws IOException {
    int management = FreePort.find();
    try (ReplicaProcess replica =
        ReplicaProcess.named("files")
            .files(500)
            .set("heddle.engine", "embedded")
            .set("heddle.embedded.path", "")
            .set("management.server.port", management)
            .set("management.server.address", "127.0.0.1")
            .managementPort(management)
            .start()) {
      List<Raw> silent = new ArrayList<>();
      for (int i = 0; i < 700; i++) {
        silent.add(new Raw(replica.port(), "127.0.0.2", 0));
      }
      opened.addAll(silent);
      long slowest = 0;
      for (int i = 0; i < 20; i++) {
        long began = System.nanoTime();
        assertThat(replica.liveness()).isEqualTo(200);
        slowest = Math.max(slowest, System.nanoTime() - began);
      }
      System.out.printf(
          "liveness with 700 silent connections: at most %d ms%n", slowest / 1_000_000);
      // Another address is served, as half of the connections are not this one's.
      try (Raw other = new Raw(replica.port(), "127.0.0.1", 0)) {
        other.send(GET);
        assertThat(other.answer()).startsWith("HTTP/1.1 200 ");
      }
      assertThat(replica.log().lines().filter(line -> line.contains("are refused"))).hasSize(1);
      assertThat(replica.log().lines().filter(line -> line.contains("Too many open files")))
          .isEmpty();
    }
  }

  // ---- by hand

  private static ConnectionGuard guard() {
    return server.bean(ConnectionGuard.class);
  }

  private void ask(String from) throws IOException {
    Raw raw = connect(from);
    raw.send(GET);
    assertThat(raw.answer()).startsWith("HTTP/1.1 200 ");
  }

  private Raw connect(String from) throws IOException {
    return connect(from, 0);
  }

  private Raw connect(String from, int receiveBuffer) throws IOException {
    Raw raw = new Raw(server.port(), from, receiveBuffer);
    opened.add(raw);
    return raw;
  }

  /** A connection of which every byte is the test's. */
  private static final class Raw implements AutoCloseable {
    private final Socket socket = new Socket();
    private long began = System.nanoTime();

    Raw(int port, String from, int receiveBuffer) throws IOException {
      if (receiveBuffer > 0) {
        socket.setReceiveBufferSize(receiveBuffer);
      }
      socket.bind(new InetSocketAddress(InetAddress.getByName(from), 0));
      socket.connect(new InetSocketAddress("127.0.0.1", port), 5000);
      socket.setSoTimeout(20_000);
    }

    void begin() {
      began = System.nanoTime();
    }

    void send(String text) throws IOException {
      socket.getOutputStream().write(text.getBytes(ISO_8859_1));
    }

    void tookBetween(long least, long most) {
      assertThat((System.nanoTime() - began) / 1_000_000).isBetween(least, most);
    }

    /** Up to the end of a head. */
    String head() throws IOException {
      StringBuilder head = new StringBuilder();
      while (head.indexOf("\r\n\r\n") < 0) {
        int next = socket.getInputStream().read();
        if (next < 0) {
          break;
        }
        head.append((char) next);
      }
      return head.toString();
    }

    /** One whole answer with a length. */
    String answer() throws IOException {
      String head = head();
      int at = head.toLowerCase(Locale.ROOT).indexOf("content-length: ");
      int length = at < 0 ? 0 : Integer.parseInt(head.substring(at + 16, head.indexOf('\r', at)));
      return head + new String(socket.getInputStream().readNBytes(length), ISO_8859_1);
    }

    String readToEnd() {
      StringBuilder all = new StringBuilder();
      try {
        int next;
        while ((next = socket.getInputStream().read()) >= 0) {
          all.append((char) next);
        }
      } catch (SocketTimeoutException e) {
        throw new AssertionError("not closed", e);
      } catch (IOException reset) {
        // As closed as an end.
      }
      return all.toString();
    }

    /** Nothing comes, not even the end. */
    void staysOpen(Duration time) throws IOException {
      socket.setSoTimeout((int) time.toMillis());
      long until = System.nanoTime() + time.toNanos();
      try {
        while (System.nanoTime() < until) {
          assertThat(socket.getInputStream().read()).isNotEqualTo(-1);
        }
      } catch (SocketTimeoutException expected) {
        // It is as quiet as it should be.
      }
      socket.setSoTimeout(20_000);
    }

    /** Sends one byte after the other until the server has enough, and returns what it says. */
    String drip(String text, Duration pause) throws IOException {
      socket.setSoTimeout((int) pause.toMillis());
      try {
        for (byte next : text.getBytes(ISO_8859_1)) {
          socket.getOutputStream().write(next);
          try {
            int first = socket.getInputStream().read();
            socket.setSoTimeout(20_000);
            return first < 0 ? "" : (char) first + readToEnd();
          } catch (SocketTimeoutException goOn) {
            // The next byte.
          }
        }
      } catch (IOException reset) {
        return "";
      }
      throw new AssertionError("all of it was taken");
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }
}
