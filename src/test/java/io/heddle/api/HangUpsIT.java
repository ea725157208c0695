package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.heddle.live.SessionHubs;
import io.heddle.testing.RawWebSocket;
import io.heddle.testing.TestRedis;
import io.heddle.web.ConnectionGuard;
import io.heddle.web.Connections;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.slf4j.LoggerFactory;

/**
 * Clients hang up at any moment: in a head, in a body, while a page or an event is written to them,
 * in a handshake and in a frame. That is the client's affair. One event stream in fourteen that was
 * hung up on used to write fifty lines of a stack to the log.
 *
 * <p>{@code -Dheddle.it.hang-ups}
 */
@Isolated("It reads all that is logged in this JVM.")
class HangUpsIT {

  private static final int HANG_UPS = Integer.getInteger("heddle.it.hang-ups", 320);
  private static final int CLIENTS = 16;

  /** What was logged as a warning or worse, or with a stack. */
  private static final class Complaints extends AppenderBase<ILoggingEvent> {
    private final Queue<String> events = new ConcurrentLinkedQueue<>();

    @Override
    protected void append(ILoggingEvent event) {
      if (event.getLevel().isGreaterOrEqual(Level.WARN) || event.getThrowableProxy() != null) {
        String cause =
            event.getThrowableProxy() == null
                ? ""
                : " "
                    + event.getThrowableProxy().getClassName()
                    + ": "
                    + event.getThrowableProxy().getMessage();
        events.add(event.getLoggerName() + ": " + event.getFormattedMessage() + cause);
      }
    }
  }

  @Test
  void leaveNothingInTheLogAndNothingOpen() throws Exception {
    Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    Complaints complaints = new Complaints();
    try (Application server =
        Application.start(
            Map.of(
                "heddle.engine", "embedded",
                "heddle.embedded.path", "",
                "heddle.limits.enabled", "false"))) {
      Http http = new Http(server.port());
      http.post("/v1/sessions", "{'id':'s'}").is(201);
      String large = "x".repeat(400_000);
      for (int i = 0; i < 8; i++) {
        http.post("/v1/sessions/s/messages", "{'role':'user','content':'" + large + "'}").is(201);
      }
      List<String> turns = new ArrayList<>();
      turns.add(
          http.post(
                  "/v1/sessions/s/turns",
                  "{'content':'a','parameters':{'echo':{'tokens':2000,'pace':'1ms'}}}",
                  "Prefer",
                  "respond-async")
              .is(202)
              .text("id"));
      complaints.start();
      root.addAppender(complaints);
      List<Future<?>> all = new ArrayList<>();
      try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
        for (int c = 0; c < CLIENTS; c++) {
          Random random = new Random(c);
          all.add(
              clients.submit(() -> {
                for (int i = 0; i < HANG_UPS / CLIENTS; i++) {
                  hangUp(server.port(), turns.getFirst(), random);
                }
                return null;
              }));
        }
        for (Future<?> client : all) {
          client.get(2, TimeUnit.MINUTES);
        }
      }
      Awaitility.await()
          .atMost(Duration.ofSeconds(20))
          .untilAsserted(() -> {
            assertThat(server.bean(Connections.class).open()).isZero();
            assertThat(server.bean(SessionHubs.class).watches()).isZero();
          });
      http.get("/v1/sessions/s").is(200);
      // Nor are they failures of this server, which somebody would be woken for.
      assertThat(
              server.bean(MeterRegistry.class).find("http.server.requests").timers().stream()
                  .filter(timer -> timer.getId().getTag("status").startsWith("5"))
                  .map(timer -> timer.getId() + " " + timer.count()))
          .isEmpty();
    } finally {
      root.detachAppender(complaints);
    }
    assertThat(complaints.events).isEmpty();
  }

  /**
   * The head of a request had come, nothing of its body, and the store was asked whether it is
   * admitted: whoever reset the connection then left an ERROR each time.
   */
  @Test
  void beforeTheyAreAdmittedLeaveNothingInTheLog() throws Exception {
    Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    Complaints complaints = new Complaints();
    try (Application server =
        Application.start(
            Map.of(
                "heddle.engine",
                "redis",
                "spring.data.redis.url",
                TestRedis.uri(HangUpsIT.class),
                "heddle.limits.timeout",
                "10s"))) {
      Http http = new Http(server.port());
      // It listens before it has found its Redis.
      Awaitility.await()
          .atMost(Duration.ofSeconds(20))
          .until(() -> http.get("/actuator/health/readiness").status() == 200);
      http.post("/v1/sessions", "{'id':'s'}").is(201);
      complaints.start();
      root.addAppender(complaints);
      for (String path :
          List.of(
              "/v1/sessions/s/messages",
              "/v1/sessions/s/turns",
              "/openai/v1/conversations",
              "/openai/v1/responses")) {
        for (String more : List.of("", "Expect: 100-continue\r\n")) {
          String head = post(path, "x".repeat(100)).replace("\r\n\r\n", "\r\n" + more + "\r\n");
          byte[] octets = head.replace("x", "").getBytes(StandardCharsets.US_ASCII);
          for (int i = 0; i < 10; i++) {
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
              socket.setSoLinger(true, 0);
              socket.getOutputStream().write(octets);
            }
          }
        }
      }
      http.get("/v1/sessions/s").is(200);
      // The one that asks keeps its own.
      Awaitility.await()
          .atMost(Duration.ofSeconds(20))
          .until(() -> server.bean(ConnectionGuard.class).open() <= 1);
    } finally {
      root.detachAppender(complaints);
    }
    // What a busy machine has others complain of is not asked here.
    assertThat(complaints.events).filteredOn(event -> event.startsWith("reactor.")).isEmpty();
  }

  private static void hangUp(int port, String turn, Random random) throws IOException {
    String body = "{\"role\":\"user\",\"content\":\"" + "y".repeat(random.nextInt(20_000)) + "\"}";
    String request =
        switch (random.nextInt(10)) {
          case 0, 1 -> get("/v1/sessions/s/events");
          case 2 -> get("/v1/sessions/s/turns/" + turn + "/events");
          case 3 -> get("/v1/sessions/s/messages?limit=50");
          case 4 -> get("/v1/sessions/s?messages=50");
          case 5 ->
              post(
                  "/v1/sessions/none-" + random.nextInt(50) + "/turns?create=true",
                  "{\"content\":\"a b c"
                      + " d\",\"stream\":true,\"parameters\":{\"echo\":{\"pace\":\"2ms\"}}}");
          case 6 ->
              post(
                  "/openai/v1/chat/completions",
                  "{\"model\":\"echo\",\"stream\":"
                      + random.nextBoolean()
                      + ",\"messages\":[{\"role\":\"user\",\"content\":\"a b c\"}]}");
          case 7 -> post("/v1/sessions/none/messages", body);
          case 8 ->
              "PUT /v1/cache/k HTTP/1.1\r\n"
                  + "Host: 127.0.0.1\r\n"
                  + "Transfer-Encoding: chunked\r\n\r\n"
                  + "1000\r\n"
                  + body;
          default -> RawWebSocket.handshake(port, "/v1/socket?watch=s");
        };
    byte[] octets = request.getBytes(StandardCharsets.US_ASCII);
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.setTcpNoDelay(true);
      int sent = random.nextInt(3) == 0 ? random.nextInt(octets.length) : octets.length;
      socket.getOutputStream().write(octets, 0, sent);
      if (request.contains("/v1/socket") && random.nextBoolean()) {
        byte[] frame =
            RawWebSocket.frame(
                0x81, "{\"type\":\"unwatch\",\"session\":\"s\"}".getBytes(StandardCharsets.UTF_8));
        read(socket, 120);
        socket.getOutputStream().write(frame, 0, random.nextInt(frame.length));
      }
      switch (random.nextInt(4)) {
        case 0 -> {
          // At once.
        }
        case 1 -> LockSupport.parkNanos(random.nextInt(3_000_000));
        case 2 -> read(socket, random.nextInt(2_000));
        default -> read(socket, random.nextInt(200_000));
      }
      if (random.nextBoolean()) {
        socket.setSoLinger(true, 0);
      }
    } catch (IOException ended) {
      // The server was first.
    }
  }

  /** Some of the answer, and no longer than a moment. */
  private static void read(Socket socket, int bytes) throws IOException {
    socket.setSoTimeout(20);
    InputStream in = socket.getInputStream();
    try {
      for (int left = bytes; left > 0; ) {
        int read = in.read(new byte[Math.min(left, 8192)]);
        if (read < 0) {
          return;
        }
        left -= read;
      }
    } catch (java.net.SocketTimeoutException _) {
      // It has no more to say.
    }
  }

  private static String get(String path) {
    return "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
  }

  private static String post(String path, String body) {
    return "POST "
        + path
        + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: "
        + body.length()
        + "\r\n\r\n"
        + body;
  }
}
