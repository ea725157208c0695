package io.heddle.session.contract;

import static io.heddle.session.contract.WriteFixtures.HOUR;
import static io.heddle.session.contract.WriteFixtures.append;
import static io.heddle.session.contract.WriteFixtures.says;
import static io.heddle.session.contract.WriteFixtures.sized;
import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Position;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.session.Head;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.Message;
import io.heddle.session.NewTurn;
import io.heddle.session.OnBusy;
import io.heddle.session.Outcome;
import io.heddle.session.SessionAttributes;
import io.heddle.session.Turn;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How turns begin and wait. */
abstract class TurnContract extends TurnSuite {

  // Beginning

  @ParameterizedTest
  @EnumSource(OnBusy.class)
  void aTurnStartsWhereNoneRunsAndNoneWaits(OnBusy onBusy) {
    SessionKey key = furnished();
    Head before = session(key).head();
    NewTurn turn = turn(key, says("asked", "4"), says("5"));

    Outcome.Applied begun = applied(key, begin(turn, onBusy));

    Head head = begun.head();
    assertThat(begun.user()).isEqualTo("someone");
    assertThat(begun.description()).isNull();
    assertThat(head.activeTurn()).isEqualTo(turn.id());
    assertThat(head.position().version()).isEqualTo(before.position().version() + 1);
    assertThat(head.lastSeq()).isEqualTo(before.lastSeq() + 2);
    assertThat(head.messageCount()).isEqualTo(before.messageCount() + 2);
    assertThat(head.bytes())
        .as("a client's id counts too")
        .isEqualTo(before.bytes() + "asked".length() + body("4").length() + body("5").length());
    assertThat(head.expiresAt()).isEqualTo(head.updatedAt().plus(HOUR));
    assertThat(session(key).head()).isEqualTo(head);
    assertThat(contents(key))
        .containsExactly(body("1"), body("2"), body("3"), body("4"), body("5"));

    Turn record = record(key, turn.id());
    assertThat(record.session()).isEqualTo(key);
    assertThat(record.id()).isEqualTo(turn.id());
    assertThat(record.status()).isEqualTo(Turn.Status.RUNNING);
    assertThat(record.attempt()).isEqualTo(1);
    assertThat(record.model()).isEqualTo(MODEL);
    assertThat(record.createdAt()).isEqualTo(head.updatedAt());
    assertThat(record.startedAt()).isEqualTo(head.updatedAt());
    assertThat(record.endedAt()).isNull();
    assertThat(record.leaseUntil()).isEqualTo(head.updatedAt().plus(LEASE));
    assertThat(record.cancel()).isEqualTo(Turn.Cancel.NONE);
    assertThat(record.input()).isEqualTo(ids(key).subList(3, 5)).startsWith("asked");
    assertThat(record.output()).isEmpty();
    assertThat(record.request()).isEqualTo(REQUEST);
    assertThat(record.end()).isNull();
    assertThat(record.queuePosition()).isZero();
    assertThat(recorded(key, turn.id(), 0, 10).last()).isZero();
  }

  @Test
  void aTurnNeedsNoInputAndNoModel() {
    SessionKey key = furnished();
    long seq = session(key).head().lastSeq();
    NewTurn turn = turn(key);
    NewTurn bare = new NewTurn(turn.id(), null, turn.request(), List.of(), LEASE, HOUR);

    Head head = applied(key, begin(bare)).head();

    assertThat(head.activeTurn()).isEqualTo(turn.id());
    assertThat(head.lastSeq()).isEqualTo(seq);
    assertThat(record(key, turn.id()).model()).isNull();
    assertThat(record(key, turn.id()).input()).isEmpty();
  }

  @Test
  void readsTellWhichTurnRuns() {
    SessionKey key = plain();
    assertThat(session(key).head().activeTurn()).isNull();
    String turn = started(key, says("2"));
    assertThat(session(key).head().activeTurn()).isEqualTo(turn);
    assertThat(applied(key, append(says("3"))).head().activeTurn()).isEqualTo(turn);
    assertThat(applied(key, end(turn)).head().activeTurn()).isNull();
    assertThat(session(key).head().activeTurn()).isNull();
  }

  @Test
  void theSameTurnSentAgainIsBegunOnce() {
    SessionKey key = plain();
    Position before = position(key);
    NewTurn turn = turn(key, says("2"));
    Position begun = applied(key, begin(turn)).head().position();
    Everything after = everything(key);

    // Its first sending moved the position, and its input's id is taken by itself.
    for (WritePreconditions conditions :
        List.of(WritePreconditions.NONE, WritePreconditions.NONE.withPositions(List.of(before)))) {
      assertThat(write(key, begin(turn), conditions))
          .isEqualTo(new Outcome.Replayed(begun, List.of(turn.id())));
    }
    refused(key, begin(turn), ownedBy("other"), ProblemCode.SESSION_NOT_FOUND);
    assertThat(everything(key)).isEqualTo(after);

    NewTurn waits = turn(key, says("waits", "3"));
    Position queued = applied(key, begin(waits)).head().position();
    assertThat(write(key, begin(waits, OnBusy.INTERRUPT), WritePreconditions.NONE))
        .isEqualTo(new Outcome.Replayed(queued, List.of(waits.id())));
    assertThat(record(key, turn.id()).cancel()).isEqualTo(Turn.Cancel.NONE);
    assertThat(waiting(key)).containsExactly(waits.id());

    applied(key, end(turn.id(), answers("2")));
    assertThat(write(key, begin(turn), WritePreconditions.NONE))
        .as("over by now")
        .isEqualTo(new Outcome.Replayed(begun, List.of(turn.id())));
    assertThat(session(key).head().activeTurn()).isNull();
  }

  @Test
  void anIdempotencyKeyBeginsOneTurn() {
    SessionKey key = plain();
    IdempotentRequest retry = newRetry();
    WritePreconditions once =
        ownedBy("someone").withRetry(retry).withPositions(List.of(position(key)));
    NewTurn turn = turn(key, says("2"));
    Position begun = applied(key, begin(turn), once).head().position();
    Everything after = everything(key);

    // A client that asks again is given another turn's id by its replica.
    NewTurn again = turn(key, says("2"));
    assertThat(write(key, begin(again), once))
        .isEqualTo(new Outcome.Replayed(begun, List.of(turn.id())));
    refused(
        key,
        begin(again),
        once.withRetry(new IdempotentRequest(retry.key(), hash("another body"))),
        ProblemCode.KEY_REUSED);
    assertThat(everything(key)).isEqualTo(after);
    failed(engine().turnLog().read(key, null, again.id(), 0, 0), ProblemCode.TURN_NOT_FOUND);

    IdempotentRequest waits = newRetry();
    NewTurn queued = turn(key, says("3"));
    Position second =
        applied(key, begin(queued), WritePreconditions.NONE.withRetry(waits)).head().position();
    assertThat(write(key, begin(turn(key, says("3"))), WritePreconditions.NONE.withRetry(waits)))
        .isEqualTo(new Outcome.Replayed(second, List.of(queued.id())));
    assertThat(waiting(key)).containsExactly(queued.id());
  }

  /** Where nothing runs it would start, else it would wait: it is refused for the same. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void beginningIsRefusedForWhatAnAppendIsRefusedFor(boolean busy) {
    SessionKey key = newKey();
    NewTurn turn = turn(key, says("first", "taken"), says("x"));
    WritePreconditions conditions =
        ownedBy("other")
            .withLock("nobodys-token")
            .withPositions(List.of(new Position(9, "aaaaaaaa")));
    refused(key, begin(turn), conditions, ProblemCode.SESSION_NOT_FOUND);
    create(key, "someone", HOUR, says("first", "1"));
    if (busy) {
      started(key, says("2"));
    }
    SessionAttributes active = session(key).description();
    applied(key, new Write.Update(WriteFixtures.complete(active)));
    Everything before = everything(key);

    refused(key, begin(turn), conditions, ProblemCode.SESSION_NOT_FOUND);
    conditions = conditions.withOwner("someone");
    refused(key, begin(turn), conditions, ProblemCode.STALE_FENCE);
    conditions = conditions.withLock(null);
    refused(key, begin(turn), conditions, ProblemCode.VERSION_CONFLICT);
    conditions = conditions.withPositions(List.of(position(key)));
    refused(key, begin(turn), conditions, ProblemCode.SESSION_COMPLETE);
    assertThat(everything(key)).isEqualTo(before);
    applied(key, new Write.Update(active));
    before = everything(key);
    conditions = conditions.withPositions(List.of());
    refused(key, begin(turn), conditions, ProblemCode.MESSAGE_EXISTS);
    NewTurn twice = turn(key, says("same", "a"), says("same", "b"));
    refused(key, begin(twice), conditions, ProblemCode.MESSAGE_EXISTS);
    NewTurn large = turn(key, sized(null, (int) engine().limits().sessionBytes()));
    refused(key, begin(large), conditions, ProblemCode.SESSION_TOO_LARGE);
    assertThat(everything(key)).isEqualTo(before);
    assertThat(waiting(key)).isEmpty();
    failed(engine().turnLog().read(key, null, turn.id(), 0, 0), ProblemCode.TURN_NOT_FOUND);

    applied(key, new Write.DeleteMessage("first"));
    applied(key, begin(turn), conditions.withPositions(List.of(position(key))));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void onlyTheHolderBeginsWhileAClientHolds(boolean busy) {
    SessionKey key = plain();
    if (busy) {
      started(key, says("2"));
    }
    String token = get(engine().clientLock().lock(key, null, LEASE, null)).token();
    NewTurn turn = turn(key, says("3"));
    refused(key, begin(turn), WritePreconditions.NONE, ProblemCode.SESSION_LOCKED);
    refused(key, begin(turn), WritePreconditions.NONE.withLock("another"), ProblemCode.STALE_FENCE);
    applied(key, begin(turn), WritePreconditions.NONE.withLock(token));
    assertThat(record(key, turn.id()).status())
        .isEqualTo(busy ? Turn.Status.QUEUED : Turn.Status.RUNNING);
  }

  @Test
  void noTurnBeginsInASessionThatIsNotThere() {
    refused(
        newKey(), begin(turn(newKey())), WritePreconditions.NONE, ProblemCode.SESSION_NOT_FOUND);
    SessionKey deleted = plain();
    applied(deleted, new Write.Delete());
    refused(deleted, begin(turn(deleted)), WritePreconditions.NONE, ProblemCode.SESSION_DELETED);
    refused(deleted, begin(turn(deleted)), ownedBy("other"), ProblemCode.SESSION_NOT_FOUND);
    SessionKey expired = newKey();
    create(expired, "someone", SHORT);
    pass(SHORT.plusMillis(50));
    refused(expired, begin(turn(expired)), WritePreconditions.NONE, ProblemCode.SESSION_EXPIRED);
    refused(expired, begin(turn(expired)), ownedBy("other"), ProblemCode.SESSION_NOT_FOUND);
  }

  // Waiting

  @Test
  void aBusySessionLetsTurnsWaitInOrder() {
    SessionKey key = plain();
    String running = started(key, says("2"));
    Head before = session(key).head();
    NewTurn turn = turn(key, says("asked", "3"));

    Head head = applied(key, begin(turn)).head();

    assertThat(head.activeTurn()).isEqualTo(running);
    assertThat(head.position().version()).isEqualTo(before.position().version() + 1);
    assertThat(head.lastSeq()).isEqualTo(before.lastSeq());
    assertThat(head.bytes()).isEqualTo(before.bytes());
    assertThat(head.expiresAt()).isEqualTo(head.updatedAt().plus(HOUR));
    assertThat(contents(key)).as("nothing of it").containsExactly(body("1"), body("2"));
    Turn record = record(key, turn.id());
    assertThat(record.status()).isEqualTo(Turn.Status.QUEUED);
    assertThat(record.attempt()).isZero();
    assertThat(record.model()).isEqualTo(MODEL);
    assertThat(record.createdAt()).isEqualTo(head.updatedAt());
    assertThat(record.startedAt()).isNull();
    assertThat(record.leaseUntil()).isNull();
    assertThat(record.input()).isEmpty();
    assertThat(record.request()).isEqualTo(REQUEST);
    assertThat(record.queuePosition()).isEqualTo(1);

    List<String> waiting = new ArrayList<>(List.of(turn.id()));
    for (int i = 2; i <= MAX_QUEUE; i++) {
      waiting.add(queued(key, says("again")));
      assertThat(record(key, waiting.getLast()).queuePosition()).isEqualTo(i);
    }
    assertThat(waiting(key)).isEqualTo(waiting);
    refused(key, begin(turn(key)), WritePreconditions.NONE, ProblemCode.TURN_QUEUE_FULL);
  }

  @Test
  void aBusySessionRefusesWhoWillNotWait() {
    SessionKey key = plain();
    String running = started(key);
    Everything before = everything(key);
    refused(
        key, begin(turn(key), OnBusy.REJECT), WritePreconditions.NONE, ProblemCode.TURN_RUNNING);
    assertThat(everything(key)).isEqualTo(before);
    assertThat(record(key, running).cancel()).isEqualTo(Turn.Cancel.NONE);
    assertThat(list(key)).hasSize(1);
  }

  @ParameterizedTest
  @EnumSource(
      value = OnBusy.class,
      names = {"INTERRUPT", "ROLLBACK"})
  void whoInterruptsComesFirst(OnBusy onBusy) {
    SessionKey key = plain();
    String running = started(key, says("2"));
    String first = queued(key, says("3"));
    try (RecordingListener ear = new RecordingListener(engine(), engine().peer(), key).ready(key)) {
      NewTurn turn = turn(key, says("4"));
      Head head = applied(key, begin(turn, onBusy)).head();

      assertThat(head.activeTurn()).isEqualTo(running);
      assertThat(waiting(key)).containsExactly(turn.id(), first);
      assertThat(record(key, turn.id()).queuePosition()).isEqualTo(1);
      assertThat(record(key, first).queuePosition()).isEqualTo(2);
      assertThat(record(key, running).status()).isEqualTo(Turn.Status.RUNNING);
      assertThat(record(key, running).cancel())
          .isEqualTo(onBusy == OnBusy.ROLLBACK ? Turn.Cancel.ROLLBACK : Turn.Cancel.KEEP);
      await().until(() -> !ear.heard().isEmpty());
      assertThat(ear.heard()).containsExactly("{\"turn\":\"" + running + "\",\"cancel\":true}");
      NewTurn last = turn(key, says("5"));
      applied(key, begin(last, onBusy));
      assertThat(waiting(key)).containsExactly(last.id(), turn.id(), first);
    }
  }

  /** Between the end of a turn and the start of the next one nobody slips in. */
  @Test
  void whileTurnsWaitAndNoneRunsTheOrderIsKept() {
    SessionKey key = plain();
    String running = started(key);
    String first = queued(key, says("2"));
    applied(key, end(running));
    assertThat(session(key).head().activeTurn()).isNull();

    refused(
        key, begin(turn(key), OnBusy.REJECT), WritePreconditions.NONE, ProblemCode.TURN_RUNNING);
    String second = queued(key, says("3"));
    assertThat(waiting(key)).containsExactly(first, second);
    NewTurn interrupts = turn(key, says("4"));
    assertThat(applied(key, begin(interrupts, OnBusy.INTERRUPT)).head().activeTurn()).isNull();
    NewTurn rollsBack = turn(key, says("5"));
    assertThat(applied(key, begin(rollsBack, OnBusy.ROLLBACK)).head().activeTurn()).isNull();
    assertThat(waiting(key)).containsExactly(rollsBack.id(), interrupts.id(), first, second);
    assertThat(contents(key)).containsExactly(body("1"));
  }

  @Test
  void whoFindsNoPlaceInterruptsNobody() {
    SessionKey key = plain();
    String running = started(key);
    for (OnBusy onBusy : Arrays.asList(OnBusy.ENQUEUE, OnBusy.INTERRUPT, OnBusy.ROLLBACK)) {
      refused(
          key,
          new Write.BeginTurn(turn(key), onBusy, 0),
          WritePreconditions.NONE,
          ProblemCode.TURN_QUEUE_FULL);
    }
    assertThat(record(key, running).cancel()).isEqualTo(Turn.Cancel.NONE);
    assertThat(waiting(key)).isEmpty();
  }

  // Next

  @Test
  void theNextOneStartsWhenNoneRuns() {
    SessionKey key = plain();
    String running = started(key, says("2"));
    String first = queued(key, says("asked", "4"), says("5"));
    String second = queued(key, says("6"));

    refused(key, next(first), WritePreconditions.NONE, ProblemCode.TURN_RUNNING);
    applied(key, end(running, answers("3")));
    refused(key, next(second), WritePreconditions.NONE, ProblemCode.TURN_NOT_FOUND);
    refused(key, next(running), WritePreconditions.NONE, ProblemCode.TURN_NOT_FOUND);
    refused(key, next(turn(key).id()), WritePreconditions.NONE, ProblemCode.TURN_NOT_FOUND);
    Head before = session(key).head();
    Head head = applied(key, next(first)).head();

    assertThat(head.activeTurn()).isEqualTo(first);
    assertThat(head.position().version()).isEqualTo(before.position().version() + 1);
    assertThat(head.lastSeq()).isEqualTo(before.lastSeq() + 2);
    assertThat(head.expiresAt()).isEqualTo(head.updatedAt().plus(HOUR));
    assertThat(contents(key)).endsWith(answers("3").body().toString(), body("4"), body("5"));
    Turn record = record(key, first);
    assertThat(record.status()).isEqualTo(Turn.Status.RUNNING);
    assertThat(record.attempt()).isEqualTo(1);
    assertThat(record.createdAt()).isBeforeOrEqualTo(head.updatedAt());
    assertThat(record.startedAt()).isEqualTo(head.updatedAt());
    assertThat(record.leaseUntil()).isEqualTo(head.updatedAt().plus(LEASE));
    assertThat(record.input()).isEqualTo(ids(key).subList(3, 5)).startsWith("asked");
    assertThat(record.request()).isEqualTo(REQUEST);
    assertThat(record.queuePosition()).isZero();
    assertThat(waiting(key)).containsExactly(second);
    assertThat(record(key, second).queuePosition()).isEqualTo(1);
    refused(key, next(first), WritePreconditions.NONE, ProblemCode.TURN_RUNNING);
    applied(key, end(first));
    applied(key, next(second));
    assertThat(waiting(key)).isEmpty();
    // And the session is free for who comes without waiting.
    applied(key, end(second));
    started(key);
  }

  @Test
  void whatCannotStartStaysInItsPlace() {
    SessionKey key = newKey();
    create(key, "someone", HOUR, sized("large", 1000));
    String running = started(key);
    String first = queued(key, says("asked", "2"));
    String second = queued(key, says("3"));
    applied(key, end(running));
    SessionAttributes active = session(key).description();

    refused(key, next(first), ownedBy("other"), ProblemCode.SESSION_NOT_FOUND);
    applied(key, new Write.Update(WriteFixtures.complete(active)));
    refused(key, next(first), WritePreconditions.NONE, ProblemCode.SESSION_COMPLETE);
    applied(key, new Write.Update(active));
    String token = get(engine().clientLock().lock(key, null, LEASE, null)).token();
    refused(key, next(first), WritePreconditions.NONE, ProblemCode.SESSION_LOCKED);
    run(engine().clientLock().release(key, null, token));
    applied(key, append(says("asked", "taken since")));
    Everything before = everything(key);
    refused(key, next(first), WritePreconditions.NONE, ProblemCode.MESSAGE_EXISTS);
    assertThat(everything(key)).isEqualTo(before);
    assertThat(waiting(key)).containsExactly(first, second);

    applied(key, new Write.DeleteMessage("asked"));
    assertThat(applied(key, next(first)).head().activeTurn()).isEqualTo(first);
  }

  @Test
  void whatDoesNotFitAnyMoreDoesNotStart() {
    SessionKey key = newKey();
    int bound = (int) engine().limits().sessionBytes();
    create(key, "someone", HOUR);
    String running = started(key);
    String waits = queued(key, sized(null, bound / 2));
    applied(key, end(running));
    applied(key, append(sized("large", bound / 2 + 1)));
    refused(key, next(waits), WritePreconditions.NONE, ProblemCode.SESSION_TOO_LARGE);
    applied(key, new Write.DeleteMessage("large"));
    applied(key, next(waits));
    assertThat(thread(key)).extracting(Message::seq).containsExactly(2L);
  }

  /** The lease that the starter gives, not the one the turn was ordered with. */
  @Test
  void aStartedTurnHasItsStartersLease() {
    SessionKey key = plain();
    String running = started(key);
    String waits = queued(key);
    applied(key, end(running));
    Head head = applied(key, new Write.NextTurn(waits, Duration.ofHours(3))).head();
    assertThat(record(key, waits).leaseUntil())
        .isEqualTo(head.updatedAt().plus(Duration.ofHours(3)));
    assertThat(head.expiresAt())
        .isEqualTo(head.updatedAt().plus(Duration.ofHours(3)).plusSeconds(10));
  }
}
