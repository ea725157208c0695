package io.heddle;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.TestRedis;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The commands of the pages, against real servers. A block {@code sh run} must succeed, and answer
 * what the block below it shows; one {@code sh run follow} goes on for ever, and is ended when it
 * has shown that. Blocks of a page share their variables. Port 8080 is an embedded server; 18081
 * and 18082 are two replicas on one Redis.
 *
 * <p>Needs {@code bash} and curl 7.82 or newer.
 */
class PageCommandsIT {

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** A block that is run, and the one right below it, if it is no command. */
  private static final Pattern BLOCK =
      Pattern.compile(
          "(?ms)^```sh run( follow)?\\n(.*?)^```\\n(?:\\n?```(?!sh)[a-z]*\\n(.*?)^```\\n)?");

  private static final String ANYTHING = "…";

  private static Server embedded;
  private static Server one;
  private static Server two;

  private record Command(String script, boolean follows, @Nullable String output) {}

  @BeforeAll
  static void start() {
    embedded = Server.start("heddle.embedded.path=");
    String redis = "spring.data.redis.url=" + TestRedis.uri(PageCommandsIT.class);
    one = Server.start(redis);
    two = Server.start(redis);
  }

  @AfterAll
  static void stop() {
    embedded.close();
    one.close();
    two.close();
  }

  static List<Path> pages() {
    return Pages.all().stream().filter(page -> !commands(page).isEmpty()).toList();
  }

  @Test
  void thePagesHaveCommands() {
    assertThat(pages()).contains(Path.of("README.md"), Path.of("src/docs/tour.md"));
    assertThat(pages().stream().mapToInt(page -> commands(page).size()).sum()).isGreaterThan(20);
  }

  @ParameterizedTest
  @MethodSource("pages")
  void theCommandsOfAPageDoWhatItShows(Path page, @TempDir Path directory) throws Exception {
    for (Command command : commands(page)) {
      if (command.follows()) {
        follow(command, directory);
      } else {
        run(command, directory);
      }
    }
  }

  private static void run(Command command, Path directory) throws Exception {
    Path output = directory.resolve("output");
    Process process = start(command, directory, output);
    boolean ended = process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    end(process);

    String shown = Files.readString(output);
    assertThat(ended).as("%s\nends; it has said\n%s", command.script(), shown).isTrue();
    assertThat(process.exitValue()).as("%s\nsays\n%s", command.script(), shown).isZero();
    if (command.output() != null) {
      assertThat(plain(shown)).as(command.script()).matches(pattern(command.output()));
    }
  }

  private static void follow(Command command, Path directory) throws Exception {
    Path output = directory.resolve("output");
    Process process = start(command, directory, output);
    Pattern pattern = pattern(command.output() == null ? "" : command.output());
    try {
      Awaitility.await(command.script())
          .atMost(PATIENCE)
          .untilAsserted(() ->
              assertThat(plain(Files.readString(output)))
                  .matches(text -> pattern.matcher(text).lookingAt(), pattern.pattern()));
      assertThat(process.isAlive()).as("%s\ngoes on", command.script()).isTrue();
    } finally {
      end(process);
    }
  }

  /** With the variables that earlier blocks of the page have set, which have small letters. */
  private static Process start(Command command, Path directory, Path output) throws IOException {
    String script =
        command
            .script()
            .replace("localhost:8080", "localhost:" + embedded.port())
            .replace("localhost:18081", "localhost:" + one.port())
            .replace("localhost:18082", "localhost:" + two.port());
    String whole =
        "[ ! -e variables ] || . ./variables\nset -euo pipefail\n"
            + script
            + "\n"
            + "for name in $(compgen -v | grep '^[a-z]'); do declare -p $name; done > variables\n";
    return new ProcessBuilder("bash", "-c", whole)
        .directory(directory.toFile())
        .redirectErrorStream(true)
        .redirectOutput(output.toFile())
        .start();
  }

  private static void end(Process process) throws InterruptedException {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
    process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  private static List<Command> commands(Path page) {
    List<Command> commands = new ArrayList<>();
    Matcher block = BLOCK.matcher(Pages.text(page));
    while (block.find()) {
      commands.add(new Command(block.group(2), block.group(1) != null, block.group(3)));
    }
    return commands;
  }

  /** Three dots stand for anything. */
  private static Pattern pattern(String shown) {
    return Pattern.compile(
        Stream.of(plain(shown).split(ANYTHING, -1))
            .map(Pattern::quote)
            .collect(Collectors.joining("[\\s\\S]*?")));
  }

  /** Without what is another one in each run. */
  private static String plain(String text) {
    return text.replace("\r", "")
        .replaceAll("\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z", "<time>")
        .replaceAll("\\b(msg|trn|resp|conv)_[\\w-]+", "<$1>")
        .replaceAll("\\bchatcmpl-\\w+", "<completion>")
        .replaceAll("\\b\\d+-[a-z0-9]{20,}\\b", "<token>")
        .replaceAll("\\b(\\d+)-[a-z0-9]{8}\\b", "$1-<tag>")
        .replaceAll(
            "\"(created|created_at|remaining|resetSeconds|retryAfter)\":\\d+", "\"$1\":<number>")
        .replaceAll("(?m)^(retry|Content-Length): \\d+", "$1: <number>")
        .replaceAll("\\b([rt])=\\d+", "$1=<number>")
        .strip();
  }
}
