package io.heddle.session.contract;

import static io.heddle.session.contract.WriteFixtures.HOUR;
import static io.heddle.session.contract.WriteFixtures.append;
import static io.heddle.session.contract.WriteFixtures.described;
import static io.heddle.session.contract.WriteFixtures.says;
import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.Message;
import io.heddle.session.Outcome;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** One effect a key, whatever is sent again and whenever. */
abstract class IdempotencyContract extends ContractSuite {

  private static final String EVERY = "io.heddle.session.contract.WriteFixtures#every";
  private static final Duration LEASE = Duration.ofSeconds(20);

  @ParameterizedTest
  @MethodSource(EVERY)
  void aWriteSentAgainHasTheFirstAnswerAndNoEffect(Write write) {
    SessionKey key = furnished();
    IdempotentRequest retry = newRetry();
    WritePreconditions once = WritePreconditions.NONE.withRetry(retry);
    Position first = applied(key, write, once).head().position();
    boolean deleted = write instanceof Write.Delete;
    Everything after = deleted ? null : everything(key);

    for (int i = 0; i < 3; i++) {
      assertThat(assertReplayed(write(key, write, once)).position()).isEqualTo(first);
    }
    assertThat(assertReplayed(find(key, retry)).position()).isEqualTo(first);
    if (!deleted) {
      assertThat(everything(key)).isEqualTo(after);
    }

    IdempotentRequest other = new IdempotentRequest(retry.key(), hash("another body"));
    refused(key, write, WritePreconditions.NONE.withRetry(other), ProblemCode.KEY_REUSED);
    assertRefused(find(key, other), ProblemCode.KEY_REUSED);
    if (!deleted) {
      assertThat(everything(key)).isEqualTo(after);
    }
  }

  @Test
  void aReplayNamesTheMessagesOfTheFirstTime() {
    SessionKey key = newKey();
    WritePreconditions creating = WritePreconditions.NONE.withRetry(newRetry());
    WritePreconditions appending = WritePreconditions.NONE.withRetry(newRetry());
    Write.Create create =
        new Write.Create(described(null, HOUR), List.of(says("a", "1"), says("2")));
    Write.Append append = append(says("3"), says("d", "4"), says("5"));
    Position created = applied(key, create, creating).head().position();
    Position appended = applied(key, append, appending).head().position();
    List<String> all = thread(key).stream().map(Message::id).toList();
    applied(key, new Write.DeleteMessage("d"));
    applied(key, new Write.TruncateThread("a"));

    assertThat(assertReplayed(write(key, create, creating)))
        .isEqualTo(new Outcome.Replayed(created, all.subList(0, 2)));
    assertThat(assertReplayed(write(key, append, appending)))
        .isEqualTo(new Outcome.Replayed(appended, all.subList(2, 5)));
    assertThat(thread(key)).hasSize(1);
  }

  @Test
  void aReplayNamesAHundredMessages() {
    SessionKey key = newKey();
    create(key);
    WritePreconditions once = WritePreconditions.NONE.withRetry(newRetry());
    Write.Append append =
        new Write.Append(
            IntStream.range(0, 100)
                .mapToObj(i -> says(i % 3 == 0 ? "own-" + i : null, "m" + i))
                .toList());
    applied(key, append, once);
    assertThat(assertReplayed(write(key, append, once)).messages()).isEqualTo(ids(key));
  }

  @Test
  void fiftyAtOnceHaveOneEffect() {
    SessionKey key = newKey();
    WritePreconditions creating = WritePreconditions.NONE.withRetry(newRetry());
    Write.Create create = new Write.Create(described(null, HOUR), List.of(says("1")));
    assertOneEffect(atOnce(50, i -> replica(i).writer().apply(key, create, creating)), key);
    WritePreconditions appending = WritePreconditions.NONE.withRetry(newRetry());
    Write.Append append = append(says("2"), says("3"));
    assertOneEffect(atOnce(50, i -> replica(i).writer().apply(key, append, appending)), key);

    assertThat(contents(key)).containsExactly(body("1"), body("2"), body("3"));
    assertThat(position(key).version()).isEqualTo(2);
  }

  @Test
  void ofManyBodiesAtOnceOneIsTheKeys() {
    SessionKey key = newKey();
    create(key);
    String name = newRetry().key();
    List<Outcome> outcomes =
        atOnce(
            30,
            i ->
                replica(i)
                    .writer()
                    .apply(
                        key,
                        append(says("by " + i)),
                        WritePreconditions.NONE.withRetry(
                            new IdempotentRequest(name, hash("body " + i)))));
    assertThat(outcomes).filteredOn(Outcome.Applied.class::isInstance).hasSize(1);
    assertThat(outcomes)
        .filteredOn(Outcome.Refused.class::isInstance)
        .hasSize(29)
        .allSatisfy(outcome -> assertRefused(outcome, ProblemCode.KEY_REUSED));
    assertThat(thread(key)).hasSize(1);
  }

  @Test
  void aRefusalIsNotRemembered() {
    SessionKey key = newKey();
    IdempotentRequest retry = newRetry();
    WritePreconditions once = WritePreconditions.NONE.withRetry(retry);

    refused(key, append(says("x")), once, ProblemCode.SESSION_NOT_FOUND);
    assertThat(find(key, retry)).isNull();
    create(key, says("taken", "x"));
    refused(key, append(says("taken", "x")), once, ProblemCode.MESSAGE_EXISTS);
    refused(
        key,
        append(says("x")),
        once.withPositions(List.of(new Position(7, "aaaaaaaa"))),
        ProblemCode.VERSION_CONFLICT);
    assertThat(find(key, retry)).isNull();
    applied(key, append(says("x")), once);
  }

  /** The record is looked at before everything else that could refuse. */
  @Test
  void theRecordDecidesBeforeAnyOtherCondition() {
    SessionKey key = furnished();
    IdempotentRequest retry = newRetry();
    Write.Append append = append(says("fourth", "x"));
    WritePreconditions first =
        ownedBy("someone").withRetry(retry).withPositions(List.of(position(key)));
    Position done = applied(key, append, first).head().position();
    IdempotentRequest reused = new IdempotentRequest(retry.key(), hash("another body"));

    assertDecided(key, append, first, reused, done);
    String token = get(engine().clientLock().lock(key, null, HOUR, null)).token();
    assertDecided(key, append, first, reused, done);
    assertDecided(key, append, first.withLock("nobody's"), reused, done);
    applied(
        key,
        new Write.Update(WriteFixtures.complete(described("someone", HOUR))),
        WritePreconditions.NONE.withLock(token));
    run(engine().clientLock().release(key, null, null));
    assertDecided(key, append, first, reused, done);
    assertDecided(key, append, first.withLock(token), reused, done);
    applied(key, new Write.Delete());
    assertDecided(key, append, first, reused, done);
    create(key, "another", HOUR);
    assertDecided(key, append, first, reused, done);
    assertThat(thread(key)).isEmpty();
  }

  @Test
  void aRecordOutlivesTheSessionsEnd() {
    SessionKey key = newKey();
    IdempotentRequest retry = newRetry();
    WritePreconditions once = WritePreconditions.NONE.withRetry(retry);
    Write.Create create =
        new Write.Create(described("someone", Duration.ofSeconds(1)), List.of(says("x")));
    Position created = applied(key, create, once).head().position();
    pass(Duration.ofMillis(1100));
    assertThat(assertReplayed(write(key, create, once)).position()).isEqualTo(created);
    assertThat(assertReplayed(find(key, retry)).position()).isEqualTo(created);
  }

  @Test
  void aDeleteWithAKeyIsReplayedToo() {
    SessionKey key = furnished();
    WritePreconditions once = WritePreconditions.NONE.withRetry(newRetry());
    Position deleted = applied(key, new Write.Delete(), once).head().position();
    create(key);

    assertThat(assertReplayed(write(key, new Write.Delete(), once)).position()).isEqualTo(deleted);
    assertThat(thread(key)).isEmpty();
  }

  @Test
  void aKeyIsOneSessions() {
    SessionKey one = furnished();
    SessionKey other = furnished();
    WritePreconditions once = WritePreconditions.NONE.withRetry(newRetry());
    applied(one, append(says("x")), once);
    applied(other, append(says("x")), once);
    assertReplayed(write(one, append(says("x")), once));
    assertReplayed(write(other, append(says("x")), once));
  }

  @Test
  void withoutAKeyEachCallIsItsOwn() {
    SessionKey key = newKey();
    create(key);
    applied(key, append(says("x")));
    applied(key, append(says("x")));
    assertThat(thread(key)).hasSize(2);
  }

  @Test
  void aHeldKeyIsInProgressForEverybodyElse() {
    SessionKey key = furnished();
    IdempotentRequest retry = newRetry();
    IdempotentRequest mine = retry.heldBy("op-1");
    IdempotentRequest theirs = retry.heldBy("op-2");
    assertThat(find(key, retry)).isNull();
    assertThat(hold(key, mine, LEASE)).isNull();
    Everything before = everything(key);

    assertInProgress(find(key, retry));
    assertInProgress(find(key, theirs));
    assertInProgress(hold(key, theirs, LEASE));
    assertInProgress(write(key, append(says("x")), WritePreconditions.NONE.withRetry(retry)));
    assertInProgress(write(key, append(says("x")), WritePreconditions.NONE.withRetry(theirs)));
    assertRefused(
        hold(key, new IdempotentRequest(retry.key(), hash("another body"), "op-3"), LEASE),
        ProblemCode.KEY_REUSED);
    assertRefused(
        find(key, new IdempotentRequest(retry.key(), hash("another body"))),
        ProblemCode.KEY_REUSED);
    assertThat(everything(key)).isEqualTo(before);

    assertThat(hold(key, mine, LEASE)).as("held again by its holder").isNull();
    Position done =
        applied(key, append(says("x")), WritePreconditions.NONE.withRetry(mine)).head().position();
    assertThat(assertReplayed(find(key, retry)).position()).isEqualTo(done);
    assertThat(assertReplayed(hold(key, theirs, LEASE)).position()).isEqualTo(done);
    assertThat(assertReplayed(hold(key, mine, LEASE)).position()).isEqualTo(done);
    assertThat(
            assertReplayed(write(key, append(says("x")), WritePreconditions.NONE.withRetry(retry)))
                .position())
        .isEqualTo(done);
    assertThat(thread(key)).hasSize(4);
  }

  @Test
  void aKeyIsHeldBeforeItsSessionIsThere() {
    SessionKey key = newKey();
    IdempotentRequest retry = newRetry();
    assertThat(hold(key, retry.heldBy("op-1"), LEASE)).isNull();
    Write.Create create = new Write.Create(described(null, HOUR), List.of());

    assertInProgress(write(key, create, WritePreconditions.NONE.withRetry(retry)));
    applied(key, create, WritePreconditions.NONE.withRetry(retry.heldBy("op-1")));
    assertReplayed(write(key, create, WritePreconditions.NONE.withRetry(retry)));
  }

  @Test
  void onlyItsHolderDropsAMark() {
    SessionKey key = furnished();
    IdempotentRequest retry = newRetry();
    assertThat(hold(key, retry.heldBy("op-1"), LEASE)).isNull();

    run(engine().records().drop(key, retry.heldBy("op-2")));
    assertInProgress(find(key, retry));
    run(engine().records().drop(key, retry.heldBy("op-1")));
    assertThat(find(key, retry)).isNull();
    run(engine().records().drop(key, retry.heldBy("op-1")));

    assertThat(hold(key, retry.heldBy("op-2"), LEASE)).isNull();
    applied(key, append(says("x")), WritePreconditions.NONE.withRetry(retry.heldBy("op-2")));
    run(engine().records().drop(key, retry.heldBy("op-2")));
    assertReplayed(find(key, retry));
  }

  @Test
  void aMarkGoesWithItsLeaseAndNotBefore() {
    SessionKey key = furnished();
    IdempotentRequest retry = newRetry();
    long sent = System.nanoTime();
    assertThat(hold(key, retry.heldBy("dead"), Duration.ofMillis(400))).isNull();

    Duration held = elapsedUntil(sent, () -> hold(key, retry.heldBy("op-2"), LEASE) == null);
    assertThat(held).isBetween(Duration.ofMillis(398), Duration.ofMillis(2000));
    assertInProgress(
        write(key, append(says("x")), WritePreconditions.NONE.withRetry(retry.heldBy("dead"))));
    assertInProgress(hold(key, retry.heldBy("dead"), LEASE));
    run(engine().records().drop(key, retry.heldBy("dead")));
    assertInProgress(find(key, retry));
    applied(key, append(says("x")), WritePreconditions.NONE.withRetry(retry.heldBy("op-2")));
    assertReplayed(
        write(key, append(says("x")), WritePreconditions.NONE.withRetry(retry.heldBy("dead"))));
    assertThat(thread(key)).hasSize(4);
  }

  @Test
  void ofManyHoldersAtOnceOneHolds() {
    SessionKey key = newKey();
    IdempotentRequest retry = newRetry();
    List<Boolean> held =
        atOnce(
            32,
            i ->
                replica(i)
                    .records()
                    .hold(key, retry.heldBy("op-" + i), LEASE)
                    .map(outcome -> false)
                    .defaultIfEmpty(true));
    assertThat(held).filteredOn(one -> one).hasSize(1);
  }

  private void assertDecided(
      SessionKey key,
      Write write,
      WritePreconditions first,
      IdempotentRequest reused,
      Position done) {
    assertThat(assertReplayed(write(key, write, first)).position()).isEqualTo(done);
    assertThat(assertReplayed(write(key, write, first)).messages()).containsExactly("fourth");
    refused(key, write, first.withRetry(reused), ProblemCode.KEY_REUSED);
  }

  private void assertOneEffect(List<Outcome> outcomes, SessionKey key) {
    Position now = position(key);
    assertThat(outcomes).filteredOn(Outcome.Applied.class::isInstance).hasSize(1);
    for (Outcome outcome : outcomes) {
      if (outcome instanceof Outcome.Applied applied) {
        assertThat(applied.head().position()).isEqualTo(now);
      } else {
        assertThat(assertReplayed(outcome).position()).isEqualTo(now);
        assertThat(ids(key)).endsWith(assertReplayed(outcome).messages().toArray(String[]::new));
      }
    }
  }

  private static void assertInProgress(@Nullable Outcome outcome) {
    assertThat(outcome).isNotNull();
    Problem problem = assertRefused(outcome, ProblemCode.KEY_IN_PROGRESS);
    assertThat(((Number) problem.members().get("retryAfter")).longValue()).isPositive();
  }

  private static Outcome.Replayed assertReplayed(@Nullable Outcome outcome) {
    assertThat(outcome).isInstanceOf(Outcome.Replayed.class);
    return (Outcome.Replayed) outcome;
  }

  private @Nullable Outcome find(SessionKey key, IdempotentRequest retry) {
    return engine().records().find(key, retry).block(PATIENCE);
  }

  private @Nullable Outcome hold(SessionKey key, IdempotentRequest retry, Duration lease) {
    return engine().records().hold(key, retry, lease).block(PATIENCE);
  }

  private EngineUnderTest replica(int i) {
    return i % 2 == 0 ? engine() : engine().peer();
  }
}
