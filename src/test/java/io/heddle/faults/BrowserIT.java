package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.heddle.testing.FreePort;
import io.heddle.testing.HttpConnection;
import io.heddle.testing.HttpConnection.Answer;
import io.heddle.testing.RedisProcess;
import io.heddle.testing.ReplicaProcess;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The page of {@code src/docs/watching.md} in a real browser, through a rolling restart and an
 * outage of Redis: nobody reloads it, and it has shown each message once, in order. The page's
 * other {@code EventSource} follows a turn to its end and must not come back.
 *
 * <p>Needs Chromium ({@code chromium} on the path, or the environment's {@code CHROMIUM}).
 */
class BrowserIT {

  private static final JsonMapper JSON = new JsonMapper();

  /** What the page of {@code src/docs/watching.md} leaves to its reader, and what it tells us. */
  private static final String PAGE =
      """
      <!doctype html><meta charset="utf-8"><script>
      const report = what => fetch("/report", {method: "POST", keepalive: true, body: JSON.stringify(what)});
      const shown = [];
      const add = messages => { for (const one of messages) shown.push(one.content); report({shown}); };
      const draw = messages => { shown.length = 0; add(messages); };
      const remove = ids => report({removed: ids});
      const show = text => {};
      const ended = () => report({ended: true});
      $snippet
      let opened = 0, failed = 0;
      watch.onopen = () => report({opened: ++opened});
      watch.onerror = () => report({failed: ++failed, state: watch.readyState});
      on("gap", () => report({gap: true}));
      let told = 0;
      const turn = new EventSource("$server/v1/sessions/other/turns/$turn/events");
      turn.addEventListener("turn.completed", () => report({told: ++told}));
      turn.onerror = () => report({told, turn: turn.readyState});
      </script>
      """;

  /** What the page said last of each thing. */
  private final Map<String, JsonNode> said = new ConcurrentHashMap<>();

  private final List<String> appended = new CopyOnWriteArrayList<>();

  @Test
  void aPageComesBackByItselfAndMissesNothing() throws Exception {
    Path profile = Files.createTempDirectory("heddle-browser");
    HttpServer pages = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    Process browser = null;
    try (RedisProcess redis = RedisProcess.start("--appendonly", "yes", "--appendfsync", "always");
        Forwarder balancer = new Forwarder()) {
      String origin = "http://127.0.0.1:" + pages.getAddress().getPort();
      ReplicaProcess one = replica(redis, "one", origin);
      ReplicaProcess two = replica(redis, "two", origin);
      one.awaitReady();
      balancer.targets(one);
      append(balancer, 2);
      String turn = turn(balancer);

      serve(pages, balancer.port(), turn);
      browser = browser(profile, origin);
      Awaitility.await()
          .atMost(Duration.ofSeconds(20))
          .untilAsserted(() -> assertThat(shown()).isEqualTo(appended));

      // A rolling restart: the page goes to the replica that stays, perhaps after the other had
      // told it to come again.
      two.awaitReady();
      balancer.targets(one, two);
      one.terminate();
      append(balancer, 20);
      assertThat(one.waitFor(Duration.ofSeconds(15))).isTrue();
      balancer.targets(two);
      level();
      // All of it may have come over the first connection, just before that ended.
      Awaitility.await().atMost(Duration.ofSeconds(15)).until(() -> said.get("opened").asInt() > 1);
      int opened = said.get("opened").asInt();

      // Redis is away, and the page's connection breaks: it is refused for now, and comes again.
      redis.stop();
      balancer.cut();
      Awaitility.await()
          .atMost(Duration.ofSeconds(15))
          .until(() -> said.get("opened").asInt() > opened);
      redis.restart();
      two.awaitReady();
      append(balancer, 20);
      level();

      assertThat(said).as("nothing was lost on the way").doesNotContainKey("gap");
      assertThat(said.get("told").asInt()).as("the end of the turn").isEqualTo(1);
      // It may have been refused for now as well, and tried once more.
      Awaitility.await("its EventSource is closed")
          .atMost(Duration.ofSeconds(15))
          .until(() -> said.get("turn").asInt() == 2);
      one.close();
      two.close();
    } finally {
      pages.stop(0);
      end(browser);
      delete(profile);
    }
  }

  private static String snippet() throws IOException {
    String page = Files.readString(Path.of("src/docs/watching.md"));
    int from = page.indexOf("```js\n") + "```js\n".length();
    return page.substring(from, page.indexOf("```", from))
        .replace("http://localhost:8080", "$server")
        .replace("sessions/warp", "sessions/page");
  }

  private static ReplicaProcess replica(RedisProcess redis, String name, String origin) {
    return ReplicaProcess.on(redis.uri(), "browser-" + name)
        .set("heddle.live.origins", origin)
        .set("heddle.live.drain", "1s")
        .set("heddle.turns.drain", "1s")
        .launch();
  }

  private List<String> shown() {
    JsonNode shown = said.get("shown");
    return shown == null ? List.of() : shown.valueStream().map(JsonNode::asString).toList();
  }

  private void level() {
    Awaitility.await()
        .atMost(Duration.ofSeconds(15))
        .untilAsserted(() -> assertThat(shown()).isEqualTo(appended));
  }

  private void append(Forwarder balancer, int count) {
    for (int i = 0; i < count; i++) {
      String content = "message " + appended.size();
      String body = "{\"role\":\"user\",\"content\":\"" + content + "\"}";
      Awaitility.await()
          .atMost(Duration.ofSeconds(10))
          .pollDelay(Duration.ofMillis(20))
          .until(
              () -> post(balancer, "/v1/sessions/page/messages?create=true", body, content) == 201);
      appended.add(content);
    }
  }

  private static int post(Forwarder balancer, String path, String body, String key) {
    try (HttpConnection connection = new HttpConnection(balancer.port(), Duration.ofSeconds(5))) {
      return connection.call("POST", path, body, Map.of("Idempotency-Key", key)).status();
    } catch (IOException lost) {
      return 0;
    }
  }

  private static String turn(Forwarder balancer) throws IOException {
    try (HttpConnection connection = new HttpConnection(balancer.port(), Duration.ofSeconds(10))) {
      Answer turn =
          connection.post("/v1/sessions/other/turns?create=true", "{\"content\":\"one two\"}");
      assertThat(turn.status()).as(turn.body()).isEqualTo(200);
      return turn.json().path("id").asString();
    }
  }

  // ---- the page

  private void serve(HttpServer pages, int port, String turn) throws IOException {
    byte[] page =
        PAGE.replace("$snippet", snippet())
            .replace("$server", "http://127.0.0.1:" + port)
            .replace("$turn", turn)
            .getBytes(StandardCharsets.UTF_8);
    pages.createContext(
        "/report",
        exchange -> {
          JsonNode what = JSON.readTree(exchange.getRequestBody().readAllBytes());
          // Two reports may overtake each other.
          what.properties()
              .forEach(each -> said.merge(each.getKey(), each.getValue(), BrowserIT::newer));
          answer(exchange, new byte[0]);
        });
    pages.createContext("/", exchange -> answer(exchange, page));
    pages.start();
  }

  private static JsonNode newer(JsonNode one, JsonNode other) {
    if (one.isArray()) {
      return other.size() >= one.size() ? other : one;
    }
    return one.isNumber() && one.asInt() > other.asInt() ? one : other;
  }

  private static void answer(HttpExchange exchange, byte[] body) throws IOException {
    exchange.getResponseHeaders().set("Content-Type", "text/html");
    exchange.sendResponseHeaders(200, body.length == 0 ? -1 : body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  private static Process browser(Path profile, String url) throws IOException {
    String binary = System.getenv().getOrDefault("CHROMIUM", "chromium");
    return new ProcessBuilder(
            binary,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--user-data-dir=" + profile,
            // Answers nobody, but keeps the browser open.
            "--remote-debugging-port=" + FreePort.find(),
            url + "/")
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  private static void end(Process browser) throws InterruptedException {
    if (browser != null) {
      browser.descendants().forEach(ProcessHandle::destroyForcibly);
      browser.destroyForcibly();
      browser.waitFor(10, TimeUnit.SECONDS);
    }
  }

  private static void delete(Path folder) throws IOException {
    List<Path> all;
    try (Stream<Path> found = Files.walk(folder)) {
      all = new ArrayList<>(found.toList());
    }
    for (Path path : all.reversed()) {
      Files.deleteIfExists(path);
    }
  }

  // ---- what stands before the replicas

  /** Each new connection goes to the next replica that takes it. */
  private static final class Forwarder implements AutoCloseable {
    private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicBoolean closed = new AtomicBoolean();
    private volatile List<Integer> targets = List.of();

    Forwarder() throws IOException {
      Thread.ofVirtual().start(this::run);
    }

    int port() {
      return server.getLocalPort();
    }

    void targets(ReplicaProcess... replicas) {
      targets = Stream.of(replicas).map(ReplicaProcess::port).toList();
    }

    /** Breaks every connection that there is. */
    void cut() {
      open.forEach(Forwarder::quietly);
    }

    private void run() {
      while (!closed.get()) {
        try {
          Socket client = server.accept();
          Thread.ofVirtual().start(() -> forward(client));
        } catch (IOException _) {
          return;
        }
      }
    }

    private void forward(Socket client) {
      open.add(client);
      Socket replica = connect();
      if (replica == null) {
        quietly(client);
        open.remove(client);
        return;
      }
      open.add(replica);
      Thread.ofVirtual().start(() -> copy(client, replica));
      copy(replica, client);
      open.remove(client);
      open.remove(replica);
    }

    private Socket connect() {
      List<Integer> now = targets;
      int first = next.getAndIncrement();
      for (int i : IntStream.range(0, now.size()).toArray()) {
        try {
          return new Socket(InetAddress.getLoopbackAddress(), now.get((first + i) % now.size()));
        } catch (IOException _) {
          // The next one then.
        }
      }
      return null;
    }

    private static void quietly(Socket socket) {
      try {
        socket.close();
      } catch (IOException _) {
        // Then it is closed.
      }
    }

    private static void copy(Socket from, Socket to) {
      try (InputStream in = from.getInputStream()) {
        in.transferTo(to.getOutputStream());
      } catch (IOException _) {
        // Then it has ended.
      } finally {
        quietly(from);
        quietly(to);
      }
    }

    @Override
    public void close() throws IOException {
      closed.set(true);
      server.close();
      cut();
    }
  }
}
