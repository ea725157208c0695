package io.heddle.bench;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What an idle watcher keeps of a server's memory, at 10,000 of them: resident, and live on the
 * heap after a collection. Some watchers come and go first, so that what a server takes once is not
 * counted as theirs.
 */
final class MemoryBench {

  private static final int WATCHERS = 10_000;
  private static final int FIRST = 2_000;
  private static final Pattern USED = Pattern.compile("total (\\d+)K, used (\\d+)K");
  private static final Pattern NODE_USED = Pattern.compile("\"heapUsed\":(\\d+)");

  private MemoryBench() {}

  /** Prints the table; true when the bound is kept. */
  static boolean run() throws Exception {
    System.out.printf("%,d idle watchers, bytes each: resident, live heap%n", WATCHERS);
    double ours;
    try (Contestant heddle = Contestant.heddle()) {
      ours = measure(heddle, MemoryBench::javaHeap);
    }
    try (Contestant bare = Contestant.bare()) {
      measure(bare, MemoryBench::javaHeap);
    }
    try (Contestant socketIo = Contestant.socketIo()) {
      measure(socketIo, MemoryBench::nodeHeap);
    }
    try (Contestant nchan = Contestant.nchan()) {
      measure(nchan, null);
    }
    return Bench.atMost("KB resident of an idle watcher", ours / 1024, 16);
  }

  private static double measure(Contestant contestant, @Nullable Heap heap) throws Exception {
    try (Child load = Child.program(SocketLoad.class)) {
      load.ask("open first %s %d".formatted(contestant.watch(), FIRST));
      load.ask("close first");
      settle();
      long heapBefore = heap == null ? 0 : heap.live(contestant.server());
      long before = contestant.server().resident();
      load.ask("open idle %s %d".formatted(contestant.watch(), WATCHERS));
      settle();
      long after = contestant.server().resident();
      long live = heap == null ? 0 : heap.live(contestant.server()) - heapBefore;
      double each = (double) (after - before) / WATCHERS;
      System.out.printf(
          "%-12s %8.0f %8s%n",
          contestant.name(), each, heap == null ? "-" : Long.toString(live / WATCHERS));
      return each;
    }
  }

  /** Until what the connections began has ended. */
  private static void settle() throws InterruptedException {
    TimeUnit.SECONDS.sleep(3);
  }

  private static long javaHeap(Child server) throws IOException {
    jcmd(server, "GC.run");
    Matcher used = USED.matcher(jcmd(server, "GC.heap_info"));
    long sum = 0;
    while (used.find()) {
      sum += Long.parseLong(used.group(2)) * 1024;
    }
    return sum;
  }

  private static String jcmd(Child server, String command) throws IOException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                Long.toString(server.pid()),
                command)
            .redirectErrorStream(true)
            .start();
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }

  private static long nodeHeap(Child server) throws IOException {
    URI memory = URI.create("http://127.0.0.1:" + server.port() + "/memory");
    try (InputStream in = memory.toURL().openStream()) {
      String answer = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      Matcher used = NODE_USED.matcher(answer);
      if (!used.find()) {
        throw new IOException(answer);
      }
      return Long.parseLong(used.group(1));
    }
  }

  private interface Heap {

    /** Bytes of the heap that are live, after a collection. */
    long live(Child server) throws IOException;
  }
}
