package io.heddle.embedded;

import static io.heddle.embedded.EmbeddedEngineTest.append;
import static io.heddle.embedded.EmbeddedEngineTest.load;
import static io.heddle.embedded.EmbeddedEngineTest.open;
import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Json;
import io.heddle.base.RandomIds;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.session.Conditions;
import io.heddle.session.Description;
import io.heddle.session.Message;
import io.heddle.session.Outcome;
import io.heddle.session.StoreLimits;
import io.heddle.session.Write;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.awaitility.Awaitility;
import org.h2.mvstore.MVStore;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What is found again when the process or the machine stopped in any moment: copies of the files as
 * they stand between two answers are what a kill leaves.
 */
class JournalTest {

  private static final SessionKey KEY = new SessionKey(Tenant.DEFAULT, "s");
  private static final Description DESCRIPTION =
      new Description(
          "ann",
          null,
          Json.EMPTY_OBJECT,
          null,
          null,
          Description.Status.ACTIVE,
          Duration.ofHours(1));

  @TempDir Path directory;

  private Path file;
  private Path left;

  /** Bytes of a journal without groups. */
  private long head;

  @BeforeEach
  void names() {
    file = directory.resolve("heddle.mv");
    left = directory.resolve("left.mv");
  }

  private EmbeddedEngine started() throws IOException {
    EmbeddedEngine engine = open(file.toString());
    head = Files.size(Journal.of(file));
    engine.writer().apply(KEY, new Write.Create(DESCRIPTION, List.of()), Conditions.NONE).block();
    return engine;
  }

  private void caughtUp() {
    Awaitility.await().until(() -> Files.size(Journal.of(file)) == head);
  }

  /** As a kill leaves them; the tables are read first, so the journal is never older. */
  private void kill() throws IOException {
    Files.write(left, Files.readAllBytes(file));
    Files.write(Journal.of(left), Files.readAllBytes(Journal.of(file)));
  }

  private static void isPrefix(List<String> some, List<String> all) {
    assertThat(some).isEqualTo(all.subList(0, some.size()));
  }

  private static List<Long> seqs(EmbeddedEngine engine) {
    return load(engine, KEY).messages().stream().map(Message::seq).toList();
  }

  private static List<String> texts(EmbeddedEngine engine) {
    return load(engine, KEY).messages().stream().map(m -> m.body().toString()).toList();
  }

  private List<String> recovered() {
    try (EmbeddedEngine engine = open(left.toString())) {
      List<String> texts = texts(engine);
      assertThat(append(engine, KEY, "after")).isInstanceOf(Outcome.Applied.class);
      assertThat(texts(engine)).hasSize(texts.size() + 1);
      isPrefix(texts, texts(engine));
      assertThat(load(engine, KEY).session().head().messageCount()).isEqualTo(texts.size() + 1);
      return texts;
    }
  }

  @Test
  void whatWasAnsweredIsThereAfterAKill() throws IOException {
    try (EmbeddedEngine engine = started()) {
      for (int i = 0; i < 50; i++) {
        append(engine, KEY, "m" + i);
      }
      String gone = load(engine, KEY).messages().get(7).id();
      engine.writer().apply(KEY, new Write.DeleteMessage(gone), Conditions.NONE).block();
      kill();
      List<String> answered = texts(engine);
      assertThat(answered).hasSize(49);
      assertThat(recovered()).isEqualTo(answered);
    }
  }

  @Test
  void afterAStopTheFileAloneIsWhole() throws IOException {
    List<String> answered;
    try (EmbeddedEngine engine = started()) {
      append(engine, KEY, "one");
      answered = texts(engine);
      assertThat(Journal.of(file)).exists();
    }
    assertThat(directory).isDirectoryContaining(path -> path.equals(file));
    assertThat(Journal.of(file)).doesNotExist();
    try (EmbeddedEngine engine = open(file.toString())) {
      assertThat(texts(engine)).isEqualTo(answered);
    }
  }

  /** A machine that stops leaves any part of the last bytes, and a kill half a write. */
  @Test
  void whereverItIsCutWhatStandsBeforeIsThere() throws IOException {
    try (EmbeddedEngine engine = started()) {
      caughtUp();
      for (int i = 0; i < 8; i++) {
        append(engine, KEY, "m" + i);
      }
      kill();
      List<String> answered = texts(engine);
      byte[] tables = Files.readAllBytes(left);
      byte[] journal = Files.readAllBytes(Journal.of(left));
      int least = 0;
      for (int length = 0; length <= journal.length; length += 13) {
        Files.write(left, tables);
        Files.write(Journal.of(left), Arrays.copyOf(journal, length));
        List<String> there = recovered();
        isPrefix(there, answered);
        assertThat(there.size()).as("never less of more").isGreaterThanOrEqualTo(least);
        least = there.size();
      }
      assertThat(least).isGreaterThanOrEqualTo(7);
      for (int at = journal.length - 1; at > journal.length / 2; at -= 37) {
        byte[] broken = journal.clone();
        broken[at] ^= 0x10;
        Files.write(left, tables);
        Files.write(Journal.of(left), broken);
        List<String> there = recovered();
        assertThat(there).hasSizeLessThan(8);
        isPrefix(there, answered);
      }
    }
  }

  /** Killed between the saving of the tables and the new beginning of the journal. */
  @Test
  void whatTheTablesHaveAlreadyIsNotWrittenTwice() throws IOException {
    byte[] journal;
    List<String> answered;
    try (EmbeddedEngine engine = started()) {
      append(engine, KEY, "one");
      append(engine, KEY, "two");
      journal = Files.readAllBytes(Journal.of(file));
      append(engine, KEY, "three");
      answered = texts(engine);
    }
    Files.write(left, Files.readAllBytes(file));
    Files.write(Journal.of(left), journal);
    assertThat(recovered()).isEqualTo(answered);
  }

  @Test
  void anOlderCopyOfTheTablesIsTakenWithoutAJournalThatDoesNotContinueIt() throws IOException {
    byte[] backup;
    List<String> then;
    try (EmbeddedEngine engine = started()) {
      append(engine, KEY, "one");
      then = texts(engine);
    }
    backup = Files.readAllBytes(file);
    try (EmbeddedEngine engine = open(file.toString())) {
      append(engine, KEY, "two");
      append(engine, KEY, "three");
    }
    try (EmbeddedEngine engine = open(file.toString())) {
      append(engine, KEY, "four");
      kill();
    }
    Files.write(left, backup);
    assertThat(recovered()).isEqualTo(then);
    assertThat(directory.resolve("left.mv.journal.old")).exists();
  }

  @Test
  void aJournalOfAnotherStoreIsPutAside() throws IOException {
    try (EmbeddedEngine engine = started()) {
      append(engine, KEY, "one");
      kill();
    }
    Files.delete(left);
    byte[] others = Files.readAllBytes(Journal.of(left));
    try (EmbeddedEngine engine = open(left.toString())) {
      engine.writer().apply(KEY, new Write.Create(DESCRIPTION, List.of()), Conditions.NONE).block();
      assertThat(seqs(engine)).isEmpty();
    }
    assertThat(directory.resolve("left.mv.journal.old")).hasBinaryContent(others);
  }

  @Test
  void aFileOfTheLayoutBeforeIsTakenOver() throws IOException {
    List<String> answered;
    try (EmbeddedEngine engine = started()) {
      append(engine, KEY, "one");
      answered = texts(engine);
    }
    try (MVStore store = MVStore.open(file.toString())) {
      store.removeMap("journal");
      store.setStoreVersion(StoreFile.LAYOUT - 1);
    }
    try (EmbeddedEngine engine = open(file.toString())) {
      assertThat(texts(engine)).isEqualTo(answered);
    }
    try (MVStore store = MVStore.open(file.toString())) {
      assertThat(store.getStoreVersion()).isEqualTo(StoreFile.LAYOUT);
    }
  }

  /** Else a kill after a quiet night would have a day to read again. */
  @Test
  void theTablesCatchUpWhenNothingIsToDo() throws IOException {
    try (EmbeddedEngine engine = started()) {
      caughtUp();
      append(engine, KEY, "x".repeat(10_000));
      assertThat(Files.size(Journal.of(file))).isGreaterThan(head + 10_000);
      caughtUp();
      kill();
      Files.delete(Journal.of(left));
      assertThat(recovered()).isEqualTo(texts(engine));
    }
  }

  @Test
  void theJournalIsBoundedWhileMuchIsWritten() throws IOException {
    try (EmbeddedEngine engine = started()) {
      String text = "x".repeat(200_000);
      long most = 0;
      for (int i = 0; i < 200; i++) {
        if (i % 50 == 0) {
          engine.writer().apply(KEY, new Write.Cut(null), Conditions.NONE).block();
        }
        append(engine, KEY, text);
        most = Math.max(most, Files.size(Journal.of(file)));
      }
      // 8 MiB, and the group with which it was passed.
      assertThat(most).isBetween(1L << 20, 9L << 20);
      kill();
      assertThat(recovered()).isEqualTo(texts(engine));
    }
  }

  @Test
  void withSyncDiskTheSameIsThere() throws IOException {
    EmbeddedProperties usual = EmbeddedProperties.at(file.toString());
    EmbeddedProperties disk =
        new EmbeddedProperties(
            usual.path(),
            EmbeddedProperties.Sync.DISK,
            usual.commitDelay(),
            usual.queue(),
            usual.cache(),
            usual.readThreads(),
            usual.sweepEvery(),
            usual.answers());
    InstantSource clock = InstantSource.system();
    List<String> answered = new ArrayList<>();
    try (EmbeddedEngine engine =
        EmbeddedEngine.open(disk, StoreLimits.DEFAULT, clock, new RandomIds(clock))) {
      engine.writer().apply(KEY, new Write.Create(DESCRIPTION, List.of()), Conditions.NONE).block();
      for (int i = 0; i < 20; i++) {
        append(engine, KEY, "m" + i);
      }
      kill();
      answered.addAll(texts(engine));
    }
    assertThat(recovered()).hasSize(20).isEqualTo(answered);
  }
}
