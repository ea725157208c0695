package io.heddle.openai;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The scripts of {@code src/test/node} and the packages that its lock file names, as npm installs
 * them, in {@code target/node}. Node itself is among the packages.
 */
final class NodePackages {

  private static final Path SOURCE = Path.of("src/test/node");
  private static final Path WORK = Path.of("target/node").toAbsolutePath();
  private static final int MINUTES = 5;

  private NodePackages() {}

  record Ended(int status, String output) {}

  /** Test classes that run side by side share what is installed once. */
  static synchronized void install() throws Exception {
    copy();
    Path lock = SOURCE.resolve("package-lock.json");
    Path installed = WORK.resolve("installed.json");
    if (Files.exists(installed) && Files.mismatch(lock, installed) < 0) {
      return;
    }
    Ended ended = run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund");
    assertThat(ended.status()).as("npm ci in target/node: " + ended.output()).isZero();
    Files.copy(lock, installed, StandardCopyOption.REPLACE_EXISTING);
  }

  private static void copy() throws IOException {
    try (Stream<Path> files = Files.walk(SOURCE)) {
      for (Path file : files.filter(f -> !f.startsWith(SOURCE.resolve("node_modules"))).toList()) {
        Path there = WORK.resolve(SOURCE.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(there);
        } else {
          Files.copy(file, there, StandardCopyOption.REPLACE_EXISTING);
        }
      }
    }
  }

  /** The binary of a major version; on systems for which npm has none here, the one on the PATH. */
  static String node(int major) {
    String chip = System.getProperty("os.arch").equals("aarch64") ? "arm64" : "x64";
    Path binary = WORK.resolve("node_modules/node" + major + "-linux-" + chip + "/bin/node");
    return Files.exists(binary) ? binary.toString() : "node";
  }

  /** In {@code target/node}. */
  static Ended run(String... command) throws InterruptedException {
    return run(WORK, List.of(command));
  }

  static Ended run(Path folder, List<String> command) throws InterruptedException {
    Process process;
    try {
      process =
          new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    } catch (IOException e) {
      throw new AssertionError(
          command.getFirst() + " cannot be started; the tests need npm on the PATH (Debian: npm)",
          e);
    }
    try {
      process.getOutputStream().close();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor(MINUTES, TimeUnit.MINUTES)).isTrue();
      return new Ended(process.exitValue(), output);
    } catch (IOException e) {
      throw new AssertionError(command.getFirst() + " was cut off", e);
    } finally {
      process.destroyForcibly();
    }
  }
}
