package io.heddle.session.contract;

import static io.heddle.session.contract.WriteFixtures.HOUR;
import static io.heddle.session.contract.WriteFixtures.append;
import static io.heddle.session.contract.WriteFixtures.described;
import static io.heddle.session.contract.WriteFixtures.says;
import static io.heddle.session.contract.WriteFixtures.sized;
import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Position;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.Change;
import io.heddle.session.ChangeFeed;
import io.heddle.session.Head;
import io.heddle.session.Message;
import io.heddle.session.Outcome;
import io.heddle.session.SessionAttributes;
import io.heddle.session.SessionAttributes.Status;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;

/** What the store tells of each version. */
abstract class ChangeFeedContract extends ContractSuite {

  @Test
  void eachVersionIsOneChange() {
    SessionKey key = newKey();
    List<Position> positions = new ArrayList<>();
    List<Json> bodies = new ArrayList<>();
    SessionAttributes renamed =
        new SessionAttributes(
            "someone",
            "a \"title\"",
            Json.of("{\"k\":[]}"),
            "prompt",
            "model",
            Status.ACTIVE,
            Duration.ofHours(2));
    try (Changes changes = Changes.of(engine())) {
      positions.add(create(key, "someone", HOUR, says("first", "1")).head().position());
      bodies.add(new Change.SessionCreated().toJson());

      positions.add(
          applied(key, append(says("2 \uD83E\uDDF5"), says("third", "3"))).head().position());
      List<Message> thread = thread(key);
      bodies.add(new Change.MessagesAppended(thread.subList(1, 3)).toJson());

      positions.add(applied(key, new Write.Update(renamed)).head().position());
      bodies.add(new Change.SessionUpdated(renamed).toJson());

      positions.add(applied(key, new Write.SaveState(Json.of("{\"n\":1}"))).head().position());
      bodies.add(new Change.StateSaved().toJson());

      positions.add(applied(key, new Write.RestoreState("latest")).head().position());
      bodies.add(new Change.StateSaved().toJson());

      String given = thread.get(1).id();
      positions.add(applied(key, new Write.DeleteMessage(given)).head().position());
      bodies.add(new Change.MessageDeleted(given).toJson());

      positions.add(applied(key, new Write.TruncateThread("first")).head().position());
      bodies.add(new Change.ThreadCut("first").toJson());

      positions.add(applied(key, new Write.TruncateThread("first")).head().position());
      bodies.add(new Change.ThreadCut("first").toJson());

      positions.add(applied(key, new Write.TruncateThread(null)).head().position());
      bodies.add(new Change.ThreadCleared().toJson());

      positions.add(applied(key, new Write.Delete()).head().position());
      bodies.add(new Change.SessionDeleted().toJson());

      positions.add(create(key, "someone", HOUR).head().position());
      bodies.add(new Change.SessionCreated().toJson());
      changes.flush();

      List<Change.Published> told = changes.of(key);
      assertThat(told).extracting(Change.Published::position).isEqualTo(positions);
      assertThat(told)
          .extracting(change -> String.valueOf(change.body()))
          .isEqualTo(bodies.stream().map(Json::toString).toList());
      assertThat(told.getFirst().previousTag()).isEmpty();
      for (int i = 1; i < told.size(); i++) {
        assertThat(told.get(i).previousTag()).isEqualTo(positions.get(i - 1).tag());
      }
    }
  }

  @Test
  void whatChangesNothingTellsNothing() {
    SessionKey key = furnished();
    Position now = position(key);
    WritePreconditions once = WritePreconditions.NONE.withRetry(newRetry());
    try (Changes changes = Changes.of(engine())) {
      refused(key, append(says("first", "x")), WritePreconditions.NONE, ProblemCode.MESSAGE_EXISTS);
      refused(
          key,
          new Write.TruncateThread("never"),
          WritePreconditions.NONE,
          ProblemCode.MESSAGE_NOT_FOUND);
      refused(key, append(says("x")), ownedBy("other"), ProblemCode.SESSION_NOT_FOUND);
      var held = get(engine().clientLock().lock(key, null, Duration.ofMinutes(1), null));
      refused(key, append(says("x")), WritePreconditions.NONE, ProblemCode.SESSION_LOCKED);
      get(engine().clientLock().renew(key, null, held.token(), Duration.ofMinutes(2)));
      run(engine().clientLock().release(key, null, held.token()));
      Position done = applied(key, append(says("x")), once).head().position();
      assertThat(write(key, append(says("x")), once)).isInstanceOf(Outcome.Replayed.class);
      changes.flush();

      assertThat(changes.of(key)).hasSize(1);
      assertThat(changes.of(key).getFirst().position()).isEqualTo(done);
      assertThat(changes.of(key).getFirst().previousTag()).isEqualTo(now.tag());
    }
  }

  /** A body of 2,048 bytes is told, one of 2,049 is left out; the change itself never is. */
  @Test
  void largeBodiesAreLeftOut() {
    SessionKey key = newKey();
    create(key);
    Position first = applied(key, append(sized("probe", 500))).head().position();
    int frame = new Change.MessagesAppended(thread(key)).toJson().length() - 500;
    // The same number of digits in the seqs that follow.
    List<Position> positions = new ArrayList<>();
    positions.add(first);
    int largest = Change.MAX_PUBLISHED_BYTES - frame;
    try (Changes changes = Changes.of(engine())) {
      for (int size : List.of(largest - 1, largest, largest + 1, 5_000, 200_000)) {
        String id = "five" + positions.size();
        positions.add(applied(key, append(sized(id, size))).head().position());
      }
      SessionAttributes large =
          new SessionAttributes(
              null, null, Json.EMPTY_OBJECT, "p".repeat(9000), null, Status.ACTIVE, HOUR);
      positions.add(applied(key, new Write.Update(large)).head().position());
      positions.add(applied(key, append(sized("fiveX", 600))).head().position());
      changes.flush();

      List<Change.Published> told = changes.of(key);
      assertThat(told)
          .extracting(Change.Published::position)
          .isEqualTo(positions.subList(1, positions.size()));
      assertThat(told)
          .extracting(change -> change.body() == null ? 0 : change.body().length())
          .containsExactly(
              Change.MAX_PUBLISHED_BYTES - 1, Change.MAX_PUBLISHED_BYTES, 0, 0, 0, 0, 600 + frame);
      for (int i = 0; i < told.size(); i++) {
        assertThat(told.get(i).previousTag()).isEqualTo(positions.get(i).tag());
      }
    }
  }

  /** Sessions that share a partition share its counter; every listener sees it without a hole. */
  @Test
  void aPartitionCountsItsChangesWithoutAHole() {
    List<SessionKey> keys = new ArrayList<>();
    int partition = newKey().partition();
    while (keys.size() < 4) {
      SessionKey key = newKey();
      if (key.partition() == partition) {
        keys.add(key);
      }
    }
    keys.forEach(this::create);
    try (Changes changes = Changes.of(engine());
        Changes others = Changes.of(engine(), engine().peer())) {
      others.flush();
      get(
          Flux.range(0, 200)
              .flatMap(
                  i ->
                      (i % 2 == 0 ? engine() : engine().peer())
                          .writer()
                          .apply(keys.get(i % 4), append(says("x")), WritePreconditions.NONE),
                  32)
              .collectList());
      changes.flush();
      others.flush();

      for (Changes seen : List.of(changes, others)) {
        List<Change.Published> told =
            seen.all().stream()
                .filter(change -> change.session().partition() == partition)
                .toList();
        assertThat(told).hasSizeGreaterThanOrEqualTo(200);
        for (int i = 1; i < told.size(); i++) {
          assertThat(told.get(i).partitionSeq()).isEqualTo(told.get(i - 1).partitionSeq() + 1);
        }
        for (SessionKey key : keys) {
          List<Change.Published> mine = seen.of(key);
          assertThat(mine).hasSize(50);
          for (int i = 1; i < mine.size(); i++) {
            assertThat(mine.get(i).position().version())
                .isEqualTo(mine.get(i - 1).position().version() + 1);
            assertThat(mine.get(i).previousTag()).isEqualTo(mine.get(i - 1).position().tag());
          }
        }
      }
    }
  }

  @Test
  void anAppendIsToldAsItIsRead() {
    SessionKey key = newKey();
    create(key, says("0"));
    try (Changes changes = Changes.of(engine())) {
      applied(key, append(says("own", "1"), says("2"), says("3")));
      changes.flush();
      Json body = changes.of(key).getFirst().body();
      List<Message> read = thread(key).subList(1, 4);
      assertThat(body).isEqualTo(new Change.MessagesAppended(read).toJson());
      assertThat(String.valueOf(body))
          .startsWith("{\"type\":\"message.appended\",\"messages\":[{\"id\":\"own\",\"seq\":2,")
          .contains("\"content\":\"3\"");
    }
  }

  @Test
  void aSubscriberThatLeavesIsForgottenAndOthersGoOn() {
    SessionKey key = newKey();
    create(key);
    try (Changes stays = Changes.of(engine())) {
      Changes leaves = Changes.of(engine());
      leaves.close();
      int seen = leaves.all().size();
      applied(key, append(says("x")));
      stays.flush();
      assertThat(stays.of(key)).hasSize(1);
      assertThat(leaves.all()).hasSize(seen);
    }
  }

  /** A replica keeps what it read for as long as the comparisons agree with what it was told. */
  @Test
  void everyPartitionIsComparedAgainAndAgain() {
    SessionKey key = newKey();
    create(key);
    long[] told = new long[SessionKey.PARTITIONS];
    long[] compared = new long[SessionKey.PARTITIONS];
    AtomicLongArray askedAt = new AtomicLongArray(SessionKey.PARTITIONS);
    List<String> wrong = new CopyOnWriteArrayList<>();
    Arrays.fill(told, -1);
    Disposable listening =
        engine()
            .feed()
            .listen(
                new ChangeFeed.Listener() {
                  @Override
                  public void changed(Change.Published change) {
                    told[change.session().partition()] = change.partitionSeq();
                  }

                  @Override
                  public void compared(int partition, long seq, long asked) {
                    if (told[partition] >= 0 && seq != told[partition]) {
                      wrong.add(partition + " is at " + seq + ", told " + told[partition]);
                    }
                    told[partition] = seq;
                    compared[partition] = seq;
                    askedAt.set(partition, asked);
                  }

                  @Override
                  public void lost(int partition, ChangeFeed.Loss loss) {
                    wrong.add(partition + " was lost: " + loss);
                  }
                });
    try (Changes changes = Changes.of(engine())) {
      for (int round = 0; round < 3; round++) {
        applied(key, append(says("x")));
        changes.flush();
        long now = System.nanoTime();
        Duration until =
            elapsedUntil(
                now,
                () ->
                    IntStream.range(0, SessionKey.PARTITIONS)
                        .allMatch(partition -> askedAt.get(partition) - now > 0));
        assertThat(until).isLessThan(Duration.ofSeconds(2));
      }
      long last = changes.of(key).getLast().partitionSeq();
      assertThat(compared[key.partition()]).isGreaterThanOrEqualTo(last);
      assertThat(wrong).isEmpty();
    } finally {
      listening.dispose();
    }
  }

  /** Whoever keeps a session takes its numbers from the change instead of asking for them. */
  @Test
  void countersAreWhatAReadSays() {
    SessionKey key = newKey();
    List<Head> heads = new ArrayList<>();
    try (Changes changes = Changes.of(engine())) {
      create(key, "someone", HOUR, says("first", "1"), says("second", "2"));
      heads.add(session(key).head());
      List<Write> writes =
          List.of(
              append(says("third", "3"), sized(null, 5_000)),
              new Write.Update(described("someone", Duration.ofHours(2))),
              new Write.SaveState(Json.of("{}")),
              new Write.DeleteMessage("second"),
              new Write.TruncateThread("first"),
              append(says("4")),
              new Write.TruncateThread(null),
              append(says("5")));
      for (Write write : writes) {
        applied(key, write);
        heads.add(session(key).head());
      }
      Outcome.Applied end = applied(key, new Write.Delete());
      changes.flush();

      List<Change.Published> told = changes.of(key);
      assertThat(told.subList(0, heads.size()))
          .extracting(Change.Published::counters)
          .isEqualTo(
              heads.stream()
                  .map(head ->
                      new Change.Counters(
                          head.lastSeq(),
                          head.messageCount(),
                          head.bytes(),
                          head.updatedAt(),
                          head.expiresAt()))
                  .toList());
      Change.Counters last = told.getLast().counters();
      assertThat(last)
          .isEqualTo(new Change.Counters(0, 0, 0, end.head().updatedAt(), end.head().updatedAt()));
    }
  }

  @Test
  void theDescribedSessionIsToldAsDescribed() {
    SessionKey key = newKey();
    create(key, "someone", HOUR);
    try (Changes changes = Changes.of(engine())) {
      applied(key, new Write.Update(WriteFixtures.complete(described("thief", HOUR))));
      changes.flush();
      assertThat(changes.of(key).getFirst().body())
          .isEqualTo(
              new Change.SessionUpdated(WriteFixtures.complete(described("someone", HOUR)))
                  .toJson());
    }
  }
}
