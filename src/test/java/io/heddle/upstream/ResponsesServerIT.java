package io.heddle.upstream;

import static io.heddle.upstream.Calls.all;
import static io.heddle.upstream.Calls.call;
import static io.heddle.upstream.Calls.problem;
import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.json.Json;
import io.heddle.testing.ModelScript;
import io.heddle.testing.ScriptedModel;
import io.heddle.turn.ModelCall;
import io.heddle.turn.ModelEvent;
import io.heddle.turn.Usage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.Disposable;

/** Calls of a server of Responses over the network. */
class ResponsesServerIT {

  private final ScriptedModel server = ScriptedModel.start();
  private final Recorded recorded = new Recorded();
  private final List<Models> made = new ArrayList<>();

  @AfterEach
  void close() {
    made.forEach(Models::close);
    server.close();
  }

  private Models models(String... settings) {
    List<String> all =
        new ArrayList<>(
            List.of(
                "upstreams.test.base-url=" + server.baseUrl(), "upstreams.test.kind=responses"));
    all.addAll(List.of(settings));
    Models models = Calls.models(recorded, all.toArray(String[]::new));
    made.add(models);
    return models;
  }

  private static ModelScript event(ModelScript script, String type, String members) {
    String data = "{'type':'" + type + "'" + members + "}";
    return script.bytes("event: " + type + "\ndata: " + data.replace('\'', '"') + "\n\n");
  }

  private static ModelScript begun() {
    ModelScript script =
        event(
            ModelScript.stream(),
            "response.created",
            ",'response':{'status':'in_progress','model':'scripted'}");
    return event(
        script, "response.output_text.delta", ",'item_id':'m','output_index':0,'delta':'Hello'");
  }

  private static ModelScript whole() {
    return event(
        begun(),
        "response.completed",
        ",'response':{'status':'completed','usage':{'input_tokens':10,'input_tokens_details':"
            + "{'cached_tokens':4},'output_tokens':3,'output_tokens_details':{'reasoning_tokens':2}}}");
  }

  @Test
  void aStreamIsSaidBitByBit() {
    server.answer(whole());
    List<ModelEvent> pieces =
        all(models("upstreams.test.api-key=sk-123456789").call(call("m", "hi")));

    assertThat(pieces)
        .containsExactly(
            new ModelEvent.Text("Hello"),
            new ModelEvent.Finish("stop", new Usage(10, 3, 4, 2), "scripted"));
    assertThat(server.lastRequest().path()).isEqualTo("/v1/responses");
    assertThat(server.lastRequest().headers())
        .containsEntry("authorization", "Bearer sk-123456789");
    assertThat(recorded.told()).containsExactly("test started", "test first", "test finished");
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whoCancelsClosesTheConnection(boolean spoken) {
    server.next(spoken ? begun().stall() : whole().headersAfter(Duration.ofSeconds(60)));
    AtomicInteger taken = new AtomicInteger();
    Disposable call = models().call(call("m", "hi")).subscribe(_ -> taken.incrementAndGet());
    Awaitility.await()
        .atMost(Calls.PATIENCE)
        .until(() -> server.requests().size() == 1 && taken.get() == (spoken ? 1 : 0));
    assertThat(server.openConnections()).isEqualTo(1);
    call.dispose();

    Awaitility.await()
        .atMost(Calls.PATIENCE)
        .untilAsserted(() -> assertThat(server.openConnections()).isZero());
    assertThat(recorded.told()).endsWith("test cancelled");
  }

  @ParameterizedTest
  @CsvSource({
    "400, MODEL_REFUSED",
    "404, MODEL_REFUSED",
    "401, MODEL_UNAVAILABLE",
    "429, MODEL_UNAVAILABLE",
    "500, MODEL_FAILED",
    "503, MODEL_UNAVAILABLE"
  })
  void whatTheServerRefusesIsToldInItsWords(int status, ProblemCode code) {
    server.answer(ModelScript.error(status, "Such is it."));
    Problem problem = problem(models("upstreams.test.max-retries=0").call(call("m", "hi")));

    assertThat(problem.code()).isEqualTo(code);
    assertThat(problem.members()).containsEntry("upstreamStatus", status);
    if (status != 401) {
      assertThat(problem.detail()).contains("Such is it.");
    }
  }

  @Test
  void whatHasNoRoomFallsBackToAServerOfAnotherKind() {
    server.next(ModelScript.error(503, "busy"));
    server.next(ModelScript.say("from", " chat"));
    Models models =
        models(
            "upstreams.test.models=m",
            "upstreams.test.max-retries=0",
            "upstreams.test.fallback=n",
            "upstreams.other.base-url=" + server.baseUrl(),
            "upstreams.other.models=n");
    assertThat(Calls.text(all(models.call(call("m", "hi", "{\"max_tokens\":5}")))))
        .isEqualTo("from chat");
    assertThat(server.requests())
        .extracting(ScriptedModel.Request::path)
        .containsExactly("/v1/responses", "/v1/chat/completions");
    assertThat(server.lastRequest().body())
        .contains("\"max_tokens\":5")
        .doesNotContain("input", "store");
  }

  // ---- thoughts that the server does not take

  private static final String THOUGHTFUL =
      """
      {"role":"assistant","content":"a","turn":"t","upstream":{"name":"test","message":\
      {"responses_items":{"upstream":"test","items":[{"type":"reasoning","id":"rs_1","summary":[],\
      "encrypted_content":"sealed"},{"type":"message","from":0,"to":1}]}}}}\
      """;

  private static ModelCall thoughtful() {
    return new ModelCall(
        "m",
        null,
        List.of(Json.of(THOUGHTFUL), Json.of("{\"role\":\"user\",\"content\":\"b\"}")),
        Json.EMPTY_OBJECT,
        "trn_1");
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '"',
      value = {
        "The encrypted content for item rs_1 could not be verified., true",
        "Item 'rs_1' of type 'reasoning' was provided without its required following item., true",
        "Encrypted content is not supported with this model., false",
        "Reasoning input items can only be provided to a reasoning model., false"
      })
  void aThreadIsToldWithoutThoughtsThatItsServerRefuses(String words, boolean triesAgain) {
    server.answer(request ->
        request.body().contains("encrypted_content") ? ModelScript.error(400, words) : whole());
    Models models = models();
    for (int i = 0; i < 2; i++) {
      assertThat(Calls.text(all(models.call(thoughtful())))).isEqualTo("Hello");
    }
    assertThat(server.requests()).hasSize(triesAgain ? 4 : 3);
    assertThat(server.lastRequest().body()).doesNotContain("rs_1", "sealed", "include");
  }

  @Test
  void anotherRefusalIsNotTriedAgain() {
    server.answer(ModelScript.error(400, "Unknown parameter: 'stop'."));
    assertThat(problem(models().call(thoughtful())).detail())
        .contains("Unknown parameter: 'stop'.");
    assertThat(server.requests()).hasSize(1);
  }
}
