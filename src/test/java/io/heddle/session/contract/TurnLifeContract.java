package io.heddle.session.contract;

import static io.heddle.session.contract.WriteFixtures.HOUR;
import static io.heddle.session.contract.WriteFixtures.append;
import static io.heddle.session.contract.WriteFixtures.described;
import static io.heddle.session.contract.WriteFixtures.says;
import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Position;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.Change;
import io.heddle.session.ChangeLog.Replay;
import io.heddle.session.Head;
import io.heddle.session.NewTurn;
import io.heddle.session.OnBusy;
import io.heddle.session.Outcome;
import io.heddle.session.Outcome.Applied;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.Turn;
import io.heddle.session.TurnLog.Flushed;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A turn beside everything else that happens to its session. */
abstract class TurnLifeContract extends TurnSuite {

  // Beside other writes

  @Test
  void whatATurnStandsOnIsNotTakenAway() {
    SessionKey key = furnished();
    String turn = started(key, says("asked", "4"), says("5"));
    applied(key, append(says("later", "6"), says("latest", "7")));
    List<String> ids = ids(key);
    Everything before = everything(key);

    refused(key, new Write.TruncateThread(null), WritePreconditions.NONE, ProblemCode.TURN_RUNNING);
    refused(
        key, new Write.TruncateThread("second"), WritePreconditions.NONE, ProblemCode.TURN_RUNNING);
    refused(
        key, new Write.TruncateThread("third"), WritePreconditions.NONE, ProblemCode.TURN_RUNNING);
    refused(
        key, new Write.TruncateThread("asked"), WritePreconditions.NONE, ProblemCode.TURN_RUNNING);
    refused(
        key, new Write.RestoreState("latest"), WritePreconditions.NONE, ProblemCode.TURN_RUNNING);
    refused(
        key,
        new Write.TruncateThread("nothing"),
        WritePreconditions.NONE,
        ProblemCode.MESSAGE_NOT_FOUND);
    assertThat(everything(key)).isEqualTo(before);

    applied(key, new Write.TruncateThread("later"));
    applied(key, new Write.TruncateThread(ids.get(4)));
    assertThat(ids(key)).isEqualTo(ids.subList(0, 5));
    // One message of its input may go, the thread stays valid.
    applied(key, new Write.DeleteMessage(ids.get(4)));
    applied(key, new Write.TruncateThread("asked"));

    applied(key, end(turn));
    applied(key, new Write.RestoreState("latest"));
    applied(key, new Write.TruncateThread("third"));
    applied(key, new Write.TruncateThread(null));
  }

  @Test
  void aTurnWithoutInputStandsOnTheThreadOnly() {
    SessionKey key = furnished();
    String turn = started(key);
    applied(key, new Write.TruncateThread("second"));
    refused(key, new Write.TruncateThread(null), WritePreconditions.NONE, ProblemCode.TURN_RUNNING);
    applied(key, end(turn));
  }

  @Test
  void waitingTurnsStandOnNothing() {
    SessionKey key = furnished();
    String running = started(key, says("4"));
    String waits = queued(key, says("5"));
    applied(key, end(running));
    applied(key, new Write.RestoreState("latest"));
    applied(key, new Write.TruncateThread("first"));
    applied(key, new Write.TruncateThread(null));
    applied(key, next(waits));
    assertThat(contents(key)).containsExactly(body("5"));
  }

  static Stream<Named<Write>> goOn() {
    return Stream.of(
        Named.of("Append", append(says("late"))),
        Named.of("Update", new Write.Update(described("someone", HOUR))),
        Named.of("SaveState", new Write.SaveState(Json.of("{\"late\":true}"))),
        Named.of("DeleteMessage", new Write.DeleteMessage("second")));
  }

  @ParameterizedTest
  @MethodSource("goOn")
  void otherWritesGoOn(Write write) {
    SessionKey key = furnished();
    String turn = started(key, says("4"));
    flushed(key, turn, 0, events(1, 2));
    Head head = applied(key, write).head();
    assertThat(head.activeTurn()).isEqualTo(turn);
    assertThat(flushed(key, turn, 2, events(3, 4))).isEqualTo(kept(4));
    applied(key, end(turn, answers("5")));
  }

  // Life

  @Test
  void aSessionOutlivesTheLeaseOfItsTurn() {
    SessionKey key = newKey();
    create(key, "someone", SHORT);
    NewTurn turn = turn(key, LEASE);
    Head head = applied(key, begin(turn)).head();
    assertThat(head.expiresAt()).isEqualTo(head.updatedAt().plus(LEASE).plusSeconds(10));
    // A write that begins the session's short life anew does not shorten the turn's.
    for (Write write :
        List.of(
            append(says("x")),
            new Write.Update(described("someone", SHORT)),
            new Write.SaveState(Json.EMPTY_OBJECT))) {
      assertThat(applied(key, write).head().expiresAt()).isEqualTo(head.expiresAt());
    }
    String waits = queued(key);
    assertThat(session(key).head().expiresAt()).isEqualTo(head.expiresAt());
    Head ended = applied(key, end(turn.id())).head();
    assertThat(ended.expiresAt()).as("as after any write").isEqualTo(ended.updatedAt().plus(SHORT));
    Head again = applied(key, next(waits)).head();
    assertThat(again.expiresAt()).isEqualTo(again.updatedAt().plus(LEASE).plusSeconds(10));
  }

  /**
   * A lease that is renewed keeps the session too. One whose turn was left alone past its end, in
   * an outage of the store, is not swept away under its owner: it is left to whoever ends the turn.
   */
  @Test
  void aSessionWithATurnDoesNotExpire() {
    SessionKey key = newKey();
    SessionKey waits = newKey();
    SessionKey idle = newKey();
    try (Changes changes = Changes.of(engine())) {
      for (SessionKey each : List.of(key, waits, idle)) {
        create(each, "someone", SHORT, says("1"));
      }
      String turn = started(key, SHORT, says("2"));
      applied(idle, end(started(idle, SHORT)));
      String running = started(waits, SHORT);
      String next = queued(waits);
      applied(waits, end(running));
      for (SessionKey each : List.of(waits, idle)) {
        await().untilAsserted(() -> assertThat(changes.types(each)).endsWith("session.expired"));
      }
      refused(waits, next(next), WritePreconditions.NONE, ProblemCode.SESSION_EXPIRED);
      failed(engine().turnLog().read(waits, null, next, 0, 0), ProblemCode.SESSION_EXPIRED);
      failed(engine().turnLog().list(waits, "someone"), ProblemCode.SESSION_EXPIRED);
      failed(engine().turnLog().list(waits, "other"), ProblemCode.SESSION_NOT_FOUND);

      // Its lease has ended, nobody ends it, and at last the time of its session is over.
      assertThat(session(key).head().activeTurn()).isEqualTo(turn);
      refused(key, new Write.Expire(), WritePreconditions.NONE, ProblemCode.VERSION_CONFLICT);
      pass(Duration.between(Instant.now(), session(key).head().expiresAt()).plusMillis(1500));
      failed(
          engine().reader().load(key, ReadContext.ANY, PageRequest.NONE),
          ProblemCode.SESSION_EXPIRED);
      refused(key, append(says("x")), WritePreconditions.NONE, ProblemCode.SESSION_EXPIRED);
      refused(key, cancel(turn), WritePreconditions.NONE, ProblemCode.SESSION_EXPIRED);
      refused(key, new Write.Expire(), WritePreconditions.NONE, ProblemCode.VERSION_CONFLICT);
      await().until(() -> due().contains(key));

      assertThat(flushed(key, turn, 0, events(1, 2))).isEqualTo(kept(2));
      assertThat(session(key).head().activeTurn()).isEqualTo(turn);
      applied(key, end(turn, answers("3")));
      assertThat(contents(key)).hasSize(3);
      await()
          .untilAsserted(() ->
              assertThat(changes.types(key))
                  .containsExactly("session.created", "turn.started", "turn.completed"));
    }
  }

  @Test
  void aDeleteEndsATurnWithoutAWord() {
    SessionKey key = plain();
    String turn = started(key, SHORT, says("2"));
    String waits = queued(key);
    get(engine().turnLog().flush(key, first(turn), 0, events(1, 2), SHORT));
    Position before = position(key);
    try (Changes changes = Changes.of(engine())) {
      Head head = applied(key, new Write.Delete()).head();
      assertThat(head.activeTurn()).isNull();

      assertThat(flushed(key, turn, 2, events(3, 3))).isEqualTo(lost());
      refused(key, end(turn, answers("3")), WritePreconditions.NONE, ProblemCode.SESSION_DELETED);
      refused(key, reap(turn), WritePreconditions.NONE, ProblemCode.SESSION_DELETED);
      refused(key, cancel(turn), WritePreconditions.NONE, ProblemCode.SESSION_DELETED);
      refused(key, cancel(waits), ownedBy("other"), ProblemCode.SESSION_NOT_FOUND);
      refused(key, next(waits), WritePreconditions.NONE, ProblemCode.SESSION_DELETED);
      refused(
          key,
          new Write.DropTurn(waits, END),
          WritePreconditions.NONE,
          ProblemCode.SESSION_DELETED);
      refused(
          key,
          new Write.RetakeTurn(first(turn), LEASE),
          WritePreconditions.NONE,
          ProblemCode.SESSION_DELETED);
      failed(engine().turnLog().read(key, null, turn, 0, 9), ProblemCode.SESSION_DELETED);
      failed(engine().turnLog().read(key, "other", turn, 0, 9), ProblemCode.SESSION_NOT_FOUND);
      failed(engine().turnLog().list(key, null), ProblemCode.SESSION_DELETED);
      assertThat(get(engine().changeLog().after(key, null, before, 9)))
          .isEqualTo(new Replay.Ended(head.position(), new Change.SessionDeleted()));
      changes.flush();
      assertThat(changes.types(key)).containsExactly("session.deleted");
    }
  }

  @Test
  void aNewSessionOfTheIdKnowsNothingOfTheTurnsBefore() {
    SessionKey key = plain();
    NewTurn order = turn(key, says("2"));
    applied(key, begin(order));
    String turn = order.id();
    String waits = queued(key);
    flushed(key, turn, 0, events(1, 2));
    applied(key, new Write.Delete());
    create(key, "another", HOUR, says("new"));

    assertThat(session(key).head().activeTurn()).isNull();
    assertThat(list(key)).isEmpty();
    failed(engine().turnLog().read(key, null, turn, 0, 9), ProblemCode.TURN_NOT_FOUND);
    assertThat(flushed(key, turn, 2, events(3, 3))).isEqualTo(lost());
    refused(key, end(turn, answers("3")), WritePreconditions.NONE, ProblemCode.TURN_ENDED);
    refused(key, next(waits), WritePreconditions.NONE, ProblemCode.TURN_NOT_FOUND);
    refused(key, cancel(waits), WritePreconditions.NONE, ProblemCode.TURN_NOT_FOUND);
    assertThat(due()).doesNotContain(key);
    assertThat(contents(key)).containsExactly(body("new"));
    // The same request, very late, is a turn of this session.
    assertThat(applied(key, begin(order)).head().activeTurn()).isEqualTo(turn);
    assertThat(recorded(key, turn, 0, 9).last()).isZero();
    assertThat(flushed(key, turn, 0, events(7, 7))).isEqualTo(kept(1));
    assertThat(recorded(key, turn, 0, 9).events()).isEqualTo(events(7, 7));
  }

  // Races

  @Test
  void ofManyBegunAtOnceOneRunsAndTheOthersWaitInOneOrder() {
    SessionKey key = plain();
    Position made = position(key);
    try (Changes changes = Changes.of(engine())) {
      List<NewTurn> turns =
          IntStream.range(0, 50).mapToObj(i -> turn(key, says("turn " + i))).toList();
      List<Outcome> outcomes =
          atOnce(
              50,
              i ->
                  (i % 2 == 0 ? engine() : engine().peer())
                      .writer()
                      .apply(
                          key,
                          new Write.BeginTurn(turns.get(i), OnBusy.ENQUEUE, 50),
                          WritePreconditions.NONE));
      assertThat(outcomes).allSatisfy(outcome -> assertThat(outcome).isInstanceOf(Applied.class));

      changes.flush();
      List<Change.Published> told = changes.of(key);
      assertThat(told).hasSize(50);
      List<Turn> list = list(key);
      assertThat(list).hasSize(50);
      assertThat(list.getFirst().status()).isEqualTo(Turn.Status.RUNNING);
      assertThat(session(key).head().activeTurn()).isEqualTo(list.getFirst().id());
      for (int i = 0; i < 50; i++) {
        assertThat(told.get(i).position().version()).isEqualTo(made.version() + 1 + i);
        if (i > 0) {
          assertThat(list.get(i).status()).isEqualTo(Turn.Status.QUEUED);
          assertThat(list.get(i).queuePosition()).isEqualTo(i);
          assertThat(told.get(i).body())
              .as("in the order of their versions")
              .isEqualTo(new Change.TurnQueued(list.get(i).id(), i).toJson());
        }
      }
      assertThat(changes.types(key)).startsWith("turn.started");
      assertThat(contents(key)).hasSize(2);
      // All of them run, one after the other, each with the thread that the one before left.
      for (int i = 0; i < 50; i++) {
        if (i > 0) {
          applied(key, next(list.get(i).id()));
        }
        applied(key, end(list.get(i).id(), answers("" + i)));
      }
      List<String> contents = contents(key);
      assertThat(contents).hasSize(101);
      for (int i = 0; i < 50; i++) {
        String id = list.get(i).id();
        NewTurn turn =
            turns.stream().filter(each -> each.id().equals(id)).findFirst().orElseThrow();
        assertThat(contents.get(1 + 2 * i)).isEqualTo(turn.input().getFirst().body().toString());
        assertThat(contents.get(2 + 2 * i)).isEqualTo(answers("" + i).body().toString());
      }
    }
  }

  @Test
  void theSameTurnSentByManyAtOnceIsBegunOnce() {
    SessionKey key = plain();
    NewTurn turn = turn(key, says("2"));
    List<Outcome> outcomes = atOnce(20, i -> sent(key, begin(turn)));
    assertThat(outcomes).filteredOn(Applied.class::isInstance).hasSize(1);
    assertThat(outcomes).filteredOn(Outcome.Replayed.class::isInstance).hasSize(19);
    assertThat(list(key)).hasSize(1);
    assertThat(contents(key)).hasSize(2);
  }

  /** Whatever comes first, the turn has one end, and the thread one answer. */
  @Test
  void aTurnEndsOnce() {
    for (int round = 0; round < 20; round++) {
      SessionKey key = plain();
      String turn = started(key, says("2"));
      List<Outcome> outcomes =
          atOnce(
              12,
              i ->
                  (i % 2 == 0 ? engine() : engine().peer())
                      .writer()
                      .apply(
                          key,
                          switch (i % 3) {
                            case 0 -> cancel(turn);
                            case 1 -> end(first(turn), Turn.Status.CANCELLED, answers("part"));
                            default -> end(turn, answers("whole"));
                          },
                          WritePreconditions.NONE));
      List<Outcome> ends =
          IntStream.range(0, 12).filter(i -> i % 3 != 0).mapToObj(outcomes::get).toList();
      assertThat(ends).filteredOn(Applied.class::isInstance).hasSize(1);
      Position ended =
          ((Applied) ends.stream().filter(Applied.class::isInstance).findFirst().orElseThrow())
              .head()
              .position();
      Turn record = record(key, turn);
      for (Outcome other : ends) {
        switch (other) {
          case Applied _ -> {}
          case Outcome.Replayed replayed ->
              assertThat(replayed).isEqualTo(new Outcome.Replayed(ended, record.output()));
          case Outcome.Refused refused -> assertRefused(refused, ProblemCode.TURN_ENDED);
        }
      }
      for (int i = 0; i < 12; i += 3) {
        if (outcomes.get(i) instanceof Outcome.Refused refused) {
          assertRefused(refused, ProblemCode.TURN_ENDED);
        }
      }
      assertThat(record.status())
          .isEqualTo(
              contents(key).getLast().contains("part")
                  ? Turn.Status.CANCELLED
                  : Turn.Status.COMPLETED);
      assertThat(contents(key)).hasSize(3);
      assertThat(position(key)).isEqualTo(ended);
    }
  }

  /** A waiting turn starts, is cancelled or is dropped: one of these. */
  @Test
  void aWaitingTurnHasOneFate() {
    for (int round = 0; round < 20; round++) {
      SessionKey key = plain();
      String running = started(key);
      String waits = queued(key, says("2"));
      applied(key, end(running));
      Position before = position(key);
      List<Outcome> outcomes =
          atOnce(
              9,
              i ->
                  (i % 2 == 0 ? engine() : engine().peer())
                      .writer()
                      .apply(
                          key,
                          switch (i % 3) {
                            case 0 -> next(waits);
                            case 1 -> new Write.DropTurn(waits, END);
                            default -> cancel(waits);
                          },
                          WritePreconditions.NONE));
      Turn record = record(key, waits);
      assertThat(position(key).version()).isEqualTo(before.version() + 1);
      assertThat(waiting(key)).isEmpty();
      List<Integer> applied =
          IntStream.range(0, 9).filter(i -> outcomes.get(i) instanceof Applied).boxed().toList();
      switch (record.status()) {
        case RUNNING -> {
          assertThat(applied.stream().filter(i -> i % 3 == 0)).hasSize(1);
          assertThat(applied.stream().filter(i -> i % 3 == 1)).isEmpty();
          assertThat(contents(key)).hasSize(2);
        }
        case FAILED -> {
          assertThat(applied).hasSize(1);
          assertThat(applied.getFirst() % 3).isEqualTo(1);
        }
        default -> {
          assertThat(record.status()).isEqualTo(Turn.Status.CANCELLED);
          assertThat(applied).hasSize(1);
          assertThat(applied.getFirst() % 3).isEqualTo(2);
        }
      }
    }
  }

  /** Two who take its owner for dead, and the owner who is not. */
  @Test
  void aDeadAttemptIsTakenOnce() {
    List<SessionKey> keys = new ArrayList<>();
    List<String> turns = new ArrayList<>();
    for (int round = 0; round < 20; round++) {
      keys.add(plain());
      turns.add(started(keys.getLast(), SHORT, says("2")));
    }
    pass(SHORT.plusMillis(100));
    for (int round = 0; round < 20; round++) {
      SessionKey key = keys.get(round);
      String turn = turns.get(round);
      List<Outcome> outcomes =
          atOnce(
              6,
              i ->
                  (i % 2 == 0 ? engine() : engine().peer())
                      .writer()
                      .apply(
                          key,
                          switch (i % 3) {
                            case 0 -> new Write.RetakeTurn(first(turn), LEASE);
                            case 1 -> reap(turn, answers("reaped " + i));
                            default -> end(turn, answers("whole"));
                          },
                          WritePreconditions.NONE));
      Turn record = record(key, turn);
      long retaken = IntStream.of(0, 3).filter(i -> outcomes.get(i) instanceof Applied).count();
      long ended = IntStream.of(1, 2, 4, 5).filter(i -> outcomes.get(i) instanceof Applied).count();
      assertThat(retaken + ended).as("one of them").isEqualTo(1);
      assertThat(record.attempt()).isEqualTo(retaken == 1 ? 2 : 1);
      assertThat(record.status().isEnd()).isEqualTo(ended == 1);
      assertThat(contents(key)).hasSize(ended == 1 ? 3 : 2);
    }
  }

  @Test
  void aDeleteRacingAnEndLeavesATombstone() {
    for (int round = 0; round < 20; round++) {
      SessionKey key = plain();
      String turn = started(key, says("2"));
      List<Outcome> outcomes =
          atOnce(2, i -> sent(key, i == 0 ? new Write.Delete() : end(turn, answers("3"))));
      assertApplied(outcomes.getFirst());
      if (outcomes.getLast() instanceof Outcome.Refused refused) {
        assertRefused(refused, ProblemCode.SESSION_DELETED);
      }
      failed(
          engine().reader().load(key, ReadContext.ANY, PageRequest.NONE),
          ProblemCode.SESSION_DELETED);
      failed(engine().turnLog().read(key, null, turn, 0, 9), ProblemCode.SESSION_DELETED);
    }
  }

  /** What is flushed is in the log or was refused, and nothing comes after the end. */
  @Test
  void flushesRacingAnEndAreInTheLogOrLost() {
    for (int round = 0; round < 10; round++) {
      SessionKey key = plain();
      String turn = started(key);
      List<Object> answers =
          atOnce(
              12,
              i ->
                  i == 6
                      ? sent(key, end(turn, answers("2"))).cast(Object.class)
                      : flush(key, first(turn), 0, events(1, 1 + i)).cast(Object.class));
      long last =
          answers.stream()
              .filter(Flushed.Kept.class::isInstance)
              .mapToLong(answer -> ((Flushed.Kept) answer).last())
              .max()
              .orElse(0);
      assertThat(recorded(key, turn, 0, 100).events()).isEqualTo(events(1, (int) last));
      assertThat(flushed(key, turn, last, events(90, 90))).isEqualTo(lost());
    }
  }
}
