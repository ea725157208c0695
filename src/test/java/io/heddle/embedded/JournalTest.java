package io.heddle.embedded;

import static io.heddle.embedded.EmbeddedEngineTest.append;
import static io.heddle.embedded.EmbeddedEngineTest.load;
import static io.heddle.embedded.EmbeddedEngineTest.open;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.heddle.base.RandomIds;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.session.Message;
import io.heddle.session.Outcome;
import io.heddle.session.SessionAttributes;
import io.heddle.session.StoreLimits;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
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
  private static final SessionAttributes DESCRIPTION =
      new SessionAttributes(
          "ann",
          null,
          Json.EMPTY_OBJECT,
          null,
          null,
          SessionAttributes.Status.ACTIVE,
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
    engine
        .writer()
        .apply(KEY, new Write.Create(DESCRIPTION, List.of()), WritePreconditions.NONE)
        .block();
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
      engine.writer().apply(KEY, new Write.DeleteMessage(gone), WritePreconditions.NONE).block();
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
      for (int length = 0; length <= journal.length; length += 11) {
        Files.write(left, tables);
        Files.write(Journal.of(left), Arrays.copyOf(journal, length));
        List<String> there = recovered();
        isPrefix(there, answered);
        assertThat(there.size()).as("never less of more").isGreaterThanOrEqualTo(least);
        least = there.size();
      }
      assertThat(least).isGreaterThanOrEqualTo(7);
    }
  }

  /**
   * One wrong bit, wherever it is, dropped every later write in silence and cut off what would have
   * told of them. In the last record nothing follows that would show it; it is kept aside.
   */
  @Test
  void aDamagedJournalIsNotStartedWithAndNotTouched() throws IOException {
    List<Integer> records = new ArrayList<>();
    try (EmbeddedEngine engine = started()) {
      caughtUp();
      for (int i = 0; i < 6; i++) {
        records.add((int) Files.size(Journal.of(file)));
        append(engine, KEY, "m" + i);
      }
      kill();
      List<String> answered = texts(engine);
      byte[] tables = Files.readAllBytes(left);
      byte[] journal = Files.readAllBytes(Journal.of(left));
      List<Integer> places = new ArrayList<>();
      for (int at = 0; at < head; at += 5) {
        places.add(at);
      }
      for (int record : records) {
        // Each byte of its head, and some of its rows.
        for (int at = record; at < record + 16; at++) {
          places.add(at);
        }
        for (int at = record + 16; at < record + 120; at += 17) {
          places.add(at);
        }
      }
      for (int at : places) {
        byte[] broken = journal.clone();
        broken[at] ^= (byte) (1 << at % 8);
        Files.write(left, tables);
        Files.write(Journal.of(left), broken);
        Path tail = directory.resolve("left.mv.journal.tail");
        Files.deleteIfExists(tail);
        if (at >= records.getLast()) {
          assertThat(recovered()).isEqualTo(answered.subList(0, 5));
          assertThat(tail).as("byte %d", at).hasBinaryContent(broken);
        } else {
          assertThatThrownBy(() -> open(left.toString()))
              .as("byte %d", at)
              .isInstanceOf(EmbeddedFileException.class)
              .hasMessageContaining("damaged");
          assertThat(Journal.of(left)).hasBinaryContent(broken);
        }
      }
      Files.write(left, tables);
      Files.write(Journal.of(left), journal);
      assertThat(recovered()).isEqualTo(answered);
    }
  }

  @Test
  void aDamagedJournalIsSalvagedWhereThatIsAskedFor() throws IOException {
    try (EmbeddedEngine engine = started()) {
      caughtUp();
      append(engine, KEY, "one");
      int second = (int) Files.size(Journal.of(file));
      append(engine, KEY, "two");
      append(engine, KEY, "three");
      kill();
      byte[] journal = Files.readAllBytes(Journal.of(left));
      journal[second + 40] ^= 1;
      Files.write(Journal.of(left), journal);
      EmbeddedProperties usual = EmbeddedProperties.at(left.toString());
      EmbeddedProperties salvage =
          new EmbeddedProperties(
              usual.path(),
              usual.sync(),
              usual.commitDelay(),
              usual.queue(),
              usual.cache(),
              usual.readThreads(),
              usual.sweepEvery(),
              EmbeddedProperties.OnDamage.SALVAGE,
              usual.answers());
      InstantSource clock = InstantSource.system();
      EmbeddedEngine.open(salvage, StoreLimits.DEFAULT, clock, new RandomIds(clock)).close();
      assertThat(recovered()).isEqualTo(texts(engine).subList(0, 1));
      assertThat(directory.resolve("left.mv.journal.damaged")).hasBinaryContent(journal);
    }
  }

  /** Whatever is wrong with the tables' file, it is told in words. */
  @Test
  void aDamagedFileIsToldInWords() throws IOException {
    try (EmbeddedEngine engine = started()) {
      for (int i = 0; i < 20; i++) {
        append(engine, KEY, "m" + i);
      }
      caughtUp();
    }
    byte[] whole = Files.readAllBytes(file);
    Random random = new Random(7);
    int refused = 0;
    for (int round = 0; round < 40; round++) {
      byte[] broken = whole.clone();
      int from = round % 4 == 0 ? 0 : random.nextInt(broken.length);
      for (int i = from; i < Math.min(broken.length, from + 4096 * (1 + round % 3)); i++) {
        broken[i] = (byte) random.nextInt();
      }
      Files.write(left, round % 5 == 4 ? Arrays.copyOf(broken, from) : broken);
      Files.deleteIfExists(Journal.of(left));
      try {
        open(left.toString()).close();
      } catch (EmbeddedFileException told) {
        refused++;
        assertThat(told.getMessage()).contains(left.toString());
        assertThat(told.action()).isNotBlank();
      }
    }
    assertThat(refused).isPositive();
  }

  /** They hold everybody's conversations. */
  @Test
  void nobodyElseCanReadTheFiles() throws IOException {
    file = directory.resolve("made").resolve("here").resolve("heddle.mv");
    try (EmbeddedEngine engine = started()) {
      append(engine, KEY, "one");
      assertThat(mode(file)).isEqualTo("rw-------");
      assertThat(mode(Journal.of(file))).isEqualTo("rw-------");
      assertThat(mode(file.getParent())).isEqualTo("rwx------");
      assertThat(mode(file.getParent().getParent())).isEqualTo("rwx------");
    }
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
    Files.setPosixFilePermissions(file.getParent(), PosixFilePermissions.fromString("rwxr-xr-x"));
    try (EmbeddedEngine engine = open(file.toString())) {
      assertThat(texts(engine)).hasSize(1);
      assertThat(mode(file)).as("one of an earlier Heddle").isEqualTo("rw-------");
      assertThat(mode(file.getParent())).as("somebody's choice").isEqualTo("rwxr-xr-x");
    }
  }

  private static String mode(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
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
      engine
          .writer()
          .apply(KEY, new Write.Create(DESCRIPTION, List.of()), WritePreconditions.NONE)
          .block();
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
      String text = "x".repeat(10_000);
      long most = 0;
      for (int i = 0; i < 1500; i++) {
        if (i % 50 == 0) {
          engine
              .writer()
              .apply(KEY, new Write.TruncateThread(null), WritePreconditions.NONE)
              .block();
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
            usual.onDamage(),
            usual.answers());
    InstantSource clock = InstantSource.system();
    List<String> answered = new ArrayList<>();
    try (EmbeddedEngine engine =
        EmbeddedEngine.open(disk, StoreLimits.DEFAULT, clock, new RandomIds(clock))) {
      engine
          .writer()
          .apply(KEY, new Write.Create(DESCRIPTION, List.of()), WritePreconditions.NONE)
          .block();
      for (int i = 0; i < 20; i++) {
        append(engine, KEY, "m" + i);
      }
      kill();
      answered.addAll(texts(engine));
    }
    assertThat(recovered()).hasSize(20).isEqualTo(answered);
  }
}
