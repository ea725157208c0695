package io.heddle.upstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.heddle.base.ProblemCode;
import io.heddle.json.Json;
import io.heddle.turn.ModelEvent;
import io.heddle.turn.Opaque;
import io.heddle.turn.Usage;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChatAnswerReaderTest {

  private final AnswerAssembler assembled =
      new AnswerAssembler(new FailureMapper("test", List.of()), 10_000);
  private final ChatAnswerReader answer = new ChatAnswerReader(assembled);
  private final List<ModelEvent> pieces = new ArrayList<>();

  private void event(String data) {
    byte[] bytes = data.getBytes(StandardCharsets.UTF_8);
    answer.event("", bytes, bytes.length, pieces);
  }

  private void delta(String delta) {
    event("{\"choices\":[{\"index\":0,\"delta\":" + delta + "}]}");
  }

  private void finish(String reason) {
    event("{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"" + reason + "\"}]}");
    event("[DONE]");
  }

  private ModelEvent.Finish finished() {
    return (ModelEvent.Finish) pieces.getLast();
  }

  @Test
  void theFirstChunkOfOpenAiSaysNothing() {
    event(
        "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\","
            + "\"system_fingerprint\":null,\"obfuscation\":\"abc\",\"choices\":[{\"index\":0,"
            + "\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null},"
            + "\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}");

    assertThat(pieces).isEmpty();
    assertThat(assembled.hasSaid()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "'function':{'name':'','arguments':''},'custom':{'name':'patch','input':'x'}",
        "'custom':{'name':'patch','input':'x'},'function':{'name':'','arguments':''}"
      })
  void ofTheTwoMembersOfACallTheOneThatSaysSomethingIsTaken(String members) {
    delta("{'tool_calls':[{'index':0,'id':'a',%s}]}".formatted(members).replace('\'', '"'));
    finish("tool_calls");

    assertThat(pieces.getFirst())
        .isEqualTo(new ModelEvent.ToolCall(0, "a", "patch", "x", null, true));
  }

  @Test
  void reasoningTextAndRefusalAreToldApart() {
    delta("{\"reasoning_content\":\"hm\"}");
    delta("{\"reasoning\":\"hm\",\"reasoning_content\":\"hm\"}");
    delta("{\"reasoning\":\"so\",\"content\":null}");
    delta("{\"content\":\"yes\",\"reasoning_content\":null}");
    delta("{\"refusal\":\"no\"}");

    assertThat(pieces)
        .containsExactly(
            new ModelEvent.Reasoning("hm"),
            new ModelEvent.Reasoning("hm"),
            new ModelEvent.Reasoning("so"),
            new ModelEvent.Text("yes"),
            new ModelEvent.Refusal("no"));
  }

  @Test
  void textInPartsIsText() {
    delta("{\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"x\",\"y\":[1]},7]}");

    assertThat(pieces).containsExactly(new ModelEvent.Text("a"));
  }

  @Test
  void toolCallsComeBitByBit() {
    delta(
        "{\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"type\":\"function\","
            + "\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}");
    delta("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"a\"}}]}");
    delta(
        "{\"tool_calls\":[{\"index\":1,\"id\":\"call_2\",\"function\":{\"name\":\"g\"}},"
            + "{\"index\":0,\"id\":\"call_1\",\"function\":{\"name\":\"f\",\"arguments\":\"\\\":1}\"}}]}");
    finish("tool_calls");

    assertThat(pieces)
        .containsExactly(
            new ModelEvent.ToolCall(0, "call_1", "f", "{\"a"),
            new ModelEvent.ToolCall(0, null, null, "\":1}"),
            new ModelEvent.ToolCall(1, "call_2", "g", "{}"),
            new ModelEvent.Finish("tool_calls", null, null));
  }

  @Test
  void toolCallsWithoutNumbersAreNumbered() {
    delta("{\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}");
    delta("{\"tool_calls\":[{\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"{\"}}]}");
    delta("{\"tool_calls\":[{\"function\":{\"arguments\":\"}\"}}]}");

    assertThat(pieces)
        .containsExactly(
            new ModelEvent.ToolCall(0, "a", "f", "{}"),
            new ModelEvent.ToolCall(1, "b", "g", "{"),
            new ModelEvent.ToolCall(1, null, null, "}"));
  }

  @Test
  void aToolCallWithoutAnIdGetsOne() {
    delta(
        "{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":{\"a\":[1]}}}]}");

    assertThat(pieces)
        .singleElement()
        .asInstanceOf(InstanceOfAssertFactories.type(ModelEvent.ToolCall.class))
        .satisfies(call -> {
          assertThat(call.id()).matches("call_[0-9a-f]{24}");
          assertThat(call.arguments()).isEqualTo("{\"a\":[1]}");
        });
  }

  @Test
  void aNameThatComesLateIsWaitedFor() {
    delta("{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"arguments\":\"{\"}}]}");
    assertThat(pieces).isEmpty();
    delta("{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"}\"}}]}");

    assertThat(pieces).containsExactly(new ModelEvent.ToolCall(0, "a", "f", "{}"));
  }

  @Test
  void aToolCallWithoutAnyNameIsAFailure() {
    delta("{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"arguments\":\"{\"}}]}");

    assertThatThrownBy(() -> finish("tool_calls"))
        .isInstanceOf(CallFailure.class)
        .hasMessageContaining("without a name");
  }

  @Test
  void usageIsTheLastThatWasSaid() {
    event(
        "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}],"
            + "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}");
    event("{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}");
    event(
        "{\"model\":\"m-2026\",\"choices\":[],\"usage\":{\"prompt_tokens\":36,"
            + "\"completion_tokens\":87,\"total_tokens\":123,"
            + "\"prompt_tokens_details\":{\"cached_tokens\":10,\"audio_tokens\":0},"
            + "\"completion_tokens_details\":{\"x\":{},\"reasoning_tokens\":5},"
            + "\"cost\":{\"usd\":0.1}}}");
    event("[DONE]");

    assertThat(finished())
        .isEqualTo(new ModelEvent.Finish("stop", new Usage(36, 87, 10, 5), "m-2026"));
  }

  @Test
  void usageOfNonsenseIsNothing() {
    event(
        "{\"choices\":[],\"usage\":{\"prompt_tokens\":-5,\"completion_tokens\":1.5,"
            + "\"prompt_tokens_details\":null,\"completion_tokens_details\":{"
            + "\"reasoning_tokens\":99999999999999999999}}}");
    finish("stop");

    assertThat(finished().usage()).isEqualTo(new Usage(0, 0, 0, 0));
  }

  @ParameterizedTest
  @CsvSource({
    "stop, stop",
    "length, length",
    "max_tokens, length",
    "tool_calls, tool_calls",
    "function_call, tool_calls",
    "content_filter, content_filter",
    "end_turn, stop",
    "EOS, stop",
    "Stop_Sequence, stop",
    "STOP, stop",
    "TOOL_USE, tool_calls",
    "MAX_TOKENS, length",
    "model_length, length",
    "max_output_tokens, length",
    "whatever, length",
    "complete, length",
    "SAFETY, content_filter",
    "RECITATION, content_filter",
    "PROHIBITED_CONTENT, content_filter",
    "content_filtered, content_filter"
  })
  void reasonsAreTheFourThatClientsKnow(String said, String told) {
    finish(said);
    assertThat(finished().reason()).isEqualTo(told);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "error",
        "abort",
        "ABORTED",
        "cancelled",
        "network_error",
        "MALFORMED_FUNCTION_CALL",
        "insufficient_system_resource"
      })
  void anAnswerThatTheServerBrokeOffIsAFailure(String reason) {
    delta("{\"content\":\"a\"}");
    assertThatThrownBy(() -> finish(reason))
        .isInstanceOf(CallFailure.class)
        .hasMessageContaining("ended its answer");
  }

  @Test
  void anEndWithoutAReasonIsTaken() {
    delta("{\"content\":\"a\"}");
    event("[DONE] ");
    assertThat(finished().reason()).isEqualTo("stop");
  }

  @Test
  void nothingIsSaidBehindTheEnd() {
    finish("stop");
    delta("{\"content\":\"late\"}");
    event("nonsense");
    answer.end(pieces);

    assertThat(pieces).hasSize(1);
  }

  @Test
  void anotherAnswersBitsAreLeftOut() {
    event(
        "{\"choices\":[{\"delta\":{\"content\":\"other\"},\"finish_reason\":\"stop\",\"index\":1}]}");
    event("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ours\"}}]}");

    assertThat(pieces).containsExactly(new ModelEvent.Text("ours"));
    assertThat(assembled.hasReason()).isFalse();
  }

  /** As every client of such a server reads it: one broken character does not end an answer. */
  @Test
  void bytesThatAreNoUtf8AreMarked() {
    byte[] bytes =
        "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\u00e9\"}}]}"
            .getBytes(StandardCharsets.ISO_8859_1);

    answer.event("", bytes, bytes.length, pieces);

    assertThat(pieces).containsExactly(new ModelEvent.Text("a\ufffd"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"error\":{\"message\":\"boom\",\"type\":\"server_error\"}}",
        "{\"error\":\"boom\"}",
        "{\"object\":\"error\",\"message\":\"boom\",\"code\":500}",
        "{\"id\":\"x\",\"choices\":[],\"error\":{\"code\":502,\"message\":\"boom\",\"metadata\":{}}}"
      })
  void errorsInTheStreamAreKnownInAnyForm(String error) {
    delta("{\"content\":\"a\"}");

    assertThatThrownBy(() -> event(error))
        .isInstanceOfSatisfying(
            CallFailure.class,
            failure -> {
              assertThat(failure.problem().code()).isEqualTo(ProblemCode.MODEL_FAILED);
              assertThat(failure.problem().detail()).endsWith(": boom");
            });
  }

  @ParameterizedTest
  @CsvSource({
    "400, MODEL_REFUSED",
    "404, MODEL_REFUSED",
    "'\"context_length_exceeded\"', MODEL_REFUSED",
    "429, MODEL_UNAVAILABLE",
    "'\"503\"', MODEL_UNAVAILABLE",
    "500, MODEL_FAILED"
  })
  void anErrorInThePlaceOfAnAnswerIsWhatItsCodeSays(String code, ProblemCode problem) {
    assertThatThrownBy(() -> event("{\"error\":{\"message\":\"boom\",\"code\":" + code + "}}"))
        .isInstanceOfSatisfying(
            CallFailure.class, failure -> assertThat(failure.problem().code()).isEqualTo(problem));
  }

  @Test
  void anErrorThatIsNullIsNone() {
    event("{\"error\":null,\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}");
    assertThat(pieces).hasSize(1);
  }

  @Test
  void anAnswerHasABoundInBytes() {
    delta("{\"content\":\"" + "é".repeat(5000) + "\"}");

    assertThatThrownBy(() -> delta("{\"content\":\"x\"}"))
        .isInstanceOf(CallFailure.class)
        .hasMessageContaining("larger than 10000 bytes");
  }

  @Test
  void aWholeCompletionMayHaveToolCalls() {
    byte[] json =
        ("{\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
                + "\"content\":null,\"reasoning_content\":\"hm\",\"tool_calls\":[{\"id\":\"a\","
                + "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},"
                + "{\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]},"
                + "\"finish_reason\":\"tool_calls\"}]}")
            .getBytes(StandardCharsets.UTF_8);
    answer.whole(json, pieces);

    Opaque opaque = new Opaque("test", "reasoning_content", Json.EMPTY_OBJECT);
    assertThat(pieces)
        .containsExactly(
            new ModelEvent.Reasoning("hm"),
            new ModelEvent.ToolCall(0, "a", "f", "{}", opaque),
            new ModelEvent.ToolCall(1, "b", "g", "{}", opaque),
            new ModelEvent.Finish("tool_calls", null, "m", opaque));
  }

  // ---- what only the server understands

  /** Two images of one number became one address, which showed neither. */
  @Test
  void imagesAreKeptOneByOne() {
    for (String image : List.of("a", "b", "b")) {
      delta("{\"images\":[{\"index\":0,\"image_url\":{\"url\":\"data:" + image + "\"}}]}");
    }
    finish("stop");

    ModelEvent.Finish end = (ModelEvent.Finish) pieces.getLast();
    assertThat(end.opaque()).isNotNull();
    assertThat(end.opaque().members())
        .hasToString(
            "{\"images\":[{\"index\":0,\"image_url\":{\"url\":\"data:a\"}},"
                + "{\"index\":0,\"image_url\":{\"url\":\"data:b\"}}]}");
  }

  @Test
  void whatAServerSaysOfACallIsKeptWithIt() {
    delta(
        "{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":"
            + "\"f\",\"arguments\":\"{}\"},\"extra_content\":{\"google\":{\"thought_signature\":"
            + "\"s/1=\",\"n\":1.50}}},{\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"g\","
            + "\"arguments\":\"{}\",\"seal\":\"x\"},\"none\":null,\"empty\":{}}]}");
    assertThat(pieces)
        .containsExactly(
            new ModelEvent.ToolCall(
                0,
                "a",
                "f",
                "{}",
                new Opaque(
                    "test",
                    null,
                    Json.of(
                        "{\"extra_content\":{\"google\":{\"thought_signature\":\"s/1=\",\"n\":1.50}}}"))),
            new ModelEvent.ToolCall(
                1,
                "b",
                "g",
                // Some servers say that there are no arguments until the first of them come.
                "",
                new Opaque("test", null, Json.of("{\"function\":{\"seal\":\"x\"}}"))));
  }

  @Test
  void whatComesLaterOfACallIsToldLater() {
    delta(
        "{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}");
    delta("{\"tool_calls\":[{\"index\":0,\"extra_content\":{\"x\":\"1\"}}]}");
    assertThat(pieces.getLast())
        .isEqualTo(
            new ModelEvent.ToolCall(
                0,
                null,
                null,
                "",
                new Opaque("test", null, Json.of("{\"extra_content\":{\"x\":\"1\"}}"))));
  }

  /** Each element was looked for among all before it, by the number that servers give them. */
  @Test
  void manyDetailsTakeTimeInProportion() {
    ChatAnswerReader large =
        new ChatAnswerReader(
            new AnswerAssembler(new FailureMapper("test", List.of()), 100_000_000));
    assertTimeoutPreemptively(
        Duration.ofSeconds(10),
        () -> {
          for (int i = 0; i < 40_000; i++) {
            byte[] bytes =
                ("{\"choices\":[{\"index\":0,\"delta\":{\"reasoning_details\":[{\"index\":"
                        + i
                        + "}]}}]}")
                    .getBytes(StandardCharsets.UTF_8);
            large.event("", bytes, bytes.length, pieces);
          }
        });
  }

  @Test
  void detailsOfThoughtsArePutTogether() {
    delta(
        "{\"reasoning\":\"I \",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"I"
            + " \",\"format\":\"f\",\"index\":0}]}");
    delta(
        "{\"reasoning\":\"I \",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"I"
            + " \",\"format\":\"f\",\"index\":0}]}");
    delta(
        "{\"reasoning_details\":[{\"type\":\"reasoning.text\",\"signature\":\"S\",\"index\":0},{\"type\":\"reasoning.encrypted\",\"data\":\"D\",\"index\":1}]}");
    delta("{\"content\":\"x\"}");
    answer.event("", "[DONE]".getBytes(StandardCharsets.UTF_8), 6, pieces);
    ModelEvent.Finish finish = (ModelEvent.Finish) pieces.getLast();
    assertThat(finish.opaque())
        .isEqualTo(
            new Opaque(
                "test",
                "reasoning",
                Json.of(
                    "{\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"I I"
                        + " \",\"format\":\"f\","
                        + "\"index\":0,\"signature\":\"S\"},{\"type\":\"reasoning.encrypted\",\"data\":\"D\","
                        + "\"index\":1}]}")));
  }

  @Test
  void anOrdinaryAnswerHasNothingOpaque() {
    delta(
        "{\"role\":\"assistant\",\"content\":\"\",\"reasoning_content\":null,\"refusal\":null,\"annotations\":[]}");
    delta("{\"content\":\"x\",\"reasoning_content\":\"\"}");
    answer.event("", "[DONE]".getBytes(StandardCharsets.UTF_8), 6, pieces);
    assertThat(((ModelEvent.Finish) pieces.getLast()).opaque()).isNull();
  }

  @Test
  void whatIsKeptIsBoundedToo() {
    assertThatThrownBy(() -> delta("{\"blob\":\"" + "x".repeat(11_000) + "\"}"))
        .isInstanceOf(CallFailure.class)
        .hasMessageContaining("larger than 10000 bytes");
  }
}
