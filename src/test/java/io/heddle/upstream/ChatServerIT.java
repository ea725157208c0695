package io.heddle.upstream;

import static io.heddle.upstream.Calls.PATIENCE;
import static io.heddle.upstream.Calls.all;
import static io.heddle.upstream.Calls.call;
import static io.heddle.upstream.Calls.ended;
import static io.heddle.upstream.Calls.finish;
import static io.heddle.upstream.Calls.problem;
import static io.heddle.upstream.Calls.text;
import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.json.Json;
import io.heddle.testing.ModelScript;
import io.heddle.testing.ScriptedModel;
import io.heddle.turn.ModelCall;
import io.heddle.turn.ModelEvent;
import io.heddle.turn.Usage;
import io.heddle.upstream.Calls.Ended;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.reactivestreams.Subscription;
import reactor.core.Disposable;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Calls of a real server that does what it likes. */
class ChatServerIT {

  private final ScriptedModel server = ScriptedModel.start();
  private final Recorded recorded = new Recorded();
  private final List<Models> made = new ArrayList<>();

  /** The first call of a process loads half of the driver, and tests here count milliseconds. */
  @BeforeAll
  static void warmUp() {
    try (ScriptedModel server = ScriptedModel.start();
        Models models =
            Calls.models(new Recorded(), "upstreams.test.base-url=" + server.baseUrl())) {
      all(models.call(call("m", "hi")));
    }
  }

  @AfterEach
  void close() {
    made.forEach(Models::close);
    server.close();
  }

  private Models models(String... settings) {
    List<String> all = new ArrayList<>(List.of("upstreams.test.base-url=" + server.baseUrl()));
    for (String setting : settings) {
      all.add(setting.startsWith("upstreams.") ? setting : "upstreams.test." + setting);
    }
    Models models = Calls.models(recorded, all.toArray(String[]::new));
    made.add(models);
    return models;
  }

  // ---- answers

  @Test
  void aStreamIsSaidBitByBit() {
    Models models = models();
    List<ModelEvent> pieces = all(models.call(call("m", "hi")));

    assertThat(pieces)
        .containsExactly(
            new ModelEvent.Text("Hello"),
            new ModelEvent.Text(" world"),
            new ModelEvent.Finish("stop", new Usage(10, 2, 0, 0), "scripted"));
    assertThat(server.lastRequest().path()).isEqualTo("/v1/chat/completions");
    assertThat(server.lastRequest().body())
        .isEqualTo(
            "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],"
                + "\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
    assertThat(recorded.told()).containsExactly("test started", "test first", "test finished");
  }

  @Test
  void aConnectionIsUsedAgain() {
    Models models = models();
    for (int i = 0; i < 5; i++) {
      all(models.call(call("m", "hi")));
      // The connection goes back a moment after its answer has ended.
      Awaitility.await().pollDelay(Duration.ofMillis(50)).until(() -> true);
    }
    assertThat(server.requests()).hasSize(5);
    assertThat(server.acceptedConnections()).isEqualTo(1);
  }

  @Test
  void charactersThatAreCutByTheNetworkComeWhole() {
    String text = "Kettfäden 織機 🧵";
    byte[] event =
        ("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + text + "\"}}]}\n\n")
            .getBytes(StandardCharsets.UTF_8);
    ModelScript script = ModelScript.stream();
    for (byte one : event) {
      script = script.bytes(new byte[] {one});
    }
    server.next(script.finish("stop").done());

    assertThat(text(all(models().call(call("m", "hi"))))).isEqualTo(text);
  }

  @Test
  void aHugeEventIsTakenUpToItsBound() {
    String huge = "x".repeat(900_000);
    server.next(ModelScript.stream().text(huge).finish("stop").done());
    server.next(ModelScript.stream().text(huge + huge).finish("stop").done());
    Models models = models();

    assertThat(text(all(models.call(call("m", "hi"))))).isEqualTo(huge);
    Problem problem = problem(models.call(call("m", "hi")));
    assertThat(problem.code()).isEqualTo(ProblemCode.MODEL_FAILED);
    assertThat(problem.detail()).contains("too large");
  }

  @Test
  void anAnswerIsBoundedToo() {
    server.next(ModelScript.stream().forever("x".repeat(1000), Duration.ZERO));
    Ended ended = ended(models("max-answer=64KB").call(call("m", "hi")));

    assertThat(ended.problem().code()).isEqualTo(ProblemCode.MODEL_FAILED);
    assertThat(ended.problem().detail()).contains("larger than 65536 bytes");
    assertThat(text(ended.pieces()).length()).isBetween(1, 65_536);
    Awaitility.await().untilAsserted(() -> assertThat(server.openConnections()).isZero());
  }

  @Test
  void oneJsonCompletionIsUnderstoodToo() {
    server.next(ModelScript.plain("Hello \"you\""));

    assertThat(all(models().call(call("m", "hi"))))
        .containsExactly(
            new ModelEvent.Text("Hello \"you\""),
            new ModelEvent.Finish("stop", new Usage(10, 2, 0, 0), "scripted"));
  }

  @Test
  void usageThatComesAfterTheReasonIsWaitedForAndNotForEver() {
    server.next(
        ModelScript.stream()
            .text("a")
            .finish("stop")
            .pause(Duration.ofSeconds(1))
            .usage(3, 1)
            .done());
    server.next(ModelScript.stream().text("a").finish("stop").stall());
    Models models = models("between-tokens-timeout=500ms");

    assertThat(finish(all(models.call(call("m", "hi")))).usage()).isEqualTo(new Usage(3, 1, 0, 0));
    assertThat(all(models.call(call("m", "hi"))))
        .containsExactly(new ModelEvent.Text("a"), new ModelEvent.Finish("stop", null, "scripted"));
  }

  @Test
  void aServerThatKeepsTheAnswerOpenBehindItsEndIsLeft() {
    server.next(ModelScript.say("a").stall());

    assertThat(text(all(models().call(call("m", "hi"))))).isEqualTo("a");
    Awaitility.await().untilAsserted(() -> assertThat(server.openConnections()).isZero());
  }

  @Test
  void anEndThatWasGivenIsAnEndThoughTheConnectionBreaks() {
    server.next(ModelScript.stream().text("a").finish("length").cut());

    assertThat(all(models().call(call("m", "hi"))))
        .containsExactly(
            new ModelEvent.Text("a"), new ModelEvent.Finish("length", null, "scripted"));
  }

  // ---- failures

  @Test
  void anAnswerThatBreaksOffIsAFailureAfterWhatWasSaid() {
    server.next(ModelScript.stream().text("Hel").pause(Duration.ofMillis(50)).cut());
    Ended ended = ended(models().call(call("m", "hi")));

    assertThat(text(ended.pieces())).isEqualTo("Hel");
    assertThat(ended.problem().code()).isEqualTo(ProblemCode.MODEL_FAILED);
    assertThat(server.requests()).hasSize(1);
    assertThat(recorded.told()).endsWith("test failed");
  }

  @Test
  void anAnswerThatEndsInOrderWithoutAnEndIsAFailure() {
    server.next(ModelScript.stream().text("Hel"));
    Ended ended = ended(models().call(call("m", "hi")));

    assertThat(text(ended.pieces())).isEqualTo("Hel");
    assertThat(ended.problem().code()).isEqualTo(ProblemCode.MODEL_FAILED);
    assertThat(ended.problem().detail()).contains("broke its answer off");
  }

  @Test
  void aBreakInTheMiddleOfAnEventIsAFailure() {
    server.next(
        ModelScript.stream()
            .text("Hel")
            .bytes("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"lo")
            .pause(Duration.ofMillis(50))
            .cut());
    server.next(
        ModelScript.stream().bytes("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"lo"));
    Models models = models();
    Ended cut = ended(models.call(call("m", "hi")));

    assertThat(text(cut.pieces())).isEqualTo("Hel");
    assertThat(cut.problem().code()).isEqualTo(ProblemCode.MODEL_FAILED);
    assertThat(problem(models.call(call("m", "hi"))).code()).isEqualTo(ProblemCode.MODEL_FAILED);
  }

  @ParameterizedTest
  @ValueSource(strings = {"{\"choices\":[{", "nonsense", "[1,2]", "\"text\"", "{} {}"})
  void whatIsNotJsonOfThisWireIsAFailure(String data) {
    server.next(ModelScript.stream().text("a").event(data).finish("stop").done());
    Ended ended = ended(models().call(call("m", "hi")));

    assertThat(text(ended.pieces())).isEqualTo("a");
    assertThat(ended.problem().code()).isEqualTo(ProblemCode.MODEL_FAILED);
    assertThat(ended.problem().detail()).doesNotContain(data);
  }

  @Test
  void aPageForPeopleIsAFailure() {
    server.next(
        ModelScript.status(200).header("Content-Type", "text/html").bytes("<html>Sign in</html>"));
    server.next(ModelScript.status(200).bytes("{\"hello\":1}"));
    Models models = models();

    assertThat(problem(models.call(call("m", "hi"))).detail()).contains("html");
    assertThat(problem(models.call(call("m", "hi"))).code()).isEqualTo(ProblemCode.MODEL_FAILED);
  }

  @Test
  void anErrorAfterTheFirstTokenIsAFailureWithTheServersWords() {
    server.next(
        ModelScript.stream()
            .text("a")
            .event("{\"error\":{\"message\":\"out of memory\",\"code\":500}}")
            .done());
    Ended ended = ended(models().call(call("m", "hi")));

    assertThat(text(ended.pieces())).isEqualTo("a");
    assertThat(ended.problem().code()).isEqualTo(ProblemCode.MODEL_FAILED);
    assertThat(ended.problem().detail()).endsWith(": out of memory");
    assertThat(server.requests()).hasSize(1);
  }

  /** What the same packet held before the error was lost with it, though it was said and paid. */
  @Test
  void whatComesWithAnErrorInOnePacketIsToldBeforeIt() {
    String said = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hel\"}}]}\n\n";
    server.next(
        ModelScript.stream()
            .bytes(said + "data: {\"error\":{\"message\":\"out of memory\",\"code\":500}}\n\n")
            .stall());
    server.next(ModelScript.stream().bytes(said + "data: nonsense\n\n" + said).done());
    Models models = models();
    Ended failed = ended(models.call(call("m", "hi")));
    assertThat(text(failed.pieces())).isEqualTo("Hel");
    assertThat(failed.problem().code()).isEqualTo(ProblemCode.MODEL_FAILED);
    assertThat(failed.problem().detail()).endsWith(": out of memory");
    Ended odd = ended(models.call(call("m", "hi")));
    assertThat(text(odd.pieces())).isEqualTo("Hel");
    assertThat(odd.problem().code()).isEqualTo(ProblemCode.MODEL_FAILED);
    assertThat(server.requests()).hasSize(2);
  }

  @ParameterizedTest
  @CsvSource({"400", "404", "413", "422"})
  void whatTheServerFindsWrongIsToldWithItsWords(int status) {
    server.next(
        ModelScript.status(status)
            .bytes(
                "{\"error\":{\"message\":\"This model's maximum context length is 10 tokens.\","
                    + "\"type\":\"invalid_request_error\",\"param\":\"messages\","
                    + "\"code\":\"context_length_exceeded\"}}"));
    Problem problem = problem(models().call(call("m", "hi")));

    assertThat(problem.code()).isEqualTo(ProblemCode.MODEL_REFUSED);
    assertThat(problem.detail())
        .contains("test", "(" + status + ")", "maximum context length is 10 tokens.");
    assertThat(problem.members())
        .containsEntry("upstreamStatus", status)
        .containsEntry("upstreamCode", "context_length_exceeded");
    assertThat(server.requests()).hasSize(1);
    assertThat(recorded.told()).endsWith("test refused");
  }

  @Test
  void anErrorOfTheServerIsNotTriedAgain() {
    server.answer(ModelScript.error(500, "a bug"));
    Problem problem = problem(models().call(call("m", "hi")));

    assertThat(problem.code()).isEqualTo(ProblemCode.MODEL_FAILED);
    assertThat(problem.detail()).endsWith(": a bug");
    assertThat(problem.members()).containsEntry("upstreamStatus", 500);
    assertThat(server.requests()).hasSize(1);
  }

  @Test
  void aConnectionThatClosesBeforeTheAnswerIsNotTriedAgain() {
    // The request may be running there: a second one would be paid for twice.
    server.answer(_ -> ModelScript.stream().headersAfter(Duration.ofSeconds(30)));
    Models models = models();
    Flux<List<ModelEvent>> call = models.call(call("m", "hi"));
    List<Problem> problems = new ArrayList<>();
    Thread caller = Thread.ofVirtual().start(() -> problems.add(problem(call)));
    Awaitility.await().until(() -> server.requests().size() == 1);
    server.refuse();
    Awaitility.await().until(() -> !caller.isAlive());

    assertThat(problems).extracting(Problem::code).containsExactly(ProblemCode.MODEL_UNAVAILABLE);
    assertThat(recorded.count("test retried")).isZero();
  }

  // ---- tried again

  @Test
  void busyServersAreAskedAgainAsLateAsTheySay() {
    server.next(ModelScript.error(429, "slow down").header("Retry-After", "1"));
    long begin = System.nanoTime();
    List<ModelEvent> pieces = all(models().call(call("m", "hi")));

    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isGreaterThan(Duration.ofSeconds(1));
    assertThat(text(pieces)).isEqualTo("Hello world");
    assertThat(server.requests()).hasSize(2);
    assertThat(recorded.count("test retried")).isEqualTo(1);
  }

  @Test
  void busyServersAreNotAskedAgainWhenThatWouldBeTooLateOrTheyDoNotSay() {
    server.next(ModelScript.error(429, "slow down").header("Retry-After", "60"));
    server.next(ModelScript.error(429, "slow down"));
    server.next(
        ModelScript.status(429)
            .header("Retry-After", "1")
            .bytes("{\"error\":{\"message\":\"pay\",\"code\":\"insufficient_quota\"}}"));
    Models models = models();

    Problem late = problem(models.call(call("m", "hi")));
    assertThat(late.code()).isEqualTo(ProblemCode.MODEL_UNAVAILABLE);
    assertThat(late.members())
        .containsEntry("retryAfter", 60L)
        .containsEntry("upstreamStatus", 429);
    assertThat(problem(models.call(call("m", "hi"))).code())
        .isEqualTo(ProblemCode.MODEL_UNAVAILABLE);
    assertThat(problem(models.call(call("m", "hi"))).detail()).endsWith(": pay");
    assertThat(server.requests()).hasSize(3);
  }

  @ParameterizedTest
  @ValueSource(ints = {502, 503, 504})
  void gatewaysWithoutAServerAreTriedAgainSoOften(int status) {
    server.answer(ModelScript.status(status).header("Content-Type", "text/html").bytes("<p>"));
    Problem problem = problem(models("max-retries=2").call(call("m", "hi")));

    assertThat(problem.code()).isEqualTo(ProblemCode.MODEL_UNAVAILABLE);
    assertThat(server.requests()).hasSize(3);
    assertThat(recorded.count("test retried")).isEqualTo(2);
    assertThat(recorded.told()).endsWith("test unavailable");
  }

  @Test
  void aRefusedConnectionIsTriedAgain() {
    server.refuse();
    Models models = models("max-retries=10", "breaker.minimum-calls=100");
    List<ModelEvent> pieces = new ArrayList<>();
    Thread caller =
        Thread.ofVirtual().start(() -> pieces.addAll(all(models.call(call("m", "hi")))));
    Awaitility.await().until(() -> recorded.count("test retried") > 0);
    server.accept();
    Awaitility.await().until(() -> !caller.isAlive());

    assertThat(text(pieces)).isEqualTo("Hello world");
    assertThat(server.requests()).hasSize(1);
  }

  @Test
  void withoutRetriesARefusedConnectionIsToldAtOnce() {
    server.refuse();
    Problem problem = problem(models("max-retries=0").call(call("m", "hi")));

    assertThat(problem.code()).isEqualTo(ProblemCode.MODEL_UNAVAILABLE);
    assertThat(problem.detail()).contains("test").doesNotContain("127.0.0.1");
    assertThat(recorded.count("test retried")).isZero();
  }

  // ---- time

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aFirstTokenIsNotWaitedForWithoutEnd(boolean headers) {
    server.answer(
        headers
            ? ModelScript.stream().bytes(": working\n\n").delta("{\"role\":\"assistant\"}").stall()
            : ModelScript.say("late").headersAfter(Duration.ofSeconds(30)));
    Problem problem = problem(models("first-token-timeout=300ms").call(call("m", "hi")));

    assertThat(problem.code()).isEqualTo(ProblemCode.MODEL_TIMEOUT);
    assertThat(problem.detail()).contains("said nothing within 300 ms");
    assertThat(server.requests()).hasSize(1);
    Awaitility.await().untilAsserted(() -> assertThat(server.openConnections()).isZero());
    assertThat(recorded.told()).containsExactly("test started", "test timeout");
  }

  /** Nothing of it is to be heard before its end, which is no silence of the server's. */
  @Test
  void anAnswerInOnePieceIsWaitedForAsLongAsTheWholeCallMayTake() {
    String[] limits = {"first-token-timeout=300ms", "whole-timeout=1500ms"};
    ModelCall call = call("m", "hi").withoutStream();
    server.next(ModelScript.say("late").headersAfter(Duration.ofMillis(700)));
    assertThat(text(all(models(limits).call(call)))).isEqualTo("late");
    assertThat(server.lastRequest().body())
        .contains("\"stream\":false")
        .doesNotContain("stream_options");

    server.next(ModelScript.say("late").headersAfter(Duration.ofSeconds(30)));
    assertThat(problem(models(limits).call(call)).detail())
        .contains("did not end its answer within 1500 ms");
    Awaitility.await().untilAsserted(() -> assertThat(server.openConnections()).isZero());
  }

  @Test
  void anAnswerInOnePieceCanBeStreamedToHere() {
    server.next(ModelScript.say("Hello"));
    all(models("always-stream=true").call(call("m", "hi").withoutStream()));

    assertThat(server.lastRequest().body()).contains("\"stream\":true");
  }

  @Test
  void aStallAfterTheFirstTokenEnds() {
    server.next(ModelScript.stream().text("a").text("b").stall());
    Ended ended = ended(models("between-tokens-timeout=700ms").call(call("m", "hi")));

    assertThat(text(ended.pieces())).isEqualTo("ab");
    assertThat(ended.problem().code()).isEqualTo(ProblemCode.MODEL_TIMEOUT);
    assertThat(ended.problem().detail()).contains("said nothing more within 700 ms");
    Awaitility.await().untilAsserted(() -> assertThat(server.openConnections()).isZero());
  }

  @Test
  void aStreamThatNeverEndsIsEnded() {
    server.next(ModelScript.stream().forever("a", Duration.ofMillis(20)));
    Ended ended = ended(models("whole-timeout=1500ms").call(call("m", "hi")));

    assertThat(text(ended.pieces())).matches("a{2,}");
    assertThat(ended.problem().code()).isEqualTo(ProblemCode.MODEL_TIMEOUT);
    assertThat(ended.problem().detail()).contains("did not end its answer within 1500 ms");
    Awaitility.await().untilAsserted(() -> assertThat(server.openConnections()).isZero());
  }

  @Test
  void commentsWithoutEndAreNoAnswer() {
    ModelScript script = ModelScript.stream();
    for (int i = 0; i < 100; i++) {
      script = script.bytes(": still here\n\n").pause(Duration.ofMillis(20));
    }
    server.next(script);

    assertThat(problem(models("first-token-timeout=300ms").call(call("m", "hi"))).code())
        .isEqualTo(ProblemCode.MODEL_TIMEOUT);
  }

  /**
   * A reader that took nothing for longer than the server may be silent got a timeout of the
   * server, which was waiting for the reader.
   */
  @Test
  void aSlowReaderIsNotTheServersFaultAndHoldsItBack() {
    server.next(ModelScript.stream().forever("x".repeat(500), Duration.ZERO));
    Models models = models("between-tokens-timeout=200ms", "max-answer=256MB");
    Slow reader = new Slow();
    models.call(call("m", "hi")).concatMapIterable(pieces -> pieces, 1).subscribe(reader);
    reader.request(1);
    Awaitility.await().until(() -> reader.taken.get() == 1);
    Awaitility.await()
        .pollDelay(Duration.ofMillis(800))
        .until(() -> reader.taken.get() == 1 && reader.error == null);

    reader.request(10_000);
    Awaitility.await().until(() -> reader.taken.get() == 10_001);
    assertThat(reader.error).isNull();
    reader.cancel();
    Awaitility.await().untilAsserted(() -> assertThat(server.openConnections()).isZero());
  }

  private static final class Slow extends BaseSubscriber<ModelEvent> {
    private final AtomicInteger taken = new AtomicInteger();
    private volatile Throwable error;

    @Override
    protected void hookOnSubscribe(Subscription subscription) {}

    @Override
    protected void hookOnNext(ModelEvent piece) {
      taken.incrementAndGet();
    }

    @Override
    protected void hookOnError(Throwable thrown) {
      error = thrown;
    }
  }

  // ---- cancelled

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whoCancelsClosesTheConnectionAtOnce(boolean spoken) {
    server.next(
        spoken
            ? ModelScript.stream().text("a").stall()
            : ModelScript.say("late").headersAfter(Duration.ofSeconds(30)));
    AtomicInteger taken = new AtomicInteger();
    Disposable call = models().call(call("m", "hi")).subscribe(_ -> taken.incrementAndGet());
    Awaitility.await()
        .until(() -> server.requests().size() == 1 && taken.get() == (spoken ? 1 : 0));
    assertThat(server.openConnections()).isEqualTo(1);
    call.dispose();

    Awaitility.await()
        .atMost(Duration.ofSeconds(2))
        .untilAsserted(() -> assertThat(server.openConnections()).isZero());
    assertThat(recorded.told()).endsWith("test cancelled");
  }

  // ---- bounds

  @Test
  void moreCallsThanConnectionsWaitAndThenAreRefused() {
    server.answer(ModelScript.stream().text("a").stall());
    Models models =
        models("max-connections=2", "max-pending=1", "pending-timeout=300ms", "max-retries=2");
    List<Disposable> held =
        IntStream.range(0, 2).mapToObj(_ -> models.call(call("m", "hi")).subscribe()).toList();
    Awaitility.await().until(() -> server.requests().size() == 2);

    List<Problem> problems =
        Flux.range(0, 3)
            .flatMap(_ ->
                models
                    .call(call("m", "hi"))
                    .then(Mono.<Problem>empty())
                    .onErrorResume(ProblemException.class, e -> Mono.just(e.problem())))
            .collectList()
            .block(PATIENCE);
    assertThat(problems)
        .hasSize(3)
        .allSatisfy(problem -> {
          assertThat(problem.code()).isEqualTo(ProblemCode.MODEL_UNAVAILABLE);
          assertThat(problem.detail()).contains("in use");
        });
    assertThat(server.requests()).hasSize(2);
    assertThat(models.breakers()).containsEntry("test", BreakerState.CLOSED);
    held.forEach(Disposable::dispose);
  }

  // ---- what is sent

  @Test
  void headersAndKeyAreSent() {
    all(models("api-key=sk-123456789", "headers.OpenAI-Organization=org-1").call(call("m", "hi")));

    assertThat(server.lastRequest().headers())
        .containsEntry("authorization", "Bearer sk-123456789")
        .containsEntry("openai-organization", "org-1")
        .containsEntry("content-type", "application/json")
        .containsEntry("content-length", "" + server.lastRequest().body().length())
        .containsEntry("user-agent", "heddle");
  }

  @Test
  void aLongThreadIsSentWhole() {
    List<Json> messages =
        IntStream.range(0, 2000)
            .mapToObj(i ->
                Json.of(
                    "{\"role\":\"user\",\"content\":\"%s %d\",\"status\":\"completed\"}"
                        .formatted("wörd".repeat(100), i)))
            .toList();
    all(models().call(new ModelCall("m", "Be short.", messages, Json.EMPTY_OBJECT, "trn_1")));

    assertThat(server.lastRequest().body())
        .startsWith(
            "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"Be short.\"},")
        .contains("wörd 0\"}", "wörd 1999\"}")
        .doesNotContain("completed");
  }
}
