package io.heddle.openai;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.openai.NodePackages.Ended;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The clients of {@code src/test/clients}: Maven compiles each with its own class path in {@code
 * target/clients}, and each runs in a JVM of its own.
 */
final class JavaClients {

  private static final Path SOURCE = Path.of("src/test/clients").toAbsolutePath();
  private static final Path WORK = Path.of("target/clients").toAbsolutePath();

  private JavaClients() {}

  /** With the settings of the build that runs this test, where there is one. */
  static void install() throws Exception {
    List<String> command = new ArrayList<>(List.of(maven(), "-B", "-q", "-f", "pom.xml"));
    command.add("-Doutput=" + WORK);
    option(command, "stock.maven.repository", "-Dmaven.repo.local=");
    option(command, "stock.maven.settings", "--settings=");
    if (System.getProperty("stock.maven.offline", "").endsWith("true")) {
      command.add("--offline");
    }
    command.add("process-classes");
    Ended ended = NodePackages.run(SOURCE, command);
    assertThat(ended.status()).as("Maven in src/test/clients: " + ended.output()).isZero();
  }

  private static String maven() {
    String home = System.getProperty("stock.maven.home", "");
    return home.isEmpty() ? "mvn" : Path.of(home, "bin", "mvn").toString();
  }

  private static void option(List<String> command, String property, String option) {
    String value = System.getProperty(property, "").replaceFirst("^file:", "");
    if (!value.isEmpty() && Files.exists(Path.of(value))) {
      command.add(option + value);
    }
  }

  /** The main class is the only one of its file beside those inside it. */
  static Ended run(String name, String main, String... urls) throws Exception {
    Path module = WORK.resolve(name);
    String classPath =
        module.resolve("classes") + ":" + Files.readString(module.resolve("class-path")).strip();
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xmx256m",
                "-cp",
                classPath,
                "io.heddle.clients." + main));
    command.addAll(List.of(urls));
    return NodePackages.run(WORK, command);
  }
}
