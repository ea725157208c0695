package io.heddle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.heddle.redis.Scripts;
import io.heddle.testing.TcpProxy;
import io.heddle.testing.TestRedis;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** How many requests to Redis a call costs, counted between the server and Redis. */
class RequestCostIT {

  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final String MESSAGE = "{\"role\":\"user\",\"content\":\"hello\"}";

  private static TcpProxy proxy;
  private static Server server;

  @BeforeAll
  static void start() {
    proxy = TcpProxy.to(TestRedis.uri());
    server =
        Server.start(
            "spring.data.redis.url=" + proxy.uri(),
            // Nothing of its own accord, so that every request counted is the call's.
            "heddle.redis.sweep-every=1h",
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

  /** The first read brings the session, with its limit; the next ones find it in the near cache. */
  @Test
  void aReadIsTwoRequestsAndTheNextOneReadsNothing() {
    // The first of its kind also brings the script to Redis.
    server.get(create(null));
    String messages = create(null);
    proxy.forgetRequests();

    assertThat(server.get(messages).statusCode()).isEqualTo(200);

    assertThat(commands()).hasSizeBetween(1, 2).containsOnly("EVALSHA");
    assertThat(loads()).isEqualTo(1);
    // Patient: while nothing is proven of its partition yet, each read is Redis's.
    await()
        .atMost(PATIENCE)
        .until(() -> {
          proxy.forgetRequests();
          assertThat(server.get(messages).statusCode()).isEqualTo(200);
          return loads() == 0;
        });
    assertThat(commands()).as("the limit's at most").hasSizeLessThan(2);
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

  private static List<String> commands() {
    return proxy.requests().stream()
        .filter(request -> !isComparison(request))
        .map(TcpProxy.Request::command)
        .toList();
  }

  private static long loads() {
    return proxy.requests().stream()
        .filter(request -> Scripts.sha("load").equals(request.argument()))
        .count();
  }

  /** What the feed asks every second, on a connection of its own. */
  private static boolean isComparison(TcpProxy.Request request) {
    return request.command().equals("INFO") && request.argument().equals("replication")
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
