package io.heddle.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * CPU of a server for each frame that reaches a watcher: 1,000 watchers of one session, changes of
 * 256 bytes. All servers take turns in one run; each round gives one ratio, and the median counts.
 */
final class FanoutBench {

  private static final int WATCHERS = Integer.getInteger("bench.watchers", 1_000);
  private static final int ROUNDS = Integer.getInteger("bench.rounds", 5);
  private static final Pace CALM = new Pace("20 changes a second", 1, 200, 20, 64);
  private static final Pace FLAT_OUT =
      new Pace("flat out", Pool.PUBLISHERS, Integer.getInteger("bench.changes", 1_000), 0, 64);

  private final List<Contestant> all;
  private final Child load;

  private FanoutBench(List<Contestant> all, Child load) {
    this.all = all;
    this.load = load;
  }

  /** Prints the tables; true when every bound is kept. */
  static boolean run() throws Exception {
    // The load last, so that it is closed first: it ends with an error when a server hangs up.
    try (Contestant heddle = Contestant.heddle();
        Contestant bare = Contestant.bare();
        Contestant socketIo = Contestant.socketIo();
        Contestant nchan = Contestant.nchan();
        Child load = Child.program(SocketLoad.class)) {
      FanoutBench bench = new FanoutBench(List.of(heddle, bare, socketIo, nchan), load);
      for (Contestant each : bench.all) {
        load.ask("open %s %s %d".formatted(word(each), each.watch(), WATCHERS));
      }
      for (int i = 0; i < 2; i++) {
        for (Contestant each : bench.all) {
          bench.round(each, FLAT_OUT);
        }
      }
      Map<Contestant, double[]> calm = bench.rounds(CALM);
      Map<Contestant, double[]> flatOut = bench.rounds(FLAT_OUT);
      boolean kept = true;
      kept &= atMost(CALM, calm, heddle, bare, 1.1);
      kept &= atMost(CALM, calm, heddle, socketIo, 1.2);
      kept &= atMost(FLAT_OUT, flatOut, heddle, nchan, 1.5);
      kept &= atMost(FLAT_OUT, flatOut, heddle, socketIo, 0.7);
      return kept;
    }
  }

  private Map<Contestant, double[]> rounds(Pace pace) throws IOException {
    System.out.printf(
        "%n%s, %,d watchers; server CPU in us a frame (frames a second)%n", pace.name, WATCHERS);
    Map<Contestant, double[]> cpu = new LinkedHashMap<>();
    List<String> names = new ArrayList<>();
    for (Contestant each : all) {
      cpu.put(each, new double[ROUNDS]);
      names.add("%20s".formatted(each.name()));
    }
    System.out.println("    " + String.join("", names));
    for (int i = 0; i < ROUNDS; i++) {
      StringBuilder line = new StringBuilder("%4d".formatted(i + 1));
      for (Contestant each : all) {
        Round round = round(each, pace);
        cpu.get(each)[i] = round.cpu;
        line.append("%9.2f (%,8.0f)".formatted(round.cpu, round.perSecond));
      }
      System.out.println(line);
    }
    return cpu;
  }

  private Round round(Contestant contestant, Pace pace) throws IOException {
    double before = contestant.server().cpu();
    String[] answer =
        load.ask(
                "run %s %s %d %d %d %d"
                    .formatted(
                        word(contestant),
                        contestant.publish(),
                        pace.publishers,
                        pace.changes,
                        pace.rate,
                        pace.window))
            .split(" ", -1);
    double seconds = Long.parseLong(answer[0]) / 1e9;
    long frames = Long.parseLong(answer[1]);
    return new Round((contestant.server().cpu() - before) * 1e6 / frames, frames / seconds);
  }

  private static boolean atMost(
      Pace pace, Map<Contestant, double[]> cpu, Contestant ours, Contestant other, double bound) {
    double[] ratios = new double[ROUNDS];
    Arrays.setAll(ratios, round -> cpu.get(ours)[round] / cpu.get(other)[round]);
    return Bench.atMost(
        "CPU a frame, ours / %s, %s".formatted(other.name(), pace.name),
        Bench.median(ratios),
        bound);
  }

  private static String word(Contestant contestant) {
    return contestant.name().replace(" ", "-");
  }

  private record Pace(String name, int publishers, int changes, int rate, int window) {}

  private record Round(double cpu, double perSecond) {}
}
