package io.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.heddle.base.Position;
import io.heddle.base.RandomIds;
import io.heddle.json.Json;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.NewMessage;
import io.heddle.session.NewTurn;
import io.heddle.session.OnBusy;
import io.heddle.session.StoreLimits;
import io.heddle.session.Turn;
import io.heddle.session.TurnAttempt;
import io.heddle.session.TurnId;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The scripts of turns, each by itself, as {@link ScriptContract} has the others. */
abstract class TurnScriptContract extends ScriptSuite {

  private static final Duration LEASE = Duration.ofSeconds(6);
  private static final Duration KEEP = Duration.ofHours(6);
  private static final Json END = Json.of("{\"finishReason\":\"stop\"}");
  private static final Json ANSWER_BODY = Json.of("{\"role\":\"assistant\",\"content\":\"hi\"}");
  private static final RandomIds IDS = new RandomIds(InstantSource.system());

  private String first;
  private String second;
  private String third;

  @BeforeEach
  void freshTurns() {
    first = newTurn();
    second = newTurn();
    third = newTurn();
  }

  @Test
  void turnBegin() {
    assertThat(begin("tagtag00", first, OnBusy.ENQUEUE).text(1)).isEqualTo("session-not-found");
    create("tagtag01", 60, "");
    ScriptReply started = begin("tagtag02", first, OnBusy.ENQUEUE, "own", "");
    assertThat(state(started).position()).isEqualTo(new Position(2, "tagtag02"));
    assertThat(state(started).messageCount()).isEqualTo(3);
    assertThat(started.text(1)).as("it runs").isEqualTo(first);
    assertThat(entries(keys.thread())).containsExactly("1-0", "2-0", "2-1");
    assertThat(hash(keys.clientIds())).containsEntry("own", "2-0");
    assertThat(entries(keys.changes())).containsExactly("1-0", "2-0");
    assertThat(field("T"))
        .matches(first + " 1 \\d+ - 0 tagtag02 2 2 \\d+ ")
        .contains(" " + (state(started).updatedAt() + LEASE.toMillis()) + " ");
    assertThat(dueAt()).isEqualTo((double) (state(started).updatedAt() + LEASE.toMillis()));
    for (byte[] key : List.of(keys.turnRecord(part(first)), keys.turnLog(part(first)))) {
      assertThat(this.<Long>ask(redis -> redis.exists(key))).as("a flush finds it").isEqualTo(1);
      assertThat(this.<Long>ask(redis -> redis.pttl(key))).isGreaterThan(KEEP.toMillis());
    }

    assertThat(begin("tagtag02", first, OnBusy.ENQUEUE, "own", "").text(1))
        .as("the same call sent again is answered as it was")
        .isEqualTo(first);
    ScriptReply again = begin("tagtag03", first, OnBusy.ENQUEUE, "own", "");
    assertThat(again.kind()).isEqualTo(ScriptReply.REPLAYED);
    assertThat(again.text(1)).isEqualTo("2-tagtag02 " + first);
    assertThat(begin("tagtag03", second, OnBusy.REJECT).text(1)).isEqualTo("turn-running");
    assertThat(stored().position().version()).isEqualTo(2);

    ScriptReply waits = begin("tagtag04", second, OnBusy.ENQUEUE, "own2");
    assertThat(waits.text(1)).as("the other one runs").isEqualTo(first);
    assertThat(state(waits).messageCount()).isEqualTo(3);
    assertThat(field("Q")).isEqualTo(part(second) + " ");
    assertThat(begin("tagtag05", third, OnBusy.ENQUEUE, 1).text(1)).isEqualTo("turn-queue-full");
    assertThat(begin("tagtag05", third, OnBusy.INTERRUPT).text(1)).isEqualTo(first);
    assertThat(field("Q")).isEqualTo(part(third) + " " + part(second) + " ");
    assertThat(field("T")).contains(" k 0 ");
    begin("tagtag06", newTurn(), OnBusy.ROLLBACK);
    begin("tagtag07", newTurn(), OnBusy.INTERRUPT);
    assertThat(field("T")).as("what was promised is not taken back").contains(" r 0 ");
    assertThat(hash(keys.session()).get("p")).contains(" 6 ").startsWith("tagtag07 ");
  }

  @Test
  void turnBeginObeysWhatAnAppendObeys() {
    create("tagtag01", 60, "own");
    assertThat(begin("tagtag02", first, OnBusy.ENQUEUE, "own").text(1)).isEqualTo("message-exists");
    WritePreconditions wrong =
        new WritePreconditions(null, null, null, List.of(new Position(1, "another1")));
    assertThat(write("tagtag02", beginning(first, OnBusy.ENQUEUE, 16, ""), wrong).text(1))
        .isEqualTo("version-conflict");
    assertThat(
            write(
                    "tagtag02",
                    beginning(first, OnBusy.ENQUEUE, 16, ""),
                    WritePreconditions.NONE.withOwner("bob"))
                .text(1))
        .isEqualTo("session-not-found");
    lock("5000");
    assertThat(begin("tagtag02", first, OnBusy.ENQUEUE).text(1)).isEqualTo("session-locked");
    release("");
    change(STATUS, "c");
    assertThat(begin("tagtag02", first, OnBusy.ENQUEUE).text(1)).isEqualTo("session-complete");
    change(STATUS, "a");
    assertThat(this.<Long>ask(redis -> redis.exists(keys.turnRecord(part(first)))))
        .as("refusals leave nothing")
        .isZero();

    WritePreconditions keyed =
        WritePreconditions.NONE.withRetry(new IdempotentRequest("digest1", "body"));
    Write write = beginning(first, OnBusy.ENQUEUE, 16, "");
    assertThat(write("tagtag02", write, keyed).text(1)).isEqualTo(first);
    Write other = beginning(second, OnBusy.ENQUEUE, 16, "");
    assertThat(write("tagtag03", other, keyed).text(1)).isEqualTo("2-tagtag02 " + first);
  }

  @Test
  void turnNext() {
    create("tagtag01", 60, "");
    begin("tagtag02", first, OnBusy.ENQUEUE);
    begin("tagtag03", second, OnBusy.ENQUEUE, "own", "");
    begin("tagtag04", third, OnBusy.ENQUEUE);
    assertThat(hash(keys.turnRecord(part(second)))).containsEntry("i1", "own").containsKey("d2");
    assertThat(next("tagtag05", second).text(1)).isEqualTo("turn-running");
    end("tagtag05", first, 1);
    assertThat(dueAt()).as("at once").isEqualTo((double) stored().updatedAt());
    assertThat(next("tagtag06", third).text(1)).as("not the head").isEqualTo("turn-not-found");
    assertThat(dueAt()).as("not before others").isGreaterThan(stored().updatedAt());

    ScriptReply started = next("tagtag06", second);
    assertThat(started.text(1)).isEqualTo(second);
    assertThat(state(started).position()).isEqualTo(new Position(6, "tagtag06"));
    assertThat(entries(keys.thread())).containsExactly("1-0", "2-0", "5-0", "6-0", "6-1");
    assertThat(hash(keys.clientIds())).containsEntry("own", "6-0");
    assertThat(hash(keys.turnRecord(part(second))))
        .doesNotContainKeys("i1", "d1", "i2", "d2")
        .containsEntry("v", "6-tagtag06 own -");
    assertThat(field("Q")).isEqualTo(part(third) + " ");
    assertThat(field("T")).startsWith(second + " 1 ");
    assertThat(next("tagtag06", second).bytes(0))
        .as("the same call sent again is answered as it was")
        .isEqualTo(started.bytes(0));
    assertThat(next("tagtag07", second).text(1))
        .as("another's is not: two would run it")
        .isEqualTo("turn-running");
  }

  @Test
  void turnNextStaysInTheQueueWhenItIsRefused() {
    create("tagtag01", 60, "");
    begin("tagtag02", first, OnBusy.ENQUEUE);
    begin("tagtag03", second, OnBusy.ENQUEUE, "own");
    end("tagtag04", first, 1);
    append("tagtag05", "own");
    assertThat(next("tagtag06", second).text(1)).isEqualTo("message-exists");
    change(STATUS, "c");
    assertThat(next("tagtag06", second).text(1)).isEqualTo("session-complete");
    assertThat(field("Q")).isEqualTo(part(second) + " ");
    change(STATUS, "a");
    lock("5000");
    assertThat(next("tagtag06", second).text(1)).isEqualTo("session-locked");
    assertThat(field("Q")).isEqualTo(part(second) + " ");
    assertThat(stored().position().version()).isEqualTo(5);
  }

  @Test
  void turnRetake() {
    create("tagtag01", 60, "");
    begin("tagtag02", first, OnBusy.ENQUEUE);
    ask(redis -> redis.zadd(keys.turnsDue(), 1, ascii(session.path())));
    assertThat(retake("tagtag03", first, 1).text(1)).isEqualTo("turn-running");
    assertThat(dueAt()).as("moved to the truth").isGreaterThan(stored().updatedAt());
    endLease();
    assertThat(retake("tagtag03", second, 1).text(1)).isEqualTo("turn-ended");
    assertThat(retake("tagtag03", first, 2).text(1)).isEqualTo("turn-ended");
    assertThat(retake("tagtag03", first, 1).text(1)).isEqualTo(first);
    assertThat(field("T")).startsWith(first + " 2 ").contains(" - 0 tagtag03 2 1 ");
    assertThat(stored().position().version()).as("no version").isEqualTo(2);
    assertThat(retake("tagtag03", first, 1).text(1)).as("sent again").isEqualTo(first);
    assertThat(retake("tagtag04", first, 1).text(1)).as("another's").isEqualTo("turn-ended");
    assertThat(flush(first, 1, 0, "{}").kind()).as("the dead one").isZero();

    assertThat(flush(first, 2, 0, "{}").kind()).isEqualTo(ScriptReply.DONE);
    endLease();
    assertThat(retake("tagtag05", first, 2).text(1))
        .as("it said something")
        .isEqualTo("turn-ended");
  }

  @Test
  void turnCancel() {
    create("tagtag01", 60, "");
    begin("tagtag02", first, OnBusy.ENQUEUE);
    begin("tagtag03", second, OnBusy.ENQUEUE, "own");
    begin("tagtag04", third, OnBusy.ENQUEUE);
    assertThat(cancel("tagtag05", newTurn()).text(1)).isEqualTo("turn-not-found");
    assertThat(drop("tagtag05", first).text(1)).isEqualTo("turn-running");

    ScriptReply left = cancel("tagtag05", second);
    assertThat(left.text(1)).isEqualTo(first);
    assertThat(state(left).position().version()).isEqualTo(5);
    assertThat(field("Q")).isEqualTo(part(third) + " ");
    assertThat(field("E")).isEqualTo(part(second) + " ");
    assertThat(hash(keys.turnRecord(part(second))))
        .containsEntry("s", "cancelled")
        .containsEntry("o", "5-tagtag05")
        .containsEntry("j", END.toString())
        .doesNotContainKeys("i1", "d1");
    assertThat(this.<Long>ask(redis -> redis.pttl(keys.turnRecord(part(second)))))
        .isBetween(KEEP.toMillis() - 10_000, KEEP.toMillis());
    assertThat(cancel("tagtag05", second).bytes(0)).as("again").isEqualTo(left.bytes(0));
    assertThat(cancel("tagtag06", second).text(1)).isEqualTo("turn-ended");

    assertThat(state(cancel("tagtag06", first)).position())
        .as("no version of a running one")
        .isEqualTo(new Position(5, "tagtag05"));
    assertThat(field("T")).contains(" k 0 ");
    assertThat(flush(first, 1, 0).text(2)).as("its owner is told").isEqualTo("k");
    end("tagtag07", first, 1);
    assertThat(drop("tagtag08", third).kind()).isEqualTo(ScriptReply.DONE);
    assertThat(hash(keys.turnRecord(part(third)))).containsEntry("s", "failed");
    assertThat(dueAt()).as("nothing is left to do").isNull();
  }

  @Test
  void turnEnd() {
    create("tagtag01", 60, "");
    begin("tagtag02", first, OnBusy.ENQUEUE, "own", "");
    assertThat(end("tagtag03", first, 2).text(1)).isEqualTo("turn-ended");
    assertThat(reap("tagtag03", first, 1).text(1)).isEqualTo("turn-running");
    lock("50000");
    change(STATUS, "c" + word(STATUS).substring(1));
    assertThat(word(STATUS)).startsWith("c+/");

    ScriptReply done = end("tagtag03", first, 1);
    StoredState after = state(done);
    assertThat(after.position()).as("no lock, no status").isEqualTo(new Position(3, "tagtag03"));
    assertThat(after.messageCount()).isEqualTo(4);
    assertThat(after.lastSeq()).isEqualTo(4);
    assertThat(after.expiresAt() - after.updatedAt()).isGreaterThanOrEqualTo(60_000);
    assertThat(entries(keys.thread())).containsExactly("1-0", "2-0", "2-1", "3-0");
    assertThat(hash(keys.session())).doesNotContainKey("T").containsEntry("E", part(first) + " ");
    assertThat(dueAt()).isNull();
    assertThat(hash(keys.turnRecord(part(first))))
        .containsEntry("s", "completed")
        .containsEntry("a", "1")
        .containsEntry("o", "3-tagtag03 -");
    for (byte[] key : List.of(keys.turnRecord(part(first)), keys.turnLog(part(first)))) {
      assertThat(this.<Long>ask(redis -> redis.pttl(key)))
          .isBetween(KEEP.toMillis() - 10_000, KEEP.toMillis());
    }
    ScriptReply again = end("tagtag04", first, 1);
    assertThat(again.kind()).isEqualTo(ScriptReply.REPLAYED);
    assertThat(again.text(1)).isEqualTo("3-tagtag03 -");
    assertThat(reap("tagtag04", first, 1).kind()).isEqualTo(ScriptReply.REPLAYED);
    assertThat(end("tagtag04", first, 2).text(1)).isEqualTo("turn-ended");
    assertThat(word(STATUS)).startsWith("c/");
  }

  @Test
  void turnEndTakesItsInputBackOut() {
    create("tagtag01", 60, "");
    begin("tagtag02", first, OnBusy.ENQUEUE, "own", "");
    append("tagtag03", "later");
    String placed = "msg_2-1_tagtag02" + session.mark();
    ScriptReply done =
        write(
            "tagtag04",
            new Write.EndTurn(
                new TurnAttempt(first, 1),
                Turn.Status.CANCELLED,
                List.of(),
                END,
                List.of("own", placed, "later"),
                false),
            WritePreconditions.NONE);
    assertThat(entries(keys.thread()))
        .as("what is not of its input stays")
        .containsExactly("1-0", "3-0");
    assertThat(state(done).messageCount()).isEqualTo(2);
    assertThat(state(done).bytes()).isEqualTo(2L * BODY.length() + "later".length());
    assertThat(state(done).lastSeq()).isEqualTo(4);
  }

  /** A hundred ended turns are remembered; more would make the session's hash grow for ever. */
  @Test
  void aHundredEndedTurnsAreRemembered() {
    create("tagtag01", 60, "");
    List<String> turns = new ArrayList<>();
    for (int i = 0; i < 102; i++) {
      turns.addFirst(newTurn());
      begin("tagbeg%02x".formatted(i), turns.getFirst(), OnBusy.REJECT);
      end("tagend%02x".formatted(i), turns.getFirst(), 1);
    }
    String ended = field("E");
    assertThat(ended).hasSize(1700).startsWith(part(turns.getFirst()) + " ");
    assertThat(ended).endsWith(part(turns.get(99)) + " ");
  }

  @Test
  void turnFlush() {
    create("tagtag01", 1, "");
    assertThat(flush(first, 1, 0, "{}").kind()).as("none runs").isZero();
    begin("tagtag02", first, OnBusy.ENQUEUE);
    Double due = dueAt();
    ScriptReply kept = flush(first, 1, 0, "{\"a\":1}", "{\"a\":2}");
    assertThat(kept.number(1)).isEqualTo(2);
    assertThat(kept.text(2)).isEqualTo("-");
    assertThat(entries(log())).containsExactly("1-0", "2-0");
    assertThat(flush(first, 1, 0, "{\"a\":1}", "{\"a\":2}").number(1)).as("again").isEqualTo(2);
    assertThat(flush(first, 1, 1, "{\"a\":2}", "{\"a\":3}").number(1))
        .as("more than was answered")
        .isEqualTo(3);
    assertThat(entries(log())).containsExactly("1-0", "2-0", "3-0");
    assertThat(flush(first, 1, 1, "{\"a\":9}").kind()).as("another's").isZero();
    assertThat(flush(first, 1, 0, "{\"a\":9}", "{}", "{}").kind()).isZero();
    assertThat(flush(first, 1, 9, "{\"a\":9}").number(1))
        .as("a log that lost its end says so")
        .isEqualTo(3);
    assertThat(flush(first, 2, 3, "{}").kind()).isZero();
    assertThat(flush(second, 1, 3, "{}").kind()).isZero();
    assertThat(entries(log())).containsExactly("1-0", "2-0", "3-0");

    endLease();
    change(EXPIRES_AT, "1");
    assertThat(flush(first, 1, 3).number(1)).as("renewed").isEqualTo(3);
    long lease = Long.parseLong(field("T").split(" ")[2]);
    assertThat(stored().expiresAt()).isEqualTo(lease + 10_000);
    assertThat(dueAt()).as("seldom moved").isEqualTo(due);
    assertThat(flushFor(4_000).number(1)).isEqualTo(3);
    assertThat(dueAt()).as("never after the truth").isLessThan(due);
    due = dueAt();
    assertThat(flushFor(60_000).number(1)).isEqualTo(3);
    assertThat(dueAt()).as("before half of it is over").isGreaterThan(due + 50_000);
  }

  @Test
  void turnRead() {
    assertThat(read(first, "", 0, 9).text(1)).isEqualTo("session-not-found");
    create("tagtag01", 60, "");
    assertThat(read(first, "", 0, 9).text(1)).isEqualTo("turn-not-found");
    begin("tagtag02", first, OnBusy.ENQUEUE);
    flush(first, 1, 0, "{\"a\":1}", "{\"a\":2}", "{\"a\":3}");
    assertThat(read(first, "bob", 0, 9).text(1)).isEqualTo("session-not-found");
    ScriptReply some = read(first, "ann", 1, 1);
    assertThat(some.text(1)).startsWith(first);
    assertThat(some.number(5)).isEqualTo(3);
    assertThat(places(some.list(6))).containsExactly("2-0");
    assertThat(read(first, "", 0, 0).list(6).size()).isZero();

    ask(redis -> redis.hset(keys.turnRecord(part(first)), Map.of(ascii("u"), ascii("1"))));
    assertThat(read(first, "", 0, 9).text(1))
        .as("of an earlier session of this id")
        .isEqualTo("turn-not-found");
  }

  @Test
  void turnList() {
    create("tagtag01", 60, "");
    begin("tagtag02", first, OnBusy.ENQUEUE);
    begin("tagtag03", second, OnBusy.ENQUEUE);
    ScriptReply known = run(RedisScript.TURN_LIST, one(keys.session()), List.of("ann", "1000000"));
    assertThat(known.text(1)).startsWith(first);
    assertThat(known.text(2)).isEqualTo(part(second) + " ");
    assertThat(known.textOrNull(3)).isNull();
    byte[][] some = {keys.session(), keys.turnRecord(part(third)), keys.turnRecord(part(second))};
    ScriptReply records = run(RedisScript.TURN_LIST, some, List.of("", "1000000"));
    assertThat(records.time(4)).isCloseTo(Instant.now(), within(1, ChronoUnit.MINUTES));
    assertThat(records.listOrNull(5)).isNull();
    assertThat(records.list(6).text(2)).isEqualTo("{\"request\":1}");
    assertThat(run(RedisScript.TURN_LIST, some, List.of("bob", "1000000")).text(1))
        .isEqualTo("session-not-found");
  }

  /** A clear, a cut of its input and a restore would take away what a running turn stands on. */
  @Test
  void whatARunningTurnStandsOnStays() {
    create("tagtag01", 60, "");
    state("tagtag02", "{}", "", "");
    begin("tagtag03", first, OnBusy.ENQUEUE, "", "");
    append("tagtag04", "");
    assertThat(cut("all", "").text(1)).isEqualTo("turn-running");
    assertThat(cut("after", "1-0").text(1)).isEqualTo("turn-running");
    assertThat(cut("after", "3-0").text(1)).isEqualTo("turn-running");
    assertThat(state("tagtag05", "", "", "").text(1)).isEqualTo("turn-running");
    assertThat(state("tagtag05", "{}", "", "").kind()).isEqualTo(ScriptReply.DONE);
    assertThat(cut("after", "3-1").kind()).as("its input stays").isEqualTo(ScriptReply.DONE);
    end("tagtag06", first, 1);
    assertThat(cut("all", "").kind()).isEqualTo(ScriptReply.DONE);
  }

  @Test
  void aSessionWithATurnIsLeftToTheReaper() {
    create("tagtag01", 60, "");
    begin("tagtag02", first, OnBusy.ENQUEUE);
    begin("tagtag03", second, OnBusy.ENQUEUE);
    change(EXPIRES_AT, "1");
    assertThat(end(RedisScript.EXPIRE, "tagtag04").text(1)).isEqualTo("version-conflict");
    assertThat(load("10", "", "", "", "").text(1)).isEqualTo("session-expired");
    assertThat(cancel("tagtag04", first).text(1)).isEqualTo("session-expired");
    assertThat(read(first, "", 0, 9).kind()).as("who ends it reads it").isEqualTo(ScriptReply.DONE);
    endLease();
    assertThat(reap("tagtag05", first, 1).kind()).isEqualTo(ScriptReply.DONE);
    assertThat(stored().expiresAt()).isGreaterThan(stored().updatedAt());

    change(EXPIRES_AT, "1");
    assertThat(next("tagtag06", second).text(1)).isEqualTo("session-expired");
    assertThat(end(RedisScript.EXPIRE, "tagtag06").kind()).isEqualTo(ScriptReply.DONE);
    assertThat(dueAt()).isNull();
    assertThat(hash(keys.session())).doesNotContainKeys("T", "Q", "E");
  }

  @Test
  void aDeletedSessionKeepsNothingOfItsTurns() {
    create("tagtag01", 60, "");
    begin("tagtag02", first, OnBusy.ENQUEUE);
    end("tagtag03", first, 1);
    begin("tagtag04", second, OnBusy.ENQUEUE);
    begin("tagtag05", third, OnBusy.ENQUEUE);
    ScriptReply deleted = write("tagtag06", new Write.Delete(), WritePreconditions.NONE);
    assertThat(deleted.text(1).split(" "))
        .containsExactlyInAnyOrder(part(first), part(second), part(third));
    assertThat(dueAt()).isNull();
    assertThat(flush(second, 1, 0, "{}").kind()).isZero();
    assertThat(end("tagtag07", second, 1).text(1)).isEqualTo("session-deleted");
    assertThat(read(second, "", 0, 9).text(1)).isEqualTo("session-deleted");
  }

  String newTurn() {
    return TurnId.next(IDS, session).toString();
  }

  private String part(String turn) {
    return RedisTurnCalls.part(session, turn);
  }

  private byte[] log() {
    return keys.turnLog(part(first));
  }

  ScriptReply begin(String tag, String turn, OnBusy onBusy, String... ids) {
    return begin(tag, turn, onBusy, 16, ids);
  }

  private ScriptReply begin(String tag, String turn, OnBusy onBusy, int maxQueue, String... ids) {
    return write(tag, beginning(turn, onBusy, maxQueue, ids), WritePreconditions.NONE);
  }

  /** One message without an id, unless ids are given. */
  private static Write beginning(String turn, OnBusy onBusy, int maxQueue, String... ids) {
    List<NewMessage> input = new ArrayList<>();
    for (String id : ids.length == 0 ? new String[] {""} : ids) {
      input.add(new NewMessage(id.isEmpty() ? null : id, Json.of(BODY)));
    }
    return new Write.BeginTurn(
        new NewTurn(turn, "echo", Json.of("{\"request\":1}"), input, LEASE, KEEP),
        onBusy,
        maxQueue);
  }

  ScriptReply next(String tag, String turn) {
    return write(tag, new Write.NextTurn(turn, LEASE), WritePreconditions.NONE);
  }

  ScriptReply retake(String tag, String turn, int dead) {
    return write(
        tag, new Write.RetakeTurn(new TurnAttempt(turn, dead), LEASE), WritePreconditions.NONE);
  }

  ScriptReply cancel(String tag, String turn) {
    return write(tag, new Write.CancelTurn(turn, Turn.Cancel.KEEP, END), WritePreconditions.NONE);
  }

  private ScriptReply drop(String tag, String turn) {
    return write(tag, new Write.DropTurn(turn, END), WritePreconditions.NONE);
  }

  ScriptReply end(String tag, String turn, int attempt) {
    return end(tag, turn, attempt, false);
  }

  private ScriptReply reap(String tag, String turn, int attempt) {
    return end(tag, turn, attempt, true);
  }

  private ScriptReply end(String tag, String turn, int attempt, boolean reap) {
    Write write =
        new Write.EndTurn(
            new TurnAttempt(turn, attempt),
            Turn.Status.COMPLETED,
            List.of(new NewMessage(null, ANSWER_BODY)),
            END,
            List.of(),
            reap);
    return write(tag, write, WritePreconditions.NONE);
  }

  ScriptReply flush(String turn, int attempt, long after, String... events) {
    return flush(turn, attempt, after, LEASE.toMillis(), events);
  }

  private ScriptReply flushFor(long lease) {
    return flush(first, 1, 3, lease);
  }

  private ScriptReply flush(String turn, int attempt, long after, long lease, String... events) {
    List<String> args = new ArrayList<>();
    args.add(turn + " " + attempt);
    args.add(Long.toString(after));
    args.add(Long.toString(lease));
    args.add(text(fixture.engine().link().publish().command()));
    args.add(keys.liveChannel(0));
    args.add("{\"turn\":\"" + turn + "\",\"attempt\":" + attempt + ",\"seq\":");
    args.addAll(List.of(events));
    byte[][] all = {keys.session(), keys.turnLog(part(turn)), keys.turnsDue()};
    return run(RedisScript.TURN_FLUSH, all, args);
  }

  private ScriptReply read(String turn, String user, long after, int most) {
    byte[][] all = {keys.session(), keys.turnRecord(part(turn)), keys.turnLog(part(turn))};
    return run(
        RedisScript.TURN_READ,
        all,
        List.of(user, Long.toString(after), Integer.toString(most), "1000000"));
  }

  /** The call as the engine makes it, with a tag of the test's. */
  private ScriptReply write(String tag, Write write, WritePreconditions conditions) {
    ScriptCall call =
        new ScriptCallFactory(
                session,
                write,
                conditions,
                tag,
                StoreLimits.DEFAULT,
                fixture.engine().link().publish(),
                0)
            .call();
    ScriptReply reply =
        fixture.engine().link().write(call.script(), call.keys(), call.args()).block(ANSWER);
    assertThat(reply).isNotNull();
    return reply;
  }

  private static StoredState state(ScriptReply done) {
    assertThat(done.kind()).isEqualTo(ScriptReply.DONE);
    return StoredState.parse(done.bytes(0));
  }

  private String field(String name) {
    return hash(keys.session()).get(name);
  }

  private Double dueAt() {
    return ask(redis -> redis.zscore(keys.turnsDue(), ascii(session.path())));
  }

  /** As if the owner had been silent for a whole lease. */
  void endLease() {
    String[] words = field("T").split(" ");
    words[2] = "1";
    byte[] turn = ascii(String.join(" ", words) + " ");
    ask(redis -> redis.hset(keys.session(), Map.of(ascii("T"), turn)));
  }
}
