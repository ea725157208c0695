package io.heddle.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.heddle.answercache.AnswerKey;
import io.heddle.answercache.AnswerProperties;
import io.heddle.answercache.AnswerStore;
import io.heddle.answercache.AnswerStore.Answer;
import io.heddle.answercache.Answers;
import io.heddle.answercache.Flight;
import io.heddle.answercache.NewAnswer;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.RandomIds;
import io.heddle.base.Tenant;
import io.heddle.session.StoreLimits;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.util.unit.DataSize;

/** How much room answers take in the file, and that they outlive the process. */
class EmbeddedAnswersTest {

  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final int KILO = 1024;

  /** Of each answer beside its body: what the row is reckoned at, and the content type. */
  private static final int ROW = 256 + "text/plain".length();

  private final AtomicLong millis = new AtomicLong(1_000_000_000_000L);
  private final InstantSource clock = () -> Instant.ofEpochMilli(millis.get());

  @TempDir Path directory;

  @Test
  void answersAreThereWhenTheFileIsOpenedAgain() {
    String file = directory.resolve("heddle.mv").toString();
    try (EmbeddedEngine engine = open(file, 100)) {
      put(engine, "k", 10, 600);
      put(engine, "gone", 10, 5);
    }
    millis.addAndGet(60_000);
    try (EmbeddedEngine engine = open(file, 100)) {
      Answer answer = get(engine, "k");
      assertThat(answer.body()).hasSize(10 * KILO);
      assertThat(answer.age()).isEqualTo(Duration.ofSeconds(60));
      assertThat(answer.life()).isEqualTo(Duration.ofSeconds(600));
      assertThat(get(engine, "gone")).isNull();
    }
  }

  /**
   * A reader who said {@code no-cache} was given an answer that had been stored within the same
   * millisecond: its age was zero, and no older than that was asked for. On a quick machine that is
   * every answer that is read at once, alone or as one of many who want it.
   */
  @Test
  void aReaderWhoWantsNoStoredAnswerGetsNoneHoweverYoung() {
    try (EmbeddedEngine engine = open("", 44)) {
      AnswerProperties properties =
          new AnswerProperties(DataSize.ofMegabytes(1), MINUTE, MINUTE, MINUTE);
      Answers answers =
          new Answers(engine.answers(), properties, new RandomIds(InstantSource.system()), clock);
      for (long age : new long[] {0, -5_000, 1}) {
        AnswerKey key = new AnswerKey(Tenant.DEFAULT, AnswerKey.Kind.CLIENT, null, "k" + age);
        answers.put(key, new NewAnswer("text/plain", new byte[1], MINUTE)).block(PATIENCE);
        millis.addAndGet(age);

        assertThat(answers.get(key, Duration.ZERO).block(PATIENCE)).as("age %s", age).isNull();
        assertThat(answers.join(key, Duration.ZERO, Duration.ZERO, MINUTE).block(PATIENCE))
            .as("age %s", age)
            .isInstanceOf(Flight.Compute.class);
        assertThat(answers.get(key, Duration.ofSeconds(10)).block(PATIENCE)).isNotNull();
      }
    }
  }

  @Test
  void thoseThatEndSoonestMakeRoom() {
    try (EmbeddedEngine engine = open("", 44)) {
      put(engine, "third", 10, 300);
      put(engine, "first", 10, 100);
      put(engine, "second", 10, 200);
      put(engine, "fourth", 10, 400);
      assertThat(get(engine, "first")).isNotNull();

      put(engine, "new", 15, 50);

      assertThat(get(engine, "first")).isNull();
      assertThat(get(engine, "second")).isNull();
      assertThat(get(engine, "third")).isNotNull();
      assertThat(get(engine, "fourth")).isNotNull();
      assertThat(get(engine, "new")).isNotNull();
    }
  }

  @Test
  void anAnswerInThePlaceOfAnotherNeedsNoOthersRoom() {
    try (EmbeddedEngine engine = open("", 44)) {
      for (String name : new String[] {"a", "b", "c", "d"}) {
        put(engine, name, 10, 100);
      }
      for (int i = 0; i < 20; i++) {
        put(engine, "b", 10, 100 - i);
      }
      for (String name : new String[] {"a", "b", "c", "d"}) {
        assertThat(get(engine, name)).as(name).isNotNull();
      }
      // Of the row it replaces it makes no room twice.
      put(engine, "b", 21, 1);
      assertThat(get(engine, "b").body()).hasSize(21 * KILO);
      assertThat(present(engine, "a", "c", "d")).isEqualTo(2);
    }
  }

  @Test
  void anAnswerLargerThanAllMayBeIsRefused() {
    try (EmbeddedEngine engine = open("", 44)) {
      put(engine, "a", 10, 100);
      assertThatThrownBy(() -> put(engine, "a", 44, 100))
          .isInstanceOfSatisfying(
              ProblemException.class,
              e -> assertThat(e.problem().code()).isEqualTo(ProblemCode.BODY_TOO_LARGE));
      assertThat(get(engine, "a").body()).hasSize(10 * KILO);
    }
  }

  @Test
  void whatHasEndedIsSwept() {
    try (StoreFile store = StoreFile.open(EmbeddedProperties.at(""))) {
      byte[] body = new byte[KILO];
      Tx puts = tx(store);
      for (int i = 0; i < 10; i++) {
        Tx one = tx(store);
        long ends = millis.get() + 10_000 + i;
        StoredRecords.Cached answer =
            new StoredRecords.Cached("text/plain", millis.get(), ends, body);
        CachedAnswers.put(one, Keys.answer(Tenant.DEFAULT, "k" + i), answer, Long.MAX_VALUE);
        one.write();
      }
      assertThat(CachedAnswers.total(puts)).isEqualTo(10 * (ROW + KILO));
      millis.addAndGet(10_006);

      Tx sweep = tx(store);
      assertThat(CachedAnswers.sweep(sweep, 4, new Apart())).isZero();
      sweep.write();
      assertThat(CachedAnswers.total(puts)).isEqualTo(6 * (ROW + KILO));
      sweep = tx(store);
      assertThat(new Sweep().run(sweep)).as("there is more").isFalse();
      sweep.write();

      assertThat(CachedAnswers.total(puts)).isEqualTo(3 * (ROW + KILO));
      for (int i = 0; i < 10; i++) {
        assertThat(store.get(Table.ANSWERS, Keys.answer(Tenant.DEFAULT, "k" + i)) == null)
            .isEqualTo(i < 7);
      }
      assertThat(store.map(Table.ANSWER_ENDS).size()).isEqualTo(3);
    }
  }

  /** What they take is reckoned with each write; the sum must not drift. */
  @Test
  void theSumIsThatOfTheRows() {
    try (EmbeddedEngine engine = open("", 200)) {
      Random random = new Random(5);
      for (int i = 0; i < 600; i++) {
        String name = "k" + random.nextInt(30);
        if (random.nextInt(4) == 0) {
          engine.answers().remove(Tenant.DEFAULT, name).block(PATIENCE);
        } else {
          put(engine, name, random.nextInt(12), 1 + random.nextInt(100));
        }
        millis.addAndGet(random.nextInt(2000));
      }
      for (int i = 0; i < 30; i++) {
        engine.answers().remove(Tenant.DEFAULT, "k" + i).block(PATIENCE);
      }
      // Nothing is there and nothing is reckoned: one fits that takes all to the byte.
      int all = 200 * KILO - ROW;
      AnswerStore answers = engine.answers();
      answers.put(Tenant.DEFAULT, "all", "text/plain", new byte[all], PATIENCE).block(PATIENCE);
      answers.put(Tenant.DEFAULT, "one", "text/plain", new byte[1], PATIENCE).block(PATIENCE);
      assertThat(get(engine, "all")).isNull();
      assertThat(get(engine, "one")).isNotNull();
    }
  }

  private Tx tx(StoreFile store) {
    return new Tx(
        store, new SequenceAllocator(store), new RandomIds(InstantSource.system()), millis.get());
  }

  private EmbeddedEngine open(String path, int kilobytes) {
    EmbeddedProperties usual = EmbeddedProperties.at(path);
    EmbeddedProperties properties =
        new EmbeddedProperties(
            path,
            usual.sync(),
            usual.commitDelay(),
            usual.queue(),
            usual.cache(),
            usual.readThreads(),
            Duration.ofMillis(10),
            usual.onDamage(),
            DataSize.ofKilobytes(kilobytes));
    return EmbeddedEngine.open(
        properties, StoreLimits.DEFAULT, clock, new RandomIds(InstantSource.system()));
  }

  private static int present(EmbeddedEngine engine, String... names) {
    int count = 0;
    for (String name : names) {
      count += get(engine, name) == null ? 0 : 1;
    }
    return count;
  }

  private static Answer get(EmbeddedEngine engine, String name) {
    return engine.answers().get(Tenant.DEFAULT, name).block(PATIENCE);
  }

  private static void put(EmbeddedEngine engine, String name, int kilobytes, int seconds) {
    engine
        .answers()
        .put(
            Tenant.DEFAULT,
            name,
            "text/plain",
            new byte[kilobytes * KILO],
            Duration.ofSeconds(seconds))
        .block(PATIENCE);
  }
}
