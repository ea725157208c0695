package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.HttpConnection;
import io.heddle.testing.HttpConnection.Answer;
import io.heddle.testing.RedisProcess;
import io.heddle.testing.ReplicaProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/**
 * Callers of updates hang up at random moments. Leases last 60 s here, so a lock, a holder or a
 * mark that somebody forgot stays to be seen: one second after the last call none is left.
 *
 * <p>{@code -Dheddle.it.calls}
 */
class HungUpCallersIT {
  private static final int CALLS = Integer.getInteger("heddle.it.calls", 2_000);
  private static final int CALLERS = 12;
  private static final int SESSIONS = 200;
  private static final int FEW = 10;

  /** How long a call takes, from those that are waited for: one in eight. */
  private final AtomicLong usualNanos = new AtomicLong(10_000_000);

  @Test
  void leaveNeitherLockNorHolderNorMark() throws Exception {
    try (RedisProcess redis = RedisProcess.start();
        ReplicaProcess replica =
            ReplicaProcess.on(redis.uri(), "hung-up")
                .set("heddle.session.update-lease", "60s")
                .start();
        RedisView view = new RedisView(redis.uri());
        ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      try (HttpConnection connection = replica.connect()) {
        for (int i = 0; i < SESSIONS; i++) {
          ok(201, connection.post("/v1/sessions", "{\"id\":\"" + id(i) + "\"}"));
        }
      }
      AtomicInteger next = new AtomicInteger();
      long start = System.nanoTime();
      List<Future<?>> running = new ArrayList<>();
      for (int caller = 0; caller < CALLERS; caller++) {
        Random random = new Random(caller);
        running.add(
            callers.submit(() -> {
              for (int n = next.getAndIncrement(); n < CALLS; n = next.getAndIncrement()) {
                hangUp(replica.port(), random, n);
              }
              return null;
            }));
      }
      int mostLocks = 0;
      while (!running.stream().allMatch(Future::isDone)) {
        mostLocks = Math.max(mostLocks, view.locks().size());
      }
      for (Future<?> caller : running) {
        caller.get(5, TimeUnit.MINUTES);
      }
      long last = System.nanoTime();
      Awaitility.await()
          .pollInterval(Duration.ofMillis(10))
          .until(() -> System.nanoTime() - last >= Duration.ofSeconds(1).toNanos());

      List<String> locks = view.locks();
      List<String> holders = view.held();
      List<String> marks = view.inProgress();
      long applied = view.versions() - SESSIONS;
      System.out.printf(
          "HungUpCallersIT: calls=%d applied=%d lease=60s afterOneSecond: locks=%d holders=%d"
              + " marks=%d (most locks seen at once: %d) calls/s=%d%n",
          CALLS,
          applied,
          locks.size(),
          holders.size(),
          marks.size(),
          mostLocks,
          CALLS * 1_000_000_000L / (last - start));
      assertThat(locks).isEmpty();
      assertThat(holders).isEmpty();
      assertThat(marks).isEmpty();
      assertThat(applied).as("some calls went through").isPositive();
      assertThat(applied).as("some calls were cut").isLessThan(CALLS);
      assertThat(replica.log()).as("nobody's hanging up is an error").doesNotContain("ERROR");
      try (HttpConnection connection = replica.connect()) {
        for (int i = 0; i < SESSIONS; i++) {
          ok(
              200,
              connection.call(
                  "PATCH", path(i) + "/state", "{\"after\":1}", Map.of("Heddle-Wait", "0")));
        }
      }
    }
  }

  private void hangUp(int port, Random random, int n) {
    // A quarter of the calls is for the same few sessions, so that callers also hang up in line.
    int session = random.nextInt(random.nextInt(4) > 0 ? SESSIONS : FEW);
    Map<String, String> headers = new HashMap<>();
    if (random.nextBoolean()) {
      headers.put("Idempotency-Key", "hung-up-" + n);
    }
    String path = path(session) + (random.nextInt(3) == 0 ? "" : "/state");
    String method = path.endsWith("/state") && random.nextBoolean() ? "PUT" : "PATCH";
    String body = (path.endsWith("/state") ? "{\"n\":\"" : "{\"title\":\"") + n + "\"}";
    try (HttpConnection connection = new HttpConnection(port, Duration.ofSeconds(10))) {
      if (n % 8 == 0) {
        // Also keeps the callers from getting ahead of what the server can do.
        long start = System.nanoTime();
        Answer answer = connection.call(method, path, body, headers);
        assertThat(answer.status()).as(answer.body()).isIn(200, 423);
        usualNanos.set((usualNanos.get() * 7 + System.nanoTime() - start) / 8);
      } else {
        connection.send(method, path, body, headers);
        if (n % 8 != 1) {
          LockSupport.parkNanos(random.nextLong(2 * usualNanos.get()));
        }
        connection.hangUp(random.nextBoolean());
      }
    } catch (IOException refused) {
      throw new UncheckedIOException(refused);
    }
  }

  private static String id(int session) {
    return "hung-up-" + session;
  }

  private static String path(int session) {
    return "/v1/sessions/" + id(session);
  }

  private static void ok(int status, Answer answer) {
    assertThat(answer.status()).as(answer.body()).isEqualTo(status);
  }
}
