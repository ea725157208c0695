package io.heddle.upstream;

import static io.heddle.upstream.Calls.all;
import static io.heddle.upstream.Calls.call;
import static io.heddle.upstream.Calls.ended;
import static io.heddle.upstream.Calls.finish;
import static io.heddle.upstream.Calls.problem;
import static io.heddle.upstream.Calls.text;
import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.json.Json;
import io.heddle.turn.ModelCall;
import io.heddle.turn.ModelEvent;
import io.heddle.turn.Usage;
import io.heddle.upstream.Calls.Ended;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import reactor.test.StepVerifier;

@Isolated("Its virtual time is that of all schedulers of the JVM.")
class EchoModelTest {

  private final Models models = Calls.models(new Recorded());

  private Flux<List<ModelEvent>> echo(String text, String order) {
    return models.call(call("echo", text, "{\"temperature\":1,\"echo\":" + order + "}"));
  }

  @Test
  void withoutAnySettingItIsTheModel() {
    List<ModelEvent> pieces = all(models.call(call(null, " Hello  big world ")));

    assertThat(pieces)
        .containsExactly(
            new ModelEvent.Text(" Hello  "),
            new ModelEvent.Text("big "),
            new ModelEvent.Text("world "),
            new ModelEvent.Finish("stop", new Usage(3, 3, 0, 0), "echo"));
    assertThat(models.models()).extracting(model -> model.id()).containsExactly("echo");
  }

  @Test
  void itAnswersTheLastMessageOfAUser() {
    ModelCall call =
        new ModelCall(
            "echo",
            "be kind",
            List.of(
                Json.of("{\"role\":\"user\",\"content\":\"first\"}"),
                Json.of("{\"role\":\"assistant\",\"content\":null,\"toolCalls\":[]}"),
                Json.of(
                    "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"sec\"},"
                        + "{\"type\":\"input_image\"},{\"type\":\"input_text\",\"text\":\"ond\"}]}"),
                Json.of("{\"role\":\"system\",\"content\":\"aside\"}")),
            Json.EMPTY_OBJECT,
            "trn_1");

    assertThat(text(all(models.call(call)))).isEqualTo("second");
    assertThat(finish(all(models.call(call))).usage()).isEqualTo(new Usage(5, 1, 0, 0));
  }

  @Test
  void nothingIsEchoedAsNothing() {
    ModelCall call = new ModelCall("echo", null, List.of(), Json.EMPTY_OBJECT, "trn_1");
    assertThat(all(models.call(call)))
        .containsExactly(new ModelEvent.Finish("stop", new Usage(0, 0, 0, 0), "echo"));
  }

  @ParameterizedTest
  @CsvSource({"echo, a bc", "reverse, cb a", "upper, A BC"})
  void itAnswersAFunctionOfTheText(String function, String answer) {
    assertThat(text(all(echo("a bc", "{\"function\":\"" + function + "\"}")))).isEqualTo(answer);
  }

  @Test
  void itAnswersTheDigestOfTheText() {
    assertThat(text(all(echo("abc", "{\"function\":\"sha256\"}"))))
        .isEqualTo("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  }

  @Test
  void itSaysAsManyTokensAsAreWanted() {
    List<ModelEvent> pieces = all(echo("a b c", "{\"tokens\":7}"));

    assertThat(text(pieces)).isEqualTo("a b c a b c a ");
    assertThat(finish(pieces).usage().output()).isEqualTo(7);
    assertThat(all(echo("a", "{\"tokens\":2000,\"pace\":0}"))).hasSize(2001);
  }

  @Test
  void itKeepsItsPaceAndTheTimeBeforeTheFirstToken() {
    StepVerifier.withVirtualTime(
            () -> Calls.models(new Recorded()).call(call("echo", "a b", "{\"echo\":{}}")))
        .expectSubscription()
        .thenAwait(Duration.ofSeconds(1))
        .expectNextCount(3)
        .verifyComplete();

    long begin = System.nanoTime();
    List<ModelEvent> pieces = all(echo("a b c", "{\"firstAfter\":\"300ms\",\"pace\":\"100ms\"}"));
    assertThat(Duration.ofNanos(System.nanoTime() - begin))
        .isBetween(Duration.ofMillis(500), Duration.ofSeconds(5));
    assertThat(text(pieces)).isEqualTo("a b c");
  }

  @ParameterizedTest
  @CsvSource({"before, ''", "after:2, 'a b '", "after:3, 'a b c'", "after:9, 'a b c'"})
  void itFailsWhereItIsTold(String where, String said) {
    Ended ended = ended(echo("a b c", "{\"fail\":\"" + where + "\"}"));

    assertThat(text(ended.pieces())).isEqualTo(said);
    if (where.equals("after:9")) {
      // It was over before.
      assertThat(ended.problem()).isNull();
    } else {
      assertThat(ended.problem().code()).isEqualTo(ProblemCode.MODEL_FAILED);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"model-refused", "model-unavailable", "model-timeout"})
  void itFailsWithWhatItIsTold(String code) {
    assertThat(problem(echo("a", "{\"fail\":\"before\",\"error\":\"" + code + "\"}")).code().code())
        .isEqualTo(code);
  }

  @Test
  void itStallsUntilItsTimeIsOver() {
    try (Models impatient = Calls.models(new Recorded(), "echo.timeout=300ms")) {
      Ended ended =
          ended(impatient.call(call("echo", "a b c", "{\"echo\":{\"stall\":\"after:1\"}}")));

      assertThat(text(ended.pieces())).isEqualTo("a ");
      assertThat(ended.problem().code()).isEqualTo(ProblemCode.MODEL_TIMEOUT);
    }
  }

  @Test
  void itCallsAToolAndThenSaysWhatTheToolSaid() {
    String order = "{\"toolCall\":{\"name\":\"weather\",\"arguments\":{\"city\":\"Gera 🧵\"}}}";
    List<ModelEvent> pieces = all(echo("hi", order));

    assertThat(pieces.getFirst())
        .isInstanceOfSatisfying(
            ModelEvent.ToolCall.class,
            call -> {
              assertThat(call.name()).isEqualTo("weather");
              assertThat(call.id()).startsWith("call_");
            });
    StringBuilder arguments = new StringBuilder();
    pieces.forEach(piece ->
        arguments.append(piece instanceof ModelEvent.ToolCall call ? call.arguments() : ""));
    assertThat(arguments).hasToString("{\"city\":\"Gera 🧵\"}");
    assertThat(finish(pieces).reason()).isEqualTo("tool_calls");

    ModelCall next =
        new ModelCall(
            "echo",
            null,
            List.of(
                Json.of("{\"role\":\"user\",\"content\":\"hi\"}"),
                Json.of("{\"role\":\"tool\",\"content\":\"rain\",\"toolCallId\":\"call_1\"}")),
            Json.of("{\"echo\":" + order + "}"),
            "trn_1");
    assertThat(text(all(models.call(next)))).isEqualTo("rain");
  }

  @Test
  void itReasonsAndRefuses() {
    assertThat(all(echo("a", "{\"reasoning\":\"hm so\"}")))
        .containsExactly(
            new ModelEvent.Reasoning("hm "),
            new ModelEvent.Reasoning("so"),
            new ModelEvent.Text("a"),
            new ModelEvent.Finish("stop", new Usage(1, 3, 0, 2), "echo"));
    assertThat(all(echo("a", "{\"refusal\":\"no\",\"finish\":\"content_filter\"}")))
        .containsExactly(
            new ModelEvent.Refusal("no"),
            new ModelEvent.Finish("content_filter", new Usage(1, 1, 0, 0), "echo"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "5",
        "{\"pase\":\"1ms\"}",
        "{\"pace\":\"fast\"}",
        "{\"pace\":-1}",
        "{\"pace\":\"2h\"}",
        "{\"pace\":[]}",
        "{\"tokens\":\"many\"}",
        "{\"tokens\":9999999}",
        "{\"tokens\":1e3}",
        "{\"fail\":\"never\"}",
        "{\"stall\":5}",
        "{\"error\":\"internal\"}",
        "{\"toolCall\":\"f\"}",
        "{\"function\":\"md5\"}",
        "{\"finish\":\"sometime\"}"
      })
  void whatItDoesNotKnowItRefuses(String order) {
    Problem problem = problem(echo("a", order));

    assertThat(problem.code()).isEqualTo(ProblemCode.MODEL_REFUSED);
    assertThat(problem.members()).containsEntry("upstreamStatus", 400);
  }

  @Test
  void aSlowReaderIsWaitedFor() {
    StepVerifier.create(echo("a b c", "{\"pace\":\"1ms\",\"tokens\":100000}"), 0)
        .thenRequest(2)
        .expectNextCount(2)
        .thenAwait(Duration.ofMillis(50))
        .thenRequest(2)
        .expectNextCount(2)
        .thenCancel()
        .verify(Calls.PATIENCE);
  }
}
