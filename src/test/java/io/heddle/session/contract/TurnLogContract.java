package io.heddle.session.contract;

import static io.heddle.session.contract.WriteFixtures.HOUR;
import static io.heddle.session.contract.WriteFixtures.says;
import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.Head;
import io.heddle.session.NewTurn;
import io.heddle.session.OnBusy;
import io.heddle.session.Outcome.Applied;
import io.heddle.session.Turn;
import io.heddle.session.TurnAttempt;
import io.heddle.session.TurnLog;
import io.heddle.session.TurnLog.Flushed;
import io.heddle.session.TurnLog.Recorded;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;

/** What a model said, and the records of turns. */
abstract class TurnLogContract extends TurnSuite {

  // Flushing

  @Test
  void eventsAreNumberedWithoutHoles() {
    SessionKey key = plain();
    String turn = started(key, says("2"));
    Everything before = everything(key);
    assertThat(recorded(key, turn, 0, 10).events()).isEmpty();

    assertThat(flushed(key, turn, 0, events(1, 1))).isEqualTo(kept(1));
    assertThat(flushed(key, turn, 1, events(2, 4))).isEqualTo(kept(4));
    assertThat(flushed(key, turn, 4, List.of())).isEqualTo(kept(4));
    assertThat(flushed(key, turn, 4, events(5, 10))).isEqualTo(kept(10));

    Recorded all = recorded(key, turn, 0, 1000);
    assertThat(all.events()).isEqualTo(events(1, 10));
    assertThat(all.last()).isEqualTo(10);
    assertThat(all.turn()).isEqualTo(record(key, turn));
    assertThat(all.turn().status()).isEqualTo(Turn.Status.RUNNING);
    assertThat(everything(key)).as("no version").isEqualTo(before);
  }

  @Test
  void theLogIsReadFromAnySeqOn() {
    SessionKey key = plain();
    String turn = started(key);
    for (int i = 0; i < 40; i += 4) {
      assertThat(flushed(key, turn, i, events(i + 1, i + 4))).isEqualTo(kept(i + 4));
    }
    for (int after = 0; after <= 42; after++) {
      for (int most : List.of(0, 1, 3, 4, 5, 40, 100)) {
        Recorded read = recorded(key, turn, after, most);
        assertThat(read.events())
            .as("%d after %d", most, after)
            .isEqualTo(events(after + 1, Math.min(40, after + most)));
        assertThat(read.last()).isEqualTo(40);
      }
    }
    applied(key, end(turn));
    assertThat(recorded(key, turn, 38, 100).events()).as("ended").isEqualTo(events(39, 40));
  }

  @Test
  void aFlushSentAgainChangesNothing() {
    SessionKey key = plain();
    String turn = started(key);
    try (RecordingListener ear = new RecordingListener(engine(), engine().peer(), key).ready(key)) {
      assertThat(flushed(key, turn, 0, events(1, 2))).isEqualTo(kept(2));
      assertThat(flushed(key, turn, 2, events(3, 5))).isEqualTo(kept(5));
      assertThat(flushed(key, turn, 2, events(3, 5))).isEqualTo(kept(5));
      assertThat(flushed(key, turn, 0, events(1, 2))).as("late").isEqualTo(kept(5));
      assertThat(flushed(key, turn, 3, List.of())).isEqualTo(kept(5));
      // Who does not know whether the last ones arrived sends them again with what came since.
      assertThat(flushed(key, turn, 2, events(3, 7))).isEqualTo(kept(7));
      assertThat(recorded(key, turn, 0, 100).events()).isEqualTo(events(1, 7));
      await().until(() -> ear.heard().size() >= 3);
      pass(Duration.ofMillis(100));
      assertThat(ear.heard())
          .as("told once")
          .containsExactly(
              told(turn, 1, 1, events(1, 2)),
              told(turn, 1, 3, events(3, 5)),
              told(turn, 1, 6, events(6, 7)));
    }
  }

  /** A log with a hole would be read as if it had none. */
  @Test
  void whatWouldLeaveAHoleIsNotAdded() {
    SessionKey key = plain();
    String turn = started(key);
    assertThat(flushed(key, turn, 1, events(2, 3))).isEqualTo(kept(0));
    assertThat(flushed(key, turn, 0, events(1, 2))).isEqualTo(kept(2));
    assertThat(flushed(key, turn, 3, events(4, 5))).isEqualTo(kept(2));
    assertThat(flushed(key, turn, 100, List.of())).isEqualTo(kept(2));
    assertThat(recorded(key, turn, 0, 100).events()).isEqualTo(events(1, 2));
    assertThat(flushed(key, turn, 2, events(3, 5))).isEqualTo(kept(5));
  }

  @Test
  void onlyTheRunningAttemptFlushes() {
    SessionKey key = plain();
    String turn = started(key);
    String waits = queued(key);
    for (TurnAttempt other :
        List.of(
            new TurnAttempt(turn, 0),
            new TurnAttempt(turn, 2),
            new TurnAttempt(waits, 0),
            first(waits),
            first(turn(key).id()))) {
      assertThat(get(flush(key, other, 0, events(1, 2)))).isEqualTo(lost());
      assertThat(get(flush(key, other, 0, List.of()))).isEqualTo(lost());
    }
    SessionKey other = plain();
    assertThat(get(flush(other, first(turn), 0, events(1, 2)))).isEqualTo(lost());
    assertThat(get(flush(newKey(), first(turn), 0, events(1, 2)))).isEqualTo(lost());
    assertThat(recorded(key, turn, 0, 10).last()).isZero();
    flushed(key, turn, 0, events(1, 2));
    applied(key, end(turn));
    assertThat(flushed(key, turn, 2, events(3, 4))).isEqualTo(lost());
    assertThat(flushed(key, turn, 0, events(1, 2))).isEqualTo(lost());
    assertThat(flushed(key, turn, 2, List.of())).isEqualTo(lost());
    assertThat(recorded(key, turn, 0, 10).events()).isEqualTo(events(1, 2));
  }

  /** Of everything that a client's write obeys, nothing stops a model from speaking. */
  @Test
  void aFlushComparesTheAttemptAndNothingElse() {
    SessionKey key = plain();
    String turn = started(key);
    applied(key, new Write.Update(WriteFixtures.complete(session(key).description())));
    get(engine().clientLock().lock(key, null, LEASE, null));
    assertThat(flushed(key, turn, 0, events(1, 3))).isEqualTo(kept(3));
  }

  @Test
  void aFlushRenewsTheLease() {
    SessionKey key = plain();
    String turn = started(key, SHORT);
    Turn before = record(key, turn);
    get(engine().turnLog().flush(key, first(turn), 0, List.of(), Duration.ofHours(2)));
    Turn after = record(key, turn);
    assertThat(after.leaseUntil())
        .isBetween(
            before.startedAt().plus(Duration.ofHours(2)),
            before.startedAt().plus(Duration.ofHours(2)).plus(PATIENCE));
    assertThat(session(key).head().expiresAt()).isEqualTo(after.leaseUntil().plusSeconds(10));
    // Sent again it renews too, and a renewal counts from now, also a shorter one.
    get(flush(key, first(turn), 0, events(1, 1)));
    Turn shorter = record(key, turn);
    assertThat(shorter.leaseUntil()).isBefore(after.leaseUntil());
    assertThat(session(key).head().expiresAt()).isEqualTo(after.leaseUntil().plusSeconds(10));
    pass(Duration.ofMillis(10));
    get(flush(key, first(turn), 0, events(1, 1)));
    assertThat(record(key, turn).leaseUntil()).isAfter(shorter.leaseUntil());
  }

  @Test
  void theOwnerIsToldOfACancel() {
    SessionKey key = plain();
    String turn = started(key);
    assertThat(flushed(key, turn, 0, events(1, 1))).isEqualTo(kept(1));
    applied(key, cancel(turn));
    assertThat(flushed(key, turn, 1, events(2, 2)))
        .isEqualTo(new Flushed.Kept(2, Turn.Cancel.KEEP));
    applied(key, begin(turn(key), OnBusy.ROLLBACK));
    assertThat(flushed(key, turn, 2, List.of()))
        .isEqualTo(new Flushed.Kept(2, Turn.Cancel.ROLLBACK));
    String waits = waiting(key).getFirst();
    applied(key, end(first(turn), Turn.Status.CANCELLED));
    applied(key, next(waits));
    assertThat(flushed(key, waits, 0, List.of()))
        .as("nobody asked the next one")
        .isEqualTo(kept(0));
  }

  @Test
  void whatTheLogTookIsToldOnTheLiveChannel() {
    SessionKey key = plain();
    String turn = started(key);
    try (RecordingListener here = new RecordingListener(engine(), engine(), key).ready(key);
        RecordingListener there =
            new RecordingListener(engine(), engine().peer(), key).ready(key)) {
      List<String> told = new ArrayList<>();
      for (int i = 0; i < 30; i += 3) {
        flushed(key, turn, i, events(i + 1, i + 3));
        told.add(told(turn, 1, i + 1, events(i + 1, i + 3)));
      }
      flushed(key, turn, 30, List.of());
      flushed(key, turn(key).id(), 0, events(1, 1));
      for (RecordingListener ear : List.of(here, there)) {
        await().until(() -> ear.heard().size() >= told.size());
        assertThat(ear.heard()).isEqualTo(told);
      }
    }
  }

  /** Whoever hears of an event finds it in the log. */
  @Test
  void nothingIsToldBeforeTheLogHasIt() {
    SessionKey key = plain();
    String turn = started(key);
    Map<Long, CompletableFuture<Long>> reads = new ConcurrentHashMap<>();
    Disposable listening =
        engine()
            .peer()
            .liveChannel()
            .listen(
                key,
                message ->
                    reads.put(
                        seqOf(message.toJson().toString()),
                        engine()
                            .turnLog()
                            .read(key, null, turn, 0, 0)
                            .map(Recorded::last)
                            .toFuture()));
    try (RecordingListener ear = new RecordingListener(engine(), engine().peer(), key).ready(key)) {
      for (int i = 1; i <= 50; i++) {
        flushed(key, turn, i - 1, events(i, i));
      }
      await().until(() -> ear.heard().size() == 50);
      await().until(() -> reads.size() > 45);
    } finally {
      listening.dispose();
    }
    reads.forEach((seq, last) -> assertThat(last.join()).isGreaterThanOrEqualTo(seq));
  }

  /** 0 for what is no turn's. */
  private static long seqOf(String message) {
    var seq = Pattern.compile("\"seq\":([0-9]+)").matcher(message);
    return seq.find() ? Long.parseLong(seq.group(1)) : 0;
  }

  // Reading

  @Test
  void aRecordIsReadByWhoMayAndWhereItIs() {
    SessionKey key = plain();
    String turn = started(key);
    assertThat(get(engine().turnLog().read(key, "someone", turn, 0, 0)).turn().id())
        .isEqualTo(turn);
    failed(engine().turnLog().read(key, "other", turn, 0, 0), ProblemCode.SESSION_NOT_FOUND);
    failed(engine().turnLog().read(newKey(), null, turn, 0, 0), ProblemCode.SESSION_NOT_FOUND);
    failed(engine().turnLog().read(key, null, turn(key).id(), 0, 0), ProblemCode.TURN_NOT_FOUND);
    failed(engine().turnLog().read(key, null, "anything", 0, 0), ProblemCode.TURN_NOT_FOUND);
    SessionKey other = plain();
    failed(engine().turnLog().read(other, null, turn, 0, 0), ProblemCode.TURN_NOT_FOUND);
    failed(engine().turnLog().list(key, "other"), ProblemCode.SESSION_NOT_FOUND);
    failed(engine().turnLog().list(newKey(), null), ProblemCode.SESSION_NOT_FOUND);
    assertThat(get(engine().turnLog().list(other, "someone"))).isEmpty();
    failed(engine().turnLog().open(newKey()), ProblemCode.SESSION_NOT_FOUND);
    assertThat(get(engine().turnLog().open(other)).waiting()).isEmpty();
  }

  @Test
  void theListBeginsWithTheRunningOneAndThoseThatWait() {
    SessionKey key = plain();
    List<String> ended = new ArrayList<>();
    for (int i = 0; i < 103; i++) {
      String turn = started(key);
      applied(key, end(turn));
      ended.addFirst(turn);
    }
    String running = started(key, says("2"));
    List<String> expected = new ArrayList<>(List.of(running));
    for (int i = 0; i < 3; i++) {
      expected.add(queued(key));
    }
    expected.addAll(ended.subList(0, 100));
    List<Turn> list = list(key);
    assertThat(list).extracting(Turn::id).isEqualTo(expected);
    assertThat(list.subList(1, 4)).extracting(Turn::queuePosition).containsExactly(1, 2, 3);
    for (int i : List.of(0, 1, 3, 4, 50, 103)) {
      assertThat(list.get(i)).isEqualTo(record(key, list.get(i).id()));
    }
    TurnLog.Open open = get(engine().turnLog().open(key));
    assertThat(open.running()).isEqualTo(list.getFirst());
    assertThat(open.waiting()).isEqualTo(list.subList(1, 4));
    Turn newest = list.get(3);
    assertThat(open.now()).isBetween(newest.createdAt(), newest.createdAt().plusSeconds(30));
    applied(key, end(running));
    assertThat(get(engine().turnLog().open(key)).running()).isNull();
    assertThat(get(engine().turnLog().open(key)).waiting()).hasSize(3);
  }

  @Test
  void recordAndLogAreKeptForAsLongAsTheTurnSays() {
    SessionKey key = plain();
    NewTurn order = turn(key);
    NewTurn turn =
        new NewTurn(order.id(), MODEL, REQUEST, List.of(says("2")), LEASE, Duration.ofSeconds(1));
    applied(key, begin(turn));
    flushed(key, turn.id(), 0, events(1, 600));
    pass(Duration.ofMillis(1500));
    assertThat(recorded(key, turn.id(), 599, 10).events())
        .as("while it runs")
        .isEqualTo(events(600, 600));
    String other = queued(key);
    long sent = System.nanoTime();
    applied(key, end(turn.id(), answers("3")));
    Duration kept = elapsedUntil(sent, () -> isForgotten(key, turn.id()));
    assertThat(kept).isBetween(Duration.ofSeconds(1).minus(GRAIN), Duration.ofSeconds(3));
    assertThat(list(key)).extracting(Turn::id).containsExactly(other);
    assertThat(contents(key)).as("the thread keeps what it has").hasSize(3);
    applied(key, next(other));
    assertThat(record(key, other).status()).isEqualTo(Turn.Status.RUNNING);
  }

  private boolean isForgotten(SessionKey key, String turn) {
    try {
      recorded(key, turn, 0, 0);
      return false;
    } catch (ProblemException e) {
      assertThat(e.problem().code()).isEqualTo(ProblemCode.TURN_NOT_FOUND);
      return true;
    }
  }

  /** One moment: no event is missing below the last one, and no end is told before its output. */
  @Test
  void readsOneMomentWhileTheOwnerWrites() {
    SessionKey key = plain();
    String turn = started(key);
    var writing =
        Flux.range(0, 100)
            .concatMap(i -> flush(key, first(turn), 3 * i, events(3 * i + 1, 3 * i + 3)))
            .then(sent(key, end(turn, answers("2"))))
            .toFuture();
    boolean running = true;
    while (running) {
      running = !writing.isDone();
      Recorded read = recorded(key, turn, 0, 1000);
      assertThat(read.events()).isEqualTo(events(1, (int) read.last()));
      assertThat(read.last() % 3).isZero();
      if (read.turn().status().isEnd()) {
        assertThat(read.last()).isEqualTo(300);
        assertThat(read.turn().output()).hasSize(1);
      }
    }
    assertThat(recorded(key, turn, 0, 0).last()).isEqualTo(300);
  }

  // Leases

  @Test
  void aLivingOwnerIsNotReaped() {
    SessionKey key = plain();
    long sent = System.nanoTime();
    String turn = started(key, SHORT, says("2"));
    flushed(key, turn, 0, List.of());
    get(engine().turnLog().flush(key, first(turn), 0, events(1, 2), SHORT));
    Everything before = everything(key);
    refused(key, reap(turn), WritePreconditions.NONE, ProblemCode.TURN_RUNNING);
    refused(
        key,
        new Write.RetakeTurn(first(turn), LEASE),
        WritePreconditions.NONE,
        ProblemCode.TURN_RUNNING);
    assertThat(everything(key)).isEqualTo(before);

    Duration lived =
        elapsedUntil(sent, () -> get(sent(key, reap(turn, answers("so far")))) instanceof Applied);
    assertThat(lived).isBetween(SHORT.minus(GRAIN), SHORT.plusSeconds(2));
    Turn record = record(key, turn);
    assertThat(record.status()).isEqualTo(Turn.Status.INCOMPLETE);
    assertThat(record.output()).hasSize(1);
    assertThat(flushed(key, turn, 2, events(3, 3))).as("its owner, late").isEqualTo(lost());
    refused(key, end(turn, answers("late")), WritePreconditions.NONE, ProblemCode.TURN_ENDED);
    started(key);
  }

  /** An end of its owner's is not late because its lease is over, as long as nobody took it. */
  @Test
  void anOwnerWhoWasSlowEndsItsTurn() {
    SessionKey key = plain();
    String turn = started(key, SHORT);
    pass(SHORT.plusMillis(300));
    assertThat(flushed(key, turn, 0, events(1, 2))).isEqualTo(kept(2));
    refused(key, reap(turn), WritePreconditions.NONE, ProblemCode.TURN_RUNNING);
    applied(key, end(turn, answers("2")));
  }

  @Test
  void anAttemptThatSaidNothingIsTakenOver() {
    SessionKey key = plain();
    String turn = started(key, SHORT, says("2"));
    Turn before = record(key, turn);
    pass(SHORT.plusMillis(100));
    Everything unchanged = everything(key);

    Head head = applied(key, new Write.RetakeTurn(first(turn), LEASE)).head();

    assertThat(head.activeTurn()).isEqualTo(turn);
    assertThat(head.position()).as("no version").isEqualTo(unchanged.session().position());
    assertThat(thread(key)).isEqualTo(unchanged.thread());
    Turn record = record(key, turn);
    assertThat(record.attempt()).isEqualTo(2);
    assertThat(record.status()).isEqualTo(Turn.Status.RUNNING);
    assertThat(record.startedAt()).isEqualTo(before.startedAt());
    assertThat(record.input()).isEqualTo(before.input());
    assertThat(record.leaseUntil()).isAfter(before.leaseUntil().plus(LEASE).minus(SHORT));
    assertThat(head.expiresAt()).isAfterOrEqualTo(record.leaseUntil().plusSeconds(10));

    // The one before wakes up.
    TurnAttempt second = new TurnAttempt(turn, 2);
    assertThat(flushed(key, turn, 0, events(1, 1))).isEqualTo(lost());
    refused(key, end(turn, answers("x")), WritePreconditions.NONE, ProblemCode.TURN_ENDED);
    refused(
        key,
        new Write.RetakeTurn(first(turn), LEASE),
        WritePreconditions.NONE,
        ProblemCode.TURN_ENDED);
    refused(
        key,
        new Write.RetakeTurn(second, LEASE),
        WritePreconditions.NONE,
        ProblemCode.TURN_RUNNING);
    try (RecordingListener ear = new RecordingListener(engine(), engine().peer(), key).ready(key)) {
      assertThat(get(flush(key, second, 0, events(1, 2)))).isEqualTo(kept(2));
      await().until(() -> !ear.heard().isEmpty());
      assertThat(ear.heard()).containsExactly(told(turn, 2, 1, events(1, 2)));
    }
    applied(key, end(second, Turn.Status.COMPLETED, answers("3")));
    assertThat(record(key, turn).attempt()).isEqualTo(2);
  }

  @Test
  void whatHasSpokenOrWasAskedToEndIsNotTakenOver() {
    SessionKey spoke = plain();
    SessionKey asked = plain();
    SessionKey ended = plain();
    String one = started(spoke, SHORT);
    String two = started(asked, SHORT);
    String three = started(ended, SHORT);
    get(engine().turnLog().flush(spoke, first(one), 0, events(1, 1), SHORT));
    applied(asked, cancel(two));
    applied(ended, end(three));
    pass(SHORT.plusMillis(300));
    refused(spoke, retake(one), WritePreconditions.NONE, ProblemCode.TURN_ENDED);
    refused(asked, retake(two), WritePreconditions.NONE, ProblemCode.TURN_ENDED);
    refused(ended, retake(three), WritePreconditions.NONE, ProblemCode.TURN_ENDED);
    refused(ended, retake(turn(ended).id()), WritePreconditions.NONE, ProblemCode.TURN_ENDED);
    applied(spoke, reap(one));
    applied(asked, reap(two));
  }

  private static Write.RetakeTurn retake(String turn) {
    return new Write.RetakeTurn(first(turn), LEASE);
  }

  // What is due

  @Test
  void deadLeasesAndWaitingTurnsAreShown() {
    SessionKey dead = plain();
    SessionKey living = plain();
    SessionKey renewed = plain();
    SessionKey waits = plain();
    SessionKey idle = plain();
    String first = started(dead, SHORT);
    started(living);
    String second = started(renewed, SHORT);
    flushed(renewed, second, 0, List.of());
    String running = started(waits);
    String next = queued(waits);
    applied(idle, end(started(idle)));
    assertThat(due()).doesNotContain(living, waits, idle);

    applied(waits, end(running));
    await().until(() -> due().contains(waits));
    await().until(() -> due().contains(dead));
    refused(renewed, reap(second), WritePreconditions.NONE, ProblemCode.TURN_RUNNING);
    assertThat(due()).doesNotContain(living, renewed, idle);

    applied(waits, next(next));
    applied(dead, reap(first));
    await().until(() -> Collections.disjoint(due(), List.of(waits, dead)));
  }

  @Test
  void aWaitingTurnIsShownUntilItIsGone() {
    SessionKey key = plain();
    String running = started(key);
    String first = queued(key);
    String second = queued(key);
    applied(key, end(running));
    await().until(() -> due().contains(key));
    applied(key, cancel(first));
    await().until(() -> due().contains(key));
    applied(key, new Write.DropTurn(second, END));
    // Whoever comes for nothing says so, and is not sent again.
    refused(key, next(second), WritePreconditions.NONE, ProblemCode.TURN_NOT_FOUND);
    assertThat(due()).doesNotContain(key);
  }

  /** What cannot start now is shown again, for as long as it waits. */
  @Test
  void aWaitingTurnThatWasRefusedIsShownAgain() {
    SessionKey key = plain();
    String running = started(key);
    String waits = queued(key);
    applied(key, end(running));
    String token = get(engine().clientLock().lock(key, null, LEASE, null)).token();
    for (int i = 0; i < 3; i++) {
      await().until(() -> due().contains(key));
      refused(key, next(waits), WritePreconditions.NONE, ProblemCode.SESSION_LOCKED);
    }
    run(engine().clientLock().release(key, null, token));
    await().atMost(Duration.ofSeconds(3)).until(() -> due().contains(key));
    applied(key, next(waits));
  }

  @Test
  void aTakenOverTurnIsDueWhenItsNewLeaseEnds() {
    SessionKey key = plain();
    String turn = started(key, SHORT);
    await().until(() -> due().contains(key));
    await()
        .until(() ->
            get(sent(key, new Write.RetakeTurn(first(turn), Duration.ofSeconds(2))))
                instanceof Applied);
    assertThat(due()).doesNotContain(key);
    await().until(() -> due().contains(key));
    assertThat(get(sent(key, end(new TurnAttempt(turn, 2), Turn.Status.INCOMPLETE))))
        .isInstanceOf(Applied.class);
  }

  /** After an outage the owners must have had the time to renew. */
  @Test
  void nothingIsDueBeforeTheLinkIsProvenForLongEnough() {
    SessionKey key = plain();
    started(key, SHORT);
    await().until(() -> due().contains(key));
    assertThat(get(engine().turnLog().due(Duration.ofDays(1)).collectList())).isEmpty();
  }

  @Test
  void manyDeadTurnsAreShownSoonerOrLater() {
    List<SessionKey> keys = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      SessionKey key = newKey();
      create(key, null, HOUR);
      started(key, SHORT);
      keys.add(key);
    }
    await()
        .untilAsserted(() -> {
          for (SessionKey key : due()) {
            if (keys.contains(key)) {
              String turn = session(key).head().activeTurn();
              assertThat(turn).isNotNull();
              applied(key, reap(turn));
              keys.remove(key);
            }
          }
          assertThat(keys).isEmpty();
        });
  }

  private static String told(String turn, int attempt, long seq, List<Json> events) {
    return "{\"turn\":\""
        + turn
        + "\",\"attempt\":"
        + attempt
        + ",\"seq\":"
        + seq
        + ",\"events\":["
        + events.stream().map(Json::toString).collect(Collectors.joining(","))
        + "]}";
  }
}
