package io.heddle.openai;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.ModelScript;
import io.heddle.testing.ScriptedModel;
import io.heddle.testing.SocketClient;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Tools as Codex CLI sends them, with hosted ones left out. */
class ToolsIT {

  private static final JsonMapper MAPPER = new JsonMapper();

  private static final String LONG =
      "a_function_whose_name_is_so_long_that_no_room_is_left_for_more";

  private static final String TOOLS =
      "'tools':[{'type':'function','name':'exec','strict':false,'parameters':{'type':'object'}},"
          + "{'type':'namespace','name':'agents','description':'Agents.','tools':["
          + "{'type':'function','name':'close','description':'Closes.','strict':false,"
          + "'parameters':{'type':'object'},'defer_loading':true},"
          + "{'type':'function','name':'"
          + LONG
          + "'},{'type':'function','name':'exec'}]},"
          + "{'type':'namespace','name':'my.notes','tools':[{'type':'function','name':'close'}]},"
          + "{'type':'web_search','external_web_access':false}]";

  private static ScriptedModel model;
  private static Replica replica;

  @BeforeAll
  static void open() {
    model = ScriptedModel.start();
    replica =
        Replica.embedded(
            "--heddle.upstreams.scripted.base-url=" + model.baseUrl(),
            "--heddle.upstreams.scripted.models=m",
            "--heddle.openai.hosted-tools=drop");
    // Calls the function that the last message names by its place among the tools.
    model.answer(request -> {
      JsonNode body = MAPPER.readTree(request.body());
      String last =
          body.at("/messages/" + (body.get("messages").size() - 1) + "/content").asString("");
      if (!last.startsWith("call ")) {
        return ModelScript.say("Done.");
      }
      String name = body.at("/tools/" + last.substring(5) + "/function/name").asString();
      return ModelScript.stream()
          .delta(
              ("{'tool_calls':[{'index':0,'id':'c1','type':'function','function':{'name':'"
                      + name
                      + "','arguments':'{}'}}]}")
                  .replace('\'', '"'))
          .finish("tool_calls")
          .done();
    });
  }

  @AfterAll
  static void close() {
    replica.close();
    model.close();
  }

  @Test
  void functionsOfNamespacesAreToldByOneNameAndCalledByTheirOwn() throws Exception {
    List<String> called = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      HttpResponse<String> streamed =
          post(
              "{'model':'m','stream':true,'store':false,'input':'call "
                  + i
                  + "','parallel_tool_calls':true,'tool_choice':'auto',"
                  + "'client_metadata':{'a':'b'},"
                  + TOOLS
                  + "}");
      assertThat(streamed.body()).contains("response.completed");
      JsonNode answer = events(streamed).getLast().get("response");
      JsonNode call = answer.at("/output/0");
      assertThat(call.get("type").asString()).isEqualTo("function_call");
      called.add(call.path("namespace").asString("") + " " + call.get("name").asString());
      // What was left out is not among the response's tools.
      assertThat(answer.get("tools")).hasSize(3);
    }
    assertThat(called)
        .containsExactly(
            " exec", "agents close", "agents " + LONG, "agents exec", "my.notes close");
    JsonNode told = MAPPER.readTree(model.lastRequest().body());
    List<String> names = new ArrayList<>();
    told.get("tools")
        .forEach(tool -> {
          assertThat(tool.propertyNames()).containsExactly("type", "function");
          assertThat(tool.get("function").has("defer_loading")).isFalse();
          names.add(tool.at("/function/name").asString());
        });
    assertThat(names).hasSize(5).doesNotHaveDuplicates();
    assertThat(names).allMatch(name -> name.matches("[a-zA-Z0-9_-]{1,64}"));
    assertThat(told.has("client_metadata")).isFalse();
    assertThat(told.at("/tools/4/function").has("description")).isFalse();
    assertThat(told.at("/tools/3/function/description").asString()).isEqualTo("Agents.");
  }

  /** A client that sends its tools in an item sends them once on a socket. */
  @Test
  void toolsOfItemsAreToldAndRemembered() throws Exception {
    String brought = "{'type':'additional_tools','role':'developer'," + TOOLS + "}";
    String body = "'store':false,'input':[" + brought + ",{'role':'user','content':'call 4'}]}";
    for (String stream : List.of("false", "true")) {
      HttpResponse<String> answer = post("{'model':'m','stream':" + stream + "," + body);
      assertThat(answer.body()).as(stream).contains(json("'name':'close','namespace':'my.notes'"));
    }
    try (SocketClient socket = SocketClient.at(replica.port(), "/openai/v1/responses")) {
      socket.send(json("{'type':'response.create','model':'m'," + body));
      String id = ResponseEnds.completed(socket).at("/response/id").asString();
      socket.send(
          json(
              "{'type':'response.create','model':'m','store':false,'previous_response_id':'%s','input':["
                      .formatted(id)
                  + "{'type':'function_call_output','call_id':'c1','output':'closed'},"
                  + "{'role':'user','content':'call 2'}]}"));
      JsonNode call = ResponseEnds.completed(socket).at("/response/output/0");
      assertThat(call.get("name").asString()).isEqualTo(LONG);
      assertThat(call.get("namespace").asString()).isEqualTo("agents");
    }
  }

  private static String json(String quoted) {
    return quoted.replace('\'', '"');
  }

  /** What is stored, sent back and referred to has the namespace too. */
  @Test
  void aCallKeepsItsNamespace() throws Exception {
    String conversation =
        MAPPER.readTree(send("POST", "/conversations", "{}").body()).get("id").asString();
    String on = "{'model':'m','conversation':'" + conversation + "',";
    JsonNode first = MAPPER.readTree(post(on + "'input':'call 1'," + TOOLS + "}").body());
    JsonNode call = first.at("/output/0");
    assertThat(call.get("namespace").asString()).isEqualTo("agents");
    JsonNode items =
        MAPPER.readTree(send("GET", "/conversations/" + conversation + "/items", "").body());
    assertThat(items.at("/data/0")).isEqualTo(call);
    String output = "{'type':'function_call_output','call_id':'c1','output':'closed'}";
    for (String back :
        List.of(
            call.toString(),
            "{'type':'item_reference','id':'" + call.get("id").asString() + "'}",
            "{'type':'function_call','call_id':'c1','name':'close','namespace':'agents','arguments':'{}'}")) {
      post(
          "{'model':'m','store':false,'input':[{'role':'user','content':'q'},"
              + back
              + ","
              + output
              + "],"
              + TOOLS
              + "}");
      JsonNode told = MAPPER.readTree(model.lastRequest().body());
      assertThat(told.at("/messages/1/tool_calls/0/function/name").asString())
          .isEqualTo(told.at("/tools/1/function/name").asString());
    }
  }

  @Test
  void aChoiceMayNameAFunctionOfANamespace() throws Exception {
    for (String choice :
        List.of(
            "{'type':'function','name':'close','namespace':'agents'}|1",
            "{'type':'function','name':'exec'}|0",
            "{'type':'function','name':'exec','namespace':'agents'}|3",
            "{'type':'function','name':'" + LONG + "'}|2")) {
      String[] parts = choice.split("\\|");
      HttpResponse<String> answer =
          post("{'model':'m','input':'x','tool_choice':" + parts[0] + "," + TOOLS + "}");
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
      JsonNode told = MAPPER.readTree(model.lastRequest().body());
      assertThat(told.at("/tool_choice/function/name"))
          .isEqualTo(told.at("/tools/" + parts[1] + "/function/name"));
    }
    post(
        "{'model':'m','input':'x','tool_choice':{'type':'allowed_tools','mode':'auto','tools':["
            + "{'type':'namespace','name':'agents'},{'type':'web_search'}]},"
            + TOOLS
            + "}");
    assertThat(MAPPER.readTree(model.lastRequest().body()).at("/tool_choice/allowed_tools/tools"))
        .hasSize(3);
    HttpResponse<String> ambiguous =
        post(
            "{'model':'m','input':'x','tool_choice':{'type':'function','name':'close'},"
                + TOOLS
                + "}");
    assertThat(ambiguous.statusCode()).isEqualTo(400);
    assertThat(MAPPER.readTree(ambiguous.body()).at("/error/param").asString())
        .isEqualTo("tool_choice.name");
  }

  /** Servers refuse a choice, and whether calls are parallel, without tools. */
  @Test
  void whereAllIsLeftOutNothingIsSaidOfTools() throws Exception {
    for (String choice : List.of("'auto'", "'required'", "{'type':'web_search'}")) {
      HttpResponse<String> answer =
          post(
              "{'model':'m','input':'x','parallel_tool_calls':true,'tool_choice':"
                  + choice
                  + ",'tools':[{'type':'web_search'},{'type':'image_generation'}]}");
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
      assertThat(MAPPER.readTree(model.lastRequest().body()).propertyNames())
          .doesNotContain("tools", "tool_choice", "parallel_tool_calls");
      assertThat(MAPPER.readTree(answer.body()).get("tools")).isEmpty();
    }
  }

  // ----

  private static List<JsonNode> events(HttpResponse<String> stream) {
    return stream
        .body()
        .lines()
        .filter(line -> line.startsWith("data: "))
        .map(line -> MAPPER.readTree(line.substring("data: ".length())))
        .toList();
  }

  private static HttpResponse<String> post(String body) throws Exception {
    return send("POST", "/responses", body);
  }

  private static HttpResponse<String> send(String method, String path, String body)
      throws Exception {
    return Replica.send(method, replica.url() + path, body);
  }
}
