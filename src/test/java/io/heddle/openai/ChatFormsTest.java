package io.heddle.openai;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.json.Json;
import io.heddle.live.Frame;
import io.heddle.turn.ModelEvent;
import io.heddle.turn.Usage;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Completions as one object and as chunks. */
class ChatFormsTest {

  private static final JsonMapper MAPPER = new JsonMapper();
  private static final Usage USAGE = new Usage(3, 2, 1, 0);
  private static final List<ModelEvent> CALLS =
      List.of(
          new ModelEvent.ToolCall(0, "call_1", "f", ""),
          new ModelEvent.ToolCall(0, null, null, "{\"a\":"),
          new ModelEvent.ToolCall(0, null, null, "1}"),
          new ModelEvent.ToolCall(1, "call_2", "g", "{}"),
          new ModelEvent.Finish("tool_calls", USAGE, "m-1"));

  @Test
  void chunksHaveOneIdAndEndWithTheReason() {
    List<JsonNode> chunks =
        chunks(
            false,
            List.of(
                new ModelEvent.Text("a "),
                new ModelEvent.Text("b"),
                new ModelEvent.Finish("length", USAGE, null)));
    assertThat(chunks).hasSize(4);
    assertThat(chunks)
        .allSatisfy(chunk -> {
          assertThat(chunk.get("id").asString()).isEqualTo("chatcmpl-1");
          assertThat(chunk.get("created").asInt()).isEqualTo(5);
          assertThat(chunk.get("model").asString()).isEqualTo("m");
          assertThat(chunk.get("object").asString()).isEqualTo("chat.completion.chunk");
          assertThat(chunk.has("usage")).isFalse();
        });
    assertThat(chunks.getFirst().at("/choices/0/delta").toString())
        .isEqualTo("{\"role\":\"assistant\",\"content\":\"\"}");
    assertThat(chunks.get(2).at("/choices/0/delta").toString()).isEqualTo("{\"content\":\"b\"}");
    assertThat(chunks.getLast().at("/choices/0/delta").toString()).isEqualTo("{}");
    assertThat(chunks.getLast().at("/choices/0/finish_reason").asString()).isEqualTo("length");
    assertThat(chunks.get(1).at("/choices/0/finish_reason").isNull()).isTrue();
  }

  @Test
  void usageIsAChunkOfItsOwnForWhoAskedForIt() {
    List<JsonNode> chunks =
        chunks(true, List.of(new ModelEvent.Text("a"), new ModelEvent.Finish("stop", USAGE, null)));
    assertThat(chunks.getLast().get("choices").size()).isZero();
    assertThat(chunks.getLast().at("/usage/prompt_tokens").asInt()).isEqualTo(3);
    assertThat(chunks.getLast().at("/usage/completion_tokens").asInt()).isEqualTo(2);
    assertThat(chunks.getLast().at("/usage/total_tokens").asInt()).isEqualTo(5);
    assertThat(chunks.getLast().at("/usage/prompt_tokens_details/cached_tokens").asInt())
        .isEqualTo(1);
    assertThat(chunks.subList(0, chunks.size() - 1))
        .allSatisfy(chunk -> assertThat(chunk.get("usage").isNull()).isTrue());
  }

  @Test
  void callsHaveTheirNameOnceAndTheirArgumentsInBits() {
    List<JsonNode> chunks = chunks(false, CALLS);
    assertThat(chunks.get(1).at("/choices/0/delta/tool_calls/0").toString())
        .isEqualTo(
            "{\"index\":0,\"id\":\"call_1\",\"type\":\"function\","
                + "\"function\":{\"name\":\"f\",\"arguments\":\"\"}}");
    assertThat(chunks.get(2).at("/choices/0/delta/tool_calls/0").toString())
        .isEqualTo("{\"index\":0,\"function\":{\"arguments\":\"{\\\"a\\\":\"}}");
    assertThat(chunks.get(4).at("/choices/0/delta/tool_calls/0/index").asInt()).isEqualTo(1);
    assertThat(chunks.getLast().at("/choices/0/finish_reason").asString()).isEqualTo("tool_calls");
  }

  @Test
  void anAnswerIsPutTogether() {
    JsonNode answer = answer(CALLS);
    assertThat(answer.get("model").asString()).isEqualTo("m-1");
    JsonNode message = answer.at("/choices/0/message");
    assertThat(message.get("content").isNull()).isTrue();
    assertThat(message.get("tool_calls").toString())
        .isEqualTo(
            "[{\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"f\","
                + "\"arguments\":\"{\\\"a\\\":1}\"}},{\"id\":\"call_2\",\"type\":\"function\","
                + "\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]");
    assertThat(answer.at("/choices/0/finish_reason").asString()).isEqualTo("tool_calls");
    JsonNode refusal =
        answer(List.of(new ModelEvent.Refusal("no"), new ModelEvent.Finish("stop", null, null)));
    assertThat(refusal.at("/choices/0/message/refusal").asString()).isEqualTo("no");
    assertThat(refusal.at("/choices/0/message/content").isNull()).isTrue();
    assertThat(refusal.get("usage").isNull()).isTrue();
    JsonNode nothing = answer(List.of(new ModelEvent.Finish("stop", USAGE, null)));
    assertThat(nothing.at("/choices/0/message/content").asString()).isEmpty();
    assertThat(nothing.at("/choices/0/message/content").isString()).isTrue();
  }

  private static JsonNode answer(List<ModelEvent> pieces) {
    CompletionAssembler answer = new CompletionAssembler();
    pieces.forEach(answer::add);
    Json json = answer.json(new ChatForm("chatcmpl-1", 5, "m", false));
    return MAPPER.readTree(json.toString());
  }

  private static List<JsonNode> chunks(boolean usage, List<ModelEvent> pieces) {
    List<String> events = events(usage, pieces.stream().map(List::of).toList());
    // Pieces that come together are told as if they had come one by one.
    assertThat(events(usage, List.of(pieces))).isEqualTo(events);
    assertThat(events.getLast()).isEqualTo("[DONE]");
    return events.subList(0, events.size() - 1).stream().map(MAPPER::readTree).toList();
  }

  private static List<String> events(boolean usage, List<List<ModelEvent>> said) {
    ChatChunks chunks = new ChatChunks(new ChatForm("chatcmpl-1", 5, "m", usage));
    List<String> events = new ArrayList<>();
    for (List<ModelEvent> pieces : said) {
      Frame frame = chunks.of(pieces);
      if (frame != null) {
        assertThat(frame.type()).isEmpty();
        frame.read((bytes, length) -> {
          assertThat(frame.size()).isGreaterThanOrEqualTo(length / 4);
          String data = new String(bytes, 0, length, StandardCharsets.UTF_8);
          events.addAll(List.of(data.split(Frame.BETWEEN_EVENTS)));
        });
      }
    }
    return events;
  }
}
