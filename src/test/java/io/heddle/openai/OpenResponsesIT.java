package io.heddle.openai;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.ModelScript;
import io.heddle.testing.ScriptedModel;
import io.heddle.testing.SocketClient;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What the suite of Open Responses asks of a server, whole, streamed and over a socket: every
 * response, item and event has the shape that the schema says.
 */
class OpenResponsesIT {

  private static final JsonMapper MAPPER = new JsonMapper();

  private static final String TOOL =
      "'tools':[{'type':'function','name':'get_weather','parameters':{'type':'object'}}]";

  /** The smallest picture. */
  private static final String IMAGE =
      "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";

  private static ScriptedModel model;
  private static Replica replica;

  @BeforeAll
  static void open() {
    model = ScriptedModel.start();
    model.answer(request -> answerTo(MAPPER.readTree(request.body())));
    replica =
        Replica.embedded(
            "--heddle.upstreams.scripted.base-url=" + model.baseUrl(),
            "--heddle.upstreams.scripted.models=m");
  }

  private static ModelScript answerTo(JsonNode request) {
    JsonNode messages = request.get("messages");
    String last = messages.get(messages.size() - 1).get("content").toString();
    if (last.contains("THINK")) {
      return ModelScript.stream()
          .delta("{\"reasoning_content\":\"Hm.\"}")
          .text("I think so.")
          .finish("stop")
          .done();
    }
    if (last.contains("REFUSE")) {
      return ModelScript.stream().delta("{\"refusal\":\"No.\"}").finish("stop").done();
    }
    if (last.contains("CUT")) {
      return ModelScript.stream().text("So f").finish("length").done();
    }
    if (last.contains("BREAK")) {
      return ModelScript.stream().text("So f").cut();
    }
    return request.has("tools")
        ? ModelScript.stream()
            .delta(
                "{\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"type\":\"function\",\"function\":"
                    + "{\"name\":\"get_weather\",\"arguments\":\"{}\"}}]}")
            .finish("tool_calls")
            .usage(10, 2)
            .done()
        : ModelScript.say("Hello", " world");
  }

  @AfterAll
  static void close() {
    replica.close();
    model.close();
  }

  // ---- how a response is asked for

  /** How a response comes, and all events with it. */
  private record Told(JsonNode response, List<JsonNode> events) {}

  private static String json(String quoted) {
    return quoted.replace('\'', '"');
  }

  private static HttpResponse<String> post(String path, String body) {
    try {
      return Replica.send("POST", replica.url() + path, body);
    } catch (IOException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private static Told whole(String body) {
    HttpResponse<String> answer = post("/responses", "{'model':'m'," + body + "}");
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return new Told(MAPPER.readTree(answer.body()), List.of());
  }

  private static Told streamed(String body) {
    HttpResponse<String> answer = post("/responses", "{'model':'m','stream':true," + body + "}");
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    List<JsonNode> events =
        answer
            .body()
            .lines()
            .filter(line -> line.startsWith("data: "))
            .map(line -> MAPPER.readTree(line.substring(6)))
            .toList();
    return new Told(events.getLast().get("response"), events);
  }

  private static Told overSocket(String body) {
    try (SocketClient socket = socket()) {
      return turn(socket, body);
    }
  }

  private static SocketClient socket() {
    return SocketClient.at(replica.port(), "/openai/v1/responses");
  }

  /** The events of one response; its error is the last one. */
  private static Told turn(SocketClient socket, String body) {
    socket.send(json("{'type':'response.create','model':'m'," + body + "}"));
    List<JsonNode> events = new ArrayList<>();
    while (true) {
      JsonNode event = socket.any();
      events.add(event);
      switch (event.get("type").asString()) {
        case "error", "response.completed", "response.failed", "response.incomplete" -> {
          return new Told(event.path("response"), events);
        }
        default -> {
          // Not the end yet.
        }
      }
    }
  }

  private static String code(Told told) {
    return told.events().getLast().at("/error/code").asString();
  }

  // ---- shapes

  private static Stream<Arguments> cases() {
    String user = "{'type':'message','role':'user','content':'%s'}";
    String said = "{'type':'message','role':'assistant','content':'%s'%s}";
    String picture =
        "'input':[{'type':'message','role':'user','content':[{'type':'input_text','text':'See?'},"
            + "{'type':'input_image','image_url':'"
            + IMAGE
            + "'}]}]";
    String phases =
        "'input':[%s,%s,%s]"
            .formatted(
                said.formatted("Let me see.", ",'phase':'commentary'"),
                said.formatted("It is four.", ",'phase':'final_answer'"),
                user.formatted("Only the number."));
    String many =
        "'input':[%s,%s,%s]"
            .formatted(
                user.formatted("I am Alice."),
                said.formatted("Hello Alice.", ""),
                user.formatted("Who am I?"));
    String system =
        "'input':[{'type':'message','role':'system','content':'Be a pirate.'},%s]"
            .formatted(user.formatted("Say hello."));
    Object[][] cases = {
      {"text", "'input':[" + user.formatted("Say hello.") + "]", "completed", "message"},
      {"a bare string", "'input':'Say hello.','store':false", "completed", "message"},
      {"phases", phases, "completed", "message"},
      {"a system's message", system, "completed", "message"},
      {"a tool", "'input':'How is the weather?'," + TOOL, "completed", "function_call"},
      {"a picture", picture, "completed", "message"},
      {"several turns", many, "completed", "message"},
      {"a thought", "'input':'THINK'", "completed", "reasoning"},
      {"its summary", "'input':'THINK','reasoning':{'summary':'auto'}", "completed", "reasoning"},
      {"a refusal", "'input':'REFUSE'", "completed", "message"},
      {"an answer that is cut", "'input':'CUT'", "incomplete", "message"},
      {
        "many members",
        "'input':'x','instructions':'Be"
            + " brief.','temperature':0.5,'top_p':0.9,'max_output_tokens':99,"
            + "'metadata':{'a':'b'},'safety_identifier':'s','prompt_cache_key':'p','truncation':'auto',"
            + "'text':{'format':{'type':'json_schema','name':'n','schema':{'type':'object'}}}",
        "completed",
        "message"
      }
    };
    return Stream.of(cases).map(Arguments::of);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void everyWayHasTheSchemasShape(String name, String body, String status, String item) {
    List<Function<String, Told>> ways =
        List.of(OpenResponsesIT::whole, OpenResponsesIT::streamed, OpenResponsesIT::overSocket);
    for (Function<String, Told> way : ways) {
      Told told = way.apply(body);
      JsonNode response = told.response();
      assertThat(OpenResponsesShapes.faults("Response", response))
          .as(response.toString())
          .isEmpty();
      assertThat(response.get("status").asString()).isEqualTo(status);
      assertThat(response.get("output").valueStream().map(one -> one.get("type").asString()))
          .contains(item);
      for (int i = 0; i < told.events().size(); i++) {
        JsonNode event = told.events().get(i);
        // Events of what a model thinks in full are not of Open Responses.
        if (!event.get("type").asString().startsWith("response.reasoning_text.")) {
          assertThat(OpenResponsesShapes.faults("Event.*", event)).as(event.toString()).isEmpty();
        }
        assertThat(event.get("sequence_number").asInt()).isEqualTo(i);
      }
    }
  }

  @Test
  void anAnswerThatBreaksOffHasTheSchemasShapeToo() {
    for (Told told : List.of(streamed("'input':'BREAK'"), overSocket("'input':'BREAK'"))) {
      assertThat(OpenResponsesShapes.faults("Response", told.response())).isEmpty();
      assertThat(told.response().get("status").asString()).isEqualTo("failed");
    }
  }

  /** Without this the others might hold of anything. */
  @Test
  void aShapeIsMissedWhereItIsNot() {
    JsonNode good = whole("'input':'Say hello.'").response();
    for (String member : OpenResponsesShapes.members("Response")) {
      ObjectNode without = (ObjectNode) good.deepCopy();
      without.remove(member);
      assertThat(OpenResponsesShapes.faults("Response", without)).hasSize(1);
    }
    ObjectNode text = (ObjectNode) good.deepCopy();
    text.put("created_at", "now");
    assertThat(OpenResponsesShapes.faults("Response", text)).hasSize(1);
  }

  // ---- what sockets do

  @Test
  void oneSocketGivesSeveralResponses() {
    try (SocketClient socket = socket()) {
      for (String word : List.of("first", "second")) {
        Told told = turn(socket, "'store':false,'input':'%s'".formatted(word));
        assertThat(told.response().get("status").asString()).isEqualTo("completed");
      }
    }
  }

  @Test
  void aResponseThatIsNotStoredIsGoneOnFromOnItsSocketOnly() {
    String id;
    try (SocketClient socket = socket()) {
      Told told = turn(socket, "'store':false,'input':'cobalt'");
      String first = told.response().get("id").asString();
      told = turn(socket, "'store':false,'previous_response_id':'" + first + "','input':'Which?'");
      id = told.response().get("id").asString();
      assertThat(told.response().get("previous_response_id").asString()).isEqualTo(first);
      assertThat(model.lastRequest().body()).contains("cobalt");
    }
    try (SocketClient socket = socket()) {
      String goesOn = "'store':false,'previous_response_id':'" + id + "','input':'x'";
      assertThat(code(turn(socket, goesOn))).isEqualTo("previous_response_not_found");
      assertThat(turn(socket, "'store':false,'input':'anew'").response().get("status").asString())
          .isEqualTo("completed");
    }
  }

  @Test
  void whatFailedIsForgotten() {
    try (SocketClient socket = socket()) {
      String first = turn(socket, "'store':false,'input':'ember'").response().get("id").asString();
      String goesOn = "'store':false,'previous_response_id':'" + first + "',";
      String output = "{'type':'function_call_output','call_id':'none','output':'x'}";
      assertThat(code(turn(socket, goesOn + "'input':[" + output + "]"))).isNotEmpty();
      assertThat(code(turn(socket, goesOn + "'input':'again'")))
          .isEqualTo("previous_response_not_found");
    }
  }

  @Test
  void aPreviousResponseThatIsNoneIsNotFound() {
    String body = "'store':false,'previous_response_id':'resp_none','input':'x'";
    assertThat(code(overSocket(body))).isEqualTo("previous_response_not_found");
    HttpResponse<String> answer = post("/responses", "{'model':'m'," + body + "}");
    assertThat(MAPPER.readTree(answer.body()).at("/error/code").asString())
        .isEqualTo("previous_response_not_found");
  }

  @Test
  void whatWasCompactedBeginsAChain() {
    String said =
        "'input':[{'role':'user','content':'slate'},{'role':'assistant','content':'OK.'},"
            + "{'role':'user','content':'Compress this.'}]";
    HttpResponse<String> answer =
        post("/responses/compact", "{'model':'m','prompt_cache_key':'k'," + said + "}");
    JsonNode compacted = MAPPER.readTree(answer.body());
    assertThat(OpenResponsesShapes.faults("Compacted", compacted)).as(answer.body()).isEmpty();
    assertThat(compacted.get("output").valueStream().map(one -> one.get("type").asString()))
        .contains("compaction");
    String items = compacted.get("output").toString();
    String input =
        "'store':false,'input':%s,{'role':'user','content':'Go on.'}]"
            .formatted(items.substring(0, items.length() - 1));
    assertThat(overSocket(input).response().get("status").asString()).isEqualTo("completed");
  }

  /**
   * Newer clients have a conversation compacted by an item at the end of an ordinary request. They
   * take the one item that comes for all that stood before; they were given an answer.
   */
  @Test
  void aRequestMayAskForNothingButASummary() {
    String asks =
        "'store':false,'input':[{'role':'user','content':'slate'},{'role':'assistant','content':'OK.'},"
            + "{'role':'user','content':'amber'},{'type':'compaction_trigger'}]";
    for (Function<String, Told> way :
        List.<Function<String, Told>>of(
            OpenResponsesIT::whole, OpenResponsesIT::streamed, OpenResponsesIT::overSocket)) {
      Told told = way.apply(asks);
      JsonNode response = told.response();
      assertThat(OpenResponsesShapes.faults("Response", response)).isEmpty();
      assertThat(response.get("output").valueStream().map(one -> one.get("type").asString()))
          .containsExactly("compaction");
      assertThat(response.at("/usage/total_tokens").asInt()).isPositive();
      String goesOn =
          "'store':false,'input':[%s,{'role':'user','content':'Go on.'}]"
              .formatted(response.at("/output/0"));
      assertThat(way.apply(goesOn).response().get("status").asString()).isEqualTo("completed");
      assertThat(model.lastRequest().body()).contains("Summary of").doesNotContain("slate");
    }
    try (SocketClient socket = socket()) {
      String id = turn(socket, asks).response().get("id").asString();
      turn(socket, "'store':false,'previous_response_id':'" + id + "','input':'Go on.'");
      assertThat(model.lastRequest().body()).contains("Summary of").doesNotContain("slate");
    }
  }

  @Test
  void aSummaryAloneIsOfWhatIsNotStored() {
    String trigger = "{'type':'compaction_trigger'}";
    String said = "{'role':'user','content':'x'}";
    for (String body :
        List.of(
            "'input':[" + said + "," + trigger + "]",
            "'store':false,'input':[" + trigger + "," + said + "]",
            "'store':false,'input':[" + trigger + "]")) {
      HttpResponse<String> answer = post("/responses", "{'model':'m'," + body + "}");
      assertThat(answer.statusCode()).as(body).isEqualTo(400);
      assertThat(MAPPER.readTree(answer.body()).at("/error/param").asString()).startsWith("input");
    }
    HttpResponse<String> compacted =
        post("/responses/compact", "{'model':'m','input':[" + said + "," + trigger + "]}");
    assertThat(compacted.statusCode()).isEqualTo(200);
    HttpResponse<String> counted =
        post("/responses/input_tokens", "{'model':'m','input':[" + said + "," + trigger + "]}");
    assertThat(counted.statusCode()).isEqualTo(200);
  }

  @Test
  void nothingIsCompactedWithoutAModel() {
    HttpResponse<String> answer = post("/responses/compact", "{'input':'x'}");
    assertThat(answer.statusCode()).isIn(400, 422);
  }
}
