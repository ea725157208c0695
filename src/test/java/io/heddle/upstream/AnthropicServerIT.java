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
import io.heddle.testing.ModelScript;
import io.heddle.testing.ScriptedModel;
import io.heddle.turn.ModelEvent;
import io.heddle.turn.Opaque;
import io.heddle.turn.Usage;
import io.heddle.upstream.Calls.Ended;
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

/** Calls of a server of Anthropic Messages. */
class AnthropicServerIT {

  private static final String TEXT =
      "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\","
          + "\"text\":\"Hello\"}}\n\n";

  private static final String END =
      "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},"
          + "\"usage\":{\"output_tokens\":2}}\n\ndata: {\"type\":\"message_stop\"}\n\n";

  private final ScriptedModel server = ScriptedModel.start().answer(hello());
  private final Recorded recorded = new Recorded();
  private final List<Models> made = new ArrayList<>();

  private static ModelScript hello() {
    return ModelScript.stream().bytes(start() + TEXT + END);
  }

  private static String start() {
    return "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":"
        + "\"claude-x\",\"content\":[],\"usage\":{\"input_tokens\":3,\"cache_read_input_tokens\":7,"
        + "\"output_tokens\":1}}}\n\n"
        + "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":"
        + "\"text\",\"text\":\"\"}}\n\n";
  }

  @AfterEach
  void close() {
    made.forEach(Models::close);
    server.close();
  }

  private Models models(String... settings) {
    List<String> all =
        new ArrayList<>(
            List.of(
                "upstreams.test.base-url=" + server.baseUrl(), "upstreams.test.kind=anthropic"));
    for (String setting : settings) {
      all.add("upstreams.test." + setting);
    }
    Models models = Calls.models(recorded, all.toArray(String[]::new));
    made.add(models);
    return models;
  }

  @Test
  void aStreamIsAskedForAndRead() {
    List<ModelEvent> pieces = all(models("api-key=key-of-mine").call(call("claude-x", "hi")));

    assertThat(pieces)
        .containsExactly(
            new ModelEvent.Text("Hello"),
            new ModelEvent.Finish("stop", new Usage(10, 2, 7, 0), "claude-x"));
    assertThat(server.lastRequest().path()).isEqualTo("/v1/messages");
    assertThat(server.lastRequest().headers())
        .containsEntry("x-api-key", "key-of-mine")
        .containsEntry("anthropic-version", "2023-06-01")
        .doesNotContainKey("authorization");
    assertThat(server.lastRequest().body())
        .isEqualTo(
            "{\"model\":\"claude-x\",\"max_tokens\":16384,\"messages\":[{\"role\":\"user\","
                + "\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}],\"stream\":true}");
    assertThat(recorded.told()).containsExactly("test started", "test first", "test finished");
  }

  @Test
  void headersOfTheSettingsGoBefore() {
    all(
        models(
                "api-key=key-of-mine",
                "max-tokens=77",
                "headers.anthropic-version=2030-01-01",
                "headers.anthropic-beta=context-1m",
                "headers.x-api-key=another")
            .call(call("claude-x", "hi")));
    assertThat(server.lastRequest().headers())
        .containsEntry("x-api-key", "another")
        .containsEntry("anthropic-beta", "context-1m")
        .containsEntry("anthropic-version", "2030-01-01");
    assertThat(server.lastRequest().body()).contains("\"max_tokens\":77,");
  }

  /** A tool whose name Anthropic does not take is called by the client's name. */
  @Test
  void aCallHasTheNameThatTheClientGave() {
    server.answer(request -> {
      String told = request.body().replaceAll(".*\"tools\":\\[\\{\"name\":\"([^\"]+)\".*", "$1");
      return ModelScript.stream()
          .bytes(
              "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":"
                  + "\"tool_use\",\"id\":\"t\",\"name\":\""
                  + told
                  + "\",\"input\":{}}}\n\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
                  + END.replace("end_turn", "tool_use"));
    });
    List<ModelEvent> pieces =
        all(
            models()
                .call(
                    call(
                        "claude-x",
                        "hi",
                        "{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a.b\"}}]}")));
    assertThat(pieces.getFirst()).isEqualTo(new ModelEvent.ToolCall(0, "t", "a.b", "{}"));
    assertThat(server.lastRequest().body()).doesNotContain("a.b");
  }

  @Test
  void thoughtsAreKeptForTheirModel() {
    server.answer(
        ModelScript.stream()
            .bytes(
                "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":"
                    + "\"thinking\",\"thinking\":\"\"}}\n\n"
                    + "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"
                    + "\"thinking_delta\",\"thinking\":\"hm\"}}\n\n"
                    + "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"
                    + "\"signature_delta\",\"signature\":\"s+/=\"}}\n\n"
                    + "data: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
                    + TEXT.replace(":0,", ":1,")
                    + END));
    List<ModelEvent> pieces = all(models().call(call("claude-x", "hi")));
    assertThat(pieces.getFirst()).isEqualTo(new ModelEvent.Reasoning("hm"));
    Opaque opaque = finish(pieces).opaque();
    assertThat(opaque).isNotNull();
    assertThat(opaque.upstream()).isEqualTo("test");
    assertThat(opaque.members())
        .hasToString(
            "{\"thinking_blocks\":[{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":"
                + "\"s+/=\",\"index\":0}],\"thinking_by\":\"test/claude-x\"}");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "400|invalid_request_error|messages: at least one|model-refused|at least one",
        "404|not_found_error|model: claude-9|model-refused|model: claude-9",
        "413|request_too_large|Request exceeds the maximum size|model-refused|(413)",
        "401|authentication_error|invalid x-api-key|model-unavailable|Heddle's credentials",
        "403|permission_error|not you|model-unavailable|Heddle's credentials",
        "500|api_error|Internal server error|model-failed|Internal server error",
        "529|overloaded_error|Overloaded|model-unavailable|is busy (529): Overloaded"
      })
  void errorsAreToldInTheServersWords(
      int status, String type, String message, String code, String detail) {
    server.answer(
        ModelScript.status(status)
            .header("Content-Type", "application/json")
            .bytes(
                "{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":\"%s\"}}"
                    .formatted(type, message)));
    Problem problem = problem(models("max-retries=0").call(call("claude-x", "hi")));
    assertThat(problem.code().code()).isEqualTo(code);
    assertThat(problem.detail()).contains(detail);
    assertThat(problem.members()).containsEntry("upstreamStatus", status);
  }

  @Test
  void whoIsBusyIsAskedAgainWhenItSays() {
    server.next(ModelScript.error(429, "slow down").header("Retry-After", "0.01"));
    server.next(ModelScript.error(529, "Overloaded"));
    assertThat(text(all(models().call(call("claude-x", "hi"))))).isEqualTo("Hello");
    assertThat(server.requests()).hasSize(3);
    assertThat(recorded.count("test retried")).isEqualTo(2);
  }

  @Test
  void aStreamThatBreaksOffIsNoAnswer() {
    server.next(ModelScript.stream().bytes(start() + TEXT).cut());
    Ended ended = ended(models().call(call("claude-x", "hi")));
    assertThat(text(ended.pieces())).isEqualTo("Hello");
    assertThat(ended.problem()).isNotNull();
    assertThat(ended.problem().code().code()).isEqualTo("model-failed");
  }

  @Test
  void whatTheServerHasNoFormForIsNotAsked() {
    Problem problem = problem(models().call(call("claude-x", "hi", "{\"web_search_options\":{}}")));
    assertThat(problem.code().code()).isEqualTo("model-refused");
    assertThat(problem.members()).containsEntry("upstreamStatus", 400);
    assertThat(server.requests()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whoCancelsClosesTheConnection(boolean spoken) {
    server.next(
        spoken
            ? ModelScript.stream().bytes(start() + TEXT).stall()
            : hello().headersAfter(Duration.ofSeconds(30)));
    AtomicInteger taken = new AtomicInteger();
    Disposable call = models().call(call("claude-x", "hi")).subscribe(_ -> taken.incrementAndGet());
    Awaitility.await()
        .atMost(PATIENCE)
        .until(() -> server.requests().size() == 1 && taken.get() == (spoken ? 1 : 0));
    call.dispose();
    Awaitility.await().atMost(PATIENCE).until(() -> server.openConnections() == 0);
    assertThat(recorded.told()).endsWith("test cancelled");
  }
}
