package io.heddle.embedded;

import io.heddle.bench.Bench;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Appends a second of the embedded engine with its file, next to the same engine in RAM. */
public final class EmbeddedBench {

  private static final int PAIRS = 5;
  private static final String SESSIONS = "1000";
  private static final String CLIENTS = "64";
  private static final String APPENDS = "20032";

  private EmbeddedBench() {}

  /** Prints each pair and the median ratio; true when the bound is kept. */
  public static boolean run() throws IOException, InterruptedException {
    Path folder = Files.createTempDirectory("heddle-embedded-bench");
    double[] ratios = new double[PAIRS];
    for (int pair = 0; pair < PAIRS; pair++) {
      Path file = folder.resolve("pair-" + pair + ".mv");
      double inFile = appends(file.toString());
      double inRam = appends("");
      Files.deleteIfExists(file);
      ratios[pair] = inFile / inRam;
      System.out.printf(
          "%d  file %.0f/s  RAM %.0f/s  %.2f%n", pair + 1, inFile, inRam, ratios[pair]);
    }
    Files.delete(folder);
    return Bench.atLeast("5   appends/s, file / RAM", Bench.median(ratios), 0.5);
  }

  private static double appends(String path) throws IOException, InterruptedException {
    Process child =
        new ProcessBuilder(
                List.of(
                    ProcessHandle.current().info().command().orElse("java"),
                    "-Xmx512m",
                    "-cp",
                    System.getProperty("java.class.path"),
                    AppendsPerSecond.class.getName(),
                    path,
                    "PROCESS",
                    SESSIONS,
                    CLIENTS,
                    APPENDS))
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String said = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (child.waitFor() != 0) {
      throw new IllegalStateException("the measured process failed: " + said);
    }
    return Double.parseDouble(said.lines().reduce((first, last) -> last).orElseThrow());
  }
}
