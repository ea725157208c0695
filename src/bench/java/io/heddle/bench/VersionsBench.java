package io.heddle.bench;

import io.heddle.HeddleApplication;
import io.heddle.testing.HttpConnection;
import io.heddle.testing.RedisProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Appends, reads, pushes, fan-out and turns of this version next to those of another one's jar
 * ({@code -Dbench.other}), in turns. {@code -Dbench.this} takes this version from its jar too,
 * without the libraries of the tests; {@code -Dbench.parts} takes some of append, read, push, turn.
 * Each version has a Redis and two replicas of its own.
 *
 * <p>All of it is done twice, with new processes that start in the opposite order: two processes of
 * one jar differ by up to a fifth for as long as they live, and so would the versions. Next to the
 * ratio stands how far equals are apart: two runs of one process of the other version, or what the
 * two sets of processes say. What is less than that is no difference.
 */
final class VersionsBench {

  /** With each set of processes. */
  private static final int PAIRS = 3;

  private static final int SETS = 2;
  private static final List<String> PARTS =
      List.of(System.getProperty("bench.parts", "append,read,push,turn").split(",", -1));
  private static final double MOST = 1.05;
  private static final String WATCHED = "bench-versions";
  private static final int APPENDS = 24_000;
  private static final int READS = 50_000;
  private static final int SESSIONS = 500;
  private static final int READ_SESSIONS = 100;
  private static final int WATCHERS = 500;
  private static final int CHANGES = 160;
  private static final int RATE = 20;

  /** At once: the CPU of fewer is a few ticks of the clock, which say nothing. */
  private static final int TURNS = 100;

  /** One figure of a round, by its name; smaller is better. */
  private interface Round {
    Map<String, Double> run(Side side) throws IOException;
  }

  private record Side(RedisProcess redis, Child written, Child watched, Child load)
      implements AutoCloseable {

    double store() throws IOException {
      return Child.cpu(redis.pid());
    }

    @Override
    public void close() {
      load.close();
      watched.close();
      written.close();
      redis.close();
    }
  }

  private VersionsBench() {}

  /** Prints the table; true when nothing is slower by more than 5 % and the spread of equals. */
  static boolean run() throws IOException {
    String jar = System.getProperty("bench.other", "");
    if (jar.isBlank()) {
      System.out.println("-Dbench.other must name the jar of another version");
      return false;
    }
    Map<String, List<double[]>> pairs = new LinkedHashMap<>();
    for (int set = 0; set < SETS; set++) {
      measure(jar, set % 2 == 0, pairs);
    }
    boolean kept = true;
    for (Map.Entry<String, List<double[]>> figure : pairs.entrySet()) {
      kept &= tell(figure.getKey(), figure.getValue());
    }
    return kept;
  }

  /**
   * @param oursFirst whether the processes of this version start first
   */
  private static void measure(String jar, boolean oursFirst, Map<String, List<double[]>> pairs)
      throws IOException {
    String mine = System.getProperty("bench.this", "");
    try (RedisProcess models = RedisProcess.start();
        Child model = Child.server(ModelServer.class, models.uri());
        Side one = side(oursFirst ? mine : jar, model);
        Side two = side(oursFirst ? jar : mine, model);
        Child load = Child.program(Load.class);
        Child turns = Child.program(TurnLoad.class)) {
      Side ours = oursFirst ? one : two;
      Side other = oursFirst ? two : one;
      if (PARTS.contains("append")) {
        compare(ours, other, 3, side -> appends(side, load), pairs);
      }
      if (PARTS.contains("read")) {
        compare(ours, other, 3, side -> reads(side, load), pairs);
      }
      // A round is few changes: after one, much of its code is still being compiled.
      if (PARTS.contains("push")) {
        compare(ours, other, 5, VersionsBench::pushes, pairs);
      }
      if (PARTS.contains("turn")) {
        compare(ours, other, 5, side -> turns(side, turns), pairs);
      }
    }
  }

  private static Side side(String jar, Child model) throws IOException {
    RedisProcess redis = RedisProcess.start();
    List<String> all = new ArrayList<>(Child.UNLIMITED);
    all.add("--heddle.session.max-session=1GB");
    all.add("--heddle.upstreams.bench.base-url=http://127.0.0.1:" + model.port() + "/v1");
    all.add("--heddle.upstreams.bench.models=bench");
    all.add("--heddle.upstreams.bench.max-connections=2000");
    String[] settings = all.toArray(String[]::new);
    Child written = server(jar, redis, settings);
    Child watched = server(jar, redis, settings);
    try (HttpConnection http = new HttpConnection(written.port(), Duration.ofSeconds(10))) {
      http.call("PUT", "/v1/sessions/" + WATCHED, "{}", Map.of());
    }
    Child sockets = Child.program(SocketLoad.class);
    sockets.ask(
        "open heddle HEDDLE %d /v1/socket?watch=%s %d"
            .formatted(watched.port(), WATCHED, WATCHERS));
    return new Side(redis, written, watched, sockets);
  }

  private static Child server(String jar, RedisProcess redis, String... settings)
      throws IOException {
    return jar.isBlank()
        ? Child.server(HeddleApplication.class, redis.uri(), settings)
        : Child.jar(Path.of(jar), redis.uri(), settings);
  }

  private static void compare(
      Side ours, Side other, int warmUps, Round round, Map<String, List<double[]>> pairs)
      throws IOException {
    for (int i = 0; i < warmUps; i++) {
      round.run(ours);
      round.run(other);
    }
    for (int i = 0; i < PAIRS; i++) {
      // Who comes first changes: what a run leaves behind would else always be the other's.
      boolean first = i % 2 == 0;
      Map<String, Double> one = round.run(first ? ours : other);
      Map<String, Double> two = round.run(first ? other : ours);
      Map<String, Double> mine = new TreeMap<>(first ? one : two);
      Map<String, Double> theirs = first ? two : one;
      mine.forEach((name, figure) ->
          pairs
              .computeIfAbsent(name, _ -> new ArrayList<>())
              .add(new double[] {figure, theirs.get(name)}));
    }
  }

  private static boolean tell(String name, List<double[]> pairs) {
    double[] ratios = new double[SETS];
    for (int set = 0; set < SETS; set++) {
      ratios[set] =
          Bench.median(set(pairs, set).stream().mapToDouble(pair -> pair[0] / pair[1]).toArray());
    }
    double ratio = Math.sqrt(ratios[0] * ratios[1]);
    // What one set says more than the other is the processes', not the versions'.
    double spread = Math.max(withinOne(pairs), Math.abs(ratios[0] - ratios[1]) / 2);
    boolean kept = ratio <= MOST || ratio - 1 <= spread;
    System.out.printf(
        "%-42s this %9.1f  other %9.1f  ratio %5.3f  equals differ by %5.3f  %s%n",
        name,
        Bench.median(pairs.stream().mapToDouble(pair -> pair[0]).toArray()),
        Bench.median(pairs.stream().mapToDouble(pair -> pair[1]).toArray()),
        ratio,
        spread,
        kept ? "OK" : "MISSED");
    return kept;
  }

  private static List<double[]> set(List<double[]> pairs, int set) {
    return pairs.subList(set * PAIRS, (set + 1) * PAIRS);
  }

  /** How far runs of the other version in the same process are apart. */
  private static double withinOne(List<double[]> pairs) {
    List<Double> apart = new ArrayList<>();
    for (int set = 0; set < SETS; set++) {
      List<double[]> its = set(pairs, set);
      for (int i = 1; i < PAIRS; i++) {
        apart.add(Math.abs(its.get(i)[1] / its.get(i - 1)[1] - 1));
      }
    }
    return apart.isEmpty()
        ? 0
        : Bench.median(apart.stream().mapToDouble(Double::doubleValue).toArray());
  }

  private static Map<String, Double> appends(Side side, Child load) throws IOException {
    load.ask("create " + side.written.port() + " " + SESSIONS);
    double server = side.written.cpu();
    double store = side.store();
    Child.Pace pace =
        load.pace(
            "append %d /v1/sessions %d 64 %d".formatted(side.written.port(), SESSIONS, APPENDS));
    return Map.of(
        "append: server CPU, us", (side.written.cpu() - server) * 1e6 / APPENDS,
        "append: Redis CPU, us", (side.store() - store) * 1e6 / APPENDS,
        "append: wall clock, us", pace.seconds() * 1e6 / APPENDS);
  }

  private static Map<String, Double> reads(Side side, Child load) throws IOException {
    load.ask("create " + side.written.port() + " " + READ_SESSIONS);
    double server = side.written.cpu();
    Child.Pace pace =
        load.pace(
            "get %d /v1/sessions %d 64 %d".formatted(side.written.port(), READ_SESSIONS, READS));
    return Map.of(
        "cached read: server CPU, us", (side.written.cpu() - server) * 1e6 / READS,
        "cached read: wall clock, us", pace.seconds() * 1e6 / READS);
  }

  private static Map<String, Double> pushes(Side side) throws IOException {
    double server = side.watched.cpu();
    String[] answer =
        side.load
            .ask(
                "run heddle HEDDLE %d /v1/sessions/%s/messages 1 %d %d 64"
                    .formatted(side.written.port(), WATCHED, CHANGES, RATE))
            .split(" ", -1);
    return Map.of(
        "fan-out: server CPU a frame, us",
        (side.watched.cpu() - server) * 1e6 / Long.parseLong(answer[1]),
        "push: append to frame, p50, us",
        Double.parseDouble(answer[3]),
        "push: append to frame, p99, us",
        Double.parseDouble(answer[4]));
  }

  private static Map<String, Double> turns(Side side, Child load) throws IOException {
    double server = side.written.cpu();
    String[] micros =
        load.ask(side.written.port() + " /v1/sessions/#/turns " + TURNS + " 100 25").split(" ", -1);
    return Map.of(
        "turn: first token, p50, us", Double.parseDouble(micros[0]),
        "turn: whole answer, p50, us", Double.parseDouble(micros[2]),
        "turn: server CPU a turn, us", (side.written.cpu() - server) * 1e6 / TURNS);
  }
}
