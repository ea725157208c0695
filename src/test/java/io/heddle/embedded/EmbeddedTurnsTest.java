package io.heddle.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.RandomIds;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.session.NewTurn;
import io.heddle.session.OnBusy;
import io.heddle.session.Outcome;
import io.heddle.session.SessionAttributes;
import io.heddle.session.StoreLimits;
import io.heddle.session.Turn;
import io.heddle.session.TurnAttempt;
import io.heddle.session.TurnId;
import io.heddle.session.TurnLog.Recorded;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.stream.LongStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.util.unit.DataSize;

/** What is left of turns in the file: all of it while it counts, nothing of it afterwards. */
class EmbeddedTurnsTest {

  private static final SessionKey KEY = new SessionKey(Tenant.DEFAULT, "s1");
  private static final RandomIds IDS = new RandomIds(InstantSource.system());
  private static final Json END = Json.of("{\"finishReason\":\"stop\"}");
  private static final Duration LEASE = Duration.ofMinutes(1);

  @TempDir Path directory;

  private EmbeddedProperties properties() {
    return new EmbeddedProperties(
        directory.resolve("heddle.mv").toString(),
        EmbeddedProperties.Sync.PROCESS,
        Duration.ofMillis(2),
        10_000,
        DataSize.ofMegabytes(8),
        2,
        // Here the tests sweep.
        Duration.ofHours(1),
        EmbeddedProperties.OnDamage.STOP,
        DataSize.ofMegabytes(8));
  }

  private EmbeddedEngine open() {
    return EmbeddedEngine.open(properties(), StoreLimits.DEFAULT, InstantSource.system(), IDS);
  }

  private static void applied(EmbeddedEngine engine, Write write) {
    assertThat(engine.writer().apply(KEY, write, WritePreconditions.NONE).block())
        .isInstanceOf(Outcome.Applied.class);
  }

  private static void create(EmbeddedEngine engine) {
    SessionAttributes description =
        new SessionAttributes(
            "ann",
            null,
            Json.EMPTY_OBJECT,
            null,
            null,
            SessionAttributes.Status.ACTIVE,
            Duration.ofHours(1));
    applied(engine, new Write.Create(description, List.of()));
  }

  private static String begin(EmbeddedEngine engine, Duration lease, Duration keep) {
    String id = TurnId.next(IDS, KEY).toString();
    NewTurn turn =
        new NewTurn(
            id,
            "m",
            Json.of("{\"a\":[]}"),
            List.of(EmbeddedEngineTest.message("asked")),
            lease,
            keep);
    applied(engine, new Write.BeginTurn(turn, OnBusy.ENQUEUE, 10));
    return id;
  }

  private static Write end(String turn, boolean reap) {
    return new Write.EndTurn(
        new TurnAttempt(turn, 1), Turn.Status.INCOMPLETE, List.of(), END, List.of(), reap);
  }

  private static List<Json> events(long from, long to) {
    return LongStream.rangeClosed(from, to)
        .mapToObj(seq -> Json.of("{\"text\":\"" + seq + "\"}"))
        .toList();
  }

  private static void flush(EmbeddedEngine engine, String turn, int batches) {
    for (int i = 0; i < batches; i++) {
      engine.turnLog().flush(KEY, new TurnAttempt(turn, 1), i, events(i + 1, i + 1), LEASE).block();
    }
  }

  private static Recorded read(EmbeddedEngine engine, String turn) {
    return engine.turnLog().read(KEY, null, turn, 0, 10_000).block();
  }

  @Test
  void turnsQueueAndLogAreThereWhenTheFileIsOpenedAgain() {
    String running;
    String waits;
    String cancelled;
    Recorded before;
    List<Turn> list;
    try (EmbeddedEngine engine = open()) {
      create(engine);
      running = begin(engine, LEASE, LEASE);
      waits = begin(engine, LEASE, LEASE);
      cancelled = begin(engine, LEASE, LEASE);
      flush(engine, running, 40);
      applied(engine, new Write.CancelTurn(running, Turn.Cancel.ROLLBACK, END));
      applied(engine, new Write.CancelTurn(cancelled, Turn.Cancel.KEEP, END));
      before = read(engine, running);
      list = engine.turnLog().list(KEY, null).block();
    }
    try (EmbeddedEngine engine = open()) {
      assertThat(read(engine, running)).isEqualTo(before);
      assertThat(before.events()).isEqualTo(events(1, 40));
      assertThat(before.turn().cancel()).isEqualTo(Turn.Cancel.ROLLBACK);
      assertThat(engine.turnLog().list(KEY, null).block()).isEqualTo(list);
      assertThat(list).extracting(Turn::id).containsExactly(running, waits, cancelled);
      applied(
          engine,
          new Write.EndTurn(
              new TurnAttempt(running, 1),
              Turn.Status.CANCELLED,
              List.of(),
              END,
              before.turn().input(),
              false));
      applied(engine, new Write.NextTurn(waits, LEASE));
    }
  }

  /** Its owner was in the process that died: nobody renews the lease, and the clock ends it. */
  @Test
  void aTurnOfAProcessThatIsGoneIsReapedWhenItsLeaseEnds() {
    String turn;
    try (EmbeddedEngine engine = open()) {
      create(engine);
      turn = begin(engine, Duration.ofSeconds(1), LEASE);
    }
    try (EmbeddedEngine engine = open()) {
      Awaitility.await()
          .until(() ->
              engine.turnLog().due(Duration.ofMillis(500)).collectList().block().contains(KEY));
      applied(engine, end(turn, true));
      assertThat(read(engine, turn).turn().status()).isEqualTo(Turn.Status.INCOMPLETE);
    }
  }

  /** A log is longer than what one run of the sweeper takes. */
  @Test
  void nothingIsLeftOfATurnThatWasKeptForLongEnough() {
    String kept;
    try (EmbeddedEngine engine = open()) {
      create(engine);
      String turn = begin(engine, LEASE, Duration.ofMinutes(10));
      flush(engine, turn, 1300);
      applied(engine, end(turn, false));
      kept = begin(engine, LEASE, Duration.ofMinutes(30));
      flush(engine, kept, 3);
      applied(engine, end(kept, false));
    }
    try (StoreFile store = StoreFile.open(properties())) {
      long now = System.currentTimeMillis();
      assertThat(sweep(store, now + Duration.ofMinutes(9).toMillis())).isEqualTo(1);
      assertThat(rows(store, Table.LOGS)).isEqualTo(1303);
      assertThat(sweep(store, now + Duration.ofMinutes(11).toMillis())).isGreaterThan(2);
      assertThat(rows(store, Table.LOGS)).isEqualTo(3);
      assertThat(rows(store, Table.TURNS)).isEqualTo(1);
      assertThat(rows(store, Table.TURN_IDS)).isEqualTo(1);
      assertThat(rows(store, Table.QUEUE)).isZero();
      assertThat(rows(store, Table.DEADLINES)).isZero();
    }
    try (EmbeddedEngine engine = open()) {
      assertThat(read(engine, kept).events()).isEqualTo(events(1, 3));
      assertThat(engine.turnLog().list(KEY, null).block()).hasSize(1);
    }
  }

  @Test
  void nothingIsLeftOfTheTurnsOfADeletedSession() {
    try (EmbeddedEngine engine = open()) {
      create(engine);
      String ended = begin(engine, LEASE, LEASE);
      flush(engine, ended, 30);
      applied(engine, end(ended, false));
      String running = begin(engine, LEASE, LEASE);
      begin(engine, LEASE, LEASE);
      flush(engine, running, 700);
      applied(engine, new Write.Delete());
    }
    try (StoreFile store = StoreFile.open(properties())) {
      sweep(store, System.currentTimeMillis() + Duration.ofHours(25).toMillis());
      for (Table<?> table : Table.ALL) {
        assertThat(rows(store, table))
            .as(table.mapName())
            .isEqualTo(table == Table.NUMBERS ? 1 : 0);
      }
    }
  }

  /** Sweeps until there is nothing more to do; answers how many runs that took. */
  private static int sweep(StoreFile store, long now) {
    SequenceAllocator numbers = new SequenceAllocator(store);
    Sweep sweep = new Sweep();
    int runs = 0;
    boolean more = true;
    while (more) {
      Tx tx = new Tx(store, numbers, IDS, now);
      more = sweep.run(tx);
      tx.write();
      store.commit();
      runs++;
    }
    return runs;
  }

  private static long rows(StoreFile store, Table<?> table) {
    return store.map(table).sizeAsLong();
  }
}
