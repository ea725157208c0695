package io.heddle.bench;

import io.heddle.testing.HttpConnection;
import io.heddle.testing.RedisProcess;
import io.heddle.testing.ReplicaProcess;
import io.lettuce.core.RedisClient;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.sync.RedisCommands;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One user at three replicas on one Redis reads at three times what he may: how much of it was
 * admitted in each life of his counter, and who was refused although not all of it was used.
 *
 * <p>Redis says when each life ends ({@code PEXPIRETIME}, looked at all the time), and each answer
 * tells in whole seconds when its window ends. Lives end five seconds apart, so each answer has one
 * life that it can be of; an answer without one fails the bench.
 */
final class LimitBench {

  private static final int LIMIT = 1000;
  private static final int REPLICAS = 3;
  private static final int CONNECTIONS = 8;
  private static final double PER_SECOND = 3.0 * LIMIT / 5;
  private static final Pattern RATE_LIMIT = Pattern.compile("\"requests\";r=(\\d+);t=(\\d+)");
  private static final String LOOK =
      "return {redis.call('GET', KEYS[1]) or '0', redis.call('PEXPIRETIME', KEYS[1])}";
  private static final long SLACK_MILLIS = 100;

  /** How the reads are spread over the replicas. */
  private enum Spread {
    EVENLY("evenly over the replicas"),
    IN_TURN("all at one replica, another one each 0.7 s");

    private final String text;

    Spread(String text) {
      this.text = text;
    }

    /** Of all reads of a second, how many are this replica's now. */
    double share(int replica, double second) {
      return switch (this) {
        case EVENLY -> 1.0 / REPLICAS;
        case IN_TURN -> (int) (second / 0.7) % REPLICAS == replica ? 1 : 0;
      };
    }
  }

  private final List<ReplicaProcess> replicas;
  private final RedisCommands<String, String> redis;

  private LimitBench(List<ReplicaProcess> replicas, RedisCommands<String, String> redis) {
    this.replicas = replicas;
    this.redis = redis;
  }

  /** Prints the table; true when every bound is kept. */
  static boolean run(int windows) throws Exception {
    List<ReplicaProcess> replicas = new ArrayList<>();
    RedisClient client = null;
    try (RedisProcess redis = RedisProcess.start()) {
      for (int i = 0; i < REPLICAS; i++) {
        replicas.add(
            ReplicaProcess.named("limits")
                .env("REDIS_URL", redis.uri())
                .set("heddle.limits.rules.requests.limit", LIMIT)
                .set("heddle.limits.rules.requests.window", "5s")
                // No fault is what is asked about: a machine that is busy is none.
                .set("heddle.limits.timeout", "10s")
                .set("heddle.redis.timeout", "10s")
                .launch());
      }
      replicas.forEach(ReplicaProcess::awaitReady);
      client = RedisClient.create(redis.uri());
      LimitBench bench = new LimitBench(replicas, client.connect().sync());
      bench.warmUp();
      boolean kept = true;
      for (Spread spread : Spread.values()) {
        kept &= bench.run(spread, windows);
      }
      return kept;
    } finally {
      if (client != null) {
        client.shutdown();
      }
      replicas.forEach(ReplicaProcess::close);
    }
  }

  private void warmUp() throws IOException {
    for (ReplicaProcess replica : replicas) {
      try (HttpConnection connection = replica.connect()) {
        for (int i = 0; i < LIMIT; i++) {
          read(connection, "warm-up-" + i % 10);
        }
      }
    }
  }

  private boolean run(Spread spread, int windows) throws Exception {
    String user = spread.name().toLowerCase(Locale.ROOT);
    long asked = asked();
    AtomicBoolean over = new AtomicBoolean();
    List<Life> lives = new ArrayList<>();
    List<Answer> answers = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<List<Answer>>> readers = new ArrayList<>();
      long start = System.nanoTime();
      for (int replica = 0; replica < REPLICAS; replica++) {
        for (int i = 0; i < CONNECTIONS; i++) {
          readers.add(threads.submit(reader(spread, user, replica, start, over)));
        }
      }
      try {
        follow(user, lives, windows);
      } finally {
        over.set(true);
      }
      for (Future<List<Answer>> reader : readers) {
        answers.addAll(reader.get());
      }
    }
    return tell(spread, lives.subList(0, windows), lives, answers, asked() - asked);
  }

  /** Paced by the clock: an answer that is late does not make the rate lower. */
  private Callable<List<Answer>> reader(
      Spread spread, String user, int replica, long start, AtomicBoolean over) {
    return () -> {
      List<Answer> answers = new ArrayList<>();
      double due = 0;
      double second = 0;
      double step = 0.002;
      try (HttpConnection connection = replicas.get(replica).connect(Duration.ofSeconds(10))) {
        while (!over.get()) {
          second += step;
          due += spread.share(replica, second) * PER_SECOND * step / CONNECTIONS;
          long wait = start + (long) (second * 1e9) - System.nanoTime();
          if (wait > 0) {
            LockSupport.parkNanos(wait);
          }
          if (due >= 1) {
            due--;
            answers.add(read(connection, user));
          }
        }
      }
      return answers;
    };
  }

  private static Answer read(HttpConnection connection, String user) throws IOException {
    long sent = System.currentTimeMillis();
    HttpConnection.Answer answer =
        connection.call("GET", "/v1/limits", null, Map.of("Heddle-User", user));
    long received = System.currentTimeMillis();
    Matcher left = RATE_LIMIT.matcher(answer.headers().getOrDefault("ratelimit", ""));
    if (!left.matches() || (answer.status() != 200 && answer.status() != 429)) {
      throw new IOException("not an answer of the limits: " + answer);
    }
    long millis = 1000 * Long.parseLong(left.group(2));
    return new Answer(answer.status() == 200, sent + millis - 1000, received + millis);
  }

  /** Looks at the counter until so many of its lives have ended. */
  private void follow(String user, List<Life> lives, int windows) {
    String key = "heddle:l:{default/" + subject(user) + "}:requests";
    long giveUp = System.nanoTime() + Duration.ofSeconds(20 + 10L * windows).toNanos();
    while (lives.size() <= windows) {
      if (System.nanoTime() - giveUp > 0) {
        throw new IllegalStateException("the counter " + key + " has had " + lives + " only");
      }
      List<Object> seen = redis.eval(LOOK, ScriptOutputType.MULTI, new String[] {key});
      long count = Long.parseLong((String) seen.getFirst());
      long end = (Long) seen.getLast();
      if (end > 0) {
        if (lives.isEmpty() || lives.getLast().end != end) {
          lives.add(new Life(end));
        }
        Life life = lives.getLast();
        life.last = count;
      }
      LockSupport.parkNanos(5_000_000);
    }
  }

  private static String subject(String user) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(("user:" + user).getBytes(StandardCharsets.UTF_8));
  }

  /** How often the limiter was asked, of all users: nothing else here calls scripts. */
  private long asked() {
    Matcher calls =
        Pattern.compile("cmdstat_evalsha:calls=(\\d+)").matcher(redis.info("commandstats"));
    return calls.find() ? Long.parseLong(calls.group(1)) : 0;
  }

  private static boolean tell(
      Spread spread, List<Life> whole, List<Life> lives, List<Answer> answers, long asked) {
    long lost = 0;
    for (Answer answer : answers) {
      List<Life> own = lives.stream().filter(life -> life.has(answer)).toList();
      if (own.size() != 1) {
        lost++;
      } else if (answer.admitted) {
        own.getFirst().admitted++;
      } else {
        own.getFirst().refused++;
      }
    }
    System.out.printf(
        "%n%,d a window of 5 s, reads at %.0f a second %s, %d replicas%n%4s %9s %9s %9s %9s %16s%n",
        LIMIT,
        PER_SECOND,
        spread.text,
        REPLICAS,
        "life",
        "reads",
        "admitted",
        "refused",
        "counter",
        "refused wrongly");
    long most = 0;
    double wrongly = 0;
    for (int i = 0; i < whole.size(); i++) {
      Life life = whole.get(i);
      long wrong = Math.clamp(LIMIT - life.admitted, 0, life.refused);
      System.out.printf(
          "%4d %9d %9d %9d %9d %16d%n",
          i + 1, life.admitted + life.refused, life.admitted, life.refused, life.last, wrong);
      most = Math.max(most, life.admitted);
      wrongly = Math.max(wrongly, 100.0 * wrong / LIMIT);
    }
    System.out.printf(
        "%,d reads, %,d requests to Redis for their limits and what was given back%n",
        answers.size(), asked);
    return Bench.atMost("5i   admitted in one life of the counter", most, LIMIT)
        & Bench.atMost("5ii  refused wrongly, % of the limit", wrongly, 5)
        & Bench.atMost("     answers of no life or of two", lost, 0)
        & Bench.atMost("     requests to Redis, of 100 reads", 100.0 * asked / answers.size(), 50);
  }

  /**
   * @param from wall clock, milliseconds: its window ends no earlier
   */
  private record Answer(boolean admitted, long from, long to) {}

  private static final class Life {
    private final long end;
    private long last;
    private long admitted;
    private long refused;

    Life(long end) {
      this.end = end;
    }

    boolean has(Answer answer) {
      return end > answer.from - SLACK_MILLIS && end < answer.to + SLACK_MILLIS;
    }
  }
}
