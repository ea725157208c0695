package io.heddle.faults;

import io.heddle.faults.Clients.Targets;
import io.heddle.testing.RedisProcess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;

/** Two replicas on a Redis of their own, each with a proxy of its own before it. */
final class Pair implements AutoCloseable {
  private final RedisProcess redis;
  private final Here a;
  private final Here b;

  private Pair(RedisProcess redis, Here a, Here b) {
    this.redis = redis;
    this.a = a;
    this.b = b;
  }

  /**
   * For tests in which Redis is there all the time: on a busy machine an answer of it may take
   * longer than a second, and what was asked is then refused with 503, as it should be.
   */
  static final String PATIENT = "heddle.redis.timeout=10s";

  static Pair start(String... settings) {
    RedisProcess redis = RedisProcess.start();
    return new Pair(
        redis, Here.start("a", redis.uri(), settings), Here.start("b", redis.uri(), settings));
  }

  RedisProcess redis() {
    return redis;
  }

  Here a() {
    return a;
  }

  Here b() {
    return b;
  }

  List<Here> both() {
    return List.of(a, b);
  }

  /** Makes so many sessions. */
  static List<String> sessions(Clients clients, Targets targets, String prefix, int count)
      throws Exception {
    List<String> sessions = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String session = prefix + "-" + i;
      clients.create(targets, session);
      sessions.add(session);
    }
    return sessions;
  }

  /** Lets this time pass, because what is looked for is that nothing happens in it. */
  static void pass(Duration time) {
    long start = System.nanoTime();
    Awaitility.await()
        .atMost(time.plusSeconds(10))
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(5))
        .until(() -> System.nanoTime() - start >= time.toNanos());
  }

  static ConditionFactory await(String what) {
    return Awaitility.await(what)
        .atMost(Duration.ofSeconds(20))
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(5));
  }

  @Override
  public void close() {
    a.close();
    b.close();
    redis.close();
  }
}
