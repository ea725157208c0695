package io.heddle.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Caller;
import io.heddle.base.RandomIds;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.session.Filter;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.NewTurn;
import io.heddle.session.OnBusy;
import io.heddle.session.Outcome;
import io.heddle.session.Session;
import io.heddle.session.SessionAttributes;
import io.heddle.session.SessionPage;
import io.heddle.session.SessionProperties;
import io.heddle.session.StoreLimits;
import io.heddle.session.TurnId;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import io.heddle.session.service.SessionServices;
import io.heddle.session.service.StorageCount;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.util.unit.DataSize;

/**
 * Rows that nobody can read. One of them was met by the sweeper a second after the start, and ended
 * the store, each time that it was started.
 */
class BrokenRowsTest {

  private static final InstantSource NOW = InstantSource.system();
  private static final RandomIds IDS = new RandomIds(NOW);
  private static final SessionKey BROKEN = new SessionKey(Tenant.DEFAULT, "broken");
  private static final SessionKey WHOLE = new SessionKey(Tenant.DEFAULT, "whole");
  private static final Duration TTL = Duration.ofHours(1);

  /** Not the beginning of any value. */
  private static final byte[] NONSENSE = {(byte) 0xff};

  @TempDir Path directory;

  /** Two of everything that has an end; the rows of one of them are broken. */
  @BeforeEach
  void breakRows() {
    try (EmbeddedEngine engine = open(Duration.ofHours(1), NOW)) {
      for (SessionKey key : List.of(BROKEN, WHOLE)) {
        create(engine, key);
        engine.index().touch(key, "ann", NOW.instant()).block();
        NewTurn turn =
            new NewTurn(
                TurnId.next(IDS, key).toString(),
                "m",
                Json.of("{\"a\":[]}"),
                List.of(EmbeddedEngineTest.message("asked")),
                Duration.ofMillis(1),
                TTL);
        apply(engine, key, new Write.BeginTurn(turn, OnBusy.REJECT, 0), WritePreconditions.NONE);
        engine
            .answers()
            .put(Tenant.DEFAULT, key.id(), "text/plain", new byte[1], Duration.ofMinutes(1))
            .block();
      }
    }
    try (StoreFile store = StoreFile.open(properties(Duration.ofHours(1)))) {
      damage(store, Table.SESSIONS, Keys.session(BROKEN));
      for (Table<?> table : List.of(Table.RETRIES, Table.ANSWER_ENDS)) {
        damage(store, table, store.map(table).firstKey());
      }
      // Of nobody, and of a kind that there is not.
      store.put(Table.EXPIRIES, Keys.due(1, Keys.ascii("zz")), Boolean.TRUE);
      store.put(Table.RUBBISH, Keys.due(1, Keys.ascii("?zz")), Boolean.TRUE);
      store.commit();
      store.checkpoint();
    }
  }

  @Test
  void theSweeperGoesOnWithTheOthers() {
    try (StoreFile store = StoreFile.open(properties(Duration.ofHours(1)))) {
      long hour = System.currentTimeMillis() + TTL.toMillis();
      // A turn without an end puts its session's off for a while.
      for (long now : new long[] {hour + 1_000, hour + 60_000}) {
        sweep(store, now);
      }
      assertThat(ends(store, Table.ANSWER_ENDS)).isEqualTo(1);
      assertThat(ends(store, Table.EXPIRIES)).as("the broken and the running one").isEqualTo(2);

      sweep(store, hour + Duration.ofHours(26).toMillis());
      assertThat(ends(store, Table.RETRIES)).isEqualTo(1);
      assertThat(store.map(Table.RUBBISH).keyIterator(null).next()).contains((byte) '?');
    }
  }

  @Test
  void theStoreLives() {
    InstantSource later = InstantSource.offset(NOW, TTL.multipliedBy(2));
    try (EmbeddedEngine engine = open(Duration.ofMillis(1), later)) {
      Awaitility.await("it has swept: nobody's row is gone")
          .atMost(Duration.ofSeconds(20))
          .until(() -> Long.valueOf(2).equals(engine.sessions().block()));
      for (int i = 0; i < 3; i++) {
        create(engine, new SessionKey(Tenant.DEFAULT, "new" + i));
      }
      assertThat(engine.look().block().fault()).isNull();
    }
  }

  /** Else the dead turns of everybody would run for ever. */
  @Test
  void deadTurnsOfOthersAreFound() {
    InstantSource later = InstantSource.offset(NOW, Duration.ofMinutes(1));
    try (EmbeddedEngine engine = open(Duration.ofHours(1), later)) {
      Awaitility.await("the turn whose session can be read")
          .atMost(Duration.ofSeconds(20))
          .until(() ->
              List.of(WHOLE).equals(engine.turnLog().due(Duration.ZERO).collectList().block()));
    }
  }

  /** One session that cannot be read hid all sessions of its user. */
  @Test
  void theOthersAreListedAndCounted() {
    try (EmbeddedEngine engine = open(Duration.ofHours(1), NOW)) {
      SessionServices services =
          new SessionServices(
              engine.reader(),
              engine.writer(),
              engine.index(),
              engine.locks(),
              engine.records(),
              IDS,
              NOW,
              new Binder(new MapConfigurationPropertySource())
                  .bindOrCreate("heddle.session", Bindable.of(SessionProperties.class)));
      Caller caller = new Caller(Tenant.DEFAULT, null, "ip:127.0.0.1", true);
      for (String user : new String[] {"ann", null}) {
        SessionPage found = services.sessions().list(caller, user, Filter.ALL, 10, null).block();
        assertThat(found.sessions()).extracting(Session::key).containsExactly(WHOLE);
      }
      StorageCount count = new StorageCount(engine.index(), engine.reader());
      assertThat(count.count(Tenant.DEFAULT, "ann").block())
          .extracting(StorageCount.Found::sessions)
          .isEqualTo(1L);
    }
  }

  private static <V> void damage(StoreFile store, Table<V> table, byte[] key) {
    store.map(table).put(key, LazyValue.stored(table.codec(), NONSENSE));
  }

  private static void sweep(StoreFile store, long now) {
    SequenceAllocator numbers = new SequenceAllocator(store);
    Sweep sweep = new Sweep();
    boolean more = true;
    while (more) {
      Tx tx = new Tx(store, numbers, IDS, now);
      more = sweep.run(tx);
      tx.write();
      store.commit();
    }
  }

  private static long ends(StoreFile store, Table<?> table) {
    return store.map(table).sizeAsLong();
  }

  private static void create(EmbeddedEngine engine, SessionKey key) {
    SessionAttributes description =
        new SessionAttributes(
            "ann", null, Json.EMPTY_OBJECT, null, null, SessionAttributes.Status.ACTIVE, TTL);
    IdempotentRequest retry = new IdempotentRequest("once", "body");
    apply(
        engine,
        key,
        new Write.Create(description, List.of()),
        WritePreconditions.NONE.withRetry(retry));
  }

  private static void apply(
      EmbeddedEngine engine, SessionKey key, Write write, WritePreconditions conditions) {
    assertThat(engine.writer().apply(key, write, conditions).block())
        .isInstanceOf(Outcome.Applied.class);
  }

  private EmbeddedEngine open(Duration sweepEvery, InstantSource clock) {
    return EmbeddedEngine.open(properties(sweepEvery), StoreLimits.DEFAULT, clock, IDS);
  }

  private EmbeddedProperties properties(Duration sweepEvery) {
    return new EmbeddedProperties(
        directory.resolve("heddle.mv").toString(),
        EmbeddedProperties.Sync.PROCESS,
        Duration.ofMillis(2),
        10_000,
        DataSize.ofMegabytes(8),
        2,
        sweepEvery,
        EmbeddedProperties.OnDamage.STOP,
        DataSize.ofMegabytes(8));
  }
}
