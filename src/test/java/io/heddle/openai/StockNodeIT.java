package io.heddle.openai;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.TestRedis;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * The stock Node client against two replicas on one Redis: {@code src/test/node/stock.mjs}, with
 * the client as npm installs it.
 */
class StockNodeIT {

  private static final Path SOURCE = Path.of("src/test/node");
  private static final Path WORK = Path.of("target/node");
  private static final int MINUTES = 5;

  @Test
  void everyCallIsAnsweredAsItShouldBe() throws Exception {
    install();
    try (Replica one = Replica.redis(TestRedis.uri(StockNodeIT.class));
        Replica two = Replica.redis(TestRedis.uri(StockNodeIT.class))) {
      Ended ended = run("node", "stock.mjs", one.url(), two.url());
      System.out.println(ended.output().strip());
      assertThat(ended.status()).as(ended.output()).isZero();
    }
  }

  private static void install() throws Exception {
    Files.createDirectories(WORK);
    for (String name : List.of("package.json", "package-lock.json", "stock.mjs")) {
      Files.copy(SOURCE.resolve(name), WORK.resolve(name), StandardCopyOption.REPLACE_EXISTING);
    }
    Ended ended = run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund");
    assertThat(ended.status()).as("npm ci in target/node: " + ended.output()).isZero();
  }

  private record Ended(int status, String output) {}

  private static Ended run(String... command) throws InterruptedException {
    Process process;
    try {
      process =
          new ProcessBuilder(command).directory(WORK.toFile()).redirectErrorStream(true).start();
    } catch (IOException e) {
      throw new AssertionError(
          "This test needs node 18 or newer and npm on the PATH (Debian: nodejs npm); "
              + command[0]
              + " cannot be started",
          e);
    }
    try {
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor(MINUTES, TimeUnit.MINUTES)).isTrue();
      return new Ended(process.exitValue(), output);
    } catch (IOException e) {
      throw new AssertionError(command[0] + " was cut off", e);
    } finally {
      process.destroyForcibly();
    }
  }
}
