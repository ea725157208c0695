package io.heddle.turn;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Caller;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.Message;
import io.heddle.session.OnBusy;
import io.heddle.session.ReadContext;
import io.heddle.session.Turn;
import io.heddle.session.Write;
import io.heddle.session.WriteContext;
import io.heddle.session.WritePreconditions;
import io.heddle.session.WriteResult;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Sinks;

/** What turns promise over any engine, with as many replicas as it can have. */
abstract class TurnsContract extends TurnsSuite {

  // ---- one turn

  @Test
  void aTurnIsAskedSaidAndKept() {
    Replica replica = replica();
    create(replica, said("user", "earlier"));
    WriteResult<Turn> begun = begin(replica, order("hello"));
    assertThat(begun.value().status()).isEqualTo(Turn.Status.RUNNING);
    assertThat(begun.value().input()).hasSize(1);
    Tape tape = new Tape(replica, begun.value().id(), -1);

    FakeModel.Call call = model.next();
    assertThat(texts(call.asked)).containsExactly("earlier", "hello");
    assertThat(call.asked.system()).isEqualTo("be brief");
    call.says("Hel");
    await().until(() -> tape.text().equals("Hel"));
    call.says("lo").says(" you").finishes();
    TurnEvent.Ended ended = tape.end();

    assertThat(tape.text()).isEqualTo("Hello you");
    assertThat(tape.events.getFirst()).isInstanceOf(TurnEvent.Started.class);
    assertThat(ended.turn().status()).isEqualTo(Turn.Status.COMPLETED);
    assertThat(ended.messages()).hasSize(1);
    List<Message> thread = thread(replica);
    assertThat(thread.getLast()).isEqualTo(ended.messages().getFirst());
    assertThat(thread.getLast().body())
        .hasToString(
            "{\"role\":\"assistant\",\"content\":\"Hello you\",\"status\":\"completed\",\"turn\":\""
                + begun.value().id()
                + "\"}");
    Turn record = get(replica.turns.get(key, ReadContext.ANY, begun.value().id()));
    assertThat(record.output()).containsExactly(thread.getLast().id());
    assertThat(record.end())
        .hasToString(
            "{\"usage\":{\"inputTokens\":10,\"outputTokens\":5,\"cachedTokens\":0,"
                + "\"reasoningTokens\":0,\"totalTokens\":15},\"finishReason\":\"stop\","
                + "\"model\":\"hand-1\"}");
    assertThat(ended.turn()).usingRecursiveComparison().isEqualTo(record);
    assertThat(replica.turns.running()).isZero();
  }

  @Test
  void whoComesLaterIsToldAllOfIt() {
    Replica replica = replica();
    create(replica);
    String turn = begin(replica, order("hello")).value().id();
    FakeModel.Call call = model.next();
    Tape first = new Tape(replica, turn, 0);
    call.says("one ");
    await().until(() -> first.text().equals("one "));
    call.says("two ");
    await().until(() -> first.text().equals("one two "));

    Tape late = new Tape(replica(), turn, -1);
    await().until(() -> late.text().equals("one two "));
    assertThat(late.events.get(1)).isInstanceOf(TurnEvent.SoFar.class);
    Tape resumed = new Tape(replica(), turn, 1);
    await().until(() -> resumed.text().equals("two "));
    call.says("three");
    await().until(() -> late.text().equals("one two three"));
    call.finishes();

    for (Tape tape : List.of(first, late, resumed)) {
      assertThat(tape.end().turn().status()).isEqualTo(Turn.Status.COMPLETED);
    }
    assertThat(first.text()).isEqualTo("one two three");
    assertThat(resumed.text()).isEqualTo("two three");
    // And when all is over, as long as the log lives.
    Tape after = new Tape(replica(), turn, -1);
    assertThat(after.end().messages()).isEqualTo(first.end().messages());
    assertThat(after.text()).isEqualTo("one two three");
    Tape exact = new Tape(replica(), turn, 2);
    exact.end();
    assertThat(exact.text()).isEqualTo("three");
  }

  @Test
  void whatFailsKeepsWhatWasSaid() {
    Replica replica = replica();
    create(replica);
    String turn = begin(replica, order("hello")).value().id();
    Tape tape = new Tape(replica, turn, 0);
    model
        .next()
        .says("half")
        .says(new ModelEvent.ToolCall(0, "call_1", "f", "{}"))
        .says(new ModelEvent.ToolCall(1, "call_2", "g", "{\"cut"))
        .fails(Problem.of(ProblemCode.MODEL_TIMEOUT, "too slow").toException());
    TurnEvent.Ended ended = tape.end();
    assertThat(ended.turn().status()).isEqualTo(Turn.Status.FAILED);
    assertThat(String.valueOf(ended.turn().end()))
        .contains("\"error\":{\"code\":\"model-timeout\",\"detail\":\"too slow\"}");
    assertThat(ended.messages()).hasSize(2);
    assertThat(ended.messages().getFirst().body().toString())
        .contains("\"content\":\"half\",\"status\":\"incomplete\"", "call_1")
        .doesNotContain("call_2");
    assertThat(ended.messages().getLast().body().toString())
        .contains("\"role\":\"tool\"", "\"toolCallId\":\"call_1\"");

    String second = begin(replica, order("again")).value().id();
    Tape another = new Tape(replica, second, 0);
    model.next().breaksOff();
    assertThat(another.end().turn().status()).isEqualTo(Turn.Status.FAILED);
    assertThat(another.end().messages()).isEmpty();
    assertThat(String.valueOf(another.end().turn().end())).contains("model-failed");
  }

  // ---- cancelling

  @Test
  void anyReplicaCancels() {
    Replica owner = replica();
    Replica other = replica();
    create(owner);
    String turn = begin(owner, order("hello")).value().id();
    Tape tape = new Tape(other, turn, -1);
    FakeModel.Call call = model.next();
    call.says("some of it");
    await().until(() -> tape.text().equals("some of it"));
    get(other.turns.cancel(request(caller), turn));
    assertThat(tape.end().turn().status()).isEqualTo(Turn.Status.CANCELLED);
    assertThat(call.isCancelled()).isTrue();
    assertThat(tape.end().messages().getFirst().body().toString())
        .contains("some of it", "\"status\":\"incomplete\"");
    refused(() -> get(owner.turns.cancel(request(caller), turn)), ProblemCode.TURN_ENDED);
  }

  @Test
  void aRollbackTakesTheExchangeBack() {
    Replica replica = replica();
    create(replica, said("user", "earlier"));
    String turn = begin(replica, order("wrong")).value().id();
    Tape tape = new Tape(replica, turn, 0);
    FakeModel.Call call = model.next();
    call.says("I think");
    await().until(() -> tape.text().equals("I think"));
    WriteResult<Turn> better =
        begin(replica, order(List.of(said("user", "right")), OnBusy.ROLLBACK));
    assertThat(better.value().status()).isEqualTo(Turn.Status.QUEUED);
    assertThat(tape.end().turn().status()).isEqualTo(Turn.Status.CANCELLED);
    assertThat(tape.end().messages()).isEmpty();
    FakeModel.Call next = model.next();
    assertThat(texts(next.asked)).containsExactly("earlier", "right");
    next.says("Yes").finishes();
    assertThat(get(replica.turns.await(key, ReadContext.ANY, better.value().id())).turn().status())
        .isEqualTo(Turn.Status.COMPLETED);
    assertThat(contents(replica)).containsExactly("earlier", "right", "Yes");
  }

  /** It was asked for when the owner's last look was over, and the answer was on its way. */
  @Test
  void aRollbackThatComesWithTheEndTakesTheExchangeBackToo() {
    Replica owner = replica();
    Replica other = replica();
    create(owner, said("user", "earlier"));
    String turn = begin(owner, order("wrong")).value().id();
    Tape tape = new Tape(other, turn, -1);
    FakeModel.Call call = model.next();
    call.says("I think");
    await().until(() -> tape.text().equals("I think"));
    Sinks.Empty<Void> ending = Sinks.empty();
    owner.ends = ending.asMono();
    call.finishes();
    await().until(() -> owner.endsWaiting.get() == 1);
    begin(other, order(List.of(said("user", "right")), OnBusy.ROLLBACK));
    ending.tryEmitEmpty();
    assertThat(tape.end().turn().status()).isEqualTo(Turn.Status.CANCELLED);
    assertThat(other.turns.counts().reaped()).as("its owner ends it").isZero();
    FakeModel.Call next = model.next();
    assertThat(texts(next.asked)).containsExactly("earlier", "right");
    next.says("Yes").finishes();
    await()
        .untilAsserted(
            () -> assertThat(contents(other)).containsExactly("earlier", "right", "Yes"));
  }

  // ---- waiting

  @Test
  void turnsWaitInLineAndAreTold() {
    Replica replica = replica();
    Replica other = replica();
    create(replica);
    String first = begin(replica, order("1")).value().id();
    Turn second = begin(other, order("2")).value();
    Turn third = begin(other, order("3")).value();
    assertThat(second.queuePosition()).isEqualTo(1);
    assertThat(third.queuePosition()).isEqualTo(2);
    Tape tape = new Tape(replica, third.id(), -1);
    await().until(() -> tape.events.contains(new TurnEvent.Queued(2)));

    model.next().says("a").finishes();
    await().until(() -> tape.events.contains(new TurnEvent.Queued(1)));
    FakeModel.Call call = model.next(Duration.ofSeconds(5));
    assertThat(texts(call.asked)).containsExactly("1", "a", "2");
    call.says("b").finishes();
    FakeModel.Call last = model.next(Duration.ofSeconds(5));
    assertThat(texts(last.asked)).containsExactly("1", "a", "2", "b", "3");
    last.says("c").finishes();
    assertThat(tape.end().turn().status()).isEqualTo(Turn.Status.COMPLETED);
    assertThat(tape.text()).isEqualTo("c");
    assertThat(tape.events.stream().filter(TurnEvent.Started.class::isInstance)).hasSize(1);
    assertThat(contents(replica)).containsExactly("1", "a", "2", "b", "3", "c");
    assertThat(get(replica.turns.list(key, ReadContext.ANY, null)).stream().map(Turn::id))
        .containsExactly(third.id(), second.id(), first);
  }

  /**
   * Only the replica that took a turn watched its deadline, and the others looked at the queue's
   * head alone, and not before the running turn had ended: behind a long one it stayed queued, and
   * its caller was told nothing.
   */
  @Test
  void aTurnThatWaitsTooLongIsToldThoughItsReplicaDied() {
    settings.put("heddle.turns.queue-deadline", "1s");
    Replica owner = replica();
    Replica taker = replica();
    create(owner);
    Turn first = begin(owner, order("1")).value();
    FakeModel.Call call = model.next();
    call.says("a");
    List<Turn> waiting =
        List.of(begin(taker, order("2")).value(), begin(taker, order("3")).value());
    taker.kill();
    for (Turn turn : waiting) {
      TurnEvent.Ended late = get(owner.turns.await(key, ReadContext.ANY, turn.id()));
      assertThat(late.turn().status()).isEqualTo(Turn.Status.FAILED);
      assertThat(String.valueOf(late.turn().end())).contains("turn-queue-timeout");
      assertThat(Duration.between(turn.createdAt(), late.turn().endedAt()))
          .isBetween(Duration.ofSeconds(1), Duration.ofSeconds(10));
    }
    assertThat(get(owner.turns.get(key, ReadContext.ANY, first.id())).status())
        .isEqualTo(Turn.Status.RUNNING);
    call.finishes();
    get(owner.turns.await(key, ReadContext.ANY, first.id()));
    assertThat(contents(owner)).containsExactly("1", "a");
  }

  // ---- repeating

  @Test
  void aRepetitionGetsTheSameTurn() {
    Replica replica = replica();
    create(replica);
    WritePreconditions once =
        WritePreconditions.NONE.withRetry(new IdempotentRequest("a".repeat(64), "b".repeat(64)));
    WriteContext request = new WriteContext(caller, key, once, Duration.ZERO);
    WriteResult<Turn> first = get(replica.turns.begin(request, order("hello")));
    WriteResult<Turn> again = get(replica().turns.begin(request, order("hello")));
    assertThat(again.replayed()).isTrue();
    assertThat(again.value().id()).isEqualTo(first.value().id());
    model.next().says("a").finishes();
    get(replica.turns.await(key, ReadContext.ANY, first.value().id()));
    WriteResult<Turn> later = get(replica.turns.begin(request, order("hello")));
    assertThat(later.value().status()).isEqualTo(Turn.Status.COMPLETED);
    assertThat(model.isAsked()).isFalse();
    assertThat(contents(replica)).containsExactly("hello", "a");
    WritePreconditions other =
        WritePreconditions.NONE.withRetry(new IdempotentRequest("a".repeat(64), "c".repeat(64)));
    refused(
        () ->
            get(
                replica.turns.begin(
                    new WriteContext(caller, key, other, Duration.ZERO), order("x"))),
        ProblemCode.KEY_REUSED);
  }

  @Test
  void anEndThatWasNotAnsweredIsOneEnd() {
    Replica replica = replica();
    create(replica);
    replica.unanswered.set(2);
    Tape tape = new Tape(replica, begin(replica, order("hello")).value().id(), -1);
    model.next().says("a").finishes();
    assertThat(tape.end().turn().status()).isEqualTo(Turn.Status.COMPLETED);
    assertThat(tape.end().messages()).hasSize(1);
    assertThat(contents(replica)).containsExactly("hello", "a");
  }

  /**
   * It was put in the queue, which was not answered, and another replica had started it before it
   * was sent again: both ran it, with the same attempt, and the model was paid twice.
   */
  @Test
  void aTurnThatWaitedBeforeItsOrderWasAnsweredIsNotRunTwice() {
    Replica replica = replica();
    Replica other = replica();
    create(replica);
    begin(other, order("1"));
    FakeModel.Call first = model.next();
    Sinks.Empty<Void> lost = Sinks.empty();
    replica.orderAnswers = lost.asMono();
    replica.unansweredWrite = Write.BeginTurn.class;
    replica.unanswered.set(1);
    CompletableFuture<WriteResult<Turn>> ordered =
        replica.turns.begin(request(caller), order("2")).toFuture();
    await()
        .until(() -> get(other.turns.list(key, ReadContext.ANY, Turn.Status.QUEUED)).size() == 1);
    first.says("a").finishes();
    FakeModel.Call second = model.next();
    lost.tryEmitEmpty();
    Turn begun = ordered.orTimeout(30, TimeUnit.SECONDS).join().value();
    second.says("b").finishes();
    assertThat(get(other.turns.await(key, ReadContext.ANY, begun.id())).turn().status())
        .isEqualTo(Turn.Status.COMPLETED);
    assertThat(model.isAsked()).isFalse();
    await().until(() -> replica.turns.running() + other.turns.running() == 0);
    assertThat(contents(replica)).containsExactly("1", "a", "2", "b");
  }

  // ---- whose it is

  @Test
  void anothersTurnsAreNotThere() {
    Replica replica = replica();
    create(replica);
    String turn = begin(replica, order("hello")).value().id();
    Caller stranger = new Caller(Tenant.DEFAULT, "other", "other", false);
    ReadContext view = new ReadContext("other", null);
    refused(() -> get(replica.turns.get(key, view, turn)), ProblemCode.SESSION_NOT_FOUND);
    refused(() -> get(replica.turns.await(key, view, turn)), ProblemCode.SESSION_NOT_FOUND);
    refused(() -> get(replica.turns.list(key, view, null)), ProblemCode.SESSION_NOT_FOUND);
    refused(
        () -> get(replica.turns.cancel(request(stranger), turn)), ProblemCode.SESSION_NOT_FOUND);
    // Nor does the way over a session of one's own lead there.
    SessionKey own = new SessionKey(Tenant.DEFAULT, "o-" + UUID.randomUUID());
    sessions.add(own);
    get(
        replica
            .services
            .sessions()
            .create(
                new WriteContext(stranger, own, WritePreconditions.NONE, Duration.ZERO),
                description("other"),
                List.of()));
    refused(() -> get(replica.turns.await(own, view, turn)), ProblemCode.TURN_NOT_FOUND);
    assertThat(get(replica.turns.get(key, new ReadContext(user, null), turn)).id()).isEqualTo(turn);
  }

  // ---- the cache

  @Test
  void theSameQuestionIsAskedOnce() {
    Replica replica = replica();
    create(replica);
    SessionKey twin = new SessionKey(Tenant.DEFAULT, "twin-" + UUID.randomUUID());
    create(replica, twin);
    TurnSpec order = cached("what? " + user);
    Turn first = begin(replica, order).value();
    FakeModel.Call call = model.next();
    Turn second =
        get(replica()
                .turns
                .begin(
                    new WriteContext(caller, twin, WritePreconditions.NONE, Duration.ZERO), order))
            .value();
    call.says("this").finishes();
    get(replica.turns.await(key, ReadContext.ANY, first.id()));
    TurnEvent.Ended ended = get(replica.turns.await(twin, ReadContext.ANY, second.id()));
    assertThat(ended.turn().status()).isEqualTo(Turn.Status.COMPLETED);
    assertThat(ended.messages().getFirst().body().toString()).contains("\"this\"");
    assertThat(String.valueOf(ended.turn().end()))
        .contains("\"cached\":true", "\"totalTokens\":15", "\"model\":\"hand-1\"");
    assertThat(model.isAsked()).isFalse();
    // Counted by its own replica, which need not be the first to tell of the end.
    await().until(() -> replicas.stream().mapToLong(one -> one.turns.counts().cached()).sum() == 1);
  }

  // ---- when replicas and the store fail

  @Test
  void aDeadReplicasTextIsKeptAndTheNextTurnRuns() {
    Replica owner = replica();
    Replica other = replica();
    create(owner);
    String turn = begin(owner, order("1")).value().id();
    Tape tape = new Tape(other, turn, -1);
    FakeModel.Call call = model.next();
    call.says("half of ");
    ModelEvent toolCall = new ModelEvent.ToolCall(0, "call_1", "f", "{}");
    call.says(toolCall);
    await().until(() -> tape.events.contains(new TurnEvent.Delta(2, toolCall)));
    Turn waits = begin(owner, order("2")).value();
    owner.kill();

    TurnEvent.Ended ended = tape.end();
    assertThat(ended.turn().status()).isEqualTo(Turn.Status.INCOMPLETE);
    assertThat(ended.messages()).hasSize(2);
    assertThat(ended.messages().getFirst().body().toString())
        .contains("\"half of \"", "call_1", "\"status\":\"incomplete\"");
    await().untilAsserted(() -> assertThat(other.turns.counts().reaped()).isEqualTo(1));
    FakeModel.Call next = model.next(Duration.ofSeconds(10));
    assertThat(next.asked.messages()).hasSize(4);
    next.says("b").finishes();
    assertThat(get(other.turns.await(key, ReadContext.ANY, waits.id())).turn().status())
        .isEqualTo(Turn.Status.COMPLETED);
    assertThat(contents(other)).startsWith("1", "half of ").endsWith("2", "b");
  }

  @Test
  void aDeadReplicasSilentTurnIsBegunAgain() {
    Replica owner = replica();
    Replica other = replica();
    create(owner);
    String turn = begin(owner, order("1")).value().id();
    Tape tape = new Tape(other, turn, 0);
    model.next();
    owner.kill();
    FakeModel.Call again = model.next(Duration.ofSeconds(10));
    again.says("a").finishes();
    assertThat(tape.end().turn().status()).isEqualTo(Turn.Status.COMPLETED);
    assertThat(tape.end().turn().attempt()).isEqualTo(2);
    assertThat(tape.text()).isEqualTo("a");
    await().untilAsserted(() -> assertThat(other.turns.counts().retaken()).isEqualTo(1));
    assertThat(contents(other)).containsExactly("1", "a");
  }

  /** A replica that starts finds what waits where nothing runs. */
  @Test
  void aWaitingTurnOutlivesItsReplica() {
    Replica owner = replica();
    create(owner);
    begin(owner, order("1"));
    FakeModel.Call call = model.next();
    Turn waits = begin(owner, order("2")).value();
    Turn behind = begin(owner, order("3")).value();
    call.says("a");
    owner.kill();
    Replica other = replica();
    model.next(Duration.ofSeconds(10)).says("b").finishes();
    model.next(Duration.ofSeconds(10)).says("c").finishes();
    for (Turn turn : List.of(waits, behind)) {
      assertThat(get(other.turns.await(key, ReadContext.ANY, turn.id())).turn().status())
          .isEqualTo(Turn.Status.COMPLETED);
    }
  }

  @Test
  void aDeletedSessionEndsItsTurn() {
    Replica owner = replica();
    create(owner);
    String turn = begin(owner, order("1")).value().id();
    FakeModel.Call call = model.next();
    List<Throwable> told = new CopyOnWriteArrayList<>();
    replica().turns.follow(key, ReadContext.ANY, turn, -1).subscribe(_ -> {}, told::add);
    get(owner.services.sessions().delete(request(caller)));
    call.says("to nobody");
    await().until(call::isCancelled);
    await().until(() -> owner.turns.running() == 0);
    await().until(() -> !told.isEmpty());
    assertThat(told.getFirst()).isInstanceOf(ProblemException.class);
  }

  // ---- tokens as a limit

  @Test
  void tokensAreReservedBeforeAndSettledAfter() {
    Replica replica = limited(5000);
    create(replica);
    Turn turn = begin(replica, order("hello")).value();
    long reserved = 5000 - left(replica);
    assertThat(reserved).isBetween(1025L, 1060L);
    model.next().says("a").finishes("stop", new Usage(100, 23, 0, 0));
    get(replica.turns.await(key, ReadContext.ANY, turn.id()));
    await().until(() -> left(replica) == 5000 - 123);

    TurnSpec asks =
        new TurnSpec(
            List.of(said("user", "x")),
            null,
            null,
            Json.of("{\"max_completion_tokens\":4000,\"stop\":[\"a\"]}"),
            OnBusy.ENQUEUE,
            null,
            Json.EMPTY_OBJECT);
    Turn large = begin(replica, asks).value();
    FakeModel.Call call = model.next();
    int before = thread(replica).size();
    refused(() -> begin(replica, order("too much")), ProblemCode.RATE_LIMITED);
    assertThat(thread(replica)).hasSize(before);
    assertThat(get(replica.turns.list(key, ReadContext.ANY, null))).hasSize(2);
    // What failed before it began costs nothing.
    call.fails(Problem.of(ProblemCode.MODEL_UNAVAILABLE, "away").toException());
    get(replica.turns.await(key, ReadContext.ANY, large.id()));
    await().until(() -> left(replica) == 5000 - 123);
  }
}
