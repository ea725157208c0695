package io.heddle.openai;

import static io.heddle.openai.PatchServers.INPUT;
import static io.heddle.openai.PatchServers.OUTPUT;
import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.ScriptedModel;
import io.heddle.testing.SocketClient;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Custom tools, whose input is any text: coding agents patch files with them. They were refused on
 * Responses, and on Chat Completions their calls failed as calls without a name.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CustomToolsIT {

  private static final JsonMapper JSON = JsonMapper.shared();

  private static final JsonNode TOOLS =
      read(
          "[{'type':'custom','name':'patch','description':'Patches files.','format':"
              + "{'type':'grammar','syntax':'lark','definition':'start: /.+/'}}]");

  private static final JsonNode CHAT_TOOLS =
      read(
          "[{'type':'custom','custom':{'name':'patch','description':'Patches files.','format':"
              + "{'type':'grammar','grammar':{'syntax':'lark','definition':'start: /.+/'}}}}]");

  private final Map<PatchServers, ScriptedModel> servers = new EnumMap<>(PatchServers.class);
  private Replica replica;

  @BeforeAll
  void open() {
    List<String> settings = new ArrayList<>();
    for (PatchServers each : PatchServers.values()) {
      ScriptedModel server = ScriptedModel.start().answer(each::answer);
      servers.put(each, server);
      String upstream = "--heddle.upstreams." + each.model() + ".";
      settings.add(upstream + "base-url=" + server.baseUrl());
      settings.add(upstream + "kind=" + each.kind());
      settings.add(upstream + "dialect=" + each.dialect());
      settings.add(upstream + "models=" + each.model());
    }
    replica = Replica.embedded(settings.toArray(String[]::new));
  }

  @AfterAll
  void close() {
    replica.close();
    servers.values().forEach(ScriptedModel::close);
  }

  // ---- Responses

  @ParameterizedTest
  @EnumSource
  void aStoredResponseGoesOn(PatchServers server) throws Exception {
    JsonNode first = ok(post("/responses", asked(server, false)));
    JsonNode call = first.at("/output/0");
    called(call);
    assertThat(first.get("tools")).isEqualTo(TOOLS);
    JsonNode stored = ok(Replica.send("GET", url("/responses/" + first.get("id").asString()), ""));
    assertThat(stored).isEqualTo(first);

    ObjectNode next = asked(server, true).put("previous_response_id", first.get("id").asString());
    next.set("input", output(call));
    JsonNode last = events(post("/responses", next)).getLast();
    assertThat(last.at("/response/output/0/content/0/text").asString())
        .as(last.toString())
        .isEqualTo("Done.");
    JsonNode items =
        ok(
            Replica.send(
                "GET",
                url("/responses/" + last.at("/response/id").asString() + "/input_items"),
                ""));
    assertThat(items.at("/data/0/type").asString()).isEqualTo("custom_tool_call_output");
  }

  @ParameterizedTest
  @EnumSource
  void aStreamTellsTheInputAsItComes(PatchServers server) throws Exception {
    List<JsonNode> events = events(post("/responses", asked(server, true).put("store", false)));
    assertThat(inputOf(events)).isEqualTo(INPUT);
    JsonNode call = events.getLast().at("/response/output/0");
    called(call);
    // Nothing is stored: the client sends all of it again.
    ObjectNode next = asked(server, false).put("store", false);
    ArrayNode input = next.putArray("input");
    input.addObject().put("role", "user").put("content", "Mend it");
    input.add(call).add(output(call).get(0));
    assertThat(ok(post("/responses", next)).at("/output/0/content/0/text").asString())
        .isEqualTo("Done.");
  }

  private static String inputOf(List<JsonNode> events) {
    StringBuilder deltas = new StringBuilder();
    String whole = "";
    for (JsonNode event : events) {
      switch (event.get("type").asString()) {
        case "response.custom_tool_call_input.delta" ->
            deltas.append(event.get("delta").asString());
        case "response.custom_tool_call_input.done" -> whole = event.get("input").asString();
        default -> assertThat(event.get("type").asString()).doesNotContain("function_call");
      }
    }
    assertThat(deltas).hasToString(whole);
    return whole;
  }

  @ParameterizedTest
  @EnumSource
  void aConversationHasTheItems(PatchServers server) throws Exception {
    String conversation = ok(post("/conversations", JSON.createObjectNode())).get("id").asString();
    JsonNode call =
        ok(post("/responses", asked(server, false).put("conversation", conversation)))
            .at("/output/0");
    ObjectNode next = asked(server, false).put("conversation", conversation);
    next.set("input", output(call));
    ok(post("/responses", next));
    JsonNode items =
        ok(Replica.send("GET", url("/conversations/" + conversation + "/items?order=asc"), ""))
            .get("data");
    assertThat(items.valueStream().map(item -> item.get("type").asString()))
        .containsExactly("message", "custom_tool_call", "custom_tool_call_output", "message");
    assertThat(items.get(1)).isEqualTo(call);
    // They are items for another conversation as well.
    ObjectNode copy = JSON.createObjectNode();
    copy.putArray("items").add(items.get(1)).add(items.get(2));
    String other = ok(post("/conversations", copy)).get("id").asString();
    JsonNode copied =
        ok(Replica.send("GET", url("/conversations/" + other + "/items?order=asc"), ""))
            .get("data");
    called(copied.get(0));
    assertThat(copied.at("/1/output").asString()).isEqualTo(OUTPUT);
  }

  @ParameterizedTest
  @EnumSource
  void aSocketDoesTheSame(PatchServers server) {
    try (SocketClient socket = SocketClient.at(replica.port(), "/openai/v1/responses")) {
      JsonNode first = last(socket, asked(server, false).put("store", false));
      JsonNode call = first.at("/response/output/0");
      called(call);
      ObjectNode next = asked(server, false).put("store", false);
      next.put("previous_response_id", first.at("/response/id").asString());
      next.set("input", output(call));
      JsonNode last = last(socket, next);
      assertThat(last.at("/response/output/0/content/0/text").asString())
          .as(last.toString())
          .isEqualTo("Done.");
    }
  }

  private static JsonNode last(SocketClient socket, ObjectNode body) {
    body.remove("stream");
    socket.send(body.put("type", "response.create").toString());
    return ResponseEnds.completed(socket);
  }

  @Test
  void namespacesHaveThemToo() throws Exception {
    ObjectNode asked = asked(PatchServers.OPENAI, false).put("model", "echo");
    ObjectNode space = JSON.createObjectNode().put("type", "namespace").put("name", "files");
    asked.putArray("tools").add(space.set("tools", TOOLS));
    asked.set(
        "echo", read("{'toolCall':{'name':'files-_-patch','arguments':{'input':'*** Begin'}}}"));
    JsonNode call = ok(post("/responses", asked)).at("/output/0");
    assertThat(call.get("type").asString()).isEqualTo("custom_tool_call");
    assertThat(call.get("namespace").asString()).isEqualTo("files");
    assertThat(call.get("name").asString()).isEqualTo("patch");
    assertThat(call.get("input").asString()).isEqualTo("*** Begin");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "[{'type':'custom'}] | 'auto' | tools[0].name",
        "[{'type':'custom','name':'p','format':{'type':'odd'}}] | 'auto' | tools[0].format.type",
        "[{'type':'custom','name':'p','format':{'type':'grammar'}}] | 'auto' "
            + "| tools[0].format.definition",
        "[{'type':'custom','name':'p'},{'type':'custom','name':'p'}] | 'auto' | tools[1].name",
        "[{'type':'custom','name':'p'}] | {'type':'function','name':'p'} | tool_choice.name",
        "[{'type':'custom','name':'p'}] | {'type':'custom','name':'q'} | tool_choice.name"
      })
  void whatCannotBeToldIsRefusedByName(String tools, String choice, String param) throws Exception {
    HttpResponse<String> refused =
        Replica.send(
            "POST",
            url("/responses"),
            "{'model':'echo','input':'x','tools':%s,'tool_choice':%s}".formatted(tools, choice));
    assertThat(refused.statusCode()).as(refused.body()).isEqualTo(400);
    assertThat(JSON.readTree(refused.body()).at("/error/param").asString()).isEqualTo(param);
  }

  // ---- Chat Completions

  @ParameterizedTest
  @EnumSource
  void chatHasThemInItsOwnForm(PatchServers server) throws Exception {
    JsonNode plain =
        ok(post("/chat/completions", chat(server, false))).at("/choices/0/message/tool_calls/0");
    assertThat(plain.get("type").asString()).isEqualTo("custom");
    assertThat(plain.at("/custom/input").asString()).isEqualTo(INPUT);
    StringBuilder streamed = new StringBuilder();
    for (JsonNode chunk : events(post("/chat/completions", chat(server, true)))) {
      JsonNode bit = chunk.at("/choices/0/delta/tool_calls/0");
      assertThat(bit.has("function")).isFalse();
      streamed.append(bit.at("/custom/input").asString(""));
    }
    assertThat(streamed).hasToString(INPUT);
    ObjectNode next = chat(server, false);
    ArrayNode messages = (ArrayNode) next.get("messages");
    messages.addObject().put("role", "assistant").putArray("tool_calls").add(plain);
    messages
        .addObject()
        .put("role", "tool")
        .put("tool_call_id", plain.get("id").asString())
        .put("content", OUTPUT);
    assertThat(ok(post("/chat/completions", next)).at("/choices/0/message/content").asString())
        .isEqualTo("Done.");
  }

  // ----

  private static void called(JsonNode call) {
    assertThat(call.path("type").asString("")).as(call.toString()).isEqualTo("custom_tool_call");
    assertThat(call.get("name").asString()).isEqualTo("patch");
    assertThat(call.get("input").asString()).isEqualTo(INPUT);
    assertThat(call.get("call_id").asString()).isNotEmpty();
    assertThat(call.has("arguments")).isFalse();
  }

  private static ArrayNode output(JsonNode call) {
    ArrayNode input = JSON.createArrayNode();
    input
        .addObject()
        .put("type", "custom_tool_call_output")
        .put("call_id", call.get("call_id").asString())
        .put("output", OUTPUT);
    return input;
  }

  private static ObjectNode asked(PatchServers server, boolean stream) {
    ObjectNode body = JSON.createObjectNode().put("model", server.model()).put("stream", stream);
    body.put("input", "Mend it").set("tools", TOOLS);
    return body;
  }

  private static ObjectNode chat(PatchServers server, boolean stream) {
    ObjectNode body = JSON.createObjectNode().put("model", server.model()).put("stream", stream);
    body.putArray("messages").addObject().put("role", "user").put("content", "Mend it");
    body.set("tools", CHAT_TOOLS);
    return body;
  }

  private String url(String path) {
    return replica.url() + path;
  }

  /** Without {@link Replica#send}'s single quotes. */
  private HttpResponse<String> post(String path, ObjectNode body) throws Exception {
    return Replica.send("POST", url(path), body.toString().replace("'", "\\u0027"));
  }

  private static JsonNode ok(HttpResponse<String> answer) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return JSON.readTree(answer.body());
  }

  private static List<JsonNode> events(HttpResponse<String> stream) {
    assertThat(stream.statusCode()).as(stream.body()).isEqualTo(200);
    return stream
        .body()
        .lines()
        .filter(line -> line.startsWith("data: {"))
        .map(line -> JSON.readTree(line.substring(6)))
        .toList();
  }

  private static JsonNode read(String json) {
    return JSON.readTree(json.replace('\'', '"'));
  }
}
