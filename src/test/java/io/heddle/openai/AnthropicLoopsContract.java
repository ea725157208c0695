package io.heddle.openai;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.ModelScript;
import io.heddle.testing.ScriptedModel;
import java.net.http.HttpResponse;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Loops of tools with Claude models that think, on every wire: the server refuses a step that comes
 * without the signed thoughts of those before, or with thoughts of somebody else.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class AnthropicLoopsContract {

  private static final JsonMapper JSON = JsonMapper.shared();

  /** Thinks when it is asked to, by a budget, and once in a loop. */
  private static final String OLD = "claude-haiku-4-5";

  /** Thinks between calls. */
  private static final String NEW = "claude-opus-5";

  private static final String TOOLS =
      "[{'type':'function','function':{'name':'look','parameters':{'type':'object'}}}]";

  private static final String RESPONSE_TOOLS =
      "[{'type':'function','name':'look','parameters':{'type':'object'}}]";

  private final ScriptedModel server = ScriptedModel.start().answer(StrictAnthropic::answer);
  private final ScriptedModel other = ScriptedModel.start().answer(StrictAnthropic::answer);
  private Replica replica;

  abstract Replica start(String... settings);

  @BeforeAll
  void open() {
    replica =
        start(
            "--heddle.upstreams.anthropic.kind=anthropic",
            "--heddle.upstreams.anthropic.base-url=" + server.baseUrl(),
            "--heddle.upstreams.anthropic.models=claude-*",
            "--heddle.upstreams.anthropic.max-retries=0",
            "--heddle.upstreams.anthropic.fallback=other-claude-opus-5",
            "--heddle.upstreams.other.kind=anthropic",
            "--heddle.upstreams.other.base-url=" + other.baseUrl(),
            "--heddle.upstreams.other.models=other-claude-opus-5");
  }

  @AfterAll
  void close() {
    replica.close();
    server.close();
    other.close();
  }

  // ---- native

  private JsonNode turn(String session, String model, String input) throws Exception {
    String body =
        "{%s,'model':'%s','parameters':{'max_tokens':4000,'reasoning_effort':'high','tools':%s}}"
            .formatted(input, model, TOOLS);
    JsonNode turn = post("/v1/sessions/" + session + "/turns?create=true", body);
    assertThat(turn.path("status").asString()).as(turn.toString()).isEqualTo("completed");
    return turn;
  }

  private static String outputs(JsonNode turn) {
    ArrayNode outputs = JSON.createArrayNode();
    for (JsonNode call : turn.at("/messages/0/toolCalls")) {
      outputs
          .addObject()
          .put("role", "tool")
          .put("toolCallId", call.path("id").asString())
          .put("content", "nothing");
    }
    return "'messages':" + outputs;
  }

  @ParameterizedTest
  @ValueSource(strings = {OLD, NEW})
  void natively(String model) throws Exception {
    String session = session();
    JsonNode turn = turn(session, model, "'content':'Look around'");
    assertThat(turn.at("/messages/0/reasoning").asString()).isEqualTo("thought 0");
    assertThat(turn.at("/usage/inputTokens").asLong()).isEqualTo(15);
    assertThat(turn.at("/usage/outputTokens").asLong()).isEqualTo(10);
    for (int step = 1; step < 4; step++) {
      turn = turn(session, model, outputs(turn));
    }
    assertThat(turn.at("/messages/0/content").asString()).isEqualTo(StrictServers.DONE);
    check(model);
    // What was asked before does not stand in the way of a new question.
    turn(session, model, "'content':'And now?'");
  }

  /** The thoughts of all steps were told, as they were said. */
  private void check(String model) {
    String told = server.lastRequest().body();
    assertThat(told)
        .contains("{\"type\":\"redacted_thinking\",\"data\":\"sealed/0\"}")
        .contains("\"thinking\":\"thought 0\",\"signature\":\"sig/thought 0\"");
    if (model.equals(NEW)) {
      assertThat(told)
          .contains("\"signature\":\"sig/thought 2\"")
          .contains(
              "{\"type\":\"text\",\"text\":\"Step 1. \"},{\"type\":\"thinking\",\"thinking\":\"\","
                  + "\"signature\":\"sig/\"}");
    } else {
      assertThat(told).contains("\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":3200}");
    }
  }

  /** A loop that another model goes on with has no thoughts that it could be told. */
  @Test
  void anotherModelGoesOn() throws Exception {
    String session = session();
    JsonNode turn = turn(session, NEW, "'content':'Look around'");
    turn = turn(session, OLD, outputs(turn));
    assertThat(turn.at("/messages/0/toolCalls")).hasSize(1);
    assertThat(server.lastRequest().body()).doesNotContain("thought 0", "sealed/0", "enabled");
  }

  /** Nor has the server that is asked in its place. */
  @Test
  void anotherServerGoesOn() throws Exception {
    String session = session();
    JsonNode turn = turn(session, NEW, "'content':'Look around'");
    server.next(ModelScript.error(529, "Overloaded"));
    turn = turn(session, NEW, outputs(turn));
    assertThat(turn.at("/messages/0/toolCalls")).hasSize(1);
    assertThat(other.lastRequest().body())
        .contains("\"model\":\"other-claude-opus-5\"")
        .doesNotContain("thought 0", "sealed/0");
  }

  // ---- Chat Completions

  /** As clients do it: every message is sent again, as it came. */
  @ParameterizedTest
  @ValueSource(strings = {OLD, NEW})
  void overChat(String model) throws Exception {
    for (String session : new String[] {"", session()}) {
      ArrayNode messages = JSON.createArrayNode();
      messages.addObject().put("role", "user").put("content", "Look around");
      for (int step = 0; step < 4; step++) {
        String body =
            "{'model':'%s','max_completion_tokens':4000,'reasoning_effort':'high','tools':%s,"
                    .formatted(model, TOOLS)
                + "'messages':"
                + messages
                + "}";
        JsonNode answer =
            session.isEmpty()
                ? post("/openai/v1/chat/completions", body)
                : post("/openai/v1/chat/completions", body, "Heddle-Session", session);
        JsonNode message = answer.at("/choices/0/message");
        assertThat(answer.at("/usage/prompt_tokens_details/cached_tokens").asLong()).isEqualTo(5);
        messages.add(message);
        for (JsonNode call : message.path("tool_calls")) {
          messages
              .addObject()
              .put("role", "tool")
              .put("tool_call_id", call.path("id").asString())
              .put("content", "nothing");
        }
      }
      assertThat(messages.get(messages.size() - 1).path("content").asString())
          .isEqualTo(StrictServers.DONE);
      check(model);
    }
  }

  // ---- Responses

  @ParameterizedTest
  @ValueSource(strings = {OLD, NEW})
  void overResponses(String model) throws Exception {
    String ask =
        "{'model':'%s','max_output_tokens':4000,'reasoning':{'effort':'high'},'tools':%s,"
            .formatted(model, RESPONSE_TOOLS);
    JsonNode stored = post("/openai/v1/responses", ask + "'input':'Look around'}");
    for (int step = 1; step < 4; step++) {
      String before = "'previous_response_id':" + stored.path("id") + ",'input':";
      stored = post("/openai/v1/responses", ask + before + outputItems(stored) + "}");
    }
    assertThat(stored.toString()).contains(StrictServers.DONE);
    check(model);

    ArrayNode input = JSON.createArrayNode();
    input.addObject().put("role", "user").put("content", "Look around");
    String alone = ask + "'store':false,'include':['reasoning.encrypted_content'],'input':";
    for (int step = 0; step < 4; step++) {
      JsonNode response = post("/openai/v1/responses", alone + input + "}");
      response.path("output").forEach(input::add);
      outputItems(response).forEach(input::add);
    }
    assertThat(input.toString()).contains(StrictServers.DONE);
    check(model);
  }

  private static ArrayNode outputItems(JsonNode response) {
    ArrayNode outputs = JSON.createArrayNode();
    for (JsonNode item : response.path("output")) {
      if (item.path("type").asString().equals("function_call")) {
        outputs
            .addObject()
            .put("type", "function_call_output")
            .put("call_id", item.path("call_id").asString())
            .put("output", "nothing");
      }
    }
    return outputs;
  }

  @Test
  void imagesFilesAndForcedTools() throws Exception {
    JsonNode response =
        post(
            "/openai/v1/responses",
            "{'model':'%s','reasoning':{'effort':'low'},'tools':%s,'tool_choice':'required',"
                    .formatted(NEW, RESPONSE_TOOLS)
                + "'input':[{'role':'user','content':[{'type':'input_text','text':'See'},"
                + "{'type':'input_image','image_url':'data:image/png;base64,AA=='},"
                + "{'type':'input_file','filename':'a.pdf','file_data':"
                + "'data:application/pdf;base64,JVBE'}]}]}");
    assertThat(outputItems(response)).hasSize(2);
    assertThat(server.lastRequest().body())
        .contains("\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"AA==\"}")
        .contains("\"media_type\":\"application/pdf\",\"data\":\"JVBE\"},\"title\":\"a.pdf\"")
        .contains("\"tool_choice\":{\"type\":\"any\"}", "\"thinking\":{\"type\":\"disabled\"}");
  }

  @Test
  void aThreadThatIsTooLongIsToldSo() throws Exception {
    ObjectNode error = JSON.createObjectNode().put("type", "error");
    error
        .putObject("error")
        .put("type", "invalid_request_error")
        .put("message", "prompt is too long: 210000 tokens > 200000 maximum");
    server.next(
        ModelScript.status(400).header("Content-Type", "application/json").bytes(error.toString()));
    HttpResponse<String> refused =
        send(
            "/openai/v1/chat/completions",
            "{'model':'%s','messages':[{'role':'user','content':'q'}]}".formatted(NEW));
    assertThat(refused.statusCode()).isEqualTo(400);
    assertThat(JSON.readTree(refused.body()).at("/error/code").asString())
        .isEqualTo("context_length_exceeded");
  }

  @Test
  void whatAnthropicHasNotIsRefusedByName() throws Exception {
    HttpResponse<String> refused =
        send(
            "/openai/v1/chat/completions",
            "{'model':'%s','messages':[{'role':'user','content':'q'}],'web_search_options':{}}"
                .formatted(NEW));
    assertThat(refused.statusCode()).isEqualTo(400);
    JsonNode error = JSON.readTree(refused.body()).path("error");
    assertThat(error.path("code").asString()).isEqualTo("unsupported_parameter");
    assertThat(error.path("param").asString()).isEqualTo("web_search_options");
  }

  // ----

  private static String session() {
    return "loop-" + UUID.randomUUID();
  }

  private JsonNode post(String path, String body, String... headers) throws Exception {
    HttpResponse<String> answer = send(path, body, headers);
    assertThat(answer.statusCode()).as(answer.body()).isBetween(200, 201);
    return JSON.readTree(answer.body());
  }

  private HttpResponse<String> send(String path, String body, String... headers) throws Exception {
    return Replica.send("POST", "http://127.0.0.1:" + replica.port() + path, body, headers);
  }
}
