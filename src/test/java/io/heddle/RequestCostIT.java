package io.heddle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.heddle.redis.Scripts;
import io.heddle.testing.TcpProxy;
import io.heddle.testing.TestRedis;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** How many requests to Redis a call costs, counted between the server and Redis. */
class RequestCostIT {

  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final String MESSAGE = "{\"role\":\"user\",\"content\":\"hello\"}";

  /** What the feed asks every second, and what users have, which is told every few seconds. */
  private static final Set<String> BESIDE = Set.of("seqs", "usage");

  private static TcpProxy proxy;
  private static Server server;

  @BeforeAll
  static void start() {
    proxy = TcpProxy.to(TestRedis.uri(RequestCostIT.class));
    server =
        Server.start(
            "spring.data.redis.url=" + proxy.uri(),
            // Nothing of its own accord, so that every request counted is the call's.
            "heddle.redis.sweep-every=1h",
            "heddle.turns.reap-every=1h",
            "heddle.session.index-every=2s");
    await()
        .atMost(PATIENCE)
        .until(() -> server.get("/actuator/health/readiness").statusCode() == 200);
  }

  @AfterAll
  static void stop() {
    server.close();
    proxy.close();
  }

  @Test
  void anAppendIsTwoRequestsTheLimitsAndTheWrite() {
    String messages = create(null);
    assertThat(server.post(messages, MESSAGE).statusCode()).isEqualTo(201);
    proxy.forgetRequests();

    assertThat(server.post(messages, MESSAGE).statusCode()).isEqualTo(201);

    assertThat(commands()).containsExactly("EVALSHA", "EVALSHA");
  }

  @Test
  void aKeyCostsAnAppendNothingAndItsReplayAlsoReadsAndGivesBack() {
    String messages = create(null);
    server.post(messages, MESSAGE, "Idempotency-Key", "warm");
    server.post(messages, MESSAGE, "Idempotency-Key", "warm");
    proxy.forgetRequests();

    server.post(messages, MESSAGE, "Idempotency-Key", "counted");
    assertThat(commands()).containsExactly("EVALSHA", "EVALSHA");

    proxy.forgetRequests();
    server.post(messages, MESSAGE, "Idempotency-Key", "counted");
    // The limits, the write that finds its record, the messages as they are now, the permit.
    assertThat(commands()).containsExactly("EVALSHA", "EVALSHA", "EVALSHA", "EVALSHA");
  }

  /** Its permits are leased for a second, so now and then a read asks for more of them. */
  @Test
  void aReadOfTheStoreIsOneRequestAndSometimesTheLimits() {
    String messages = create(null);
    String message = server.post(messages, "{\"id\":\"m1\"," + MESSAGE.substring(1)).body();
    assertThat(message).contains("\"m1\"");
    server.get(messages);
    proxy.forgetRequests();

    HttpResponse<String> read = server.get(messages + "?after=m1");

    assertThat(read.statusCode()).isEqualTo(200);
    assertThat(read.headers().firstValue("Heddle-Cache")).hasValue("bypass");
    assertThat(commands()).hasSizeBetween(1, 2).containsOnly("EVALSHA");
  }

  @Test
  void aReadFromTheNearCacheCostsRedisNothing() {
    String messages = create(null);
    await()
        .atMost(PATIENCE)
        .untilAsserted(() -> {
          server.get(messages);
          proxy.forgetRequests();
          for (int i = 0; i < 10; i++) {
            HttpResponse<String> read = server.get(messages);
            assertThat(read.headers().firstValue("Heddle-Cache")).hasValue("hit");
          }
          assertThat(commands()).isEmpty();
        });
  }

  @Test
  void theIndexIsWrittenSeldomAndOutsideTheRequest() {
    String messages = create("user-" + UUID.randomUUID());
    server.post(messages, MESSAGE);
    await()
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(200))
        .until(() -> {
          proxy.forgetRequests();
          server.post(messages, MESSAGE);
          await().atMost(Duration.ofMillis(150)).until(() -> commands().size() >= 2);
          return commands().contains("ZADD");
        });
    assertThat(commands()).containsExactlyInAnyOrder("EVALSHA", "EVALSHA", "ZADD");

    proxy.forgetRequests();
    for (int i = 0; i < 5; i++) {
      server.post(messages, MESSAGE);
    }
    assertThat(commands()).hasSize(10).containsOnly("EVALSHA");
  }

  /** Without what the feed asks each second on its own connection, whatever is called. */
  private static List<String> commands() {
    return proxy.requests().stream()
        .filter(request -> !isComparison(request))
        .map(TcpProxy.Request::command)
        .toList();
  }

  /**
   * What the feed asks every second, on a connection of its own, and what health and meters ask.
   */
  private static boolean isComparison(TcpProxy.Request request) {
    String command = request.command();
    return command.equals("INFO")
        || command.equals("SETRANGE")
        || command.equals("ZCARD")
        || (command.equals("EVALSHA") && BESIDE.contains(Scripts.name(request.argument())))
        || (command.equals("EVAL") && BESIDE.contains(Scripts.nameOfSource(request.argument())))
        || request.command().equals("HGET") && request.argument().endsWith("}:p");
  }

  private static String create(String user) {
    String id = "cost-" + UUID.randomUUID();
    String owner = user == null ? "" : ",\"user\":\"" + user + "\"";
    assertThat(server.post("/v1/sessions", "{\"id\":\"" + id + "\"" + owner + "}").statusCode())
        .isEqualTo(201);
    return "/v1/sessions/" + id + "/messages";
  }
}
