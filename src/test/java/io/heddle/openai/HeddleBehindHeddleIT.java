package io.heddle.openai;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.FreePort;
import io.heddle.testing.ScriptedModel;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** One Heddle is the server of Responses of another: both ends of the wire are real. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HeddleBehindHeddleIT {

  private static final JsonMapper JSON = JsonMapper.shared();

  private final HttpClient http = HttpClient.newHttpClient();
  private ScriptedModel gemini;
  private Replica inner;
  private Replica outer;

  @BeforeAll
  void start() {
    gemini = ScriptedModel.start().answer(StrictServers.GEMINI::answer);
    inner =
        Replica.embedded(
            "--heddle.upstreams.gemini.base-url=" + gemini.baseUrl(),
            "--heddle.upstreams.gemini.models=gemini-1",
            // Nobody is there: the built-in model answers under this name.
            "--heddle.upstreams.nobody.base-url=http://127.0.0.1:" + FreePort.find(),
            "--heddle.upstreams.nobody.models=inner-echo",
            "--heddle.upstreams.nobody.max-retries=0",
            "--heddle.upstreams.nobody.breaker.minimum-calls=10000",
            "--heddle.upstreams.nobody.fallback=echo",
            "--heddle.default-model=echo");
    outer =
        Replica.embedded(
            "--heddle.upstreams.inner.base-url=http://127.0.0.1:" + inner.port() + "/openai/v1",
            "--heddle.upstreams.inner.kind=responses",
            "--heddle.upstreams.inner.models=gemini-1,inner-echo",
            "--heddle.upstreams.inner.max-retries=0",
            "--heddle.upstreams.inner.breaker.minimum-calls=10000",
            "--heddle.default-model=inner-echo");
  }

  @AfterAll
  void stop() {
    outer.close();
    inner.close();
    gemini.close();
    http.close();
  }

  private JsonNode post(String path, String body) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + outer.port() + path))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body.replace('\'', '"')))
            .build();
    return JSON.readTree(http.send(request, HttpResponse.BodyHandlers.ofString()).body());
  }

  /** The step of a loop needs what only the model's server understands: through both of them. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aToolLoopGoesThroughBoth(boolean stored) throws Exception {
    ArrayNode messages = JSON.createArrayNode();
    messages.addObject().put("role", "user").put("content", "Look around");
    ArrayNode news = messages.deepCopy();
    String tools =
        "[{'type':'function','function':{'name':'look','parameters':{'type':'object'}}}]";
    for (int i = 0; i < 4; i++) {
      JsonNode message;
      if (stored) {
        JsonNode turn =
            post(
                "/v1/sessions/through/turns?create=true",
                "{'model':'gemini-1','messages':%s,'parameters':{'tools':%s}}"
                    .formatted(news, tools));
        assertThat(turn.path("status").asString()).as(turn.toString()).isEqualTo("completed");
        message = turn.at("/messages/0");
      } else {
        JsonNode answer =
            post(
                "/openai/v1/chat/completions",
                "{'model':'gemini-1','messages':%s,'tools':%s}".formatted(messages, tools));
        message = answer.at("/choices/0/message");
        assertThat(message.isObject()).as(answer.toString()).isTrue();
      }
      messages.add(message);
      JsonNode calls = message.path(stored ? "toolCalls" : "tool_calls");
      if (calls.isEmpty()) {
        assertThat(i).isEqualTo(3);
        assertThat(message.path("content").asString()).isEqualTo(StrictServers.DONE);
        return;
      }
      news.removeAll();
      for (JsonNode call : calls) {
        ObjectNode output = JSON.createObjectNode().put("role", "tool").put("content", "nothing");
        output.put(stored ? "toolCallId" : "tool_call_id", call.path("id").asString());
        messages.add(output);
        news.add(output);
      }
    }
    throw new AssertionError("no end: " + messages);
  }

  private static final String ECHO = "{'model':'inner-echo','messages':[%s],'echo':%s}";

  private JsonNode echo(String message, String order) throws Exception {
    return post("/openai/v1/chat/completions", ECHO.formatted(message, order));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          {}                                              | /message/content           | Hello there
          {'reasoning':'So and so'}                       | /message/reasoning_content | So and so
          {'reasoning':'So and so'}                       | /message/content           | Hello there
          {'refusal':'I will not'}                        | /message/refusal           | I will not
          {'finish':'length'}                             | /finish_reason             | length
          {'finish':'content_filter'}                     | /finish_reason             | content_filter
          {'toolCall':{'name':'f','arguments':{'a':[1]}}} | /message/tool_calls/0/function/arguments | {"a":[1]}
          {'toolCall':{'name':'f','arguments':{'a':[1]}}} | /finish_reason             | tool_calls
          """)
  void isToldAsTheModelSaidIt(String order, String place, String expected) throws Exception {
    JsonNode answer = echo("{'role':'user','content':'Hello there'}", order);
    assertThat(answer.at("/choices/0" + place).asString())
        .as(answer.toString())
        .isEqualTo(expected);
    assertThat(answer.at("/usage/prompt_tokens").asLong()).isPositive();
  }

  @Test
  void tokensAreThoseOfTheModelsServer() throws Exception {
    JsonNode usage = echo("{'role':'user','content':'one two three'}", "{}").get("usage");
    assertThat(usage.path("prompt_tokens").asLong()).isEqualTo(3);
    assertThat(usage.path("completion_tokens").asLong()).isEqualTo(3);
  }

  @Test
  void partsOfAMessageArrive() throws Exception {
    String image = "{'type':'image_url','image_url':{'url':'data:image/png;base64,AA=='}}";
    JsonNode answer =
        echo("{'role':'user','content':[{'type':'text','text':'see'}," + image + "]}", "{}");
    assertThat(answer.at("/choices/0/message/content").asString())
        .as(answer.toString())
        .startsWith("see");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          {'fail':'before'}                           | as it was told to
          {'fail':'before','error':'model-refused'}   | told to
          {'fail':'after:1'}                          | as it was told to
          {'nonsense':1}                              | nonsense
          """)
  void whatGoesWrongIsToldInItsWords(String order, String words) throws Exception {
    JsonNode answer = echo("{'role':'user','content':'Hello there'}", order);
    assertThat(answer.at("/error/message").asString()).as(answer.toString()).contains(words);
  }
}
