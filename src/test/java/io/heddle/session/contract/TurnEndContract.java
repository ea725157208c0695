package io.heddle.session.contract;

import static io.heddle.session.contract.WriteFixtures.HOUR;
import static io.heddle.session.contract.WriteFixtures.append;
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
import io.heddle.session.Head;
import io.heddle.session.NewMessage;
import io.heddle.session.OnBusy;
import io.heddle.session.Outcome;
import io.heddle.session.Turn;
import io.heddle.session.TurnAttempt;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How turns end, and how all of it is told. */
abstract class TurnEndContract extends TurnSuite {

  private static final int MANY = 1000;

  // Ending

  @ParameterizedTest
  @EnumSource(
      value = Turn.Status.class,
      names = {"COMPLETED", "FAILED", "CANCELLED", "INCOMPLETE"})
  void anEndAddsTheOutputAndFreesTheSession(Turn.Status status) {
    SessionKey key = plain();
    String turn = started(key, says("2"));
    Head before = session(key).head();

    Outcome.Applied ended = applied(key, end(first(turn), status, answers("3"), answers("4")));

    Head head = ended.head();
    assertThat(ended.user()).isEqualTo("someone");
    assertThat(ended.description()).isNull();
    assertThat(head.activeTurn()).isNull();
    assertThat(head.position().version()).isEqualTo(before.position().version() + 1);
    assertThat(head.lastSeq()).isEqualTo(before.lastSeq() + 2);
    assertThat(head.messageCount()).isEqualTo(4);
    assertThat(head.expiresAt()).isEqualTo(head.updatedAt().plus(HOUR));
    assertThat(session(key).head()).isEqualTo(head);
    assertThat(contents(key)).endsWith(text(answers("3")), text(answers("4")));
    Turn record = record(key, turn);
    assertThat(record.status()).isEqualTo(status);
    assertThat(record.attempt()).isEqualTo(1);
    assertThat(record.endedAt()).isEqualTo(head.updatedAt());
    assertThat(record.leaseUntil()).isNull();
    assertThat(record.input()).isEqualTo(ids(key).subList(1, 2));
    assertThat(record.output()).isEqualTo(ids(key).subList(2, 4));
    assertThat(record.request()).isEqualTo(REQUEST);
    assertThat(record.end()).isEqualTo(END);
    started(key);
  }

  @Test
  void anEndSentAgainIsAReplay() {
    SessionKey key = plain();
    String turn = started(key, says("2"));
    Write.EndTurn end = end(turn, answers("3"), answers("4"));
    Position ended = applied(key, end).head().position();
    applied(key, append(says("5")));
    Everything after = everything(key);

    assertThat(write(key, end, WritePreconditions.NONE))
        .isEqualTo(new Outcome.Replayed(ended, record(key, turn).output()));

    // Who wants another end for it than it had must not believe that it was told the truth.
    refused(
        key,
        end(first(turn), Turn.Status.FAILED, answers("3"), answers("4")),
        WritePreconditions.NONE,
        ProblemCode.TURN_ENDED);
    refused(key, reap(turn), WritePreconditions.NONE, ProblemCode.TURN_ENDED);
    refused(
        key,
        end(new TurnAttempt(turn, 2), Turn.Status.COMPLETED),
        WritePreconditions.NONE,
        ProblemCode.TURN_ENDED);
    assertThat(everything(key)).isEqualTo(after);
    assertThat(record(key, turn).status()).isEqualTo(Turn.Status.COMPLETED);
  }

  @Test
  void onlyTheRunningAttemptEnds() {
    SessionKey key = plain();
    String turn = started(key, says("2"));
    String waits = queued(key);
    Everything before = everything(key);
    for (TurnAttempt other :
        List.of(
            new TurnAttempt(turn, 0),
            new TurnAttempt(turn, 2),
            first(waits),
            new TurnAttempt(waits, 0),
            first(turn(key).id()))) {
      refused(
          key,
          end(other, Turn.Status.COMPLETED, answers("x")),
          WritePreconditions.NONE,
          ProblemCode.TURN_ENDED);
    }
    refused(key, end(turn), ownedBy("other"), ProblemCode.SESSION_NOT_FOUND);
    assertThat(everything(key)).isEqualTo(before);
    applied(key, end(turn));
  }

  /** An answer that was paid for is kept: whatever a client's write would be refused for. */
  @Test
  void anEndComparesTheAttemptAndNothingElse() {
    SessionKey key = newKey();
    int bound = (int) engine().limits().sessionBytes();
    create(key, "someone", HOUR, sized(null, bound / 2));
    String turn = started(key, sized(null, bound / 2));
    applied(key, new Write.Update(WriteFixtures.complete(session(key).description())));
    String token = get(engine().clientLock().lock(key, null, LEASE, null)).token();

    Head head =
        applied(
                key,
                end(turn, sized(null, 2000)),
                WritePreconditions.NONE.withPositions(List.of(new Position(1, "aaaaaaaa"))))
            .head();

    assertThat(head.bytes()).isGreaterThan(bound);
    assertThat(head.messageCount()).isEqualTo(3);
    refused(key, append(says("x")), WritePreconditions.NONE, ProblemCode.SESSION_LOCKED);
    applied(key, new Write.SaveState(Json.EMPTY_OBJECT), WritePreconditions.NONE.withLock(token));
    assertThat(session(key).head().expiresAt()).isAfter(head.updatedAt().plus(LEASE));
  }

  @Test
  void anEndTakesInputBackOutOfTheThread() {
    SessionKey key = plain();
    String turn = started(key, says("asked", "2"), says("3"), says("4"));
    List<String> input = record(key, turn).input();
    applied(key, append(says("5")));
    applied(key, new Write.DeleteMessage(input.get(1)));
    long bytes = session(key).head().bytes();
    try (Changes changes = Changes.of(engine())) {
      Write.EndTurn end =
          new Write.EndTurn(
              first(turn),
              Turn.Status.CANCELLED,
              List.of(),
              END,
              List.of(input.get(0), input.get(1), input.get(2), "first"),
              false);
      Head head = applied(key, end).head();

      assertThat(contents(key))
          .as("what is not its input stays")
          .containsExactly(body("1"), body("5"));
      assertThat(head.messageCount()).isEqualTo(2);
      assertThat(head.lastSeq()).isEqualTo(5);
      assertThat(head.bytes())
          .isEqualTo(bytes - "asked".length() - body("2").length() - body("4").length());
      assertThat(record(key, turn).output()).isEmpty();
      changes.flush();
      List<String> removed = List.of(input.get(0), input.get(2));
      assertThat(changes.of(key))
          .extracting(Change.Published::body)
          .containsExactly(
              new Change.TurnEnded(turn, Turn.Status.CANCELLED, END, removed, List.of()).toJson());
    }
    applied(key, append(says("asked", "its id is free again")));
  }

  @Test
  void anEndTakesInputOutAndAddsOutputInOneVersion() {
    SessionKey key = plain();
    String turn = started(key, says("2"));
    List<String> input = record(key, turn).input();
    Head head =
        applied(
                key,
                new Write.EndTurn(
                    first(turn), Turn.Status.FAILED, List.of(answers("3")), END, input, false))
            .head();
    assertThat(contents(key)).containsExactly(body("1"), text(answers("3")));
    assertThat(head.lastSeq()).isEqualTo(3);
    assertThat(head.messageCount()).isEqualTo(2);
  }

  // Cancelling

  @Test
  void aWaitingTurnIsCancelledAtOnce() {
    SessionKey key = plain();
    String running = started(key);
    String first = queued(key, says("2"));
    String second = queued(key, says("3"));
    Head before = session(key).head();

    Head head = applied(key, cancel(first)).head();

    assertThat(head.position().version()).isEqualTo(before.position().version() + 1);
    assertThat(head.activeTurn()).isEqualTo(running);
    assertThat(head.lastSeq()).isEqualTo(before.lastSeq());
    Turn record = record(key, first);
    assertThat(record.status()).isEqualTo(Turn.Status.CANCELLED);
    assertThat(record.attempt()).isZero();
    assertThat(record.end()).isEqualTo(END);
    assertThat(record.endedAt()).isEqualTo(head.updatedAt());
    assertThat(record.startedAt()).isNull();
    assertThat(record.queuePosition()).isZero();
    assertThat(record.input()).isEmpty();
    assertThat(waiting(key)).containsExactly(second);
    assertThat(record(key, second).queuePosition()).isEqualTo(1);
    assertThat(record(key, running).cancel()).isEqualTo(Turn.Cancel.NONE);
    refused(key, cancel(first), WritePreconditions.NONE, ProblemCode.TURN_ENDED);
    applied(key, end(running));
    refused(key, next(first), WritePreconditions.NONE, ProblemCode.TURN_NOT_FOUND);
    applied(key, next(second));
  }

  @Test
  void theOwnerOfARunningTurnIsAskedToEndIt() {
    SessionKey key = plain();
    String turn = started(key, says("2"));
    Everything before = everything(key);
    try (Changes changes = Changes.of(engine());
        RecordingListener ear = new RecordingListener(engine(), engine().peer(), key).ready(key)) {
      Outcome.Applied asked = applied(key, cancel(turn), ownedBy("someone"));

      assertThat(asked.head()).isEqualTo(before.session().head());
      assertThat(everything(key)).as("no version").isEqualTo(before);
      assertThat(record(key, turn).status()).isEqualTo(Turn.Status.RUNNING);
      assertThat(record(key, turn).cancel()).isEqualTo(Turn.Cancel.KEEP);
      await().until(() -> !ear.heard().isEmpty());
      assertThat(ear.heard()).containsExactly("{\"turn\":\"" + turn + "\",\"cancel\":true}");

      // The stronger wish stands, whichever came first.
      applied(key, new Write.CancelTurn(turn, Turn.Cancel.ROLLBACK, END));
      assertThat(record(key, turn).cancel()).isEqualTo(Turn.Cancel.ROLLBACK);
      applied(key, cancel(turn));
      assertThat(record(key, turn).cancel()).isEqualTo(Turn.Cancel.ROLLBACK);
      changes.flush();
      assertThat(changes.of(key)).isEmpty();
    }
    applied(key, rollback(turn, key));
    assertThat(contents(key)).containsExactly(body("1"));
    assertThat(record(key, turn).cancel()).as("done").isEqualTo(Turn.Cancel.NONE);
    refused(key, cancel(turn), WritePreconditions.NONE, ProblemCode.TURN_ENDED);
  }

  /**
   * The owner had looked before it was asked for, and ended the turn with its answer: whoever had
   * rolled it back found input and answer in the thread, and the next turn was told both.
   */
  @Test
  void aRollbackThatWasAskedForIsNotEndedOtherwise() {
    SessionKey key = plain();
    String turn = started(key, says("2"));
    applied(key, begin(turn(key, says("3")), OnBusy.ROLLBACK));
    Everything before = everything(key);
    for (Write.EndTurn end :
        List.of(
            end(turn, answers("x")),
            end(turn),
            end(first(turn), Turn.Status.CANCELLED, answers("x")),
            end(first(turn), Turn.Status.CANCELLED))) {
      refused(key, end, WritePreconditions.NONE, ProblemCode.TURN_RUNNING);
    }
    assertThat(everything(key)).isEqualTo(before);
    applied(key, rollback(turn, key));
    assertThat(contents(key)).containsExactly(body("1"));
    // One without input has nothing to take back.
    SessionKey other = plain();
    String bare = started(other);
    applied(other, new Write.CancelTurn(bare, Turn.Cancel.ROLLBACK, END));
    refused(other, end(bare), WritePreconditions.NONE, ProblemCode.TURN_RUNNING);
    applied(other, end(first(bare), Turn.Status.CANCELLED));
  }

  private Write.EndTurn rollback(String turn, SessionKey key) {
    return new Write.EndTurn(
        first(turn), Turn.Status.CANCELLED, List.of(), END, record(key, turn).input(), false);
  }

  @Test
  void onlyWhatIsThereIsCancelled() {
    SessionKey key = plain();
    String turn = started(key);
    refused(key, cancel(turn(key).id()), WritePreconditions.NONE, ProblemCode.TURN_NOT_FOUND);
    refused(key, cancel(turn), ownedBy("other"), ProblemCode.SESSION_NOT_FOUND);
    refused(newKey(), cancel(turn), WritePreconditions.NONE, ProblemCode.SESSION_NOT_FOUND);
    SessionKey other = plain();
    started(other);
    refused(other, cancel(turn), WritePreconditions.NONE, ProblemCode.TURN_NOT_FOUND);
    assertThat(record(key, turn).cancel()).isEqualTo(Turn.Cancel.NONE);
  }

  @Test
  void aCancelAsksForNeitherLockNorPosition() {
    SessionKey key = plain();
    String running = started(key);
    String waits = queued(key);
    get(engine().clientLock().lock(key, null, LEASE, null));
    WritePreconditions elsewhere =
        WritePreconditions.NONE.withPositions(List.of(new Position(1, "aaaaaaaa")));
    applied(key, cancel(waits), elsewhere);
    applied(key, cancel(running), elsewhere);
    assertThat(record(key, waits).status()).isEqualTo(Turn.Status.CANCELLED);
    assertThat(record(key, running).cancel()).isEqualTo(Turn.Cancel.KEEP);
  }

  // Dropping

  @Test
  void aWaitingTurnThatCannotStartIsDropped() {
    SessionKey key = plain();
    String running = started(key);
    String first = queued(key, says("2"));
    String second = queued(key, says("3"));
    Json end = Json.of("{\"error\":{\"code\":\"turn-expired\",\"detail\":\"too late\"}}");
    Head head = applied(key, new Write.DropTurn(second, end)).head();
    assertThat(head.activeTurn()).isEqualTo(running);
    Turn record = record(key, second);
    assertThat(record.status()).isEqualTo(Turn.Status.FAILED);
    assertThat(record.end()).isEqualTo(end);
    assertThat(record.endedAt()).isEqualTo(head.updatedAt());
    assertThat(waiting(key)).containsExactly(first);
    refused(key, new Write.DropTurn(second, end), WritePreconditions.NONE, ProblemCode.TURN_ENDED);
    refused(
        key, new Write.DropTurn(running, end), WritePreconditions.NONE, ProblemCode.TURN_RUNNING);
    refused(
        key,
        new Write.DropTurn(turn(key).id(), end),
        WritePreconditions.NONE,
        ProblemCode.TURN_NOT_FOUND);
    applied(key, end(running));
    refused(key, new Write.DropTurn(running, end), WritePreconditions.NONE, ProblemCode.TURN_ENDED);
    applied(key, new Write.DropTurn(first, end));
    started(key);
  }

  // Telling

  /** One call, one version, one change; and the log tells what the feed told. */
  @Test
  void everyStepIsOneChange() {
    SessionKey key = plain();
    Position made = position(key);
    try (Changes changes = Changes.of(engine())) {
      String running = started(key, says("asked", "2"), says("3"));
      String first = queued(key, says("4"));
      String second = queued(key, says("5"));
      String third = queued(key, says("6"));
      String bare = queued(key);
      applied(key, cancel(second));
      applied(key, new Write.DropTurn(third, END));
      applied(key, cancel(running));
      get(flush(key, first(running), 0, events(1, 3)));
      refused(key, reap(running), WritePreconditions.NONE, ProblemCode.TURN_RUNNING);
      applied(key, end(first(running), Turn.Status.INCOMPLETE, answers("7"), answers("8")));
      applied(key, next(first));
      applied(key, end(first));
      applied(key, next(bare));
      applied(key, end(first(bare), Turn.Status.FAILED));
      changes.flush();

      var thread = thread(key);
      var input = thread.subList(1, 3);
      var output = thread.subList(3, 5);
      List<Json> told =
          List.of(
              new Change.TurnStarted(running, input).toJson(),
              new Change.TurnQueued(first, 1).toJson(),
              new Change.TurnQueued(second, 2).toJson(),
              new Change.TurnQueued(third, 3).toJson(),
              new Change.TurnQueued(bare, 4).toJson(),
              ended(second, Turn.Status.CANCELLED),
              ended(third, Turn.Status.FAILED),
              new Change.TurnEnded(running, Turn.Status.INCOMPLETE, END, List.of(), output)
                  .toJson(),
              new Change.TurnStarted(first, thread.subList(5, 6)).toJson(),
              ended(first, Turn.Status.COMPLETED),
              new Change.TurnStarted(bare, List.of()).toJson(),
              ended(bare, Turn.Status.FAILED));
      List<Change.Published> published = changes.of(key);
      assertThat(published).extracting(Change.Published::body).isEqualTo(told);
      String tag = made.tag();
      for (int i = 0; i < published.size(); i++) {
        Change.Published change = published.get(i);
        assertThat(change.position().version()).isEqualTo(made.version() + 1 + i);
        assertThat(change.previousTag()).isEqualTo(tag);
        tag = change.position().tag();
      }
      Head head = session(key).head();
      assertThat(published.getLast().position()).isEqualTo(head.position());
      assertThat(published.getLast().counters())
          .isEqualTo(
              new Change.Counters(
                  head.lastSeq(),
                  head.messageCount(),
                  head.bytes(),
                  head.updatedAt(),
                  head.expiresAt()));

      for (int i = 0; i <= told.size(); i++) {
        Position since = i == 0 ? made : published.get(i - 1).position();
        List<Logged> logged = followed(key, since, MANY);
        assertThat(logged).extracting(Logged::body).isEqualTo(told.subList(i, told.size()));
        assertThat(logged)
            .extracting(Logged::position)
            .isEqualTo(published.stream().skip(i).map(Change.Published::position).toList());
      }
      assertThat(followed(key, made, 3)).extracting(Logged::body).isEqualTo(told.subList(0, 3));
    }
  }

  /** As the words of the wire: what is compared above must not be wrong on both sides. */
  @Test
  void theChangesAsTheyAreWritten() {
    SessionKey key = plain();
    Position made = position(key);
    String running = started(key, says("asked", "2"));
    String waits = queued(key);
    applied(
        key,
        new Write.EndTurn(
            first(running),
            Turn.Status.CANCELLED,
            List.of(),
            Json.of("{\"n\":1}"),
            List.of("asked"),
            false));
    List<Logged> logged = followed(key, position(key), MANY);
    assertThat(logged).isEmpty();
    Replay gap = replay(key, made, MANY);
    assertThat(gap).as("its input is gone since").isEqualTo(new Replay.Gap(position(key)));
    try (Changes changes = Changes.of(engine())) {
      Head head = applied(key, next(waits)).head();
      String third = queued(key);
      Head ended =
          applied(key, end(waits, new NewMessage("said", Json.of("{\"role\":\"x\"}")))).head();
      changes.flush();
      assertThat(head.lastSeq()).isEqualTo(2);
      assertThat(changes.of(key))
          .extracting(change -> String.valueOf(change.body()))
          .containsExactly(
              "{\"type\":\"turn.started\",\"turn\":\"" + waits + "\",\"messages\":[]}",
              "{\"type\":\"turn.queued\",\"turn\":\"" + third + "\",\"queuePosition\":1}",
              "{\"type\":\"turn.completed\",\"turn\":\""
                  + waits
                  + "\",\"removed\":[],"
                  + END.toString().substring(1, END.toString().length() - 1)
                  + ",\"messages\":[{\"id\":\"said\",\"seq\":3,\"role\":\"x\",\"createdAt\":\""
                  + io.heddle.json.Times.rfc3339(ended.updatedAt())
                  + "\"}]}");
    }
  }

  @Test
  void longChangesArePublishedWithoutTheirBodyAndLoggedWhole() {
    SessionKey key = plain();
    Position made = position(key);
    try (Changes changes = Changes.of(engine())) {
      String turn = started(key, sized("large", 200_000));
      applied(key, end(turn, sized(null, 3000), answers("x")));
      String small = started(key, sized(null, 1000), sized(null, 500));
      applied(key, end(small));
      changes.flush();
      assertThat(changes.types(key))
          .containsExactly("(large)", "(large)", "turn.started", "turn.completed");
      assertThat(changes.of(key).getFirst().counters().lastSeq()).isEqualTo(2);
      var thread = thread(key);
      assertThat(followed(key, made, MANY))
          .extracting(Logged::body)
          .containsExactly(
              new Change.TurnStarted(turn, thread.subList(1, 2)).toJson(),
              new Change.TurnEnded(
                      turn, Turn.Status.COMPLETED, END, List.of(), thread.subList(2, 4))
                  .toJson(),
              new Change.TurnStarted(small, thread.subList(4, 6)).toJson(),
              ended(small, Turn.Status.COMPLETED));
    }
  }

  /** What a change told and is not in the thread any more cannot be told again. */
  @Test
  void aMessageThatWentSinceIsAGapForWhoMissedIt() {
    for (int i = 0; i < 4; i++) {
      SessionKey key = plain();
      Position made = position(key);
      String turn = started(key, says("2"), says("3"));
      Position begun = position(key);
      Position ended = applied(key, end(turn, answers("4"), answers("5"))).head().position();
      applied(key, append(says("6")));
      applied(key, new Write.DeleteMessage(ids(key).get(1 + i)));
      Position now = position(key);
      assertThat(replay(key, made, MANY)).isEqualTo(new Replay.Gap(now));
      if (i >= 2) {
        assertThat(followed(key, made, 1)).hasSize(1);
        assertThat(replay(key, begun, MANY)).isEqualTo(new Replay.Gap(now));
      } else {
        assertThat(followed(key, begun, MANY)).hasSize(3);
      }
      assertThat(followed(key, ended, MANY)).hasSize(2);
    }
  }

  /** A page of the log ends before a change whose messages it has not reached. */
  @Test
  void aLongLogOfTurnsIsReadInPages() {
    SessionKey key = plain();
    Position made = position(key);
    for (int i = 0; i < 6; i++) {
      String turn = started(key, sized(null, 300_000));
      applied(key, end(turn, sized(null, 300_000)));
    }
    List<Position> positions = new ArrayList<>();
    Position at = made;
    while (!at.equals(position(key))) {
      List<Logged> page = followed(key, at, MANY);
      assertThat(page).hasSizeBetween(1, 4);
      page.forEach(change -> positions.add(change.position()));
      at = page.getLast().position();
    }
    assertThat(positions).hasSize(12);
    for (int most : List.of(1, 2, 5)) {
      assertThat(followed(key, made, most)).hasSizeBetween(1, most);
    }
  }

  @Test
  void anInterruptedTurnsHistoryIsWhole() {
    SessionKey key = plain();
    Position made = position(key);
    String running = started(key, says("2"));
    var interrupts = turn(key, says("3"));
    applied(key, begin(interrupts, OnBusy.INTERRUPT));
    applied(key, end(first(running), Turn.Status.CANCELLED, answers("so far")));
    applied(key, next(interrupts.id()));
    applied(key, end(interrupts.id(), answers("4")));
    assertThat(contents(key))
        .containsExactly(
            body("1"), body("2"), text(answers("so far")), body("3"), text(answers("4")));
    assertThat(followed(key, made, MANY)).hasSize(5);
  }

  private static Json ended(String turn, Turn.Status status) {
    return new Change.TurnEnded(turn, status, END, List.of(), List.of()).toJson();
  }

  private static String text(NewMessage message) {
    return message.body().toString();
  }

  private List<Logged> followed(SessionKey key, Position since, int most) {
    Replay replay = replay(key, since, most);
    assertThat(replay).isInstanceOf(Replay.Followed.class);
    return ((Replay.Followed) replay).changes();
  }

  private Replay replay(SessionKey key, Position since, int most) {
    return get(engine().changeLog().after(key, null, since, most));
  }
}
