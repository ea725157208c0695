package io.heddle.openai;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.ScriptedModel;
import io.heddle.testing.SocketClient;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** A tool loop of three steps over every wire, with servers that refuse what real ones refuse. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ToolLoopsIT {

  private static final JsonMapper JSON = JsonMapper.shared();

  private static final String TOOLS =
      "[{\"type\":\"function\",\"function\":{\"name\":\"look\",\"parameters\":{\"type\":\"object\"}}}]";

  private static final String RESPONSE_TOOLS =
      "[{\"type\":\"function\",\"name\":\"look\",\"parameters\":{\"type\":\"object\"}}]";

  private static final Set<String> ENDS =
      Set.of("response.completed", "response.failed", "response.incomplete", "error");

  private final Map<StrictServers, ScriptedModel> servers = new EnumMap<>(StrictServers.class);
  private final HttpClient http = HttpClient.newHttpClient();
  private Replica replica;

  @BeforeAll
  void start() {
    List<String> settings = new ArrayList<>();
    for (StrictServers strict : StrictServers.values()) {
      ScriptedModel server = ScriptedModel.start().answer(strict::answer);
      servers.put(strict, server);
      String upstream = "--heddle.upstreams." + strict.model() + ".";
      settings.add(upstream + "base-url=" + server.baseUrl());
      settings.add(upstream + "kind=" + strict.kind());
      settings.add(upstream + "models=" + strict.model());
      settings.add(upstream + "dialect=" + strict.dialect());
    }
    replica = Replica.embedded(settings.toArray(String[]::new));
  }

  @AfterAll
  void stop() {
    replica.close();
    servers.values().forEach(ScriptedModel::close);
    http.close();
  }

  // ---- the native API

  @ParameterizedTest
  @EnumSource
  void natively(StrictServers server) throws Exception {
    JsonNode turn = nativeLoop(session(), server);
    assertThat(turn.at("/messages/0/content").asString()).isEqualTo(StrictServers.DONE);
  }

  /** Its last turn, which calls no tool any more. */
  private JsonNode nativeLoop(String session, StrictServers server) throws Exception {
    JsonNode turn = nativeTurn(session, server, "\"content\":\"Look around\"");
    while (turn.at("/messages/0/toolCalls").size() > 0) {
      turn =
          nativeTurn(
              session,
              server,
              "\"messages\":" + outputs(turn.at("/messages/0/toolCalls"), "toolCallId"));
    }
    return turn;
  }

  private JsonNode nativeTurn(String session, StrictServers server, String input) throws Exception {
    JsonNode turn =
        post(
            "/v1/sessions/" + session + "/turns?create=true",
            null,
            "{"
                + input
                + ",\"model\":\""
                + server.model()
                + "\",\"parameters\":{\"max_completion_tokens\":99,\"tools\":"
                + TOOLS
                + "}}");
    assertThat(turn.path("status").asString()).as(turn.toString()).isEqualTo("completed");
    return turn;
  }

  /** The thread of one server is told to another without what only the first understands. */
  @ParameterizedTest
  @EnumSource
  void anotherServerGoesOn(StrictServers server) throws Exception {
    String session = session();
    nativeLoop(session, server);
    JsonNode turn = nativeTurn(session, StrictServers.OPENAI, "\"content\":\"And now?\"");
    assertThat(turn.at("/messages/0/toolCalls")).hasSize(2);
    String told = servers.get(StrictServers.OPENAI).lastRequest().body();
    assertThat(told)
        .contains(server.lastCall())
        .doesNotContain("thought", "reasoning", "sealed", "upstream");
  }

  /** What other servers said, and thought for themselves, is told to Responses in its own form. */
  @ParameterizedTest
  @EnumSource
  void responsesGoesOn(StrictServers server) throws Exception {
    String session = session();
    nativeLoop(session, server);
    JsonNode turn = nativeTurn(session, StrictServers.RESPONSES, "\"content\":\"And now?\"");
    assertThat(turn.at("/messages/0/toolCalls")).hasSize(2);
    String told = servers.get(StrictServers.RESPONSES).lastRequest().body();
    assertThat(told)
        .contains(server.lastCall())
        .doesNotContain("upstream", "thought", "sealed/", "sig/");
    if (server != StrictServers.RESPONSES) {
      assertThat(told).doesNotContain("\"type\":\"reasoning\"");
    }
  }

  /** The same told to Anthropic, where thoughts of others are no thoughts. */
  @ParameterizedTest
  @EnumSource
  void anthropicGoesOn(StrictServers server) throws Exception {
    String session = session();
    nativeLoop(session, server);
    JsonNode turn = nativeTurn(session, StrictServers.ANTHROPIC, "\"content\":\"And now?\"");
    assertThat(turn.at("/messages/0/toolCalls")).hasSize(2);
    String told = servers.get(StrictServers.ANTHROPIC).lastRequest().body();
    assertThat(told).contains(server.lastCall()).doesNotContain("upstream");
    if (server != StrictServers.ANTHROPIC) {
      assertThat(told).doesNotContain("thought", "sealed", "sig/", "thinking");
    }
  }

  /** The summary that a client wanted of the thoughts was asked of no server. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatResponsesAloneKnowsReachesResponsesAlone(boolean stored) throws Exception {
    String asked =
        "{\"model\":\"%s\",\"input\":\"Look around\",\"store\":%s,\"tools\":%s,\"reasoning\":"
            + "{\"effort\":\"low\",\"summary\":\"detailed\"},\"text\":{\"verbosity\":\"low\"},"
            + "\"include\":[\"reasoning.encrypted_content\",\"web_search_call.results\"]}";
    for (StrictServers server : List.of(StrictServers.RESPONSES, StrictServers.OPENAI)) {
      post("/openai/v1/responses", null, asked.formatted(server.model(), stored, RESPONSE_TOOLS));
      JsonNode told = JSON.readTree(servers.get(server).lastRequest().body());
      if (server == StrictServers.RESPONSES) {
        assertThat(told.get("reasoning"))
            .isEqualTo(JSON.readTree("{\"summary\":\"detailed\",\"effort\":\"low\"}"));
        assertThat(told.at("/text/verbosity").asString()).isEqualTo("low");
        assertThat(told.get("include"))
            .isEqualTo(
                JSON.readTree("[\"web_search_call.results\",\"reasoning.encrypted_content\"]"));
      } else {
        assertThat(told.get("reasoning_effort").asString()).isEqualTo("low");
        assertThat(told.get("verbosity").asString()).isEqualTo("low");
        assertThat(told.get("stream_options")).isEqualTo(JSON.readTree("{\"include_usage\":true}"));
        assertThat(told.toString()).doesNotContain("detailed", "web_search_call");
      }
    }
  }

  /** And to servers that refuse ids, members and thoughts of others. */
  @ParameterizedTest
  @EnumSource
  void strictOnesGoOn(StrictServers server) throws Exception {
    String session = session();
    nativeLoop(session, server);
    for (StrictServers next :
        List.of(StrictServers.OLLAMA, StrictServers.VLLM, StrictServers.MISTRAL)) {
      JsonNode turn = nativeLoop(session, next);
      assertThat(turn.at("/messages/0/content").asString()).isEqualTo(StrictServers.DONE);
    }
  }

  // ---- Chat Completions

  @ParameterizedTest
  @EnumSource
  void overChatWithoutASession(StrictServers server) throws Exception {
    chat(server, null, false);
    chat(server, null, true);
  }

  @ParameterizedTest
  @EnumSource
  void overChatInASession(StrictServers server) throws Exception {
    chat(server, session(), false);
    chat(server, session(), true);
  }

  /** As clients do it: every message is sent again, as it came. */
  private void chat(StrictServers server, String session, boolean stream) throws Exception {
    ArrayNode messages = JSON.createArrayNode();
    messages.addObject().put("role", "user").put("content", "Look around");
    for (int i = 0; i < 4; i++) {
      ObjectNode body = JSON.createObjectNode().put("model", server.model()).put("stream", stream);
      body.put("max_completion_tokens", 99).set("messages", messages.deepCopy());
      body.set("tools", JSON.readTree(TOOLS));
      JsonNode message = stream ? streamed(session, body) : plain(session, body);
      messages.add(message);
      JsonNode calls = message.path("tool_calls");
      if (calls.isEmpty()) {
        assertThat(i).isEqualTo(3);
        assertThat(message.path("content").asString()).isEqualTo(StrictServers.DONE);
        return;
      }
      outputs(calls, "tool_call_id").forEach(messages::add);
    }
    throw new AssertionError("no end: " + messages);
  }

  private JsonNode plain(String session, ObjectNode body) throws Exception {
    return post("/openai/v1/chat/completions", session, body.toString()).at("/choices/0/message");
  }

  /** Puts deltas together as OpenAI's libraries do. */
  private JsonNode streamed(String session, ObjectNode body) throws Exception {
    ObjectNode message = JSON.createObjectNode().put("role", "assistant");
    Map<Integer, ObjectNode> calls = new TreeMap<>();
    for (String line :
        send("/openai/v1/chat/completions", session, body.toString()).lines().toList()) {
      if (!line.startsWith("data: {")) {
        continue;
      }
      JsonNode chunk = JSON.readTree(line.substring(6));
      assertThat(chunk.has("error")).as(line).isFalse();
      for (Map.Entry<String, JsonNode> member : chunk.at("/choices/0/delta").properties()) {
        if (member.getKey().equals("tool_calls")) {
          for (JsonNode bit : member.getValue()) {
            ObjectNode call =
                calls.computeIfAbsent(bit.path("index").asInt(), _ -> (ObjectNode) bit.deepCopy());
            String more = bit.at("/function/arguments").asString("");
            ObjectNode function = (ObjectNode) call.path("function");
            if (!bit.has("id")) {
              function.put("arguments", function.path("arguments").asString("") + more);
            }
          }
        } else if (member.getValue().isString() && !member.getKey().equals("role")) {
          message.put(
              member.getKey(),
              message.path(member.getKey()).asString("") + member.getValue().asString());
        } else {
          message.set(member.getKey(), member.getValue());
        }
      }
    }
    if (!calls.isEmpty()) {
      ArrayNode all = message.putArray("tool_calls");
      calls.values().forEach(call -> all.add(call.without("index")));
    }
    return message;
  }

  /** What clients of OpenAI's send in one thread, some of which each of these servers refuses. */
  @ParameterizedTest
  @EnumSource(names = {"OLLAMA", "VLLM", "MISTRAL"})
  void aThreadOfManyFormsIsTaken(StrictServers server) throws Exception {
    String thread =
        """
        [{"role":"system","content":"Be short."},
         {"role":"developer","content":[{"type":"text","text":"Be kind.","cache_control":{}}]},
         {"role":"user","name":"ann","content":[{"type":"text","text":"Look","cache_control":{}},
          {"type":"image_url","image_url":{"url":"data:image/png;base64,AA==","detail":"low"}}]},
         {"role":"assistant","content":"","refusal":null,"reasoning_content":"so","tool_calls":[
          {"id":"call_zW2kQ8","type":"function","function":{"name":"look","arguments":""}},
          {"id":"call_zW2kQ9","type":"function","function":{"name":"look","arguments":"{\\"a"},
           "extra_content":{"google":{}}}]},
         {"role":"tool","tool_call_id":"call_zW2kQ8","content":[{"type":"text","text":"1"}]},
         {"role":"tool","tool_call_id":"call_zW2kQ9","content":"2"},
         {"role":"user","content":"No, wait."},
         {"role":"system","content":"It is late."},
         {"role":"assistant","content":""},
         {"role":"user","content":"Go on"},
         {"role":"assistant","content":"I was"}]
        """;
    JsonNode completion =
        post(
            "/openai/v1/chat/completions",
            null,
            "{\"model\":\""
                + server.model()
                + "\",\"messages\":"
                + thread
                + ",\"max_completion_tokens\":9,\"seed\":1,\"user\":\"ann\",\"store\":false,"
                + "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"look\"}}]}");
    assertThat(completion.at("/choices/0/message/tool_calls")).hasSize(2);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void marksOfInstructionsReachTheServer(boolean stored) throws Exception {
    String session = stored ? session() : null;
    String system =
        "{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":\"Rules\",\"cache_control\":"
            + "{\"type\":\"ephemeral\"}}]}";
    post(
        "/openai/v1/chat/completions",
        session,
        "{\"model\":\"openai-1\",\"messages\":["
            + system
            + ",{\"role\":\"assistant\",\"content\":null},"
            + "{\"role\":\"user\",\"content\":\"q\"}]}");
    assertThat(servers.get(StrictServers.OPENAI).lastRequest().body())
        .contains("\"messages\":[" + system + ",{\"role\":\"user\"");
  }

  // ---- Responses

  @ParameterizedTest
  @EnumSource
  void overResponsesThatAreStored(StrictServers server) throws Exception {
    JsonNode response = response(server, "\"input\":\"Look around\"");
    while (!calls(response).isEmpty()) {
      response =
          response(
              server,
              "\"previous_response_id\":"
                  + response.path("id")
                  + ",\"input\":"
                  + itemOutputs(response));
    }
    assertThat(response.toString()).contains(StrictServers.DONE);
  }

  /** The details of a server's thoughts have a place in items for clients that ask for it. */
  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"OPENROUTER", "RESPONSES", "MISTRAL"})
  void overResponsesThatAreNotStored(StrictServers server) throws Exception {
    responses(server, "\"store\":false,\"input\":", false);
  }

  @ParameterizedTest
  @EnumSource
  void overResponsesWithSealedThoughts(StrictServers server) throws Exception {
    String ask = "\"store\":false,\"include\":[\"reasoning.encrypted_content\"],\"input\":";
    responses(server, ask, false);
    if (server != StrictServers.DEEPSEEK) {
      // As clients do that drop what they do not know.
      responses(server, ask, true);
    }
  }

  private void responses(StrictServers server, String ask, boolean bare) throws Exception {
    ArrayNode input = JSON.createArrayNode();
    input.addObject().put("role", "user").put("content", "Look around");
    JsonNode response = response(server, ask + input);
    while (!calls(response).isEmpty()) {
      for (JsonNode item : response.path("output")) {
        input.add(bare ? ((ObjectNode) item.deepCopy()).without("extra_content") : item);
      }
      itemOutputs(response).forEach(input::add);
      response = response(server, ask + input);
    }
    assertThat(response.toString()).contains(StrictServers.DONE);
  }

  private JsonNode response(StrictServers server, String input) throws Exception {
    JsonNode response =
        post(
            "/openai/v1/responses",
            null,
            "{\"model\":\""
                + server.model()
                + "\",\"max_output_tokens\":99,\"tools\":"
                + RESPONSE_TOOLS
                + ","
                + input
                + "}");
    assertThat(response.path("status").asString()).as(response.toString()).isEqualTo("completed");
    return response;
  }

  @ParameterizedTest
  @EnumSource
  void overASocketOfResponses(StrictServers server) {
    try (SocketClient socket = SocketClient.at(replica.port(), "/openai/v1/responses")) {
      JsonNode response = overSocket(socket, server, "\"input\":\"Look around\"");
      while (!calls(response).isEmpty()) {
        response =
            overSocket(
                socket,
                server,
                "\"previous_response_id\":"
                    + response.path("id")
                    + ",\"input\":"
                    + itemOutputs(response));
      }
      assertThat(response.toString()).contains(StrictServers.DONE);
    }
  }

  private static JsonNode overSocket(SocketClient socket, StrictServers server, String input) {
    socket.send(
        "{\"type\":\"response.create\",\"model\":\""
            + server.model()
            + "\",\"max_output_tokens\":99,\"tools\":"
            + RESPONSE_TOOLS
            + ","
            + input
            + "}");
    JsonNode event = socket.any();
    while (!ENDS.contains(event.path("type").asString())) {
      event = socket.any();
    }
    assertThat(event.path("type").asString()).as(event.toString()).isEqualTo("response.completed");
    return event.path("response");
  }

  private static List<JsonNode> calls(JsonNode response) {
    List<JsonNode> calls = new ArrayList<>();
    response
        .path("output")
        .forEach(item -> {
          if (item.path("type").asString().equals("function_call")) {
            calls.add(item);
          }
        });
    return calls;
  }

  private static ArrayNode itemOutputs(JsonNode response) {
    ArrayNode outputs = JSON.createArrayNode();
    for (JsonNode call : calls(response)) {
      outputs
          .addObject()
          .put("type", "function_call_output")
          .put("call_id", call.path("call_id").asString())
          .put("output", "nothing");
    }
    return outputs;
  }

  @Test
  void imagesOfAToolReachAServerThatTakesNoneFromTools() throws Exception {
    JsonNode response =
        response(
            StrictServers.OPENAI,
            "\"input\":[{\"role\":\"user\",\"content\":\"Look\"},{\"type\":\"function_call\","
                + "\"call_id\":\"c\",\"name\":\"look\",\"arguments\":\"{}\"},{\"type\":"
                + "\"function_call_output\",\"call_id\":\"c\",\"output\":[{\"type\":\"input_image\","
                + "\"image_url\":\"data:image/png;base64,AA==\"}]}]");
    assertThat(calls(response)).hasSize(2);
    assertThat(servers.get(StrictServers.OPENAI).lastRequest().body())
        .contains(
            "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AA==\"}}");
  }

  @Test
  void imagesOfAToolAreItsOutputWhereTheServerTakesThem() throws Exception {
    JsonNode response =
        response(
            StrictServers.RESPONSES,
            "\"input\":[{\"role\":\"user\",\"content\":\"Look\"},{\"type\":\"function_call\","
                + "\"call_id\":\"c\",\"name\":\"look\",\"arguments\":\"{}\"},{\"type\":"
                + "\"function_call_output\",\"call_id\":\"c\",\"output\":[{\"type\":\"input_image\","
                + "\"image_url\":\"data:image/png;base64,AA==\"}]},{\"role\":\"user\",\"content\":\"And"
                + " now?\"}]");
    assertThat(calls(response)).hasSize(2);
    assertThat(servers.get(StrictServers.RESPONSES).lastRequest().body())
        .contains(
            "\"call_id\":\"c\",\"output\":[{\"type\":\"input_image\","
                + "\"image_url\":\"data:image/png;base64,AA==\"");
  }

  // ----

  private static ArrayNode outputs(JsonNode calls, String idMember) {
    ArrayNode outputs = JSON.createArrayNode();
    for (JsonNode call : calls) {
      outputs
          .addObject()
          .put("role", "tool")
          .put(idMember, call.path("id").asString())
          .put("content", "nothing");
    }
    return outputs;
  }

  private static String session() {
    return "loop-" + UUID.randomUUID();
  }

  private JsonNode post(String path, String session, String body) throws Exception {
    return JSON.readTree(send(path, session, body));
  }

  private String send(String path, String session, String body)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + replica.port() + path))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body));
    if (session != null) {
      request.header("Heddle-Session", session);
    }
    HttpResponse<String> answer = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
    assertThat(answer.statusCode()).as(answer.body() + " to " + body).isBetween(200, 201);
    return answer.body();
  }
}
