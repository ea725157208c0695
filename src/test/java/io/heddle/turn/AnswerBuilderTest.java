package io.heddle.turn;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.json.Json;
import io.heddle.session.NewMessage;
import io.heddle.session.OnBusy;
import io.heddle.turn.ModelEvent.Reasoning;
import io.heddle.turn.ModelEvent.Refusal;
import io.heddle.turn.ModelEvent.Text;
import io.heddle.turn.ModelEvent.ToolCall;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What is made of pieces, and how they are written and read. */
class AnswerBuilderTest {

  private final AnswerBuilder answer = new AnswerBuilder();

  @Test
  void aWholeAnswerIsOneMessage() {
    add(new Reasoning("hm"), new Text("Hel"), new Text("lo \"you\"\n"));
    assertThat(bodies(answer.whole("trn")))
        .containsExactly(
            "{\"role\":\"assistant\",\"content\":\"Hello \\\"you\\\"\\n\",\"reasoning\":\"hm\","
                + "\"status\":\"completed\",\"turn\":\"trn\"}");
    assertThat(answer.said().text()).isEqualTo("Hello \"you\"\n");
  }

  @Test
  void whatAServerSaidForItselfIsKeptUnderItsName() {
    Opaque call = new Opaque("up", "reasoning", Json.of("{\"seal\":\"s\"}"));
    Opaque bare = new Opaque("up", "reasoning", Json.EMPTY_OBJECT);
    add(
        new Reasoning("hm"),
        new ToolCall(0, "a", "f", "{", call),
        new ToolCall(0, null, null, "}"),
        new ToolCall(1, "b", "g", "{}", bare));
    String calls =
        "\"toolCalls\":[{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},"
            + "{\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]";
    assertThat(bodies(answer.cutShort("trn", "why")).getFirst())
        .as("also when nobody said how it ended")
        .isEqualTo(
            "{\"role\":\"assistant\",\"content\":null,\"reasoning\":\"hm\",\"status\":\"incomplete\","
                + calls
                + ",\"upstream\":{\"name\":\"up\",\"reasoning\":\"reasoning\",\"toolCalls\":"
                + "{\"a\":{\"seal\":\"s\"}}},\"turn\":\"trn\"}");
    add(new ModelEvent.Finish("stop", null, "m", new Opaque("up", null, Json.of("{\"x\":1}"))));
    assertThat(bodies(answer.whole("trn")).getFirst())
        .endsWith(
            ",\"upstream\":{\"name\":\"up\",\"reasoning\":\"reasoning\",\"message\":{\"x\":1},"
                + "\"toolCalls\":{\"a\":{\"seal\":\"s\"}}},\"turn\":\"trn\"}");
    ToolCall logged = new ToolCall(3, "a", "f", "{}", call);
    assertThat(ModelEventCodec.decode(ModelEventCodec.encode(logged))).isEqualTo(logged);
  }

  @Test
  void callsOfCustomToolsAreStoredWithTheirInput() {
    ToolCall first = new ToolCall(0, "a", "patch", "{\"x", null, true);
    assertThat(ModelEventCodec.decode(ModelEventCodec.encode(first))).isEqualTo(first);
    add(first, new ToolCall(0, null, null, "\":1}"));
    assertThat(read(answer.whole("trn").getFirst().body()).path("toolCalls"))
        .hasToString(
            "[{\"id\":\"a\",\"type\":\"custom\",\"custom\":"
                + "{\"name\":\"patch\",\"input\":\"{\\\"x\\\":1}\"}}]");
    assertThat(answer.said().toolCalls())
        .containsExactly(new ToolCall(0, "a", "patch", "{\"x\":1}", null, true));
    // Of any text nobody knows whether it is all.
    assertThat(answer.cutShort("trn", "x")).isEmpty();
  }

  @Test
  void anAnswerThatSaysNothingIsAMessageToo() {
    assertThat(bodies(answer.whole("trn")))
        .containsExactly(
            "{\"role\":\"assistant\",\"content\":\"\",\"status\":\"completed\",\"turn\":\"trn\"}");
    assertThat(answer.cutShort("trn", "x")).isEmpty();
  }

  @Test
  void aRefusalHasNoContent() {
    add(new Refusal("I will "), new Refusal("not"));
    assertThat(bodies(answer.whole("trn")).getFirst())
        .contains("\"content\":null,\"refusal\":\"I will not\"");
    assertThat(answer.cutShort("trn", "x")).hasSize(1);
  }

  @Test
  void callsAreInTheOrderOfTheirIndex() {
    add(
        new ToolCall(1, "b", "g", "{}"),
        new ToolCall(0, "a", "f", "{\"x\""),
        new ToolCall(0, null, null, ":1}"));
    JsonNode calls = read(answer.whole("trn").getFirst().body()).path("toolCalls");
    assertThat(calls.path(0).path("id").asString()).isEqualTo("a");
    assertThat(calls.path(0).at("/function/arguments").asString()).isEqualTo("{\"x\":1}");
    assertThat(calls.path(1).at("/function/name").asString()).isEqualTo("g");
  }

  @Test
  void whatIsCutShortLeavesNoCallOpen() {
    add(
        new Text("so"),
        new ToolCall(0, "a", "f", "{\"x\":1}"),
        new ToolCall(1, "b", "g", ""),
        new ToolCall(2, "c", "h", "{\"x\":1} {"),
        new ToolCall(3, null, "i", "{}"));
    List<NewMessage> kept = answer.cutShort("trn", "the turn was cancelled");
    assertThat(kept).hasSize(2);
    assertThat(read(kept.getFirst().body()).path("toolCalls")).hasSize(1);
    assertThat(kept.get(1).body())
        .hasToString(
            "{\"role\":\"tool\",\"content\":\"This call was not carried out: the turn was"
                + " cancelled.\",\"toolCallId\":\"a\",\"status\":\"incomplete\",\"turn\":\"trn\"}");
  }

  @Test
  void halfACharacterWaitsForItsOtherHalf() {
    String face = "\ud83d\ude00";
    SurrogateJoiner characters = new SurrogateJoiner();
    assertThat(characters.take(new Text("a\ud83d"))).isEqualTo(new Text("a"));
    assertThat(characters.take(new Text("\ude00b"))).isEqualTo(new Text(face + "b"));
    assertThat(characters.take(new Text("\ud83d"))).isNull();
    assertThat(characters.take(new Text(""))).isNull();
    assertThat(characters.take(new Text("\ude00"))).isEqualTo(new Text(face));
    // Halves that stay alone.
    assertThat(characters.take(new Text("\ude00x\ud83dy"))).isEqualTo(new Text("\ufffdx\ufffdy"));
    assertThat(characters.take(new Text("\ud83d"))).isNull();
    assertThat(characters.take(new Reasoning("\ude00"))).isEqualTo(new Reasoning("\ufffd"));
    assertThat(characters.take(new ToolCall(0, "a", "f", "\ud83d")))
        .isEqualTo(new ToolCall(0, "a", "f", ""));
    assertThat(characters.take(new ToolCall(0, null, null, "\ude00")))
        .isEqualTo(new ToolCall(0, null, null, face));
    ModelEvent same = new Text("plain");
    assertThat(characters.take(same)).isSameAs(same);
  }

  /** However a text is cut, each piece can be written, and together they are the text. */
  @RepeatedTest(50)
  void textIsWholeHoweverItIsCut(RepetitionInfo repetition) {
    Random random = new Random(repetition.getCurrentRepetition());
    StringBuilder all = new StringBuilder();
    for (int i = 0; i < 200; i++) {
      all.appendCodePoint(random.nextInt(3) == 0 ? 0x1F600 + random.nextInt(40) : 'a' + i % 26);
    }
    SurrogateJoiner characters = new SurrogateJoiner();
    for (int from = 0; from < all.length(); ) {
      int to = Math.min(all.length(), from + 1 + random.nextInt(4));
      ModelEvent piece = characters.take(new Text(all.substring(from, to)));
      if (piece != null) {
        answer.add(ModelEventCodec.decode(ModelEventCodec.encode(piece)));
      }
      from = to;
    }
    assertThat(answer.said().text()).isEqualTo(all.toString());
  }

  @Test
  void piecesAreReadAsTheyWereWritten() {
    List<ModelEvent> pieces =
        List.of(
            new Text("a\u0000\"\\\u2028\n"),
            new Reasoning("b"),
            new Refusal("c"),
            new ToolCall(2, "id", "name", "{\"x\":\"y\"}"),
            new ToolCall(2, null, null, ""));
    List<Json> events = pieces.stream().map(ModelEventCodec::encode).toList();
    assertThat(ModelEventCodec.decodeAll(events)).isEqualTo(pieces);
  }

  @Test
  void anEventOfANewerHeddleHasItsPlaceAndSaysNothing() {
    assertThat(ModelEventCodec.decode(Json.of("{\"image\":{\"text\":\"x\",\"more\":[1]}}")))
        .isEqualTo(new Text(""));
    assertThat(ModelEventCodec.decode(Json.of("{\"text\":\"a\",\"logprobs\":[{\"b\":1}]}")))
        .isEqualTo(new Text("a"));
  }

  @Test
  void aRequestIsReadAsItWasWritten() {
    TurnSpec order =
        new TurnSpec(
            List.of(),
            "gpt \"x\"",
            "be\nbrief",
            Json.of("{\"tools\":[],\"n\":12345678901234567890,\"s\":\"\\u00e9\"}"),
            OnBusy.ENQUEUE,
            Duration.ofMinutes(5),
            Json.of("{\"wire\":{\"a\":[1,{}]}}"),
            "fp",
            List.of(Json.of("{\"role\":\"system\",\"content\":[{\"a\":[1]}]}"), Json.of("{}")),
            5_000_000_000L);
    TurnRequest request = TurnRequest.of(order, Json.of("{\"id\":\"r\"}"), 77);
    assertThat(TurnRequest.parse(request.toJson())).isEqualTo(request);
    TurnRequest bare =
        TurnRequest.of(
            new TurnSpec(
                List.of(), null, null, Json.EMPTY_OBJECT, OnBusy.REJECT, null, Json.EMPTY_OBJECT),
            null,
            0);
    assertThat(TurnRequest.parse(bare.toJson())).isEqualTo(bare);
    assertThat(TurnRequest.parse(Json.of("{\"newer\":{\"x\":[]},\"model\":\"m\"}")).model())
        .isEqualTo("m");
    assertThat(Parameters.maxOutput(order.parameters())).isZero();
    assertThat(
            Parameters.maxOutput(
                Json.of("{\"stop\":[1],\"max_tokens\":5,\"max_completion_tokens\":9}")))
        .isEqualTo(9);
  }

  @Test
  void aQuestionIsTheSameWhateverAModelIsNotTold() {
    ModelCall one = call("{\"role\":\"user\",\"content\":\"q\",\"metadata\":{\"a\":1}}", "s");
    ModelCall same = call("{\"content\":\"q\",\"role\":\"user\",\"turn\":\"x\"}", "s");
    ModelCall other = call("{\"role\":\"user\",\"content\":\"r\"}", "s");
    assertThat(CompletionCache.keyOf(one)).isEqualTo(CompletionCache.keyOf(same)).hasSize(64);
    assertThat(CompletionCache.keyOf(one)).isNotEqualTo(CompletionCache.keyOf(other));
    assertThat(CompletionCache.keyOf(one))
        .isNotEqualTo(CompletionCache.keyOf(call("{\"role\":\"user\",\"content\":\"q\"}", null)))
        .isNotEqualTo(CompletionCache.keyOf(call("{\"role\":\"user\",\"content\":\"q\"}", "")));
  }

  @Test
  void tokensAreCountedAsModelsCountThem() {
    Tokens tokens = new Tokens();
    assertThat(tokens.of("hello world")).isEqualTo(2);
    assertThat(tokens.of("")).isZero();
    int text = tokens.of(Json.of("{\"role\":\"user\",\"content\":\"hello world\"}"));
    assertThat(text).isEqualTo(6);
    Json parts =
        Json.of(
            "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hello world\"},"
                + "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:"
                + "QUJD".repeat(50_000)
                + "\"}}],\"metadata\":{\"text\":\"not told\"}}");
    assertThat(tokens.of(parts)).isEqualTo(806);
    // One word without an end must not take for ever.
    assertThat(tokens.of("a".repeat(1_000_000))).isPositive();
  }

  private static ModelCall call(String message, @Nullable String system) {
    return new ModelCall("m", system, List.of(Json.of(message)), Json.EMPTY_OBJECT, "trn");
  }

  private void add(ModelEvent... pieces) {
    answer.addAll(List.of(pieces));
  }

  private static List<String> bodies(List<NewMessage> messages) {
    List<String> bodies = new ArrayList<>();
    messages.forEach(m -> bodies.add(new String(m.body().utf8(), StandardCharsets.UTF_8)));
    return bodies;
  }

  private static JsonNode read(Json json) {
    return JsonMapper.shared().readTree(json.utf8());
  }
}
