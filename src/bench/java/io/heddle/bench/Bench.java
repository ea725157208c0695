package io.heddle.bench;

import io.heddle.embedded.EmbeddedBench;
import io.heddle.redis.AppendCpuBench;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** {@code ./mvnw -q -Pbench -Dbench=<name>}: runs one of the programs by its name. */
public final class Bench {

  private Bench() {}

  public static void main(String[] args) throws Exception {
    // The build fails on this file: of an exit status it would print a stack.
    String file = System.getProperty("bench.missed");
    Path missed = file == null ? null : Path.of(file);
    if (missed != null) {
      Files.deleteIfExists(missed);
    }
    String name = args.length == 0 ? "list" : args[0];
    boolean kept =
        switch (name) {
          case "append-cpu" -> AppendCpuBench.run();
          case "http" -> HttpBench.run();
          case "chat" -> ChatBench.run();
          case "reads" -> ReadBench.run();
          case "embedded" -> EmbeddedBench.run();
          case "limits" -> LimitBench.run(Integer.getInteger("bench.windows", 6));
          case "push" -> PushBench.run();
          case "fanout" -> FanoutBench.run();
          case "watchers" -> MemoryBench.run();
          case "turns" -> TurnBench.run();
          case "versions" -> VersionsBench.run();
          default -> {
            System.out.println("-Dbench=append-cpu: Redis CPU of an append, next to plain scripts");
            System.out.println("-Dbench=http: appends over HTTP, next to plain handlers");
            System.out.println("-Dbench=reads: cached reads over HTTP, next to a plain handler");
            System.out.println(
                "-Dbench=chat: stateless chat completions, next to a handler that passes through"
                    + " and Portkey's gateway");
            System.out.println("-Dbench=embedded: appends with a file, next to the same in RAM");
            System.out.println(
                "-Dbench=limits: three replicas, one limit, reads at three times it");
            System.out.println(
                "-Dbench=push: a change to its frame on another replica, next to Redis");
            System.out.println(
                "-Dbench=fanout: CPU of a frame, next to bare Netty, socket.io and nchan");
            System.out.println("-Dbench=watchers: memory of an idle watcher, next to the same");
            System.out.println(
                "-Dbench=turns: streamed turns, next to a handler that passes through");
            System.out.println(
                "-Dbench=versions -Dbench.other=<jar>: all of these, next to another version");
            yield name.equals("list");
          }
        };
    if (!kept && missed != null) {
      Files.createFile(missed);
    }
    System.exit(kept ? 0 : 1);
  }

  /** The middle one of an odd number of values. */
  public static double median(double... values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  /** Prints a figure next to its bound; true when it is kept. */
  public static boolean atMost(String what, double figure, double bound) {
    return tell(what, figure, "at most", bound, figure <= bound);
  }

  /** Prints a figure next to its bound; true when it is kept. */
  public static boolean atLeast(String what, double figure, double bound) {
    return tell(what, figure, "at least", bound, figure >= bound);
  }

  private static boolean tell(
      String what, double figure, String relation, double bound, boolean kept) {
    System.out.printf(
        "%-60s %6.2f  %s %.2f  %s%n", what, figure, relation, bound, kept ? "OK" : "MISSED");
    return kept;
  }
}
