package io.heddle.turn;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.NewMessage;
import io.heddle.session.OnBusy;
import io.heddle.session.ReadContext;
import io.heddle.session.Turn;
import io.heddle.session.Write;
import io.heddle.session.WriteContext;
import io.heddle.session.WritePreconditions;
import io.heddle.session.WriteResult;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** The rest of it, which does not depend on how the store is spread over servers. */
abstract class TurnsMoreContract extends TurnsContract {

  // ---- one turn

  @Test
  void anAnswerWithToolCallsLeavesThemOpen() {
    Replica replica = replica();
    create(replica);
    String turn = begin(replica, order("weather?")).value().id();
    Tape tape = new Tape(replica, turn, 0);
    FakeModel.Call call = model.next();
    call.says(new ModelEvent.ToolCall(0, "call_1", "weather", ""));
    call.says(new ModelEvent.ToolCall(0, null, null, "{\"at\":"));
    call.says(new ModelEvent.ToolCall(0, null, null, "\"sea\"}"));
    call.finishes("tool_calls", null);
    TurnEvent.Ended ended = tape.end();
    assertThat(ended.turn().status()).isEqualTo(Turn.Status.COMPLETED);
    assertThat(ended.messages()).hasSize(1);
    assertThat(ended.messages().getFirst().body().toString())
        .contains(
            "\"content\":null",
            "\"toolCalls\":[{\"id\":\"call_1\",\"type\":\"function\",\"function\":"
                + "{\"name\":\"weather\",\"arguments\":\"{\\\"at\\\":\\\"sea\\\"}\"}}]");
    // No usage was said, so it was counted.
    assertThat(String.valueOf(ended.turn().end())).contains("\"usage\":{\"inputTokens\":");

    Json output = Json.of("{\"role\":\"tool\",\"content\":\"stormy\",\"toolCallId\":\"call_1\"}");
    begin(replica, order(List.of(new NewMessage(null, output)), OnBusy.ENQUEUE));
    FakeModel.Call next = model.next();
    assertThat(next.asked.messages()).hasSize(3).last().isEqualTo(output);
    next.says("Stay in.").finishes();
  }

  @Test
  void anAnswerThatWasNotAllowedToGoOnIsIncomplete() {
    settings.put("heddle.turns.max-answer", "2KB");
    Replica replica = replica();
    create(replica);
    Tape tape = new Tape(replica, begin(replica, order("hello")).value().id(), 0);
    model.next().says("cut").finishes("length", new Usage(1, 1, 0, 0));
    assertThat(tape.end().turn().status()).isEqualTo(Turn.Status.INCOMPLETE);
    assertThat(String.valueOf(tape.end().turn().end())).contains("\"finishReason\":\"length\"");
    assertThat(tape.end().messages()).hasSize(1);

    Tape endless = new Tape(replica, begin(replica, order("more")).value().id(), 0);
    FakeModel.Call call = model.next();
    for (int i = 0; i < 100; i++) {
      call.says("x".repeat(100));
    }
    assertThat(endless.end().turn().status()).isEqualTo(Turn.Status.INCOMPLETE);
    assertThat(call.isCancelled()).isTrue();
    assertThat(endless.text()).hasSizeBetween(2048, 2300);
    assertThat(endless.end().messages().getFirst().body().toString()).contains(endless.text());
  }

  // ---- cancelling

  /** The model has said nothing yet, so nothing but the cancel itself wakes the owner. */
  @Test
  void aSilentTurnIsCancelledAtOnce() {
    settings.put("heddle.turns.lease", "60s");
    settings.put("heddle.turns.renew-every", "20s");
    Replica owner = replica();
    create(owner);
    String turn = begin(owner, order("hello")).value().id();
    FakeModel.Call call = model.next();
    Tape tape = new Tape(owner, turn, -1);
    Replica other = replica();
    // What is told before the owner's subscription stands wakes nobody; to ask again does.
    await()
        .atMost(Duration.ofSeconds(5))
        .until(() -> {
          other.turns.cancel(request(caller), turn).onErrorComplete().block();
          return tape.isOver();
        });
    assertThat(call.isCancelled()).isTrue();
    assertThat(tape.end().messages()).isEmpty();
  }

  // ---- waiting

  @Test
  void aWaitingTurnIsCancelledOrTooLate() {
    settings.put("heddle.turns.queue-deadline", "1s");
    Replica replica = replica();
    create(replica);
    begin(replica, order("1"));
    Turn second = begin(replica, order("2")).value();
    Turn third = begin(replica, order("3")).value();
    assertThat(replica.turns.waiting()).isEqualTo(2);
    Turn cancelled = get(replica.turns.cancel(request(caller), second.id()));
    assertThat(cancelled.status()).isEqualTo(Turn.Status.CANCELLED);
    TurnEvent.Ended late = get(replica.turns.await(key, ReadContext.ANY, third.id()));
    assertThat(late.turn().status()).isEqualTo(Turn.Status.FAILED);
    assertThat(String.valueOf(late.turn().end())).contains("turn-queue-timeout");
    assertThat(replica.turns.waiting()).isZero();
    model.next().says("a").finishes();
    await().until(() -> replica.turns.running() == 0);
    assertThat(contents(replica)).containsExactly("1", "a");
  }

  @Test
  void theQueueIsBounded() {
    settings.put("heddle.turns.max-queue", "1");
    Replica replica = replica();
    create(replica);
    begin(replica, order("1"));
    begin(replica, order("2"));
    refused(() -> begin(replica, order("3")), ProblemCode.TURN_QUEUE_FULL);
    refused(
        () -> begin(replica, order(List.of(said("user", "4")), OnBusy.REJECT)),
        ProblemCode.TURN_RUNNING);
  }

  // ---- repeating

  /** An order with the fingerprint {@code f}. */
  private static TurnSpec marked(String text) {
    return new TurnSpec(
        List.of(said("user", text)),
        null,
        null,
        Json.EMPTY_OBJECT,
        OnBusy.ENQUEUE,
        null,
        Json.EMPTY_OBJECT,
        "f",
        List.of(),
        0);
  }

  @Test
  void whoHasNoKeyIsGivenTheTurnOfTheFirstTry() {
    Replica replica = replica();
    create(replica);
    TurnSpec marked = marked("hello");
    Turn first = begin(replica, marked).value();
    Duration within = Duration.ofMinutes(2);
    assertThat(get(replica().turns.reattach(key, ReadContext.ANY, "f", within)).id())
        .isEqualTo(first.id());
    assertThat(replica.turns.reattach(key, ReadContext.ANY, "g", within).block()).isNull();
    // While it runs for as long as it takes: a second one would be paid for beside it.
    assertThat(get(replica.turns.reattach(key, ReadContext.ANY, "f", Duration.ZERO)).id())
        .isEqualTo(first.id());
    model.next().says("a").finishes();
    get(replica.turns.await(key, ReadContext.ANY, first.id()));
    assertThat(get(replica.turns.reattach(key, ReadContext.ANY, "f", within)).id())
        .isEqualTo(first.id());
    assertThat(replica.turns.reattach(key, ReadContext.ANY, "f", Duration.ZERO).block()).isNull();
  }

  /**
   * Somebody says "yes" twice within two minutes, something else in between; the second one is
   * refused once, his library sends it again, and he was given the answer to the first.
   */
  @Test
  void whoHasGoneOnIsNotGivenAnOlderTurn() {
    Replica replica = replica();
    create(replica);
    TurnSpec marked = marked("yes");
    for (TurnSpec next : List.of(marked, order("more"))) {
      Turn turn = begin(replica, next).value();
      model.next().says("a").finishes();
      get(replica.turns.await(key, ReadContext.ANY, turn.id()));
    }
    assertThat(replica.turns.reattach(key, ReadContext.ANY, "f", Duration.ofMinutes(2)).block())
        .isNull();
  }

  /** The store does it and the answer is lost: the caller must not be left with a dead turn. */
  @Test
  void aBeginningThatWasNotAnsweredIsFound() {
    Replica replica = replica();
    create(replica);
    replica.unansweredWrite = Write.BeginTurn.class;
    replica.unanswered.set(1);
    WriteResult<Turn> begun = begin(replica, order("hello"));
    assertThat(begun.value().status()).isEqualTo(Turn.Status.RUNNING);
    model.next().says("a").finishes();
    assertThat(get(replica.turns.await(key, ReadContext.ANY, begun.value().id())).turn().attempt())
        .isEqualTo(1);
    assertThat(contents(replica)).containsExactly("hello", "a");
  }

  /** A caller who hangs up while the turn is begun does not stop it. */
  @Test
  void aTurnIsNotItsCallers() {
    Replica replica = replica();
    create(replica);
    Disposable call = replica.turns.begin(request(caller), order("hello")).subscribe();
    call.dispose();
    model.next().says("a").finishes();
    await().untilAsserted(() -> assertThat(contents(replica)).containsExactly("hello", "a"));
  }

  // ---- the cache

  /** What was cut short is no answer to anybody else. */
  @Test
  void whoeverAsksNextAsksAnew() {
    Replica replica = replica();
    create(replica);
    SessionKey twin = new SessionKey(Tenant.DEFAULT, "twin-" + UUID.randomUUID());
    create(replica, twin);
    TurnSpec order = cached("and? " + user);
    Turn first = begin(replica, order).value();
    FakeModel.Call call = model.next();
    Turn second =
        get(replica()
                .turns
                .begin(
                    new WriteContext(caller, twin, WritePreconditions.NONE, Duration.ZERO), order))
            .value();
    call.says("half");
    get(replica.turns.cancel(request(caller), first.id()));
    FakeModel.Call again = model.next();
    assertThat(call.isCancelled()).isTrue();
    again.says("all").finishes("length", null);
    assertThat(get(replica.turns.await(twin, ReadContext.ANY, second.id())).turn().status())
        .isEqualTo(Turn.Status.INCOMPLETE);
    Tape third = new Tape(replica, begin(replica, cached("and? " + user)).value().id(), 0);
    model.next().says("whole").finishes();
    assertThat(third.end().turn().status()).isEqualTo(Turn.Status.COMPLETED);
  }

  /** Every turn that asked the same failed until it was forgotten. */
  @Test
  void aKeptAnswerThatCannotBeReadCostsACallAndNotTheTurn() {
    Replica replica = replica();
    create(replica);
    TurnSpec order = cached("odd? " + user);
    begin(replica, order);
    FakeModel.Call call = model.next();
    String name = "m" + user + "\n" + CompletionCache.keyOf(call.asked);
    call.says("first").finishes();
    await().until(() -> replica.turns.running() == 0);
    byte[] odd = "[\"of another release\"]".getBytes(StandardCharsets.UTF_8);
    for (String type : List.of("application/vnd.heddle.answer+json", "text/plain")) {
      SessionKey twin = new SessionKey(Tenant.DEFAULT, "twin-" + UUID.randomUUID());
      create(replica, twin);
      get(ports().answers().put(Tenant.DEFAULT, name, type, odd, Duration.ofMinutes(1)));
      Turn turn =
          get(replica.turns.begin(
                  new WriteContext(caller, twin, WritePreconditions.NONE, Duration.ZERO), order))
              .value();
      model.next().says("anew").finishes();
      assertThat(get(replica.turns.await(twin, ReadContext.ANY, turn.id())).turn().status())
          .isEqualTo(Turn.Status.COMPLETED);
    }
  }

  // ---- when replicas and the store fail

  /** A round of the reaper waited two seconds for each lock, and with it whoever had died. */
  @Test
  void sessionsThatAreLockedDoNotKeepTheDeadWaiting() {
    Replica owner = replica();
    Replica other = replica();
    List<WriteContext> locked = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      SessionKey session = new SessionKey(Tenant.DEFAULT, "l-" + i + "-" + UUID.randomUUID());
      create(owner, session);
      WriteContext request =
          new WriteContext(backend, session, WritePreconditions.NONE, Duration.ZERO);
      get(owner.turns.begin(request, order("1")));
      FakeModel.Call call = model.next();
      get(owner.turns.begin(request, order("2")));
      get(owner.services.locks().lock(request, Duration.ofMinutes(1), null));
      locked.add(request);
      call.finishes();
    }
    create(owner);
    begin(owner, order("1"));
    model.next();
    owner.kill();
    // At eight at a time it would take ten seconds for the locks alone.
    FakeModel.Call again = model.next(Duration.ofSeconds(6));
    assertThat(texts(again.asked)).containsExactly("1");
    again.finishes();
    locked.forEach(request -> get(other.services.locks().release(request, true)));
  }

  @Test
  void aTurnThatKillsReplicasIsGivenUp() {
    settings.put("heddle.turns.attempts", "2");
    create(replica());
    Replica first = replicas.getFirst();
    String turn = begin(first, order("1")).value().id();
    model.next();
    first.kill();
    Replica second = replica();
    model.next(Duration.ofSeconds(10));
    second.kill();
    Replica third = replica();
    TurnEvent.Ended ended = get(third.turns.await(key, ReadContext.ANY, turn));
    assertThat(ended.turn().status()).isEqualTo(Turn.Status.INCOMPLETE);
    assertThat(ended.turn().attempt()).isEqualTo(2);
    assertThat(model.isAsked()).isFalse();
  }

  @Test
  void aCancelThatAReplicaDiedOverIsDone() {
    Replica owner = replica();
    Replica other = replica();
    create(owner);
    String turn = begin(owner, order("1")).value().id();
    model.next();
    owner.kill();
    WriteResult<Turn> better = begin(other, order(List.of(said("user", "2")), OnBusy.ROLLBACK));
    FakeModel.Call call = model.next(Duration.ofSeconds(10));
    assertThat(texts(call.asked)).containsExactly("2");
    call.says("b").finishes();
    get(other.turns.await(key, ReadContext.ANY, better.value().id()));
    assertThat(get(other.turns.get(key, ReadContext.ANY, turn)).status())
        .isEqualTo(Turn.Status.CANCELLED);
    assertThat(contents(other)).containsExactly("2", "b");
  }

  /**
   * Nobody is given up because the store was away, for longer than a lease: what the model says
   * meanwhile is written when it is back. The reaper is of the same store, so it did not see it.
   */
  @Test
  void aStoreThatWasAwayCostsNothing() {
    Replica owner = replica();
    create(owner);
    String turn = begin(owner, order("1")).value().id();
    Tape tape = new Tape(owner, turn, -1);
    FakeModel.Call call = model.next();
    call.says("before, ");
    await().until(() -> tape.text().equals("before, "));
    owner.away = true;
    call.says("while it was away, ");
    await().pollDelay(Duration.ofMillis(1500)).until(() -> owner.turns.running() == 1);
    call.says("after").finishes();
    await().pollDelay(Duration.ofMillis(200)).until(() -> owner.turns.running() == 1);
    owner.away = false;
    assertThat(tape.end().turn().status()).isEqualTo(Turn.Status.COMPLETED);
    assertThat(tape.text()).isEqualTo("before, while it was away, after");
    assertThat(contents(owner)).containsExactly("1", "before, while it was away, after");
    assertThat(owner.turns.counts().flushRetries()).isPositive();
  }

  /** As after a SIGSTOP: the turn was ended in the name of the dead, and the dead comes back. */
  @Test
  void whoWasTakenForDeadDoesNotEndTheTurnAgain() {
    Replica owner = replica();
    Replica other = replica();
    create(owner);
    String turn = begin(owner, order("1")).value().id();
    FakeModel.Call call = model.next();
    Tape tape = new Tape(other, turn, -1);
    call.says("half");
    await().until(() -> tape.text().equals("half"));
    owner.away = true;
    assertThat(tape.end().turn().status()).isEqualTo(Turn.Status.INCOMPLETE);
    call.says(" and half");
    owner.away = false;
    await().until(() -> owner.turns.running() == 0);
    await().until(call::isCancelled);
    await().untilAsserted(() -> assertThat(owner.turns.counts().lost()).isEqualTo(1));
    assertThat(contents(other)).containsExactly("1", "half");
  }

  // ---- tokens as a limit

  @Test
  void partOfAnAnswerIsCounted() {
    Replica replica = limited(5000);
    create(replica);
    String turn = begin(replica, order("hello")).value().id();
    Tape tape = new Tape(replica, turn, -1);
    model.next().says("one two three four five six seven eight nine ten");
    await().until(() -> !tape.text().isEmpty());
    get(replica.turns.cancel(request(caller), turn));
    tape.end();
    // "be brief", "hello" and ten words.
    await().untilAsserted(() -> assertThat(5000 - left(replica)).isBetween(13L, 22L));
    assertThat(String.valueOf(tape.end().turn().end())).contains("\"outputTokens\":10");
  }

  @Test
  void whatNeverRanCostsNothing() {
    Replica replica = limited(5000);
    create(replica);
    begin(replica, order("1"));
    long one = left(replica);
    Turn waits = begin(replica, order("2")).value();
    assertThat(left(replica)).isLessThan(one);
    get(replica.turns.cancel(request(caller), waits.id()));
    await().until(() -> left(replica) == one);
    refused(
        () -> begin(replica, order(List.of(said("user", "3")), OnBusy.REJECT)),
        ProblemCode.TURN_RUNNING);
    await().until(() -> left(replica) == one);
  }

  /** With the session went its turns' records, and what was reserved stayed counted. */
  @Test
  void aDeletedSessionsTokensAreSettled() {
    settings.put("heddle.turns.queue-deadline", "1s");
    Replica replica = limited(5000);
    create(replica);
    begin(replica, order("1"));
    FakeModel.Call call = model.next();
    begin(replica, order("2"));
    get(replica.services.sessions().delete(request(caller)));
    call.says("to nobody");
    await().untilAsserted(() -> assertThat(5000 - left(replica)).isBetween(1L, 20L));
  }

  /** The limit that the first try used up must not refuse the second. */
  @Test
  void aRepetitionComesBeforeTheLimits() {
    Replica replica = limited(1100);
    create(replica);
    WritePreconditions once =
        WritePreconditions.NONE.withRetry(new IdempotentRequest("d".repeat(64), "b".repeat(64)));
    WriteContext request = new WriteContext(caller, key, once, Duration.ZERO);
    WriteResult<Turn> first = get(replica.turns.begin(request, order("hello")));
    refused(() -> begin(replica, order("another")), ProblemCode.RATE_LIMITED);
    WriteResult<Turn> again = get(replica.turns.begin(request, order("hello")));
    assertThat(again.value().id()).isEqualTo(first.value().id());
    assertThat(left(replica)).isLessThan(100);
  }

  @Test
  void aDeadReplicasTokensAreSettled() {
    Replica owner = limited(5000);
    Replica other = limited(5000);
    create(owner);
    String turn = begin(owner, order("hello")).value().id();
    Tape tape = new Tape(other, turn, -1);
    model.next().says("one two three");
    await().until(() -> !tape.text().isEmpty());
    owner.kill();
    tape.end();
    await().untilAsserted(() -> assertThat(5000 - left(other)).isBetween(6L, 20L));
  }

  // ---- stopping

  @Test
  void aReplicaThatStopsLetsItsTurnsEnd() {
    Replica replica = replica();
    create(replica);
    SessionKey second = new SessionKey(Tenant.DEFAULT, "d-" + UUID.randomUUID());
    create(replica, second);
    Tape quick = new Tape(replica, begin(replica, order("quick")).value().id(), -1);
    FakeModel.Call one = model.next();
    Turn slow =
        get(replica.turns.begin(
                new WriteContext(caller, second, WritePreconditions.NONE, Duration.ZERO),
                order("slow")))
            .value();
    FakeModel.Call two = model.next();
    two.says("half");
    Mono<Void> drain = replica.turns.drain(Duration.ofSeconds(1)).cache();
    drain.subscribe();
    refused(() -> begin(replica, order("late")), ProblemCode.RESTARTING);
    one.says("done").finishes();
    assertThat(quick.end().turn().status()).isEqualTo(Turn.Status.COMPLETED);
    drain.block(PATIENCE);
    assertThat(two.isCancelled()).isTrue();
    Turn record = get(replica.turns.get(second, ReadContext.ANY, slow.id()));
    assertThat(record.status()).isEqualTo(Turn.Status.INCOMPLETE);
    assertThat(String.valueOf(record.end())).contains("restarting");
    assertThat(record.output()).hasSize(1);
  }

  /**
   * The store has begun it, and the replica is told to stop before it knows: such a turn was ended
   * at once, without a word and without the grace.
   */
  @Test
  void anOrderOnItsWayWhenItsReplicaStopsHasTheGrace() {
    Replica replica = replica();
    Replica other = replica();
    create(replica);
    Sinks.Empty<Void> answer = Sinks.empty();
    replica.orderAnswers = answer.asMono();
    CompletableFuture<WriteResult<Turn>> ordered =
        replica.turns.begin(request(caller), order("1")).toFuture();
    await()
        .until(() -> get(other.turns.list(key, ReadContext.ANY, Turn.Status.RUNNING)).size() == 1);
    CompletableFuture<Void> drained = replica.turns.drain(Duration.ofSeconds(20)).toFuture();
    answer.tryEmitEmpty();
    Turn turn = ordered.orTimeout(30, TimeUnit.SECONDS).join().value();
    FakeModel.Call call = model.next();
    assertThat(drained).isNotDone();
    call.says("a").finishes();
    assertThat(get(other.turns.await(key, ReadContext.ANY, turn.id())).turn().status())
        .isEqualTo(Turn.Status.COMPLETED);
    drained.orTimeout(10, TimeUnit.SECONDS).join();
    assertThat(contents(other)).containsExactly("1", "a");
  }
}
