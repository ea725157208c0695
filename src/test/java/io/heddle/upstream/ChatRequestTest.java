package io.heddle.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Json;
import io.heddle.turn.ModelCall;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ChatRequestTest {

  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  private static String body(String system, String parameters, String... messages) {
    ModelCall call =
        new ModelCall(
            null,
            system,
            Arrays.stream(messages).map(Json::of).toList(),
            Json.of(parameters),
            "trn_1");
    return new String(ChatRequest.body("m", call), StandardCharsets.UTF_8);
  }

  private static JsonNode messages(String... messages) {
    return MAPPER.readTree(body(null, "{}", messages)).get("messages");
  }

  private static JsonNode json(String json) {
    return MAPPER.readTree(json);
  }

  @Test
  void instructionsComeFirstAndWhatIsOursIsNotTold() {
    assertThat(
            body(
                "Be \"short\".",
                "{}",
                "{\"role\":\"user\",\"content\":\"hi\",\"name\":\"ann\",\"status\":\"completed\","
                    + "\"metadata\":{\"secret\":1},\"turn\":\"trn_0\",\"id\":\"msg_1\"}"))
        .isEqualTo(
            "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"Be"
                + " \\\"short\\\".\"},{\"role\":\"user\",\"content\":\"hi\",\"name\":\"ann\"}],"
                + "\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
  }

  @Test
  void theBytesOfAMessageAreNotTouched() {
    String odd = "\"a\\u00e9\\/\\ud83e\\uddf5 \\n {[\\\"]}\"";
    assertThat(body(null, "{}", "{\"role\":\"user\",\"content\":" + odd + "}"))
        .contains("\"content\":" + odd + "}");
    assertThat(body(null, "{\"seed\":12345678901234567890,\"top_p\":1.50}"))
        .contains(",\"seed\":12345678901234567890,\"top_p\":1.50,");
  }

  @Test
  void toolCallsAndTheirOutputsAreToldInTheFormOfTheWire() {
    String calls =
        "[{\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"f\","
            + "\"arguments\":\"{\\\"a\\\":[1]}\"}}]";
    assertThat(
            messages(
                "{\"role\":\"assistant\",\"content\":null,\"toolCalls\":" + calls + "}",
                "{\"role\":\"tool\",\"content\":\"4\",\"toolCallId\":\"call_1\"}",
                "{\"role\":\"tool\",\"content\":null,\"toolCallId\":\"call_2\"}"))
        .isEqualTo(
            json(
                "[{\"role\":\"assistant\",\"content\":null,\"tool_calls\":"
                    + calls
                    + "},{\"role\":\"tool\",\"content\":\"4\",\"tool_call_id\":\"call_1\"},"
                    + "{\"role\":\"tool\",\"content\":\"\",\"tool_call_id\":\"call_2\"}]"));
  }

  @Test
  void partsAreToldInTheFormOfTheWire() {
    assertThat(
            messages(
                "{\"role\":\"user\",\"content\":["
                    + "{\"type\":\"input_text\",\"text\":\"what is [this]?\"},"
                    + "{\"type\":\"text\",\"text\":\"b\",\"cache_control\":{\"type\":\"x\"}},"
                    + "{\"type\":\"input_image\",\"image_url\":\"data:image/png;base64,AA==\","
                    + "\"detail\":\"low\"},"
                    + "{\"type\":\"input_image\",\"file_id\":\"file_1\"},"
                    + "{\"type\":\"input_file\",\"file_data\":\"AA\",\"filename\":\"a.pdf\"},"
                    + "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AA\"}},"
                    + "{\"type\":\"openai.item\",\"item\":{\"type\":\"reasoning\"}},"
                    + "{\"type\":\"never seen\",\"x\":[{}]}]}"))
        .isEqualTo(
            json(
                "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"what is [this]?\"},"
                    + "{\"type\":\"text\",\"text\":\"b\",\"cache_control\":{\"type\":\"x\"}},"
                    + "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AA==\","
                    + "\"detail\":\"low\"}},{\"type\":\"input_image\",\"file_id\":\"file_1\"},"
                    + "{\"type\":\"file\",\"file\":{\"file_data\":\"AA\",\"filename\":\"a.pdf\"}},"
                    + "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AA\"}},{\"type\":\"never"
                    + " seen\",\"x\":[{}]}]}]"));
  }

  @Test
  void oneTextIsToldAsAString() {
    assertThat(
            messages(
                "{\"role\":\"assistant\",\"content\":["
                    + "{\"type\":\"output_text\",\"text\":\"hi\",\"annotations\":[]},"
                    + "{\"type\":\"openai.item\",\"item\":{}}]}"))
        .isEqualTo(json("[{\"role\":\"assistant\",\"content\":\"hi\"}]"));
  }

  @Test
  void aMessageOfNothingThatAModelUnderstandsIsLeftOut() {
    assertThat(
            messages(
                "{\"role\":\"assistant\",\"content\":[{\"type\":\"openai.item\",\"item\":{}}]}",
                "{\"role\":\"user\",\"content\":[{\"type\":\"openai.item\",\"item\":{}}]}",
                "{\"role\":\"tool\",\"content\":[{\"type\":\"openai.item\",\"item\":{}}],"
                    + "\"toolCallId\":\"c\"}",
                "{\"role\":\"assistant\",\"content\":null,\"toolCalls\":[]}",
                "{\"role\":\"assistant\",\"content\":[]}",
                "{\"role\":\"assistant\",\"content\":\"\"}"))
        .isEqualTo(
            json(
                "[{\"role\":\"tool\",\"content\":\"\",\"tool_call_id\":\"c\"},"
                    + "{\"role\":\"assistant\",\"content\":\"\"}]"));
  }

  @Test
  void itemsBesideToolCallsLeaveTheToolCalls() {
    assertThat(
            messages(
                "{\"role\":\"assistant\",\"content\":[{\"type\":\"openai.item\",\"item\":{}}],"
                    + "\"toolCalls\":[{\"id\":\"c\"}]}"))
        .isEqualTo(
            json("[{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c\"}]}]"));
  }

  @ParameterizedTest
  @CsvSource({"model", "messages", "stream", "stream_options", "m\\u006fdel", "str\\u0065am"})
  void parametersOverrideNothingOfOurs(String name) {
    String body = body(null, "{\"a\":1, \"" + name + "\" : [ {\"x\":\"y\"} ] ,\"b\":\"c\"}");

    assertThat(body)
        .isEqualTo(
            "{\"model\":\"m\",\"messages\":[],\"a\":1,\"b\":\"c\","
                + "\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
  }

  @Test
  void parametersArePassedOnAsTheyAre() {
    String parameters =
        "{\"temperature\":0.70,\"tools\":[{\"type\":\"function\"}],\"x\\\"y\":null,\"stop\":[\"\\\\\"]}";
    assertThat(MAPPER.readTree(body(null, parameters)))
        .isEqualTo(
            json(
                "{\"model\":\"m\",\"messages\":[],\"temperature\":0.70,"
                    + "\"tools\":[{\"type\":\"function\"}],\"x\\\"y\":null,\"stop\":[\"\\\\\"],"
                    + "\"stream\":true,\"stream_options\":{\"include_usage\":true}}"));
  }
}
