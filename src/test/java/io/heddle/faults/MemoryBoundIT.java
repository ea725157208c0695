package io.heddle.faults;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.HttpConnection;
import io.heddle.testing.HttpConnection.Answer;
import io.heddle.testing.ReplicaProcess;
import io.heddle.testing.TestRedis;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/**
 * One client against a replica with half a gigabyte: a thousand bodies and a thousand messages that
 * never end, readers who never read, and turns with the largest answer, all at once. Each of them
 * is within its own bound; their sum once ended the process with an {@code OutOfMemoryError}.
 * Another user is served throughout.
 *
 * <p>{@code -Dheddle.it.attack-seconds} of it.
 */
@Isolated("It compares how long calls take under an attack with how long they take in quiet.")
class MemoryBoundIT {

  private static final Duration ATTACK =
      Duration.ofSeconds(Integer.getInteger("heddle.it.attack-seconds", 20));
  private static final Duration QUIET = Duration.ofSeconds(4);
  private static final int BODIES = 1000;
  private static final int FRAGMENTS = 1000;
  private static final int READERS = 300;
  private static final int TURNS = 100;
  private static final int MEGABYTE = 1 << 20;

  /** Nearly the largest message, without its end. */
  private static final byte[] FRAGMENT = fragment();

  private static final String ATTACKER = "127.0.0.2";
  private static final Map<String, String> EVE = Map.of("Heddle-User", "eve");
  private static final Map<String, String> BOB = Map.of("Heddle-User", "bob");

  private final String run = UUID.randomUUID().toString().substring(0, 8);
  private final AtomicBoolean attacking = new AtomicBoolean(true);
  private final CountDownLatch over = new CountDownLatch(1);
  private final LongAdder attempts = new LongAdder();
  private final LongAdder cut = new LongAdder();

  @Test
  void oneClientDoesNotEndAReplicaNorStarveTheOthers() throws Exception {
    try (ReplicaProcess replica =
        ReplicaProcess.on(TestRedis.uri(MemoryBoundIT.class), "memory")
            .jvm("-Xmx512m", "-XX:MaxDirectMemorySize=256m", "-XX:+ExitOnOutOfMemoryError")
            .start()) {
      prepare(replica);
      // The first calls compile what they run.
      victim(replica, Duration.ofSeconds(4), new AtomicBoolean(true));
      Delays quiet = victim(replica, QUIET, new AtomicBoolean(true));
      long before = heap(replica);

      Delays attacked;
      try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        begin(threads, replica);
        attacked = victim(replica, ATTACK, attacking);
        attacking.set(false);
        over.countDown();
        threads.shutdownNow();
      }
      System.out.printf(
          "attack of %d s, %d attempts, %d of them cut or refused%n  quiet    %s%n  attacked %s%n",
          ATTACK.toSeconds(), attempts.sum(), cut.sum(), quiet, attacked);

      assertThat(replica.isAlive()).as("the process lives").isTrue();
      assertThat(replica.log()).doesNotContain("OutOfMemory");
      assertThat(attacked.failures).as("every call of the other user is answered").isEmpty();
      assertThat(attacked.p99(attacked.reads)).isLessThan(bound(quiet.p99(quiet.reads)));
      assertThat(attacked.p99(attacked.turns)).isLessThan(bound(quiet.p99(quiet.turns)));
      Awaitility.await()
          .atMost(Duration.ofSeconds(60))
          .untilAsserted(() -> {
            assertThat(meter(replica, "heddle.memory.used")).isZero();
            assertThat(meter(replica, "heddle.turns.running")).isZero();
          });
      long after = heap(replica);
      System.out.printf("  heap %d MB before, %d MB after%n", before / MEGABYTE, after / MEGABYTE);
      assertThat(after).as("memory comes back").isLessThan(before + 64L * MEGABYTE);
    }
  }

  private static double bound(double quiet) {
    return Math.max(5 * quiet, 250);
  }

  // ---- the other user

  /** What a user's calls took, in milliseconds. */
  private static final class Delays {
    private final List<Double> reads = new ArrayList<>();
    private final List<Double> turns = new ArrayList<>();
    private final List<String> failures = new ArrayList<>();

    double p99(List<Double> delays) {
      double[] sorted = delays.stream().mapToDouble(delay -> delay).sorted().toArray();
      return sorted[(int) Math.ceil(sorted.length * 0.99) - 1];
    }

    @Override
    public String toString() {
      return "%d reads, p99 %.1f ms, at most %.1f ms; %d turns, p99 %.1f ms, at most %.1f ms"
          .formatted(
              reads.size(),
              p99(reads),
              reads.stream().mapToDouble(d -> d).max().orElse(0),
              turns.size(),
              p99(turns),
              turns.stream().mapToDouble(d -> d).max().orElse(0));
    }
  }

  private Delays victim(ReplicaProcess replica, Duration time, AtomicBoolean going)
      throws IOException {
    Delays delays = new Delays();
    long until = System.nanoTime() + time.toNanos();
    try (HttpConnection connection = replica.connect(Duration.ofSeconds(20))) {
      for (int i = 0; going.get() && System.nanoTime() < until; i++) {
        boolean turn = i % 5 == 0;
        long began = System.nanoTime();
        Answer answer =
            turn
                ? connection.call("POST", "/v1/sessions/bob-" + run + "/turns", turn("hi", 1), BOB)
                : connection.call(
                    "GET", "/v1/sessions/bob-" + run + "/messages?limit=20", null, BOB);
        double took = (System.nanoTime() - began) / 1e6;
        (turn ? delays.turns : delays.reads).add(took);
        boolean whole =
            answer.ok() && (!turn || answer.json().path("status").asString().equals("completed"));
        if (!whole) {
          delays.failures.add(answer.status() + " " + answer.body());
        }
      }
    }
    return delays;
  }

  // ---- the attack

  private void prepare(ReplicaProcess replica) throws IOException {
    try (HttpConnection connection = replica.connect()) {
      ok(connection.call("POST", "/v1/sessions", session("bob"), BOB));
      ok(connection.call("POST", "/v1/sessions", session("eve"), EVE));
      String message = "{\"role\":\"user\",\"content\":\"" + "e".repeat(900_000) + "\"}";
      for (int i = 0; i < 6; i++) {
        ok(connection.call("POST", "/v1/sessions/eve-" + run + "/messages", message, EVE));
      }
      for (int i = 0; i < TURNS; i++) {
        ok(connection.call("POST", "/v1/sessions", session("eve-" + i), EVE));
      }
    }
  }

  private String session(String name) {
    return "{\"id\":\"" + name + "-" + run + "\"}";
  }

  private static void ok(Answer answer) {
    assertThat(answer.ok()).as(answer.body()).isTrue();
  }

  private static String turn(String text, int times) {
    return "{\"messages\":[{\"role\":\"user\",\"content\":\""
        + text
        + "\"}],\"model\":\"echo\",\"parameters\":{\"echo\":{\"pace\":\"0ms\",\"tokens\":"
        + times
        + "}}}";
  }

  private void begin(ExecutorService threads, ReplicaProcess replica) {
    byte[] half = new byte[2 * MEGABYTE];
    Arrays.fill(half, (byte) ' ');
    for (int i = 0; i < BODIES; i++) {
      threads.submit(() -> forEver(replica, 0, socket -> halfBody(socket, half)));
    }
    for (int i = 0; i < FRAGMENTS; i++) {
      threads.submit(() -> forEver(replica, 0, this::halfMessage));
    }
    for (int i = 0; i < READERS; i++) {
      threads.submit(() -> forEver(replica, 4096, this::unread));
    }
    for (int i = 0; i < TURNS; i++) {
      int of = i;
      threads.submit(() -> forEver(replica, 0, socket -> largest(socket, of)));
    }
  }

  private interface Attack {
    void on(Socket socket) throws IOException;
  }

  /** Comes back whenever it is cut off. */
  private void forEver(ReplicaProcess replica, int receiveBuffer, Attack attack) {
    while (attacking.get()) {
      attempts.increment();
      try (Socket socket = new Socket()) {
        if (receiveBuffer > 0) {
          socket.setReceiveBufferSize(receiveBuffer);
        }
        socket.bind(new InetSocketAddress(ATTACKER, 0));
        socket.connect(new InetSocketAddress("127.0.0.1", replica.port()), 10_000);
        attack.on(socket);
      } catch (IOException e) {
        cut.increment();
      }
      pause(Duration.ofSeconds(5));
    }
  }

  /** Until that time is over, or the attack is. */
  private void pause(Duration time) {
    try {
      if (over.await(time.toMillis(), TimeUnit.MILLISECONDS)) {
        attacking.set(false);
      }
    } catch (InterruptedException e) {
      attacking.set(false);
    }
  }

  /** Sends half of the largest body and waits to be cut off. */
  private void halfBody(Socket socket, byte[] half) throws IOException {
    head(
        socket,
        "POST /v1/sessions/eve-" + run + "/messages",
        "Content-Type: application/json\r\nContent-Length: " + 4 * MEGABYTE + "\r\n");
    socket.getOutputStream().write(half);
    waitForEnd(socket);
  }

  /** Sends a fragment of nearly the largest message, without an end. */
  private void halfMessage(Socket socket) throws IOException {
    head(
        socket,
        "GET /v1/socket?user=eve",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
    byte[] answer = new byte[4096];
    int come = socket.getInputStream().read(answer);
    if (come < 12 || !new String(answer, 0, 12, ISO_8859_1).endsWith(" 101")) {
      throw new IOException("refused");
    }
    socket.getOutputStream().write(FRAGMENT);
    waitForEnd(socket);
  }

  /** One for all: a thousand of them would fill the heap of the tests, not of the replica. */
  private static byte[] fragment() {
    int length = MEGABYTE - 1024;
    byte[] frame = new byte[14 + length];
    Arrays.fill(frame, (byte) ' ');
    // Text, not final, masked with zeros, of a length of 8 bytes.
    frame[0] = 0x01;
    frame[1] = (byte) 0xff;
    for (int i = 0; i < 8; i++) {
      frame[2 + i] = (byte) ((long) length >>> (56 - 8 * i));
    }
    Arrays.fill(frame, 10, 14, (byte) 0);
    return frame;
  }

  /** Asks for a page of megabytes, again and again, and reads nothing. */
  private void unread(Socket socket) throws IOException {
    for (int i = 0; i < 8; i++) {
      head(socket, "GET /v1/sessions/eve-" + run + "/messages?limit=50", "");
    }
    while (attacking.get() && !socket.isClosed()) {
      pause(Duration.ofSeconds(1));
      // Only writing tells that it was cut.
      socket.getOutputStream().write('\n');
    }
  }

  private void largest(Socket socket, int of) throws IOException {
    String body = turn("e".repeat(8000), 200);
    head(
        socket,
        "POST /v1/sessions/eve-" + of + "-" + run + "/turns",
        "Content-Type: application/json\r\nContent-Length: " + body.length() + "\r\n");
    socket.getOutputStream().write(body.getBytes(ISO_8859_1));
    InputStream in = socket.getInputStream();
    byte[] some = new byte[64 << 10];
    long until = System.nanoTime() + Duration.ofSeconds(10).toNanos();
    while (in.read(some) >= 0 && System.nanoTime() < until && attacking.get()) {
      socket.setSoTimeout(3000);
    }
  }

  private static void head(Socket socket, String line, String headers) throws IOException {
    OutputStream out = socket.getOutputStream();
    String head = line + " HTTP/1.1\r\nHost: 127.0.0.1\r\nHeddle-User: eve\r\n" + headers + "\r\n";
    out.write(head.getBytes(ISO_8859_1));
  }

  private static void waitForEnd(Socket socket) throws IOException {
    byte[] some = new byte[4096];
    while (socket.getInputStream().read(some) >= 0) {
      // What it says does not matter.
    }
    throw new IOException("cut");
  }

  // ---- what the replica says

  private static double meter(ReplicaProcess replica, String name) throws IOException {
    try (HttpConnection connection = replica.connect()) {
      Answer answer = connection.get("/actuator/metrics/" + name);
      assertThat(answer.ok()).as(answer.body()).isTrue();
      return answer.json().path("measurements").path(0).path("value").asDouble();
    }
  }

  /** After a collection. */
  private static long heap(ReplicaProcess replica) throws IOException, InterruptedException {
    String jcmd = System.getProperty("java.home") + "/bin/jcmd";
    new ProcessBuilder(jcmd, Long.toString(replica.pid()), "GC.run")
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start()
        .waitFor();
    try (HttpConnection connection = replica.connect()) {
      return connection
          .get("/actuator/metrics/jvm.memory.used?tag=area:heap")
          .json()
          .path("measurements")
          .path(0)
          .path("value")
          .asLong();
    }
  }
}
