package io.heddle.bench;

import io.heddle.testing.RedisProcess;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * Appends over HTTP at 64 connections, in turn on Heddle and on each of {@link PlainServer}'s
 * handlers, every server with a Redis of its own; both read their connections in the same way
 * ({@code KeepAliveReads}). Each pair but the first gives one ratio; their median counts, so that
 * what else the machine does falls on both.
 */
final class HttpBench {

  private static final int PAIRS = 5;
  private static final int CONNECTIONS = 64;
  private static final int APPENDS = Integer.getInteger("bench.appends", 15_000);
  private static final int WARM_UP = Integer.getInteger("bench.warm-up", 40_000);

  private final Child load;

  private HttpBench(Child load) {
    this.load = load;
  }

  /** Prints the tables; true when every bound is kept. */
  static boolean run() throws IOException {
    try (RedisProcess ourRedis = RedisProcess.start();
        RedisProcess plainRedis = RedisProcess.start();
        Child load = Child.program(Load.class);
        Child heddle = Child.heddle(ourRedis.uri(), "--heddle.session.max-session=1GB");
        Child plain =
            Child.server(
                PlainServer.class,
                plainRedis.uri(),
                "--plain.keep-alive-reads=true",
                "--management.endpoint.health.validate-group-membership=false")) {
      Target ours = new Target(heddle, ourRedis, "/v1/sessions");
      Target bare = new Target(plain, plainRedis, "/v1/sessions");
      Target locked = new Target(plain, plainRedis, "/lock/v1/sessions");
      HttpBench bench = new HttpBench(load);
      boolean kept = true;
      for (int sessions : new int[] {1_000, 1}) {
        load.ask("create " + heddle.port() + " " + sessions);
        bench.appends(ours, sessions, WARM_UP);
        bench.appends(bare, sessions, WARM_UP);
        // Of a lock that all stand in line for, few a second can be had.
        int few = sessions == 1 ? APPENDS / 5 : APPENDS;
        bench.appends(locked, sessions, few);
        kept &= bench.compareSpeed(ours, bare, sessions);
        kept &= bench.compareCpu(ours, locked, sessions, few);
      }
      return kept;
    }
  }

  private boolean compareSpeed(Target ours, Target bare, int sessions) throws IOException {
    List<Pair> pairs = pairs("bare handler", ours, bare, sessions, APPENDS);
    return Bench.atLeast(
        "7i  appends/s, ours / bare handler" + where(sessions),
        median(pairs, pair -> pair.ours.perSecond() / pair.other.perSecond()),
        sessions == 1 ? 0.6 : 0.7);
  }

  private boolean compareCpu(Target ours, Target locked, int sessions, int few) throws IOException {
    List<Pair> pairs = pairs("lock handler", ours, locked, sessions, few);
    return Bench.atLeast(
        "7ii appends/CPU-second, ours / lock handler" + where(sessions),
        median(pairs, pair -> pair.other.stored() / pair.ours.stored()),
        sessions == 1 ? 4 : 2);
  }

  private List<Pair> pairs(String name, Target ours, Target other, int sessions, int count)
      throws IOException {
    System.out.printf(
        "%n%,d session(s), next to the %s; CPU in us an append: server, Redis, load%n%4s %9s %24s"
            + " %9s %24s%n",
        sessions, name, "", "ours/s", "CPU", "other/s", "CPU");
    List<Pair> pairs = new ArrayList<>();
    for (int i = 0; i <= PAIRS; i++) {
      Pair pair = new Pair(appends(ours, sessions, APPENDS), appends(other, sessions, count));
      // Of the first pair neither JVM has compiled for what this comparison does: it is not
      // counted.
      System.out.printf("%4s %s %s%n", i == 0 ? "warm" : i, pair.ours, pair.other);
      if (i > 0) {
        pairs.add(pair);
      }
    }
    return pairs;
  }

  private Figures appends(Target target, int sessions, int count) throws IOException {
    double server = Child.cpu(target.server.pid());
    double redis = Child.cpu(target.redis.pid());
    double own = Child.cpu(load.pid());
    Child.Pace pace =
        load.pace(
            "append %d %s %d %d %d"
                .formatted(target.server.port(), target.path, sessions, CONNECTIONS, count));
    return new Figures(
        count / pace.seconds(),
        (Child.cpu(target.server.pid()) - server) * 1e6 / count,
        (Child.cpu(target.redis.pid()) - redis) * 1e6 / count,
        (Child.cpu(load.pid()) - own) * 1e6 / count);
  }

  private static double median(List<Pair> pairs, ToDoubleFunction<Pair> figure) {
    return Bench.median(pairs.stream().mapToDouble(figure).toArray());
  }

  private static String where(int sessions) {
    return sessions == 1 ? ", one session" : ", %,d sessions".formatted(sessions);
  }

  private record Target(Child server, RedisProcess redis, String path) {}

  private record Pair(Figures ours, Figures other) {}

  /** CPU in microseconds of one append. */
  private record Figures(double perSecond, double server, double redis, double load) {

    /** What an append costs where it is served and stored. */
    double stored() {
      return server + redis;
    }

    @Override
    public String toString() {
      return "%9.0f %8.0f %7.0f %7.0f".formatted(perSecond, server, redis, load);
    }
  }
}
