package io.heddle.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Position;
import io.heddle.json.Json;
import io.heddle.session.ChangeLog.Logged;
import io.heddle.session.ChangeLog.Replay;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** How the thread and the other changes become one history again, turns included. */
class LoggedChangesTest {

  private static final int MANY = 1000;
  private static final Json END = Json.of("{\"usage\":{\"totalTokens\":3}}");

  private static final SessionAttributes DESCRIPTION =
      new SessionAttributes(
          "ann",
          null,
          Json.EMPTY_OBJECT,
          null,
          null,
          SessionAttributes.Status.ACTIVE,
          Duration.ofHours(1));

  /** Version 1 made the session; seqs are given in the order of the calls. */
  private static final class History {
    final List<LoggedChanges.Entry> thread = new ArrayList<>();
    final List<Change.OfTurn> turns = new ArrayList<>();
    final List<Long> turnVersions = new ArrayList<>();
    final List<Json> told = new ArrayList<>();
    long version = 1;
    long seq;

    List<Message> say(int count, int bytes) {
      version++;
      List<Message> messages = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        Json body = Json.of("{\"content\":\"" + "x".repeat(bytes) + "\"}");
        Message message = new Message("m" + (seq + 1), ++seq, Instant.EPOCH, body);
        messages.add(message);
        thread.add(new LoggedChanges.Entry(version, i, tag(version), message));
      }
      return messages;
    }

    History append(int count) {
      told.add(new Change.MessagesAppended(say(count, 10)).toJson());
      return this;
    }

    History start(int count, int bytes) {
      return of(new Change.TurnStarted("trn_" + version, say(count, bytes)));
    }

    History end(int count, int bytes) {
      return of(
          new Change.TurnEnded(
              "trn_" + version, Turn.Status.COMPLETED, END, List.of("a"), say(count, bytes)));
    }

    private History of(Change.OfTurn change) {
      turns.add(change);
      turnVersions.add(version);
      told.add(change.toJson());
      return this;
    }

    void delete(String id) {
      thread.removeIf(entry -> entry.message().id().equals(id));
    }

    Replay replay(long since, int most) {
      return replay(since, most, Integer.MAX_VALUE);
    }

    /**
     * @param versions of the thread that are given, as an engine bounds them
     */
    Replay replay(long since, int most, int versions) {
      Position now = new Position(version, tag(version));
      LoggedChanges changes = new LoggedChanges(new Position(since, tag(since)), now, seq);
      long given = 0;
      int count = 0;
      for (LoggedChanges.Entry entry : thread) {
        if (entry.version() <= since) {
          continue;
        }
        if (entry.version() != given && count++ == versions) {
          changes.threadGoesOn(entry.message().seq());
          break;
        }
        given = entry.version();
        changes.message(entry);
      }
      for (int i = 0; i < turns.size(); i++) {
        if (turnVersions.get(i) > since) {
          long at = turnVersions.get(i);
          changes.other(at, tag(at), turns.get(i).head(), turns.get(i).messages().size());
        }
      }
      return changes.replay(DESCRIPTION, most);
    }

    List<Json> followed(long since, int most) {
      return bodies(replay(since, most));
    }

    Replay gap() {
      return new Replay.Gap(new Position(version, tag(version)));
    }

    static List<Json> bodies(Replay replay) {
      assertThat(replay).isInstanceOf(Replay.Followed.class);
      return ((Replay.Followed) replay).changes().stream().map(Logged::body).toList();
    }

    static String tag(long version) {
      return "tag%05d".formatted(version);
    }
  }

  @Test
  void aTurnsChangeIsPutTogetherFromItsHeadAndTheThread() {
    History history =
        new History().append(1).start(2, 10).append(2).end(3, 10).start(0, 0).end(0, 0).append(1);
    assertThat(history.followed(1, MANY)).isEqualTo(history.told);
    for (int since = 1; since <= history.version; since++) {
      assertThat(history.followed(since, MANY))
          .isEqualTo(history.told.subList(since - 1, history.told.size()));
    }
    assertThat(history.followed(1, 3)).isEqualTo(history.told.subList(0, 3));
    Logged second = ((Replay.Followed) history.replay(1, MANY)).changes().get(1);
    assertThat(second.position()).isEqualTo(new Position(3, History.tag(3)));
    assertThat(second.previousTag()).isEqualTo(History.tag(2));
  }

  @Test
  void aHeadTellsEverythingButTheMessages() {
    Change.TurnEnded ended =
        new Change.TurnEnded("trn_x", Turn.Status.FAILED, END, List.of("a\"b"), List.of());
    assertThat(ended.head().toString())
        .isEqualTo(
            "{\"type\":\"turn.failed\",\"turn\":\"trn_x\",\"removed\":[\"a\\\"b\"],"
                + "\"usage\":{\"totalTokens\":3}}");
    assertThat(ended.toJson().toString())
        .isEqualTo(
            "{\"type\":\"turn.failed\",\"turn\":\"trn_x\",\"removed\":[\"a\\\"b\"],"
                + "\"usage\":{\"totalTokens\":3},\"messages\":[]}");
  }

  @Test
  void aMessageThatIsGoneMakesItsTurnsChangeAGap() {
    for (int gone = 1; gone <= 5; gone++) {
      History history = new History().start(2, 10).end(3, 10).append(1);
      history.delete("m" + gone);
      assertThat(history.replay(1, MANY)).as("m%d", gone).isEqualTo(history.gap());
      if (gone <= 2) {
        assertThat(history.replay(1, 1))
            .as("also who asks for that one only")
            .isEqualTo(history.gap());
        assertThat(history.followed(2, MANY)).isEqualTo(history.told.subList(1, 3));
      } else {
        assertThat(history.followed(1, 1)).isEqualTo(history.told.subList(0, 1));
      }
    }
  }

  /**
   * Whether the last message of an append is still there shows only in the seq of the next message.
   * A turn's change knows how many it told: it was a gap for who missed it when the first message
   * after it was deleted, though it could be told whole.
   */
  @Test
  void aTurnsChangeIsWholeWhateverBecameOfWhatFollows() {
    History history = new History().start(2, 10).append(1).end(1, 10).append(1);
    history.delete("m3");
    assertThat(history.followed(1, 1)).isEqualTo(history.told.subList(0, 1));
    assertThat(history.replay(1, MANY)).isEqualTo(history.gap());
    assertThat(history.followed(3, MANY)).isEqualTo(history.told.subList(2, 4));
  }

  /**
   * The heads were given to their end and the thread was not: the first change whose messages were
   * not given yet was told as a gap, and the watcher lost what it had. The answer ends before it.
   */
  @Test
  void anAnswerEndsWhereTheThreadWasNotGivenAnyMore() {
    History history = new History().append(1).start(1, 10).end(1, 10).start(0, 0).end(2, 10);
    for (int versions = 1; versions <= 4; versions++) {
      List<Json> bodies = History.bodies(history.replay(1, MANY, versions));
      // The start without input needs nothing of the thread.
      int whole = versions == 3 ? 4 : versions == 4 ? 5 : versions;
      assertThat(bodies).isEqualTo(history.told.subList(0, whole));
    }
  }

  @Test
  void anAnswerOfLongTurnsEndsBeforeItIsTooLarge() {
    History history = new History();
    for (int i = 0; i < 4; i++) {
      history.start(1, 400_000).end(1, 400_000);
    }
    long at = 1;
    List<Json> all = new ArrayList<>();
    while (at < history.version) {
      List<Json> page = history.followed(at, MANY);
      assertThat(page).hasSize(2);
      assertThat(page.stream().mapToInt(Json::length).sum())
          .isLessThanOrEqualTo(LoggedChanges.MAX_BYTES);
      all.addAll(page);
      at += page.size();
    }
    assertThat(all).isEqualTo(history.told);
  }

  @Test
  void oneChangeIsToldHoweverLongItIs() {
    History history = new History().start(3, 900_000).end(1, 10);
    assertThat(history.followed(1, MANY)).isEqualTo(history.told.subList(0, 1));
  }
}
