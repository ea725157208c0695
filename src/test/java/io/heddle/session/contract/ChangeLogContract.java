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
import io.heddle.session.ChangeLog.Logged;
import io.heddle.session.ChangeLog.Replay;
import io.heddle.session.Message;
import io.heddle.session.SessionAttributes;
import io.heddle.session.Write;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;

/** What can be told of a session after the fact, and when it must be said that it cannot. */
abstract class ChangeLogContract extends ContractSuite {

  private static final int MANY = 1000;

  /** The log and the feed are two ways to one history: a watcher merges them. */
  @Test
  void everyVersionIsLoggedAsItWasPublished() {
    SessionKey key = newKey();
    try (Changes changes = Changes.of(engine())) {
      Position made = create(key, says("first", "1"), says("second", "2")).head().position();
      applied(key, append(says("third", "3 \uD83E\uDDF5"), says("4")));
      applied(key, new Write.Update(titled("one")));
      applied(key, new Write.SaveState(Json.of("{\"n\":1}")));
      applied(key, append(says("5")));
      applied(key, new Write.RestoreState("latest"));
      Position last = applied(key, append(says("6"))).head().position();
      changes.flush();

      List<Change.Published> told = changes.of(key);
      List<Logged> logged = followed(key, made, MANY);
      assertThat(logged)
          .extracting(Logged::position)
          .isEqualTo(told.stream().skip(1).map(Change.Published::position).toList());
      assertThat(logged)
          .extracting(change -> change.body().toString())
          .isEqualTo(told.stream().skip(1).map(change -> String.valueOf(change.body())).toList());
      assertThat(logged)
          .extracting(Logged::previousTag)
          .isEqualTo(told.stream().skip(1).map(Change.Published::previousTag).toList());
      assertThat(engine().changeLog().after(key, "nobody", made, 9).onErrorComplete().block())
          .as("not the owner")
          .isNull();
      assertThat(replay(key, made, MANY)).extracting("now").isEqualTo(last);
      // From every position, not only the first.
      for (int i = 0; i < logged.size(); i++) {
        assertThat(followed(key, logged.get(i).position(), MANY))
            .isEqualTo(logged.subList(i + 1, logged.size()));
      }
    }
  }

  @Test
  void nothingFollowsWhereTheSessionIs() {
    SessionKey key = furnished();
    Position now = position(key);
    assertThat(replay(key, now, MANY)).isEqualTo(new Replay.Followed(List.of(), now));
  }

  @Test
  void aPositionOfAnotherHistoryIsAGap() {
    SessionKey key = furnished();
    Position made = position(key);
    applied(key, append(says("4")));
    assertGap(key, new Position(made.version(), "othertag"));
    assertGap(key, new Position(1, "othertag"));
    assertGap(key, new Position(position(key).version(), "othertag"));
    assertGap(key, new Position(position(key).version() + 1, made.tag()));
    assertGap(key, new Position(9_000_000_000_000_000L, made.tag()));
  }

  @Test
  void aDeletedMessageIsAGapForWhoMissedItAndNoneForWhoDidNot() {
    SessionKey key = newKey();
    Position made = create(key).head().position();
    Position two = applied(key, append(says("a", "1"), says("b", "2"))).head().position();
    Position three = applied(key, append(says("c", "3"))).head().position();
    applied(key, append(says("d", "4")));

    Position cut = applied(key, new Write.DeleteMessage("c")).head().position();
    assertGap(key, made);
    assertGap(key, two);
    // Its own entry is gone: nobody can say any more that it was of this history.
    assertGap(key, three);
    assertThat(followed(key, position(key), MANY)).isEmpty();
    applied(key, append(says("e", "5")));
    assertThat(followed(key, cut, MANY)).hasSize(1);
  }

  /** The first, the middle and the last of an append: what is left must not pass for all of it. */
  @Test
  void anAppendThatWasDeletedInPartIsAGap() {
    for (String which : List.of("a", "b", "c")) {
      for (boolean more : List.of(true, false)) {
        SessionKey key = newKey();
        Position made = create(key, says("0")).head().position();
        applied(key, append(says("a", "1"), says("b", "2"), says("c", "3")));
        if (more) {
          applied(key, append(says("d", "4")));
        }
        applied(key, new Write.DeleteMessage(which));
        assertGap(key, made);
        assertThat(replay(key, made, 1))
            .as("also for who asks for that one only")
            .isInstanceOf(Replay.Gap.class);
      }
    }
  }

  @Test
  void aCutIsAGapForWhoMissedWhatItRemoved() {
    SessionKey key = newKey();
    Position made = create(key, says("first", "1")).head().position();
    Position kept = applied(key, append(says("a", "1"), says("b", "2"))).head().position();
    applied(key, append(says("c", "3")));
    Position cut = applied(key, new Write.TruncateThread("b")).head().position();
    assertGap(key, made);
    assertGap(key, kept);
    applied(key, append(says("d", "4")));
    assertThat(followed(key, cut, MANY)).hasSize(1);

    applied(key, new Write.TruncateThread("a"));
    assertThat(replay(key, made, 1)).isInstanceOf(Replay.Gap.class);
  }

  @Test
  void aClearIsAGapForWhoMissedWhatItRemoved() {
    SessionKey key = newKey();
    Position made = create(key, says("1")).head().position();
    Position saved = applied(key, new Write.SaveState(Json.EMPTY_OBJECT)).head().position();
    Position appended = applied(key, append(says("2"))).head().position();
    Position cleared = applied(key, new Write.TruncateThread(null)).head().position();
    assertGap(key, made);
    assertGap(key, saved);
    assertGap(key, appended);
    applied(key, append(says("3")));
    assertThat(followed(key, cleared, MANY)).hasSize(1);
  }

  @Test
  void changesBeyondTheKeptOnesAreAGap() {
    SessionKey key = newKey();
    create(key);
    List<Position> positions = new ArrayList<>();
    for (int i = 0; i < 260; i++) {
      positions.add(applied(key, new Write.SaveState(Json.of("" + i))).head().position());
    }
    assertGap(key, positions.get(0));
    assertGap(key, positions.get(2));
    // 256 are kept, and the oldest of them is where it is gone on from.
    assertThat(followed(key, positions.get(4), MANY)).hasSize(255);
    assertThat(followed(key, positions.get(258), MANY)).hasSize(1);
  }

  @Test
  void anEndedSessionSaysSoWhereverOneStood() {
    SessionKey key = newKey();
    Position made = create(key, "someone", HOUR).head().position();
    applied(key, append(says("1")));
    Position end = applied(key, new Write.Delete()).head().position();
    for (Position since : List.of(made, end, new Position(99, "whatever"))) {
      assertThat(replay(key, since, MANY))
          .isEqualTo(new Replay.Ended(end, new Change.SessionDeleted()));
    }
    failed(engine().changeLog().after(key, "other", made, MANY), ProblemCode.SESSION_NOT_FOUND);
    assertThat(get(engine().changeLog().after(key, "someone", made, MANY)))
        .isInstanceOf(Replay.Ended.class);
  }

  @Test
  void anExpiredSessionSaysSoSweptOrNot() {
    SessionKey key = newKey();
    Position made = create(key, null, Duration.ofSeconds(1)).head().position();
    await().until(() -> replay(key, made, MANY) instanceof Replay.Ended);
    await()
        .until(() ->
            replay(key, made, MANY) instanceof Replay.Ended ended && ended.end().version() == 2);
    assertThat(replay(key, made, MANY)).extracting("change").isEqualTo(new Change.SessionExpired());
  }

  @Test
  void aSessionThatWasMadeAgainIsAnotherHistory() {
    SessionKey key = newKey();
    Position first = create(key, says("1")).head().position();
    Position end = applied(key, new Write.Delete()).head().position();
    Position again = create(key, says("2"), says("3")).head().position();
    assertThat(again.version()).isEqualTo(3);
    for (Position before : List.of(first, end)) {
      assertThat(replay(key, before, MANY))
          .as("whoever watched the one is not shown the other")
          .isEqualTo(new Replay.Ended(null, new Change.SessionDeleted()));
    }
    applied(key, append(says("4")));
    assertThat(followed(key, again, MANY)).hasSize(1);
  }

  @Test
  void longBodiesAreLoggedWhole() {
    SessionKey key = newKey();
    Position made = create(key).head().position();
    applied(key, append(sized("large", 200_000), sized("larger", 300_000)));
    SessionAttributes described = titled("x".repeat(9_000));
    applied(key, new Write.Update(described));

    List<Logged> logged = followed(key, made, MANY);
    List<Message> thread = thread(key);
    assertThat(logged.get(0).body()).isEqualTo(new Change.MessagesAppended(thread).toJson());
    assertThat(logged.get(1).body()).isEqualTo(new Change.SessionUpdated(described).toJson());
  }

  /** What a long update said is kept only by the session itself, and only until the next one. */
  @Test
  void aLongUpdateThatAnotherOneReplacedIsAGap() {
    SessionKey key = newKey();
    Position made = create(key).head().position();
    Position updated = applied(key, new Write.Update(titled("x".repeat(9_000)))).head().position();
    applied(key, append(says("1")));
    assertThat(followed(key, made, MANY)).hasSize(2);
    applied(key, new Write.Update(titled("short")));
    assertGap(key, made);
    assertThat(followed(key, updated, MANY)).hasSize(2);
  }

  @Test
  void answersEndAndGoOn() {
    SessionKey key = newKey();
    Position made = create(key).head().position();
    for (int i = 0; i < 50; i++) {
      applied(
          key, i % 5 == 0 ? new Write.SaveState(Json.of("" + i)) : append(says("x"), says("y")));
    }
    List<Logged> all = followed(key, made, MANY);
    assertThat(all).hasSize(50);
    for (int most : List.of(1, 3, 7, 49, 50)) {
      assertThat(inPages(key, made, most)).isEqualTo(all);
      assertThat(followed(key, made, most)).hasSizeBetween(1, most);
    }
  }

  @Test
  void anAnswerEndsBeforeItIsTooLarge() {
    SessionKey key = newKey();
    Position made = create(key).head().position();
    for (int i = 0; i < 5; i++) {
      applied(key, append(sized(null, 400_000)));
    }
    applied(key, append(sized(null, 900_000), sized(null, 900_000)));
    applied(key, append(says("last")));
    assertThat(followed(key, made, MANY)).hasSize(2);
    List<Logged> all = inPages(key, made, MANY);
    assertThat(all).hasSize(7);
    assertThat(all.get(5).body().length()).as("never torn").isGreaterThan(1_800_000);
  }

  @Test
  void aBuiltSessionIsOneVersionOfItsLog() {
    SessionKey key = newKey();
    String build = IDS.token();
    applied(key, new Write.StartBuild(build, described(null, HOUR)));
    failed(
        engine().changeLog().after(key, null, new Position(1, "whatever"), 9),
        ProblemCode.SESSION_NOT_FOUND);
    applied(
        key,
        new Write.AppendToBuild(
            build, List.of(new Write.Copied(says("1"), java.time.Instant.EPOCH))));
    Position opened = applied(key, new Write.PublishBuild(build)).head().position();
    assertThat(followed(key, opened, MANY)).isEmpty();
    applied(key, append(says("2")));
    assertThat(followed(key, opened, MANY)).hasSize(1);
  }

  @Test
  void noSessionIsNotFound() {
    failed(
        engine().changeLog().after(newKey(), null, new Position(1, "whatever"), MANY),
        ProblemCode.SESSION_NOT_FOUND);
  }

  /** One moment: whatever is written meanwhile, an answer has no hole and ends where it says. */
  @Test
  void readsOneMomentWhileOthersWrite() {
    SessionKey key = newKey();
    Position made = create(key).head().position();
    var writing =
        Flux.range(0, 300)
            .concatMap(i ->
                engine()
                    .writer()
                    .apply(
                        key,
                        i % 3 == 0 ? new Write.SaveState(Json.of("" + i)) : append(says("x")),
                        io.heddle.session.WritePreconditions.NONE))
            .collectList()
            .toFuture();
    while (!writing.isDone()) {
      List<Logged> logged = followed(key, made, MANY);
      for (int i = 0; i < logged.size(); i++) {
        assertThat(logged.get(i).position().version()).isEqualTo(made.version() + 1 + i);
      }
    }
    assertThat(followed(key, made, MANY)).hasSize(300);
  }

  private List<Logged> inPages(SessionKey key, Position since, int most) {
    List<Logged> all = new ArrayList<>();
    Position at = since;
    while (true) {
      Replay.Followed page = (Replay.Followed) replay(key, at, most);
      all.addAll(page.changes());
      if (page.changes().isEmpty()) {
        assertThat(at).isEqualTo(page.now());
        return all;
      }
      at = page.changes().getLast().position();
    }
  }

  private void assertGap(SessionKey key, Position since) {
    assertThat(replay(key, since, MANY)).isEqualTo(new Replay.Gap(position(key)));
  }

  private List<Logged> followed(SessionKey key, Position since, int most) {
    Replay replay = replay(key, since, most);
    assertThat(replay).isInstanceOf(Replay.Followed.class);
    return ((Replay.Followed) replay).changes();
  }

  private Replay replay(SessionKey key, Position since, int most) {
    return get(engine().changeLog().after(key, null, since, most));
  }

  private static SessionAttributes titled(String title) {
    return new SessionAttributes(
        null, title, Json.of("{\"k\":[]}"), null, null, SessionAttributes.Status.ACTIVE, HOUR);
  }
}
