package io.heddle.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.heddle.base.RandomIds;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.session.Message;
import io.heddle.session.NewMessage;
import io.heddle.session.Outcome;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.SessionAttributes;
import io.heddle.session.StoreLimits;
import io.heddle.session.ThreadPage;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import org.h2.mvstore.MVStore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedEngineTest {

  private static final SessionKey KEY = new SessionKey(Tenant.DEFAULT, "s1");
  private static final SessionAttributes DESCRIPTION =
      new SessionAttributes(
          "ann",
          "title",
          Json.of("{\"a\":1}"),
          null,
          "m",
          SessionAttributes.Status.ACTIVE,
          Duration.ofHours(1));

  @TempDir Path directory;

  static EmbeddedEngine open(String path) {
    return open(path, InstantSource.system());
  }

  static EmbeddedEngine open(String path, InstantSource clock) {
    return EmbeddedEngine.open(
        EmbeddedProperties.at(path), StoreLimits.DEFAULT, clock, new RandomIds(clock));
  }

  static NewMessage message(String text) {
    return new NewMessage(null, Json.of("{\"role\":\"user\",\"content\":\"" + text + "\"}"));
  }

  static Outcome append(EmbeddedEngine engine, SessionKey key, String text) {
    return engine
        .writer()
        .apply(key, new Write.Append(List.of(message(text))), WritePreconditions.NONE)
        .block();
  }

  static ThreadPage load(EmbeddedEngine engine, SessionKey key) {
    return engine.reader().load(key, ReadContext.ANY, PageRequest.last(1000)).block();
  }

  @Test
  void whatWasAcknowledgedIsThereWhenTheFileIsOpenedAgain() {
    String file = directory.resolve("made/heddle.mv").toString();
    try (EmbeddedEngine engine = open(file)) {
      engine
          .writer()
          .apply(KEY, new Write.Create(DESCRIPTION, List.of()), WritePreconditions.NONE)
          .block();
      append(engine, KEY, "one");
      append(engine, KEY, "two");
    }
    try (EmbeddedEngine engine = open(file)) {
      ThreadPage page = load(engine, KEY);
      assertThat(page.session().description()).isEqualTo(DESCRIPTION);
      assertThat(page.session().position().version()).isEqualTo(3);
      assertThat(page.messages()).extracting(Message::seq).containsExactly(1L, 2L);
      assertThat(append(engine, KEY, "three")).isInstanceOf(Outcome.Applied.class);
    }
  }

  @Test
  void aSecondEngineOnTheSameFileIsRefusedByName() {
    String file = directory.resolve("heddle.mv").toString();
    try (EmbeddedEngine first = open(file)) {
      assertThat(first.look().block().fault()).isNull();
      assertThatThrownBy(() -> open(file))
          .isInstanceOfSatisfying(
              EmbeddedFileException.class,
              e -> assertThat(e.action()).contains("HEDDLE_EMBEDDED_PATH"))
          .hasMessageContaining(file);
    }
  }

  @Test
  void aFileOfANewerLayoutIsRefusedAndLeftAsItIs() throws Exception {
    Path file = directory.resolve("heddle.mv");
    open(file.toString()).close();
    try (MVStore store = MVStore.open(file.toString())) {
      store.setStoreVersion(StoreFile.LAYOUT + 1);
    }
    byte[] before = Files.readAllBytes(file);
    assertThatThrownBy(() -> open(file.toString()))
        .isInstanceOf(EmbeddedFileException.class)
        .hasMessageContaining("layout " + (StoreFile.LAYOUT + 1));
    assertThat(Files.readAllBytes(file)).isEqualTo(before);
  }

  @Test
  void aFileThatIsNoStoreIsRefusedAndLeftAsItIs() throws Exception {
    Path file = directory.resolve("notes.txt");
    Files.writeString(file, "these are my notes\n".repeat(1000));
    byte[] before = Files.readAllBytes(file);
    assertThatThrownBy(() -> open(file.toString())).isInstanceOf(EmbeddedFileException.class);
    assertThat(Files.readAllBytes(file)).isEqualTo(before);
  }

  @Test
  void inRamEverythingWorksAndNothingIsWritten() {
    try (EmbeddedEngine engine = open("")) {
      engine
          .writer()
          .apply(KEY, new Write.Create(DESCRIPTION, List.of()), WritePreconditions.NONE)
          .block();
      for (int i = 0; i < 200; i++) {
        append(engine, KEY, "message " + i);
      }
      ThreadPage page = load(engine, KEY);
      assertThat(page.messages()).hasSize(200);
      assertThat(page.session().head().messageCount()).isEqualTo(200);
      assertThat(directory).isEmptyDirectory();
    }
  }
}
