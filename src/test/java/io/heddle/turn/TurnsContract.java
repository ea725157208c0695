package io.heddle.turn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.heddle.base.Caller;
import io.heddle.base.Json;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.session.Conditions;
import io.heddle.session.Description;
import io.heddle.session.Message;
import io.heddle.session.NewMessage;
import io.heddle.session.OnBusy;
import io.heddle.session.PageRequest;
import io.heddle.session.Request;
import io.heddle.session.Retry;
import io.heddle.session.Turn;
import io.heddle.session.View;
import io.heddle.session.Write;
import io.heddle.session.Written;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import tools.jackson.databind.json.JsonMapper;

/** What turns promise over any engine, with as many replicas as it can have. */
abstract class TurnsContract {

  static final Duration PATIENCE = Duration.ofSeconds(30);

  /** Used once before an event loop uses it: its first use takes a lock. */
  private static final JsonMapper MAPPER = JsonMapper.shared();

  static {
    MAPPER.readTree("{}");
  }

  final HandModel model = new HandModel();
  final Map<String, String> settings =
      new HashMap<>(
          Map.of(
              "heddle.turns.lease", "1500ms",
              "heddle.turns.renew-every", "500ms",
              "heddle.turns.reap-every", "200ms"));
  final List<Replica> replicas = new CopyOnWriteArrayList<>();
  final String user = "user-" + UUID.randomUUID();
  final Caller caller = new Caller(Tenant.DEFAULT, user, user, false);
  final Caller backend = new Caller(Tenant.DEFAULT, null, "ip:1", true);
  final SessionKey key = new SessionKey(Tenant.DEFAULT, "t-" + UUID.randomUUID());

  private final Set<SessionKey> sessions = ConcurrentHashMap.newKeySet();

  /** The ports of one more replica on the store; the same for an engine that can have one only. */
  abstract Replica.Ports ports();

  Replica replica() {
    Replica replica = new Replica(ports(), model, settings);
    replicas.add(replica);
    return replica;
  }

  /** Without the sessions, whose turns another test's replicas would look after. */
  @AfterEach
  void close() {
    Replica last = replica();
    for (SessionKey session : sessions) {
      last.services
          .sessions()
          .delete(new Request(backend, session, Conditions.NONE, Duration.ZERO))
          .block(PATIENCE);
    }
    replicas.forEach(Replica::close);
  }

  // ---- one turn

  @Test
  void aTurnIsAskedSaidAndKept() {
    Replica replica = replica();
    create(replica, said("user", "earlier"));
    Written<Turn> begun = begin(replica, order("hello"));
    assertThat(begun.value().status()).isEqualTo(Turn.Status.RUNNING);
    assertThat(begun.value().input()).hasSize(1);
    Tape tape = new Tape(replica, begun.value().id(), -1);

    HandModel.Call call = model.next();
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
    Turn record = get(replica.turns.get(key, View.ANY, begun.value().id()));
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
    HandModel.Call call = model.next();
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
  void anAnswerWithToolCallsLeavesThemOpen() {
    Replica replica = replica();
    create(replica);
    String turn = begin(replica, order("weather?")).value().id();
    Tape tape = new Tape(replica, turn, 0);
    HandModel.Call call = model.next();
    call.says(new Piece.ToolCall(0, "call_1", "weather", ""));
    call.says(new Piece.ToolCall(0, null, null, "{\"at\":"));
    call.says(new Piece.ToolCall(0, null, null, "\"sea\"}"));
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
    HandModel.Call next = model.next();
    assertThat(next.asked.messages()).hasSize(3).last().isEqualTo(output);
    next.says("Stay in.").finishes();
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
        .says(new Piece.ToolCall(0, "call_1", "f", "{}"))
        .says(new Piece.ToolCall(1, "call_2", "g", "{\"cut"))
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
    HandModel.Call call = model.next();
    for (int i = 0; i < 100; i++) {
      call.says("x".repeat(100));
    }
    assertThat(endless.end().turn().status()).isEqualTo(Turn.Status.INCOMPLETE);
    assertThat(call.isCancelled()).isTrue();
    assertThat(endless.text()).hasSizeBetween(2048, 2300);
    assertThat(endless.end().messages().getFirst().body().toString()).contains(endless.text());
  }

  // ---- cancelling

  @Test
  void anyReplicaCancels() {
    Replica owner = replica();
    Replica other = replica();
    create(owner);
    String turn = begin(owner, order("hello")).value().id();
    Tape tape = new Tape(other, turn, -1);
    HandModel.Call call = model.next();
    call.says("some of it");
    await().until(() -> tape.text().equals("some of it"));
    get(other.turns.cancel(request(caller), turn));
    assertThat(tape.end().turn().status()).isEqualTo(Turn.Status.CANCELLED);
    assertThat(call.isCancelled()).isTrue();
    assertThat(tape.end().messages().getFirst().body().toString())
        .contains("some of it", "\"status\":\"incomplete\"");
    refused(() -> get(owner.turns.cancel(request(caller), turn)), ProblemCode.TURN_ENDED);
  }

  /** The model has said nothing yet, so nothing but the cancel itself wakes the owner. */
  @Test
  void aSilentTurnIsCancelledAtOnce() {
    settings.put("heddle.turns.lease", "60s");
    settings.put("heddle.turns.renew-every", "20s");
    Replica owner = replica();
    create(owner);
    String turn = begin(owner, order("hello")).value().id();
    HandModel.Call call = model.next();
    Tape tape = new Tape(owner, turn, -1);
    get(replica().turns.cancel(request(caller), turn));
    await().atMost(Duration.ofSeconds(5)).until(tape::isOver);
    assertThat(call.isCancelled()).isTrue();
    assertThat(tape.end().messages()).isEmpty();
  }

  @Test
  void aRollbackTakesTheExchangeBack() {
    Replica replica = replica();
    create(replica, said("user", "earlier"));
    String turn = begin(replica, order("wrong")).value().id();
    Tape tape = new Tape(replica, turn, 0);
    HandModel.Call call = model.next();
    call.says("I think");
    await().until(() -> tape.text().equals("I think"));
    Written<Turn> better = begin(replica, order(List.of(said("user", "right")), OnBusy.ROLLBACK));
    assertThat(better.value().status()).isEqualTo(Turn.Status.QUEUED);
    assertThat(tape.end().turn().status()).isEqualTo(Turn.Status.CANCELLED);
    assertThat(tape.end().messages()).isEmpty();
    HandModel.Call next = model.next();
    assertThat(texts(next.asked)).containsExactly("earlier", "right");
    next.says("Yes").finishes();
    assertThat(get(replica.turns.await(key, View.ANY, better.value().id())).turn().status())
        .isEqualTo(Turn.Status.COMPLETED);
    assertThat(contents(replica)).containsExactly("earlier", "right", "Yes");
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
    HandModel.Call call = model.next(Duration.ofSeconds(5));
    assertThat(texts(call.asked)).containsExactly("1", "a", "2");
    call.says("b").finishes();
    HandModel.Call last = model.next(Duration.ofSeconds(5));
    assertThat(texts(last.asked)).containsExactly("1", "a", "2", "b", "3");
    last.says("c").finishes();
    assertThat(tape.end().turn().status()).isEqualTo(Turn.Status.COMPLETED);
    assertThat(tape.text()).isEqualTo("c");
    assertThat(tape.events.stream().filter(TurnEvent.Started.class::isInstance)).hasSize(1);
    assertThat(contents(replica)).containsExactly("1", "a", "2", "b", "3", "c");
    assertThat(get(replica.turns.list(key, View.ANY, null)).stream().map(Turn::id))
        .containsExactly(third.id(), second.id(), first);
  }

  @Test
  void aWaitingTurnIsCancelledOrTooLate() {
    settings.put("heddle.turns.queue-deadline", "2s");
    Replica replica = replica();
    create(replica);
    begin(replica, order("1"));
    Turn second = begin(replica, order("2")).value();
    Turn third = begin(replica, order("3")).value();
    assertThat(replica.turns.waiting()).isEqualTo(2);
    Turn cancelled = get(replica.turns.cancel(request(caller), second.id()));
    assertThat(cancelled.status()).isEqualTo(Turn.Status.CANCELLED);
    TurnEvent.Ended late = get(replica.turns.await(key, View.ANY, third.id()));
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

  @Test
  void aRepetitionGetsTheSameTurn() {
    Replica replica = replica();
    create(replica);
    Conditions once = Conditions.NONE.withRetry(new Retry("a".repeat(64), "b".repeat(64)));
    Request request = new Request(caller, key, once, Duration.ZERO);
    Written<Turn> first = get(replica.turns.begin(request, order("hello")));
    Written<Turn> again = get(replica().turns.begin(request, order("hello")));
    assertThat(again.replayed()).isTrue();
    assertThat(again.value().id()).isEqualTo(first.value().id());
    model.next().says("a").finishes();
    get(replica.turns.await(key, View.ANY, first.value().id()));
    Written<Turn> later = get(replica.turns.begin(request, order("hello")));
    assertThat(later.value().status()).isEqualTo(Turn.Status.COMPLETED);
    assertThat(model.isAsked()).isFalse();
    assertThat(contents(replica)).containsExactly("hello", "a");
    Conditions other = Conditions.NONE.withRetry(new Retry("a".repeat(64), "c".repeat(64)));
    refused(
        () -> get(replica.turns.begin(new Request(caller, key, other, Duration.ZERO), order("x"))),
        ProblemCode.KEY_REUSED);
  }

  @Test
  void whoHasNoKeyIsGivenTheTurnOfTheFirstTry() {
    Replica replica = replica();
    create(replica);
    TurnOrder order = order("hello");
    TurnOrder marked =
        new TurnOrder(
            order.input(),
            null,
            null,
            order.parameters(),
            OnBusy.ENQUEUE,
            null,
            order.notes(),
            "f");
    Turn first = begin(replica, marked).value();
    Duration within = Duration.ofMinutes(2);
    assertThat(get(replica().turns.reattach(key, View.ANY, "f", within)).id())
        .isEqualTo(first.id());
    assertThat(replica.turns.reattach(key, View.ANY, "g", within).block()).isNull();
    assertThat(replica.turns.reattach(key, View.ANY, "f", Duration.ZERO).block()).isNull();
  }

  /** The store does it and the answer is lost: the caller must not be left with a dead turn. */
  @Test
  void aBeginningThatWasNotAnsweredIsFound() {
    Replica replica = replica();
    create(replica);
    replica.unansweredWrite = Write.BeginTurn.class;
    replica.unanswered.set(1);
    Written<Turn> begun = begin(replica, order("hello"));
    assertThat(begun.value().status()).isEqualTo(Turn.Status.RUNNING);
    model.next().says("a").finishes();
    assertThat(get(replica.turns.await(key, View.ANY, begun.value().id())).turn().attempt())
        .isEqualTo(1);
    assertThat(contents(replica)).containsExactly("hello", "a");
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

  // ---- whose it is

  @Test
  void anothersTurnsAreNotThere() {
    Replica replica = replica();
    create(replica);
    String turn = begin(replica, order("hello")).value().id();
    Caller stranger = new Caller(Tenant.DEFAULT, "other", "other", false);
    View view = new View("other", null);
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
                new Request(stranger, own, Conditions.NONE, Duration.ZERO),
                description("other"),
                List.of()));
    refused(() -> get(replica.turns.await(own, view, turn)), ProblemCode.TURN_NOT_FOUND);
    assertThat(get(replica.turns.get(key, new View(user, null), turn)).id()).isEqualTo(turn);
  }

  // ---- the cache

  @Test
  void theSameQuestionIsAskedOnce() {
    Replica replica = replica();
    create(replica);
    SessionKey twin = new SessionKey(Tenant.DEFAULT, "twin-" + UUID.randomUUID());
    create(replica, twin);
    TurnOrder order = cached("what? " + user);
    Turn first = begin(replica, order).value();
    HandModel.Call call = model.next();
    Turn second =
        get(replica().turns.begin(new Request(caller, twin, Conditions.NONE, Duration.ZERO), order))
            .value();
    call.says("this").finishes();
    get(replica.turns.await(key, View.ANY, first.id()));
    TurnEvent.Ended ended = get(replica.turns.await(twin, View.ANY, second.id()));
    assertThat(ended.turn().status()).isEqualTo(Turn.Status.COMPLETED);
    assertThat(ended.messages().getFirst().body().toString()).contains("\"this\"");
    assertThat(String.valueOf(ended.turn().end()))
        .contains("\"cached\":true", "\"totalTokens\":15", "\"model\":\"hand-1\"");
    assertThat(model.isAsked()).isFalse();
    assertThat(replicas.stream().mapToLong(one -> one.turns.counts().cached()).sum()).isOne();
  }

  /** What was cut short is no answer to anybody else. */
  @Test
  void whoeverAsksNextAsksAnew() {
    Replica replica = replica();
    create(replica);
    SessionKey twin = new SessionKey(Tenant.DEFAULT, "twin-" + UUID.randomUUID());
    create(replica, twin);
    TurnOrder order = cached("and? " + user);
    Turn first = begin(replica, order).value();
    HandModel.Call call = model.next();
    Turn second =
        get(replica().turns.begin(new Request(caller, twin, Conditions.NONE, Duration.ZERO), order))
            .value();
    call.says("half");
    get(replica.turns.cancel(request(caller), first.id()));
    HandModel.Call again = model.next();
    assertThat(call.isCancelled()).isTrue();
    again.says("all").finishes("length", null);
    assertThat(get(replica.turns.await(twin, View.ANY, second.id())).turn().status())
        .isEqualTo(Turn.Status.INCOMPLETE);
    Tape third = new Tape(replica, begin(replica, cached("and? " + user)).value().id(), 0);
    model.next().says("whole").finishes();
    assertThat(third.end().turn().status()).isEqualTo(Turn.Status.COMPLETED);
  }

  // ---- when replicas and the store fail

  @Test
  void aDeadReplicasTextIsKeptAndTheNextTurnRuns() {
    Replica owner = replica();
    Replica other = replica();
    create(owner);
    String turn = begin(owner, order("1")).value().id();
    Tape tape = new Tape(other, turn, -1);
    HandModel.Call call = model.next();
    call.says("half of ");
    call.says(new Piece.ToolCall(0, "call_1", "f", "{}"));
    await().until(() -> tape.text().equals("half of "));
    Turn waits = begin(owner, order("2")).value();
    owner.kill();

    TurnEvent.Ended ended = tape.end();
    assertThat(ended.turn().status()).isEqualTo(Turn.Status.INCOMPLETE);
    assertThat(ended.messages()).hasSize(2);
    assertThat(ended.messages().getFirst().body().toString())
        .contains("\"half of \"", "call_1", "\"status\":\"incomplete\"");
    assertThat(other.turns.counts().reaped()).isEqualTo(1);
    HandModel.Call next = model.next(Duration.ofSeconds(10));
    assertThat(next.asked.messages()).hasSize(4);
    next.says("b").finishes();
    assertThat(get(other.turns.await(key, View.ANY, waits.id())).turn().status())
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
    HandModel.Call again = model.next(Duration.ofSeconds(10));
    again.says("a").finishes();
    assertThat(tape.end().turn().status()).isEqualTo(Turn.Status.COMPLETED);
    assertThat(tape.end().turn().attempt()).isEqualTo(2);
    assertThat(tape.text()).isEqualTo("a");
    assertThat(other.turns.counts().retaken()).isEqualTo(1);
    assertThat(contents(other)).containsExactly("1", "a");
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
    TurnEvent.Ended ended = get(third.turns.await(key, View.ANY, turn));
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
    Written<Turn> better = begin(other, order(List.of(said("user", "2")), OnBusy.ROLLBACK));
    HandModel.Call call = model.next(Duration.ofSeconds(10));
    assertThat(texts(call.asked)).containsExactly("2");
    call.says("b").finishes();
    get(other.turns.await(key, View.ANY, better.value().id()));
    assertThat(get(other.turns.get(key, View.ANY, turn)).status()).isEqualTo(Turn.Status.CANCELLED);
    assertThat(contents(other)).containsExactly("2", "b");
  }

  /** A replica that starts finds what waits where nothing runs. */
  @Test
  void aWaitingTurnOutlivesItsReplica() {
    Replica owner = replica();
    create(owner);
    begin(owner, order("1"));
    HandModel.Call call = model.next();
    Turn waits = begin(owner, order("2")).value();
    Turn behind = begin(owner, order("3")).value();
    call.says("a");
    owner.kill();
    Replica other = replica();
    model.next(Duration.ofSeconds(10)).says("b").finishes();
    model.next(Duration.ofSeconds(10)).says("c").finishes();
    for (Turn turn : List.of(waits, behind)) {
      assertThat(get(other.turns.await(key, View.ANY, turn.id())).turn().status())
          .isEqualTo(Turn.Status.COMPLETED);
    }
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
    HandModel.Call call = model.next();
    call.says("before, ");
    await().until(() -> tape.text().equals("before, "));
    owner.away = true;
    call.says("while it was away, ");
    await().pollDelay(Duration.ofSeconds(3)).until(() -> owner.turns.running() == 1);
    call.says("after").finishes();
    await().pollDelay(Duration.ofMillis(500)).until(() -> owner.turns.running() == 1);
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
    HandModel.Call call = model.next();
    Tape tape = new Tape(other, turn, -1);
    call.says("half");
    await().until(() -> tape.text().equals("half"));
    owner.away = true;
    assertThat(tape.end().turn().status()).isEqualTo(Turn.Status.INCOMPLETE);
    call.says(" and half");
    owner.away = false;
    await().until(() -> owner.turns.running() == 0);
    await().until(call::isCancelled);
    assertThat(owner.turns.counts().lost()).isEqualTo(1);
    assertThat(contents(other)).containsExactly("1", "half");
  }

  @Test
  void aDeletedSessionEndsItsTurn() {
    Replica owner = replica();
    create(owner);
    String turn = begin(owner, order("1")).value().id();
    HandModel.Call call = model.next();
    List<Throwable> told = new CopyOnWriteArrayList<>();
    replica().turns.follow(key, View.ANY, turn, -1).subscribe(_ -> {}, told::add);
    get(owner.services.sessions().delete(request(caller)));
    call.says("to nobody");
    await().until(call::isCancelled);
    await().until(() -> owner.turns.running() == 0);
    await().until(() -> !told.isEmpty());
    assertThat(told.getFirst()).isInstanceOf(ProblemException.class);
  }

  // ---- tokens as a limit

  private Replica limited(int tokens) {
    Replica replica =
        new Replica(
            ports(),
            model,
            settings,
            Map.of(
                "heddle.limits.rules.tokens.kind", "tokens",
                "heddle.limits.rules.tokens.limit", String.valueOf(tokens),
                "heddle.limits.rules.tokens.window", "10m"));
    replicas.add(replica);
    return replica;
  }

  private long left(Replica replica) {
    return get(replica.limits.look(caller)).getFirst().remaining();
  }

  @Test
  void tokensAreReservedBeforeAndSettledAfter() {
    Replica replica = limited(5000);
    create(replica);
    Turn turn = begin(replica, order("hello")).value();
    long reserved = 5000 - left(replica);
    assertThat(reserved).isBetween(1025L, 1060L);
    model.next().says("a").finishes("stop", new Usage(100, 23, 0, 0));
    get(replica.turns.await(key, View.ANY, turn.id()));
    await().until(() -> left(replica) == 5000 - 123);

    TurnOrder asks =
        new TurnOrder(
            List.of(said("user", "x")),
            null,
            null,
            Json.of("{\"max_completion_tokens\":4000,\"stop\":[\"a\"]}"),
            OnBusy.ENQUEUE,
            null,
            Json.EMPTY_OBJECT);
    Turn large = begin(replica, asks).value();
    HandModel.Call call = model.next();
    int before = thread(replica).size();
    refused(() -> begin(replica, order("too much")), ProblemCode.RATE_LIMITED);
    assertThat(thread(replica)).hasSize(before);
    assertThat(get(replica.turns.list(key, View.ANY, null))).hasSize(2);
    // What failed before it began costs nothing.
    call.fails(Problem.of(ProblemCode.MODEL_UNAVAILABLE, "away").toException());
    get(replica.turns.await(key, View.ANY, large.id()));
    await().until(() -> left(replica) == 5000 - 123);
  }

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

  /** The limit that the first try used up must not refuse the second. */
  @Test
  void aRepetitionComesBeforeTheLimits() {
    Replica replica = limited(1100);
    create(replica);
    Conditions once = Conditions.NONE.withRetry(new Retry("d".repeat(64), "b".repeat(64)));
    Request request = new Request(caller, key, once, Duration.ZERO);
    Written<Turn> first = get(replica.turns.begin(request, order("hello")));
    refused(() -> begin(replica, order("another")), ProblemCode.RATE_LIMITED);
    Written<Turn> again = get(replica.turns.begin(request, order("hello")));
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
    HandModel.Call one = model.next();
    Turn slow =
        get(replica.turns.begin(
                new Request(caller, second, Conditions.NONE, Duration.ZERO), order("slow")))
            .value();
    HandModel.Call two = model.next();
    two.says("half");
    Mono<Void> drain = replica.turns.drain(Duration.ofSeconds(2)).cache();
    drain.subscribe();
    refused(() -> begin(replica, order("late")), ProblemCode.RESTARTING);
    one.says("done").finishes();
    assertThat(quick.end().turn().status()).isEqualTo(Turn.Status.COMPLETED);
    drain.block(PATIENCE);
    assertThat(two.isCancelled()).isTrue();
    Turn record = get(replica.turns.get(second, View.ANY, slow.id()));
    assertThat(record.status()).isEqualTo(Turn.Status.INCOMPLETE);
    assertThat(String.valueOf(record.end())).contains("restarting");
    assertThat(record.output()).hasSize(1);
  }

  // ---- what the tests are made of

  /** A follower that writes down what it is told. */
  final class Tape {
    final List<TurnEvent> events = new CopyOnWriteArrayList<>();
    private volatile @Nullable Throwable failure;
    private volatile boolean over;

    Tape(Replica replica, String turn, long after) {
      replica
          .turns
          .follow(key, View.ANY, turn, after)
          .subscribe(events::add, error -> failure = error, () -> over = true);
    }

    boolean isOver() {
      return over;
    }

    /** What a client has, that replaces and appends as it is told. */
    String text() {
      StringBuilder text = new StringBuilder();
      long seq = -1;
      for (TurnEvent event : events) {
        switch (event) {
          case TurnEvent.SoFar(long at, TurnEvent.Said said) -> {
            text.setLength(0);
            text.append(said.text());
            seq = at;
          }
          case TurnEvent.Delta(long at, Piece piece) -> {
            assertThat(seq < 0 || at == seq + 1).as("%s after %s", at, seq).isTrue();
            seq = at;
            if (piece instanceof Piece.Text(String more)) {
              text.append(more);
            }
          }
          default -> {}
        }
      }
      return text.toString();
    }

    TurnEvent.Ended end() {
      await().atMost(PATIENCE).until(() -> over || failure != null);
      assertThat(failure).isNull();
      return (TurnEvent.Ended) events.getLast();
    }
  }

  Written<Turn> begin(Replica replica, TurnOrder order) {
    return get(replica.turns.begin(request(caller), order));
  }

  Request request(Caller who) {
    return new Request(who, key, Conditions.NONE, Duration.ofSeconds(1));
  }

  void create(Replica replica, NewMessage... messages) {
    create(replica, key, messages);
  }

  void create(Replica replica, SessionKey session, NewMessage... messages) {
    sessions.add(session);
    get(
        replica
            .services
            .sessions()
            .create(
                new Request(caller, session, Conditions.NONE, Duration.ZERO),
                description(user),
                List.of(messages)));
  }

  static Description description(String user) {
    return new Description(
        user,
        null,
        Json.EMPTY_OBJECT,
        "be brief",
        null,
        Description.Status.ACTIVE,
        Duration.ofHours(1));
  }

  static TurnOrder order(String text) {
    return order(List.of(said("user", text)), OnBusy.ENQUEUE);
  }

  static TurnOrder order(List<NewMessage> input, OnBusy onBusy) {
    return new TurnOrder(
        input, null, null, Json.of("{\"temperature\":0}"), onBusy, null, Json.EMPTY_OBJECT);
  }

  static TurnOrder cached(String text) {
    return new TurnOrder(
        List.of(said("user", text)),
        null,
        null,
        Json.EMPTY_OBJECT,
        OnBusy.ENQUEUE,
        Duration.ofMinutes(1),
        Json.EMPTY_OBJECT);
  }

  static NewMessage said(String role, String text) {
    return new NewMessage(
        null, Json.of("{\"role\":\"" + role + "\",\"content\":\"" + text + "\"}"));
  }

  static List<String> texts(ModelCall call) {
    return call.messages().stream().map(TurnsContract::content).toList();
  }

  List<Message> thread(Replica replica) {
    return get(replica.services.threads().page(key, View.ANY, PageRequest.last(1000))).messages();
  }

  List<String> contents(Replica replica) {
    return thread(replica).stream()
        .map(message -> content(message.body()))
        .collect(Collectors.toList());
  }

  static String content(Json body) {
    return MAPPER.readTree(body.utf8()).path("content").asString("");
  }

  static <T> T get(Mono<T> mono) {
    T value = mono.block(PATIENCE);
    assertThat(value).isNotNull();
    return value;
  }

  static void refused(ThrowingCallable call, ProblemCode code) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            ProblemException.class, e -> assertThat(e.problem().code()).isEqualTo(code));
  }
}
