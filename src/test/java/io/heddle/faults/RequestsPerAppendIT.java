package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.HttpConnection;
import io.heddle.testing.HttpConnection.Answer;
import io.heddle.testing.RedisProcess;
import io.heddle.testing.ReplicaProcess;
import io.heddle.testing.TcpProxy;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/**
 * What an append asks of Redis, counted on the wire by a proxy: the limit's script and the append's
 * script. Everything else that went by is named and must be one of what does not belong to a
 * request: the index (at most once in 5 s for a session), the sweeper, the reaper of turns, the
 * feed's comparisons, the health.
 */
class RequestsPerAppendIT {
  private static final int APPENDS = 200;
  private static final String ID = "counted";

  @Test
  void anAppendWithItsLimitIsTwoRequests() throws Exception {
    try (RedisProcess redis = RedisProcess.start();
        TcpProxy proxy = TcpProxy.to(redis.uri());
        ReplicaProcess replica =
            ReplicaProcess.named("counted").env("REDIS_URL", proxy.uri()).start();
        HttpConnection connection = replica.connect()) {
      ok(
          201,
          connection.post("/v1/sessions", "{\"id\":\"" + ID + "\",\"user\":\"someone\"}"),
          "create");
      // The first of each kind also brings the script to Redis.
      append(connection, "-warm", Map.of());
      append(connection, "-warm-key", Map.of("Idempotency-Key", "warm"));
      quiet(proxy);

      long start = System.nanoTime();
      for (int n = 0; n < APPENDS; n++) {
        Map<String, String> headers =
            n % 2 == 0 ? Map.of() : Map.of("Idempotency-Key", "counted-" + n);
        append(connection, "-" + n, headers);
      }
      double seconds = (System.nanoTime() - start) / 1e9;
      Map<String, Long> counted = RequestKinds.count(proxy.requests());
      System.out.printf(
          "RequestsPerAppendIT: appends=%d of one user, half of them with a key, in %.1f s: %s%n",
          APPENDS, seconds, counted);

      long limits = counted.getOrDefault("script limit", 0L);
      long appends = counted.getOrDefault("script append", 0L);
      assertThat(limits).as("limit scripts").isEqualTo(APPENDS);
      assertThat(appends).as("append scripts").isEqualTo(APPENDS);
      assertThat(counted.getOrDefault("index ZADD", 0L))
          .as("index writes")
          .isLessThanOrEqualTo((long) (seconds / 5) + 2);
      assertThat(counted.keySet())
          .as("nothing else belongs to a request")
          .filteredOn(kind -> !RequestKinds.BESIDE.contains(kind))
          .isSubsetOf("script limit", "script append", "index ZADD");
      System.out.printf(
          "RequestsPerAppendIT: requestsPerAppend=%.2f%n", (limits + appends) / (double) APPENDS);
    }
  }

  /** Waits for what runs beside the last request, and begins to count. */
  private static void quiet(TcpProxy proxy) {
    Awaitility.await()
        .pollInterval(Duration.ofMillis(300))
        .until(() -> {
          boolean quiet =
              proxy.requests().stream()
                  .map(RequestKinds::name)
                  .allMatch(RequestKinds.BESIDE::contains);
          proxy.forgetRequests();
          return quiet;
        });
  }

  private static void append(HttpConnection connection, String text, Map<String, String> headers)
      throws IOException {
    ok(
        201,
        connection.call(
            "POST",
            "/v1/sessions/" + ID + "/messages",
            "{\"role\":\"user\",\"content\":\"message" + text + "\"}",
            headers),
        text);
  }

  private static void ok(int status, Answer answer, String what) {
    assertThat(answer.status()).as("%s: %s", what, answer.body()).isEqualTo(status);
  }
}
