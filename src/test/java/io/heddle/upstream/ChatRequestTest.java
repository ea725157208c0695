package io.heddle.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.json.Json;
import io.heddle.turn.ModelCall;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

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
    return new String(
        ChatRequest.body("m", call, "test", Dialect.COMPATIBLE, null, true),
        StandardCharsets.UTF_8);
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

  /** Ollama and llama.cpp read arguments as JSON, and refuse a thread in which there are none. */
  @Test
  void noArgumentsAreToldAsAnObjectWithoutMembers() {
    String calls =
        "[{'id':'a','type':'function','function':{'name':'f','arguments':''}},"
            + "{'id':'b','type':'function','function':{'name':'g','arguments':'{}'}}]";
    for (Dialect dialect : Dialect.values()) {
      if (!dialect.wantsObjectArguments()) {
        continue;
      }
      JsonNode message =
          told(dialect, "{}", "{'role':'assistant','content':null,'toolCalls':" + calls + "}")
              .at("/messages/0");
      assertThat(message.at("/tool_calls/0/function"))
          .as(dialect.name())
          .isEqualTo(json(quoted("{'name':'f','arguments':'{}'}")));
      assertThat(message.at("/tool_calls/1/function"))
          .isEqualTo(json(quoted("{'name':'g','arguments':'{}'}")));
    }
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
                    + "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AA==\",\"detail\":\"low\"}},{\"type\":\"text\",\"text\":\"[The"
                    + " image file_1 cannot be shown.]\"},"
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

  // ---- dialects

  private static JsonNode told(Dialect dialect, String parameters, String... messages) {
    return toldAs(dialect, null, parameters, messages);
  }

  private static JsonNode toldAs(
      Dialect dialect, String tokenParameter, String parameters, String... messages) {
    ModelCall call =
        new ModelCall(
            null,
            null,
            Arrays.stream(messages).map(each -> Json.of(quoted(each))).toList(),
            Json.of(quoted(parameters)),
            "trn_1");
    return MAPPER.readTree(ChatRequest.body("m", call, "mine", dialect, tokenParameter, true));
  }

  private static String quoted(String json) {
    return json.replace('\'', '"');
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '!',
      value = {
        "OPENAI||{'max_tokens':9}|{'max_completion_tokens':9}",
        "OPENAI||{'max_completion_tokens':9}|{'max_completion_tokens':9}",
        "OPENAI||{'max_tokens':8,'max_completion_tokens':9}|{'max_completion_tokens':9}",
        "OPENAI||{'max_completion_tokens':9,'max_tokens':8}|{'max_completion_tokens':9}",
        "OPENAI|max_tokens|{'max_completion_tokens':9}|{'max_tokens':9}",
        "COMPATIBLE||{'max_tokens':9}|{'max_tokens':9}",
        "COMPATIBLE||{'max_completion_tokens':9}|{'max_completion_tokens':9}",
        "COMPATIBLE|max_completion_tokens|{'a':1,'max_tokens':9}|{'a':1,'max_completion_tokens':9}",
        "COMPATIBLE|num_predict|{'max_tokens':9,'max_completion_tokens':8}|{'num_predict':9}",
        "MISTRAL||{'max_completion_tokens':9}|{'max_tokens':9}",
        "OPENAI||{'top_k':1}|{'top_k':1}"
      })
  void theBoundOfTheAnswerHasTheServersName(
      Dialect dialect, String name, String parameters, String expected) {
    JsonNode body = toldAs(dialect, name, parameters);
    ObjectNode left = (ObjectNode) body;
    left.remove(List.of("model", "messages", "stream", "stream_options"));
    assertThat(left).isEqualTo(json(quoted(expected)));
  }

  @Test
  void usageIsAskedForWhereItMustBe() {
    assertThat(told(Dialect.OPENAI, "{}").path("stream_options").path("include_usage").asBoolean())
        .isTrue();
    assertThat(told(Dialect.MISTRAL, "{}").has("stream_options")).isFalse();
  }

  @ParameterizedTest
  @CsvSource({"OPENAI,developer", "COMPATIBLE,system", "MISTRAL,system"})
  void aRoleThatTheServerDoesNotKnowIsTheNearestThatItKnows(Dialect dialect, String role) {
    JsonNode message =
        told(dialect, "{}", "{'role':'developer','content':'rules'}").at("/messages/0");
    assertThat(message).isEqualTo(json("{\"role\":\"" + role + "\",\"content\":\"rules\"}"));
  }

  private static final String[] SCREENSHOTS = {
    "{'role':'assistant','content':null,'toolCalls':[{'id':'a'},{'id':'b'}]}",
    "{'role':'tool','toolCallId':'a','content':[{'type':'input_text','text':'here'},"
        + "{'type':'input_image','image_url':'data:a'}]}",
    "{'role':'tool','toolCallId':'b','content':[{'type':'image_url','image_url':{'url':'data:b'}}]}",
    "{'role':'user','content':'go on'}"
  };

  @ParameterizedTest
  @CsvSource({"OPENAI", "COMPATIBLE"})
  void imagesOfToolsStandBehindAllOutputs(Dialect dialect) {
    assertThat(told(dialect, "{}", SCREENSHOTS).path("messages"))
        .isEqualTo(
            json(
                quoted(
                    "[{'role':'assistant','content':null,'tool_calls':[{'id':'a'},{'id':'b'}]},"
                        + "{'role':'tool','content':'here','tool_call_id':'a'},"
                        + "{'role':'tool','content':'The output is in the next message of the"
                        + " user.','tool_call_id':'b'},"
                        + "{'role':'user','content':[{'type':'text','text':'Output of the tool call"
                        + " a:'},{'type':'image_url','image_url':{'url':'data:a'}},"
                        + "{'type':'text','text':'Output of the tool call b:'},"
                        + "{'type':'image_url','image_url':{'url':'data:b'}}]},"
                        + "{'role':'user','content':'go on'}]")));
    JsonNode last = told(dialect, "{}", Arrays.copyOf(SCREENSHOTS, 3)).path("messages").path(3);
    assertThat(last.path("role").asString()).isEqualTo("user");
  }

  @Test
  void imagesOfToolsStayWhereTheServerTakesThem() {
    JsonNode messages = told(Dialect.MISTRAL, "{}", SCREENSHOTS).path("messages");
    assertThat(messages).hasSize(5);
    assertThat(messages.at("/1/content/1/type").asString()).isEqualTo("image_url");
  }

  @Test
  void textsOfAToolAreOneText() {
    assertThat(
            told(
                    Dialect.COMPATIBLE,
                    "{}",
                    "{'role':'tool','toolCallId':'a','content':[{'type':'text','text':'one'},"
                        + "{'type':'output_text','text':'two','annotations':[]}]}")
                .at("/messages/0/content"))
        .isEqualTo(json("\"one\\ntwo\""));
  }

  @Test
  void aRefusalIsToldAsText() {
    assertThat(
            told(
                    Dialect.OPENAI,
                    "{}",
                    "{'role':'assistant','content':null,'refusal':'No.'}",
                    "{'role':'assistant','content':'','refusal':'No.'}",
                    "{'role':'assistant','content':[{'type':'refusal','refusal':'No.'}]}",
                    "{'role':'assistant','content':'Yes.','refusal':'No.'}")
                .path("messages"))
        .isEqualTo(
            json(
                quoted(
                    "[{'role':'assistant','content':'No.'},{'role':'assistant','content':'No.'},"
                        + "{'role':'assistant','content':[{'type':'text','text':'No.'}]},"
                        + "{'role':'assistant','content':'Yes.'}]")));
  }

  @Test
  void aTextKeepsWhatServersWantBesideIt() {
    assertThat(
            told(
                    Dialect.COMPATIBLE,
                    "{}",
                    "{'role':'user','content':[{'type':'input_text','text':'long',"
                        + "'cache_control':{'type':'ephemeral'}}]}")
                .at("/messages/0/content"))
        .isEqualTo(
            json(quoted("[{'type':'text','text':'long','cache_control':{'type':'ephemeral'}}]")));
  }

  // ---- what a server said for itself

  private static String step(String upstream) {
    return "{'role':'assistant','content':null,'reasoning':'hm','toolCalls':[{'id':'a','type':"
        + "'function','function':{'name':'f','arguments':'{}'}}],'turn':'trn_0'"
        + upstream
        + "}";
  }

  private static final String KEPT =
      ",'upstream':{'name':'NAME','reasoning':'reasoning_content','message':{'details':[1]},"
          + "'toolCalls':{'a':{'extra_content':{'s':'t'},'function':{'seal':'x'}}}}";

  private static final String OUTPUT = "{'role':'tool','content':'1','toolCallId':'a'}";

  @ParameterizedTest
  @CsvSource({"OPENAI", "COMPATIBLE"})
  void theServerThatSaidItIsGivenItBack(Dialect dialect) {
    assertThat(
            told(
                    dialect,
                    "{}",
                    "{'role':'user','content':'q'}",
                    step(KEPT.replace("NAME", "mine")),
                    OUTPUT)
                .at("/messages/1"))
        .isEqualTo(
            json(
                quoted(
                    "{'role':'assistant','content':null,'tool_calls':[{'id':'a','type':'function',"
                        + "'function':{'name':'f','arguments':'{}','seal':'x'},"
                        + "'extra_content':{'s':'t'}}],'details':[1],'reasoning_content':'hm'}")));
  }

  @ParameterizedTest
  @CsvSource({"OPENAI", "COMPATIBLE"})
  void anotherServerIsNotToldOfIt(Dialect dialect) {
    for (String other : List.of(KEPT.replace("NAME", "other"), "")) {
      assertThat(
              told(dialect, "{}", "{'role':'user','content':'q'}", step(other), OUTPUT)
                  .at("/messages/1"))
          .isEqualTo(
              json(
                  quoted(
                      "{'role':'assistant','content':null,'tool_calls':[{'id':'a','type':'function',"
                          + "'function':{'name':'f','arguments':'{}'}}]}")));
    }
  }

  @Test
  void thoughtsAreOfUseWhereToolsWereCalled() {
    String mine = ",'upstream':{'name':'mine','reasoning':'reasoning'}";
    String answer = "{'role':'assistant','content':'x','reasoning':'so','turn':'t'" + mine + "}";
    JsonNode messages =
        told(
                Dialect.COMPATIBLE,
                "{}",
                "{'role':'user','content':'q'}",
                answer,
                "{'role':'user','content':'q'}",
                step(mine),
                OUTPUT,
                answer,
                "{'role':'user','content':'q'}",
                answer)
            .path("messages");
    assertThat(messages.get(1).has("reasoning")).isFalse();
    assertThat(messages.get(3).path("reasoning").asString()).isEqualTo("hm");
    assertThat(messages.get(5).path("reasoning").asString()).isEqualTo("so");
    assertThat(messages.get(7).has("reasoning")).isFalse();
    String silent = step(mine).replace("'reasoning':'hm',", "");
    assertThat(
            told(Dialect.COMPATIBLE, "{}", "{'role':'user','content':'q'}", silent, OUTPUT)
                .at("/messages/1/reasoning"))
        .as("a server that always says something wants it always")
        .isEqualTo(json("\"\""));
  }

  private static final String CLIENTS =
      "{'role':'assistant','content':null,'reasoning':'hm','upstream':{'reasoning':'reasoning',"
          + "'message':{'details':[1],'role':'no'}},'toolCalls':[{'id':'a','type':'function',"
          + "'function':{'name':'f','arguments':'{}'},'extra_content':{'s':'t'}}]}";

  @Test
  void whatAClientSendsGoesToAServerThatTakesIt() {
    assertThat(
            told(Dialect.COMPATIBLE, "{}", "{'role':'user','content':'q'}", CLIENTS, OUTPUT)
                .at("/messages/1"))
        .isEqualTo(
            json(
                quoted(
                    "{'role':'assistant','content':null,'tool_calls':[{'id':'a','type':'function',"
                        + "'function':{'name':'f','arguments':'{}'},'extra_content':{'s':'t'}}],"
                        + "'details':[1],'reasoning':'hm'}")));
    assertThat(
            told(Dialect.OPENAI, "{}", "{'role':'user','content':'q'}", CLIENTS, OUTPUT)
                .at("/messages/1"))
        .isEqualTo(
            json(
                quoted(
                    "{'role':'assistant','content':null,'tool_calls':[{'id':'a','type':'function',"
                        + "'function':{'name':'f','arguments':'{}'}}]}")));
  }
}
