package io.heddle.bench;

/**
 * How long a change takes from its append on one replica to its frame at each of 1,000 watchers on
 * another, next to what Redis takes from PUBLISH to message in the same run. One process appends,
 * watches and subscribes, so one clock measures all of it.
 */
final class PushBench {

  private static final int WATCHERS = Integer.getInteger("bench.watchers", 1_000);
  private static final int RATE = 20;
  private static final int WARM_UP = 600;
  private static final int CHANGES = 600;

  private PushBench() {}

  /** Prints both; no bound is set. */
  static boolean run() throws Exception {
    try (Contestant heddle = Contestant.heddle();
        Child load = Child.program(SocketLoad.class)) {
      load.ask("open heddle %s %d".formatted(heddle.watch(), WATCHERS));
      changes(load, heddle, WARM_UP);
      load.ask("raw " + heddle.redis().port() + " " + RATE);
      String[] ours = changes(load, heddle, CHANGES);
      String[] raw = load.ask("raw-end").split(" ", -1);
      System.out.printf(
          "%,d watchers, %d changes a second, milliseconds%n%-45s %8s %8s%n",
          WATCHERS, RATE, "", "p50", "p99");
      print("append on A to frame on B, every watcher", ours[3], ours[4]);
      print("Redis, PUBLISH to message", raw[0], raw[1]);
      return true;
    }
  }

  private static String[] changes(Child load, Contestant heddle, int count) throws Exception {
    return load.ask("run heddle %s 1 %d %d 64".formatted(heddle.publish(), count, RATE))
        .split(" ", -1);
  }

  private static void print(String what, String p50, String p99) {
    System.out.printf(
        "%-45s %8.2f %8.2f%n", what, Integer.parseInt(p50) / 1e3, Integer.parseInt(p99) / 1e3);
  }
}
