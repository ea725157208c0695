package io.heddle.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.RandomIds;
import io.heddle.base.SessionKey;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.Message;
import io.heddle.session.NewMessage;
import io.heddle.session.Outcome;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.StoreLimits;
import io.heddle.session.ThreadPage;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.LongStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The engine's process is killed with -9 while clients append.
 *
 * <p>MVStore as it is opened by default lost 40 % of what had been answered: it commits in the
 * background. And with space used again at once, the newest chunk could be missed after a kill
 * between a chunk and the file's header. What was answered since stands in the journal alone.
 */
class KillIT {

  private static final Logger log = LoggerFactory.getLogger(KillIT.class);

  private static final int KILLS = 10;
  private static final int APPENDS = 20_000;

  @TempDir Path directory;

  @Test
  void whatWasAnsweredIsThereAfterEveryKillAndTheFileStaysSmall() throws Exception {
    Random random = new Random();
    Path file = directory.resolve("heddle.mv");
    Map<String, Set<String>> answered = new HashMap<>();
    KilledTurns turns = new KilledTurns();
    int total = 0;
    for (int run = 1; run <= KILLS; run++) {
      int until = 500 + random.nextInt(2 * APPENDS / KILLS - 1000);
      total += killed(file, "r" + run, until, run % 2 == 0 ? 0 : Compaction.SLACK, answered, turns);
      check(file, answered, turns);
    }
    log.info("{} appends answered in {} runs, each killed; 0 of them lost", total, KILLS);
    log.info(
        "{} flushes answered meanwhile, {} turns ended; 0 lost", turns.flushes(), turns.ends());

    Process last = start(file, "last", Math.max(1000, APPENDS - total), Compaction.SLACK);
    try (BufferedReader lines = last.inputReader(StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); !"done".equals(line); line = lines.readLine()) {
        assertThat(line).isNotNull();
        if (!turns.note(line)) {
          note(line, answered);
          total++;
        }
      }
      // A checkpoint between the copies of the two files would be a loss that no kill can make.
      signal(last, "STOP");
      long live = check(file, answered, turns);
      signal(last, "CONT");
      long bound = 3 * live + (64L << 20);
      log.info("file and journal {} KiB, live {} KiB", size(file) >> 10, live >> 10);
      Awaitility.await()
          .atMost(Duration.ofMinutes(1))
          .untilAsserted(() -> assertThat(size(file)).isLessThanOrEqualTo(bound));
    } finally {
      last.destroyForcibly().waitFor();
    }
    assertThat(total).isGreaterThanOrEqualTo(APPENDS);
    check(file, answered, turns);
  }

  /** Kills the clients at a moment of their own; how many appends had been answered. */
  private static int killed(
      Path file,
      String run,
      int until,
      long slack,
      Map<String, Set<String>> answered,
      KilledTurns turns)
      throws IOException, InterruptedException {
    Process clients = start(file, run, Integer.MAX_VALUE, slack);
    int count = 0;
    try (BufferedReader lines = clients.inputReader(StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (turns.note(line)) {
          continue;
        }
        note(line, answered);
        count++;
        if (count == until) {
          // Not the process's own destroyForcibly: that would close its output before it is read.
          clients.toHandle().destroyForcibly();
        }
      }
    }
    assertThat(clients.waitFor()).as("killed, not ended").isEqualTo(137);
    return count;
  }

  private static Process start(Path file, String run, int appends, long slack) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx256m",
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-cp",
            System.getProperty("java.class.path"),
            KilledClients.class.getName(),
            file.toString(),
            run,
            Integer.toString(appends),
            Long.toString(slack))
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  private static void signal(Process process, String name)
      throws IOException, InterruptedException {
    String[] kill = {"sh", "-c", "kill -" + name + " " + process.pid()};
    assertThat(new ProcessBuilder(kill).start().waitFor()).isZero();
  }

  /** A line may be cut short by the kill; its append was answered then, but nobody was told. */
  private static void note(String line, Map<String, Set<String>> answered) {
    String[] words = line.split(" ", -1);
    if (words.length == 2) {
      answered.computeIfAbsent(words[0], _ -> new HashSet<>()).add(words[1]);
    }
  }

  /** Looks at a copy, so that the next process meets the file as the kill left it. */
  private long check(Path file, Map<String, Set<String>> answered, KilledTurns turns)
      throws IOException {
    Path copy = directory.resolve("copy.mv");
    Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING);
    Files.copy(Journal.of(file), Journal.of(copy), StandardCopyOption.REPLACE_EXISTING);
    InstantSource clock = InstantSource.system();
    long live = 0;
    try (EmbeddedEngine engine =
        EmbeddedEngine.open(
            EmbeddedProperties.at(copy.toString()),
            StoreLimits.DEFAULT,
            clock,
            new RandomIds(clock))) {
      for (int i = 0; i < KilledClients.SESSIONS; i++) {
        SessionKey key = KilledClients.session(i);
        Set<String> wanted = answered.getOrDefault(key.id(), Set.of());
        List<Message> thread = thread(engine, key);
        live += thread.stream().mapToLong(message -> message.body().length()).sum();
        List<String> ids = thread.stream().map(Message::id).toList();
        assertThat(ids).as("once each").doesNotHaveDuplicates().containsAll(wanted);
        assertThat(thread)
            .extracting(Message::seq)
            .as("dense")
            .isEqualTo(LongStream.rangeClosed(1, thread.size()).boxed().toList());
        if (!wanted.isEmpty()) {
          String id = wanted.iterator().next();
          Outcome again =
              engine
                  .writer()
                  .apply(
                      key,
                      new Write.Append(List.of(new NewMessage(id, thread.getFirst().body()))),
                      WritePreconditions.NONE.withRetry(new IdempotentRequest(id, "body of " + id)))
                  .block();
          assertThat(again).isInstanceOf(Outcome.Replayed.class);
        }
      }
      turns.check(engine);
    }
    return live;
  }

  private static long size(Path file) throws IOException {
    return Files.size(file) + Files.size(Journal.of(file));
  }

  private static List<Message> thread(EmbeddedEngine engine, SessionKey key) {
    List<Message> thread = new ArrayList<>();
    ThreadPage page;
    do {
      String after = thread.isEmpty() ? null : thread.getLast().id();
      page = engine.reader().load(key, ReadContext.ANY, PageRequest.forward(500, after)).block();
      thread.addAll(page.messages());
    } while (page.hasMore());
    assertThat(page.session().head().messageCount()).isEqualTo(thread.size());
    return thread;
  }
}
