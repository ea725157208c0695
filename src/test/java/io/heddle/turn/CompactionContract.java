package io.heddle.turn;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Caller;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.Message;
import io.heddle.session.NewMessage;
import io.heddle.session.OnBusy;
import io.heddle.session.ReadContext;
import io.heddle.session.Turn;
import io.heddle.session.WriteContext;
import io.heddle.session.WritePreconditions;
import io.heddle.session.WriteResult;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.Disposable;

/** Threads that are summarised: by a call, and by turns whose prompt is too long. */
abstract class CompactionContract extends TurnsSuite {

  private static final String SUMMARY = "Summary of the conversation so far:\n\n";

  private static final Compaction.Order PLAIN = new Compaction.Order(null, 2, null);

  private CompletableFuture<WriteResult<Compaction>> compact(
      Replica replica, Compaction.Order order) {
    return replica.turns.compact(request(caller), order).toFuture();
  }

  private static <T> T of(CompletableFuture<T> future) {
    try {
      return future.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    } catch (Exception e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e);
    }
  }

  private void create(Replica replica, int messages) {
    create(
        replica,
        IntStream.rangeClosed(1, messages)
            .mapToObj(i -> said(i % 2 == 1 ? "user" : "assistant", "m" + i))
            .toArray(NewMessage[]::new));
  }

  private void append(Replica replica, NewMessage... messages) {
    get(replica.services.threads().append(request(caller), List.of(messages), null));
  }

  /** What the next turn's model is told, which then answers. */
  private List<String> told(Replica replica, String question) {
    String turn = begin(replica, order(question)).value().id();
    FakeModel.Call call = model.next();
    call.says("ok").finishes();
    get(replica.turns.await(key, ReadContext.ANY, turn));
    return texts(call.asked);
  }

  // ---- by a call

  @Test
  void aSummaryStandsForWhatLiesBeforeTheKept() {
    Replica replica = replica();
    create(replica, 6);
    CompletableFuture<WriteResult<Compaction>> done =
        compact(replica, new Compaction.Order("tiny", 2, "In verse."));
    FakeModel.Call call = model.next();
    assertThat(call.asked.model()).isEqualTo("tiny");
    assertThat(call.asked.system()).endsWith("In verse.");
    assertThat(texts(call.asked))
        .singleElement()
        .asString()
        .contains("[user]\nm1\n", "[assistant]\nm4\n")
        .doesNotContain("m5");
    call.says("Four ", "things.").finishes();

    Compaction made = of(done).value();
    assertThat(made.messages()).isEqualTo(4);
    assertThat(made.usage()).isEqualTo(new Usage(10, 5, 0, 0));
    assertThat(contents(replica))
        .as("all that was there is there")
        .containsExactly("m1", "m2", "m3", "m4", "m5", "m6", SUMMARY + "Four things.");
    assertThat(thread(replica).getLast()).isEqualTo(made.message());
    assertThat(told(replica, "q")).containsExactly(SUMMARY + "Four things.", "m5", "m6", "q");
  }

  @Test
  void aSecondSummaryIsMadeOfTheFirst() {
    Replica replica = replica();
    create(replica, 4);
    CompletableFuture<WriteResult<Compaction>> first = compact(replica, PLAIN);
    model.next().says("one").finishes();
    of(first);
    append(replica, said("user", "m5"), said("assistant", "m6"));
    CompletableFuture<WriteResult<Compaction>> second = compact(replica, PLAIN);
    FakeModel.Call call = model.next();
    assertThat(texts(call.asked).getFirst())
        .contains(SUMMARY + "one", "m3", "m4")
        .doesNotContain("m1", "m5");
    call.says("two").finishes();
    assertThat(of(second).value().messages()).isEqualTo(2);
    assertThat(told(replica, "q")).containsExactly(SUMMARY + "two", "m5", "m6", "q");
  }

  /** A replica that reads less of a thread than has come behind its last summary. */
  private Replica grown(int summaries) {
    settings.put("heddle.turns.history-messages", "4");
    Replica replica = replica();
    create(replica, 4);
    grow(replica, summaries);
    return replica;
  }

  private void grow(Replica replica, int summaries) {
    for (int i = 1; i <= summaries; i++) {
      CompletableFuture<WriteResult<Compaction>> done = compact(replica, PLAIN);
      model.next().says("s" + i).finishes();
      of(done);
      append(replica, said("user", "u" + i), said("assistant", "a" + i));
    }
    for (int i = 0; i < 6; i++) {
      append(replica, said("user", "later " + i), said("assistant", "yes " + i));
    }
  }

  @Test
  void aSummaryIsToldHoweverLongTheThreadHasGrown() {
    Replica replica = grown(5);
    assertThat(told(replica, "q"))
        .containsExactly(SUMMARY + "s5", "yes 4", "later 5", "yes 5", "q");
    // Another replica, which has not seen it; and what a replica remembers is no longer true.
    Replica other = replica();
    assertThat(told(other, "r")).startsWith(SUMMARY + "s5").endsWith("r");
  }

  @Test
  void theLastSummaryIsFoundThoughClientsHaveTakenNumbers() {
    settings.put("heddle.turns.history-messages", "4");
    Replica replica = replica();
    create(replica, 0);
    for (int number : new int[] {1, 2, 4}) {
      append(replica, new NewMessage("cmp_" + number, said("user", "mine " + number).body()));
    }
    grow(replica, 3);
    assertThat(told(replica(), "q")).startsWith(SUMMARY + "s3").endsWith("q");
  }

  @Test
  void theLastSummaryIsFoundThoughOlderOnesWereDeleted() {
    Replica replica = grown(6);
    for (int number : new int[] {1, 2, 4, 5}) {
      get(replica.services.threads().deleteMessage(request(caller), "cmp_" + number));
    }
    assertThat(told(replica(), "q")).startsWith(SUMMARY + "s6").endsWith("q");
  }

  /** The absence of a summary is remembered by number, and a new one has a higher number. */
  @Test
  void aFirstSummaryIsFoundAfterItsAbsenceWasSeen() {
    settings.put("heddle.turns.history-messages", "2");
    Replica one = replica();
    Replica other = replica();
    create(one, 6);
    assertThat(told(one, "q")).containsExactly("q");
    CompletableFuture<WriteResult<Compaction>> done = compact(other, PLAIN);
    model.next().says("late").finishes();
    of(done);
    append(other, said("user", "x"), said("user", "y"), said("user", "z"));
    assertThat(told(one, "r")).containsExactly(SUMMARY + "late", "z", "r");
  }

  @Test
  void messagesThatComeWhileTheModelWritesAreToldBehindTheSummary() {
    Replica replica = replica();
    Replica other = replica();
    create(replica, 6);
    CompletableFuture<WriteResult<Compaction>> done = compact(replica, PLAIN);
    FakeModel.Call call = model.next();
    append(other, said("user", "meanwhile"));
    append(other, said("assistant", "indeed"));
    call.says("s").finishes();
    of(done);
    assertThat(told(other, "q"))
        .containsExactly(SUMMARY + "s", "m5", "m6", "meanwhile", "indeed", "q");
  }

  @Test
  void ofTwoCompactionsOneIsDone() {
    Replica one = replica();
    Replica other = replica();
    create(one, 6);
    CompletableFuture<WriteResult<Compaction>> first = compact(one, PLAIN);
    FakeModel.Call firstCall = model.next();
    CompletableFuture<WriteResult<Compaction>> second = compact(other, PLAIN);
    FakeModel.Call secondCall = model.next();
    secondCall.says("second").finishes();
    of(second);
    firstCall.says("first").finishes();
    refused(() -> of(first), ProblemCode.VERSION_CONFLICT);
    assertThat(contents(one)).hasSize(7).last().isEqualTo(SUMMARY + "second");
  }

  @Test
  void whatIsDeletedWhileTheModelWritesIsInNoSummary() {
    Replica replica = replica();
    create(replica, 6);
    CompletableFuture<WriteResult<Compaction>> done = compact(replica, PLAIN);
    FakeModel.Call call = model.next();
    get(replica.services.threads().deleteMessage(request(caller), thread(replica).get(1).id()));
    call.says("with m2").finishes();
    refused(() -> of(done), ProblemCode.VERSION_CONFLICT);
    assertThat(contents(replica)).containsExactly("m1", "m3", "m4", "m5", "m6");
  }

  @Test
  void cutsAndDeletesUncoverWhatIsThere() {
    Replica replica = replica();
    create(replica, 6);
    CompletableFuture<WriteResult<Compaction>> done = compact(replica, PLAIN);
    model.next().says("s").finishes();
    Message summary = of(done).value().message();
    List<Message> thread = thread(replica);
    // One of the kept: an older one is told in its place, and nothing is hidden.
    get(replica.services.threads().deleteMessage(request(caller), thread.get(4).id()));
    assertThat(told(replica, "q")).containsExactly(SUMMARY + "s", "m4", "m6", "q");
    // The summary itself.
    assertThat(summary).isNotNull();
    get(replica.services.threads().deleteMessage(request(caller), summary.id()));
    assertThat(told(replica, "r")).containsExactly("m1", "m2", "m3", "m4", "m6", "q", "ok", "r");
    // All that came after the second message, and with it a summary.
    CompletableFuture<WriteResult<Compaction>> again = compact(replica, PLAIN);
    model.next().says("t").finishes();
    of(again);
    get(replica.services.threads().cut(request(caller), thread.get(1).id()));
    assertThat(told(replica, "s")).containsExactly("m1", "m2", "s");
  }

  @Test
  void aForkHasTheSummaryThatStandsInItsPart() {
    Replica replica = replica();
    create(replica, 6);
    CompletableFuture<WriteResult<Compaction>> done = compact(replica, PLAIN);
    model.next().says("s").finishes();
    of(done);
    String before = thread(replica).get(3).id();
    append(replica, said("user", "after"));
    for (String until : new String[] {null, before}) {
      SessionKey fork = new SessionKey(Tenant.DEFAULT, "f-" + UUID.randomUUID());
      sessions.add(fork);
      get(
          replica
              .services
              .sessions()
              .fork(
                  new WriteContext(caller, key, WritePreconditions.NONE, Duration.ZERO),
                  fork,
                  until));
      WriteContext there = new WriteContext(caller, fork, WritePreconditions.NONE, Duration.ZERO);
      String turn = get(replica.turns.begin(there, order("q"))).value().id();
      FakeModel.Call call = model.next();
      call.says("ok").finishes();
      get(replica.turns.await(fork, ReadContext.ANY, turn));
      if (until == null) {
        assertThat(texts(call.asked)).containsExactly(SUMMARY + "s", "m5", "m6", "after", "q");
      } else {
        assertThat(texts(call.asked)).containsExactly("m1", "m2", "m3", "m4", "q");
      }
    }
  }

  @Test
  void nothingToSummariseIsNoSummary() {
    Replica replica = replica();
    create(replica, 2);
    WriteResult<Compaction> done = of(compact(replica, PLAIN));
    assertThat(done.value().message()).isNull();
    assertThat(contents(replica)).hasSize(2);
    assertThat(model.isAsked()).isFalse();
  }

  @Test
  void aModelThatFailsLeavesTheThreadAsItIs() {
    Replica replica = replica();
    create(replica, 6);
    CompletableFuture<WriteResult<Compaction>> done = compact(replica, PLAIN);
    model.next().fails(Problem.of(ProblemCode.MODEL_FAILED, "broken").toException());
    refused(() -> of(done), ProblemCode.MODEL_FAILED);
    CompletableFuture<WriteResult<Compaction>> silent = compact(replica, PLAIN);
    model.next().finishes();
    refused(() -> of(silent), ProblemCode.MODEL_FAILED);
    assertThat(contents(replica)).hasSize(6);
  }

  @Test
  void whoHangsUpEndsTheCallOfTheModel() {
    Replica replica = replica();
    create(replica, 6);
    Disposable caller = replica.turns.compact(request(this.caller), PLAIN).subscribe();
    FakeModel.Call call = model.next();
    caller.dispose();
    await().atMost(PATIENCE).until(call::isCancelled);
    assertThat(contents(replica)).hasSize(6);
  }

  @Test
  void aRepetitionUnderOneKeyAsksNobody() {
    Replica replica = replica();
    create(replica, 6);
    IdempotentRequest retry = new IdempotentRequest("a".repeat(64), "b".repeat(64));
    WriteContext request =
        new WriteContext(
            caller, key, WritePreconditions.NONE.withRetry(retry), Duration.ofSeconds(1));
    CompletableFuture<WriteResult<Compaction>> first =
        replica.turns.compact(request, PLAIN).toFuture();
    model.next().says("s").finishes();
    Message summary = of(first).value().message();
    WriteResult<Compaction> again = get(replica().turns.compact(request, PLAIN));
    assertThat(again.replayed()).isTrue();
    assertThat(again.value().message()).isEqualTo(summary);
    assertThat(again.position()).isEqualTo(of(first).position());
    assertThat(model.isAsked()).isFalse();
  }

  @Test
  void anotherUsersThreadIsNotThere() {
    Replica replica = replica();
    create(replica, 6);
    WriteContext foreign =
        new WriteContext(
            new Caller(Tenant.DEFAULT, "other", "other", false),
            key,
            WritePreconditions.NONE,
            Duration.ZERO);
    refused(() -> get(replica.turns.compact(foreign, PLAIN)), ProblemCode.SESSION_NOT_FOUND);
  }

  @Test
  void whatItCostsIsCounted() {
    Replica replica = limited(10_000);
    create(replica, 6);
    CompletableFuture<WriteResult<Compaction>> done = compact(replica, PLAIN);
    model.next().says("s").finishes("stop", new Usage(700, 77, 0, 0));
    of(done);
    await().atMost(PATIENCE).until(() -> left(replica) == 10_000 - 777);
  }

  // ---- by turns

  private static String lengthy(String word) {
    return (word + " ").repeat(60).strip();
  }

  private void createLong(Replica replica) {
    create(
        replica,
        said("user", lengthy("one")),
        said("assistant", lengthy("two")),
        said("user", lengthy("three")),
        said("assistant", lengthy("four")));
  }

  @Test
  void aTurnWithALongPromptCompactsFirst() {
    settings.put("heddle.turns.compact-at", "100");
    settings.put("heddle.turns.compact-model", "tiny");
    Replica replica = replica();
    createLong(replica);
    Tape tape = new Tape(replica, begin(replica, order("q")).value().id(), 0);
    FakeModel.Call summary = model.next();
    assertThat(summary.asked.model()).isEqualTo("tiny");
    assertThat(texts(summary.asked).getFirst()).contains("one", "four").doesNotContain("\nq\n");
    summary.says("short").finishes();
    FakeModel.Call call = model.next();
    assertThat(call.asked.model()).isNull();
    assertThat(call.asked.system()).isEqualTo("be brief");
    assertThat(texts(call.asked)).containsExactly(SUMMARY + "short", "q");
    call.says("a").finishes();
    assertThat(tape.end().turn().status()).isEqualTo(Turn.Status.COMPLETED);
    assertThat(String.valueOf(tape.end().turn().end()))
        .contains("\"compaction\":{\"message\":\"cmp_1\",\"usage\":{\"inputTokens\":10");
    assertThat(tape.text()).isEqualTo("a");
    assertThat(contents(replica)).endsWith("q", SUMMARY + "short", "a");
    // It is short now.
    assertThat(told(replica, "r")).containsExactly(SUMMARY + "short", "q", "a", "r");
  }

  @Test
  void aTurnThatAsksForItTellsOfTheSummary() {
    Replica replica = replica();
    createLong(replica);
    TurnSpec order =
        new TurnSpec(
            List.of(said("user", "q")),
            null,
            null,
            Json.EMPTY_OBJECT,
            OnBusy.ENQUEUE,
            null,
            Json.EMPTY_OBJECT,
            null,
            List.of(),
            100);
    Tape tape = new Tape(replica, begin(replica, order).value().id(), 0);
    FakeModel.Call summary = model.next();
    assertThat(texts(summary.asked).getFirst()).contains("one", "[user]\nq\n");
    summary.says("short").finishes();
    FakeModel.Call call = model.next();
    assertThat(texts(call.asked)).containsExactly(SUMMARY + "short", "q");
    call.says("a").finishes();
    tape.end();
    List<ModelEvent> pieces =
        tape.events.stream()
            .filter(TurnEvent.Delta.class::isInstance)
            .map(event -> ((TurnEvent.Delta) event).piece())
            .toList();
    assertThat(pieces.getFirst())
        .isInstanceOfSatisfying(
            ModelEvent.Compaction.class,
            told -> {
              assertThat(told.message()).isEqualTo("cmp_1");
              assertThat(content(told.body())).isEqualTo(SUMMARY + "short");
            });
    assertThat(pieces.getLast()).isEqualTo(new ModelEvent.Text("a"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"fails", "says nothing", "is slow"})
  void aTurnGoesOnWithoutASummary(String how) {
    settings.put("heddle.turns.compact-at", "100");
    settings.put("heddle.turns.compact-timeout", how.equals("is slow") ? "300ms" : "60s");
    Replica replica = replica();
    createLong(replica);
    Tape tape = new Tape(replica, begin(replica, order("q")).value().id(), 0);
    FakeModel.Call call = model.next();
    // On a slow machine the time may be over before the model is asked for a summary.
    if (texts(call.asked).size() == 1) {
      switch (how) {
        case "fails" -> call.fails(Problem.of(ProblemCode.MODEL_FAILED, "x").toException());
        case "says nothing" -> call.finishes();
        default -> await().atMost(PATIENCE).until(call::isCancelled);
      }
      call = model.next();
    }
    assertThat(texts(call.asked)).hasSize(5).last().isEqualTo("q");
    call.says("a").finishes();
    assertThat(tape.end().turn().status()).isEqualTo(Turn.Status.COMPLETED);
    assertThat(contents(replica)).hasSize(6);
    await().untilAsserted(() -> assertThat(replica.turns.counts().uncompacted()).isEqualTo(1));
  }

  @Test
  void aTurnIsCancelledWhileItCompacts() {
    settings.put("heddle.turns.compact-at", "100");
    Replica replica = replica();
    createLong(replica);
    String turn = begin(replica, order("q")).value().id();
    FakeModel.Call summary = model.next();
    get(replica.turns.cancel(request(caller), turn));
    TurnEvent.Ended ended = get(replica.turns.await(key, ReadContext.ANY, turn));
    assertThat(ended.turn().status()).isEqualTo(Turn.Status.CANCELLED);
    await().atMost(PATIENCE).until(summary::isCancelled);
    assertThat(contents(replica)).hasSize(5);
  }

  /** The thread is told as the dead replica left it, with its summary or without. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aReplicaThatDiesWhileItCompactsTakesNoTurnAlong(boolean summarised) {
    settings.put("heddle.turns.compact-at", "100");
    Replica dies = replica();
    createLong(dies);
    String turn = begin(dies, order("q")).value().id();
    FakeModel.Call summary = model.next();
    if (summarised) {
      summary.says("short").finishes();
      model.next();
    }
    dies.kill();
    Replica other = replica();
    if (!summarised) {
      model.next().says("short").finishes();
    }
    FakeModel.Call call = model.next();
    assertThat(texts(call.asked)).containsExactly(SUMMARY + "short", "q");
    call.says("a").finishes();
    TurnEvent.Ended ended = get(other.turns.await(key, ReadContext.ANY, turn));
    assertThat(ended.turn().status()).isEqualTo(Turn.Status.COMPLETED);
    assertThat(contents(other)).endsWith("q", SUMMARY + "short", "a").hasSize(7);
  }

  @Test
  void aToolLoopStaysWhole() {
    settings.put("heddle.turns.compact-at", "100");
    Replica replica = replica();
    Json call =
        Json.of(
            "{\"role\":\"assistant\",\"content\":null,\"toolCalls\":[{\"id\":\"c1\",\"type\":"
                + "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}");
    create(
        replica,
        said("user", lengthy("one")),
        said("assistant", lengthy("two")),
        said("user", "go"),
        new NewMessage(null, call));
    Json output = Json.of("{\"role\":\"tool\",\"content\":\"42\",\"toolCallId\":\"c1\"}");
    begin(replica, order(List.of(new NewMessage(null, output)), OnBusy.ENQUEUE));
    model.next().says("short").finishes();
    FakeModel.Call asked = model.next();
    assertThat(asked.asked.messages().subList(1, asked.asked.messages().size()))
        .containsExactly(said("user", "go").body(), call, output);
    asked.says("done").finishes();
    await().atMost(PATIENCE).until(() -> contents(replica).size() == 7);
  }

  @Test
  void theSummaryOfATurnIsPaidByIt() {
    settings.put("heddle.turns.compact-at", "100");
    Replica replica = limited(10_000);
    createLong(replica);
    String turn = begin(replica, order("q")).value().id();
    model.next().says("short").finishes("stop", new Usage(300, 30, 0, 0));
    model.next().says("a").finishes("stop", new Usage(40, 4, 0, 0));
    get(replica.turns.await(key, ReadContext.ANY, turn));
    await().atMost(PATIENCE).until(() -> left(replica) == 10_000 - 374);
  }

  /** It is told with the other's summary, and pays for its own. */
  @Test
  void aTurnWhoseSummaryComesTooLateGoesOnWithTheOther() {
    settings.put("heddle.turns.compact-at", "100");
    settings.put("heddle.turns.compact-timeout", "60s");
    Replica replica = limited(10_000);
    createLong(replica);
    String turn = begin(replica, order("q")).value().id();
    FakeModel.Call late = model.next();
    CompletableFuture<WriteResult<Compaction>> other = compact(replica(), PLAIN);
    model.next().says("first").finishes();
    of(other);
    late.says("late").finishes("stop", new Usage(300, 30, 0, 0));
    FakeModel.Call call = model.next();
    assertThat(texts(call.asked))
        .startsWith(SUMMARY + "first")
        .doesNotContain(lengthy("one"))
        .endsWith("q");
    call.says("a").finishes("stop", new Usage(40, 4, 0, 0));
    get(replica.turns.await(key, ReadContext.ANY, turn));
    await().atMost(PATIENCE).until(() -> left(replica) == 10_000 - 374);
    assertThat(contents(replica)).doesNotContain(SUMMARY + "late");
  }

  /** Whoever holds the lock has his turns answered, and pays for no summaries that are dropped. */
  @Test
  void aTurnInALockedSessionAsksForNoSummary() {
    settings.put("heddle.turns.compact-at", "100");
    Replica replica = replica();
    createLong(replica);
    String token =
        String.valueOf(
            get(replica.services.locks().lock(request(caller), Duration.ofMinutes(5), null))
                .held()
                .token());
    WriteContext request =
        new WriteContext(
            caller, key, WritePreconditions.NONE.withLock(token), Duration.ofSeconds(1));
    String turn = get(replica.turns.begin(request, order("q"))).value().id();
    FakeModel.Call call = model.next();
    assertThat(texts(call.asked)).hasSize(5).last().isEqualTo("q");
    call.says("a").finishes();
    get(replica.turns.await(key, ReadContext.ANY, turn));
    await().untilAsserted(() -> assertThat(replica.turns.counts().uncompacted()).isEqualTo(1));
    get(replica.services.locks().release(request, false));
  }
}
