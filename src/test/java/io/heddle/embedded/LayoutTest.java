package io.heddle.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.session.ChangeLog.Replay;
import io.heddle.session.Message;
import io.heddle.session.NewTurn;
import io.heddle.session.OnBusy;
import io.heddle.session.Outcome;
import io.heddle.session.ReadContext;
import io.heddle.session.SessionLocks.Held;
import io.heddle.session.ThreadPage;
import io.heddle.session.Turn;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.h2.mvstore.MVStore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Files that an older Heddle wrote. {@code layout-1.mv} has {@code s1} with two messages, a state,
 * a client's lock for years and an idempotency key; {@code s2}, made again over a tombstone; and
 * {@code s3}, which was being built over one.
 */
class LayoutTest {

  private static final SessionKey FIRST = new SessionKey(Tenant.DEFAULT, "s1");
  private static final SessionKey SECOND = new SessionKey(Tenant.DEFAULT, "s2");
  private static final SessionKey THIRD = new SessionKey(Tenant.DEFAULT, "s3");

  private static final Instant WRITTEN = Instant.parse("2026-11-30T01:00:00Z");

  @TempDir Path directory;

  private Path file() throws Exception {
    Path file = directory.resolve("heddle.mv");
    try (InputStream in =
        new GZIPInputStream(LayoutTest.class.getResourceAsStream("/embedded/layout-1.mv.gz"))) {
      Files.copy(in, file);
    }
    return file;
  }

  @Test
  void aFileFromBeforeTheTurnsIsReadAndTakesTurns() throws Exception {
    Path file = file();
    NewTurn turn =
        new NewTurn(
            "trn_0123456789abcdef_s1",
            null,
            Json.EMPTY_OBJECT,
            List.of(),
            Duration.ofMinutes(1),
            Duration.ofHours(1));
    try (EmbeddedEngine engine = open(file)) {
      ThreadPage page = EmbeddedEngineTest.load(engine, FIRST);
      assertThat(page.messages()).extracting(Message::seq).containsExactly(1L, 2L);
      assertThat(page.messages().getFirst().id()).isEqualTo("first");
      assertThat(page.session().position().version()).isEqualTo(3);
      assertThat(page.session().description().title()).isEqualTo("title");
      assertThat(page.session().head().activeTurn()).isNull();
      assertThat(engine.reader().state(FIRST, ReadContext.ANY).block().checkpoint().document())
          .isEqualTo(Json.of("{\"step\":1}"));
      Held held = engine.locks().holder(FIRST, null).block();
      assertThat(held).isNotNull();
      assertThat(held.label()).isEqualTo("label");
      assertThat(
              engine
                  .changeLog()
                  .after(
                      SECOND, null, EmbeddedEngineTest.load(engine, SECOND).session().position(), 9)
                  .block())
          .isInstanceOf(Replay.Followed.class);
      // What was half built is long given up.
      assertThat(write(engine, THIRD, new Write.Create(page.session().description(), List.of())))
          .isInstanceOf(Outcome.Applied.class);

      assertThat(write(engine, SECOND, new Write.BeginTurn(turn, OnBusy.REJECT, 0)))
          .isInstanceOf(Outcome.Applied.class);
    }
    try (EmbeddedEngine engine = open(file)) {
      assertThat(EmbeddedEngineTest.load(engine, SECOND).session().head().activeTurn())
          .isEqualTo(turn.id());
      assertThat(engine.turnLog().read(SECOND, null, turn.id(), 0, 0).block().turn().status())
          .isEqualTo(Turn.Status.RUNNING);
      assertThat(EmbeddedEngineTest.load(engine, FIRST).messages()).hasSize(2);
    }
    try (MVStore store = MVStore.open(file.toString())) {
      assertThat(store.getStoreVersion())
          .as("an older Heddle refuses it by this number")
          .isEqualTo(StoreFile.LAYOUT);
    }
  }

  /** Which is what tells that a write sent before an upgrade is not done twice after it. */
  @Test
  void idempotencyKeysOfAnOlderFileAreReadUntilTheyEnd() throws Exception {
    try (StoreFile store = StoreFile.open(EmbeddedProperties.at(file().toString()))) {
      StoredRecords.Kept kept = store.get(Table.RETRIES, Keys.retry(FIRST, "a-key"));
      assertThat(kept.body()).isEqualTo("a-body");
      assertThat(kept.position().version()).isEqualTo(2);
      SessionRecord building = store.get(Table.SESSIONS, Keys.session(THIRD));
      assertThat(building.life()).isEqualTo(SessionRecord.Life.BUILDING);
      assertThat(building.before().life()).isEqualTo(SessionRecord.Life.DELETED);
      assertThat(building.turn()).isNull();
      assertThat(building.before().version()).isEqualTo(2);
    }
  }

  /**
   * Layout 3 as a kill left it, all in the journal: {@code s1} with messages of both kinds of id,
   * one of them called {@code -}, one that was deleted, a state, a turn that ended and an
   * idempotency key; {@code s2}, deleted; {@code s3}, a fork of {@code s1}.
   */
  @Test
  void aFileAndItsJournalFromBeforeAreReadAndWritten() throws Exception {
    Path file = directory.resolve("heddle.mv");
    for (String name : List.of("", ".journal")) {
      try (InputStream in =
          new GZIPInputStream(
              LayoutTest.class.getResourceAsStream("/embedded/layout-3.mv" + name + ".gz"))) {
        Files.copy(in, Path.of(file + name));
      }
    }
    try (EmbeddedEngine engine = open(file)) {
      ThreadPage page = EmbeddedEngineTest.load(engine, FIRST);
      assertThat(page.messages()).extracting(Message::seq).containsExactly(1L, 2L, 3L, 4L, 6L, 7L);
      assertThat(page.messages()).extracting(Message::id).contains("first", "-", "mine");
      assertThat(EmbeddedEngineTest.load(engine, THIRD).messages()).hasSize(6);
      assertThat(engine.reader().state(FIRST, ReadContext.ANY).block().checkpoint().document())
          .isEqualTo(Json.of("{\"step\":2}"));
      assertThat(engine.turnLog().list(FIRST, null).block())
          .extracting(Turn::status)
          .containsExactly(Turn.Status.COMPLETED);
      for (String id : List.of("first", "-", "mine")) {
        assertThat(write(engine, FIRST, new Write.DeleteMessage(id)))
            .isInstanceOf(Outcome.Applied.class);
      }
      assertThat(EmbeddedEngineTest.append(engine, FIRST, "later"))
          .isInstanceOf(Outcome.Applied.class);
      assertThat(write(engine, FIRST, new Write.TruncateThread(null)))
          .isInstanceOf(Outcome.Applied.class);
      assertThat(EmbeddedEngineTest.load(engine, FIRST).session().head().bytes()).isZero();
      assertThat(write(engine, SECOND, new Write.Create(page.session().description(), List.of())))
          .isInstanceOf(Outcome.Applied.class);
    }
    try (EmbeddedEngine engine = open(file)) {
      assertThat(EmbeddedEngineTest.load(engine, FIRST).messages()).isEmpty();
      assertThat(EmbeddedEngineTest.load(engine, THIRD).messages()).hasSize(6);
    }
  }

  /**
   * An hour after the later file was written: what they hold comes to its end, turns after a day,
   * and then these tests failed.
   */
  private static EmbeddedEngine open(Path file) {
    Duration since = Duration.between(Instant.now(), WRITTEN);
    return EmbeddedEngineTest.open(
        file.toString(), InstantSource.offset(InstantSource.system(), since));
  }

  private static Outcome write(EmbeddedEngine engine, SessionKey key, Write write) {
    return engine.writer().apply(key, write, WritePreconditions.NONE).block();
  }
}
