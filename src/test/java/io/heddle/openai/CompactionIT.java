package io.heddle.openai;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.ModelScript;
import io.heddle.testing.ScriptedModel;
import io.heddle.testing.TestRedis;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Compaction on both wires, over two replicas in turn: what clients get and what models are told.
 */
class CompactionIT {

  private static final JsonMapper MAPPER = new JsonMapper();
  private static final AtomicInteger USERS = new AtomicInteger();
  private static final String LONG = "words that fill the prompt ".repeat(300).strip();
  private static final String SUMMARY = "user Summary of the conversation so far:\n\nSHORT";

  private static ScriptedModel model;
  private static List<Replica> replicas;

  /** Whose requests they are; tests run side by side, and a model's requests are told by it. */
  private final String user = "c" + USERS.incrementAndGet();

  private int sent;

  @BeforeAll
  static void open() {
    model = ScriptedModel.start();
    model.answer(request ->
        request.body().contains("<conversation>")
            ? ModelScript.say("SHORT")
            : ModelScript.say("Hello", "."));
    String[] settings = {
      "--heddle.upstreams.scripted.base-url=" + model.baseUrl(),
      "--heddle.upstreams.scripted.models=m,tiny"
    };
    String uri = TestRedis.uri(CompactionIT.class);
    replicas = List.of(Replica.redis(uri, settings), Replica.redis(uri, settings));
  }

  @AfterAll
  static void close() {
    replicas.forEach(Replica::close);
    model.close();
  }

  // ---- POST /responses/compact

  @Test
  void aConversationIsCompactedAndGoneOnFrom() {
    JsonNode compacted =
        ok(
            post(
                "/responses/compact",
                "{'model':'tiny','input':[{'role':'user','content':'one'},{'role':'assistant','content':'two'},"
                    + "{'type':'function_call','call_id':'c','name':'look','arguments':'{}'},"
                    + "{'type':'function_call_output','call_id':'c','output':'seen'},"
                    + "{'role':'user','content':'three'}]}"));
    assertThat(compacted.path("id").asString()).startsWith("resp_");
    assertThat(compacted.path("object").asString()).isEqualTo("response.compaction");
    assertThat(compacted.path("created_at").asLong()).isPositive();
    assertThat(compacted.at("/usage/total_tokens").asLong()).isEqualTo(11);
    assertThat(types(compacted)).containsExactly("message", "message", "compaction");
    assertThat(compacted.at("/output/0/content/0/text").asString()).isEqualTo("one");
    assertThat(compacted.at("/output/2/id").asString()).startsWith("cmp_");
    JsonNode asked = MAPPER.readTree(requests("seen").getLast());
    assertThat(asked.path("model").asString()).isEqualTo("tiny");

    for (boolean store : new boolean[] {true, false}) {
      String input = compacted.path("output").toString();
      String go = "go on " + store;
      ok(
          postJson(
              "/responses",
              "{\"model\":\"m\",\"store\":%s,\"input\":%s,{\"role\":\"user\",\"content\":\"%s\"}]}"
                  .formatted(store, input.substring(0, input.length() - 1), go)));
      assertThat(told(go)).containsExactly(SUMMARY, "user one", "user three", "user " + go);
    }
  }

  @Test
  void whatAUserSaysTwiceIsKeptTwice() {
    JsonNode compacted =
        ok(
            post(
                "/responses/compact",
                "{'model':'m','input':[{'role':'user','content':'again'},{'role':'assistant','content':'once'},"
                    + "{'role':'user','content':'again'},{'role':'assistant','content':'twice'}]}"));
    assertThat(types(compacted)).containsExactly("message", "message", "compaction");
    assertThat(compacted.at("/output/1/content/0/text").asString()).isEqualTo("again");
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aStoredResponseIsCompacted(boolean conversation) {
    String in = conversation ? ",'conversation':'%s'".formatted(conversation()) : "";
    JsonNode first = ok(post("/responses", "{'model':'m','input':'kept'%s}".formatted(in)));
    JsonNode compacted =
        ok(
            post(
                "/responses/compact",
                "{'model':'m','previous_response_id':'%s','input':'and this'}"
                    .formatted(first.path("id").asString())));
    assertThat(types(compacted)).containsExactly("message", "message", "compaction");
    assertThat(requests("and this").getLast()).contains("kept", "Hello.");
    // Nothing of it is stored.
    JsonNode items =
        ok(get("/responses/" + first.path("id").asString() + "/input_items?order=asc"));
    assertThat(items.path("data")).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "/responses/compact|{'input':'x'}|model|missing_required_parameter",
        "/responses/compact|{'model':null,'input':'x'}|model|missing_required_parameter",
        "/responses/compact|{'model':'','input':'x'}|model|missing_required_parameter",
        "/responses/compact|{'model':'m'}|input|missing_required_parameter",
        "/responses/compact|{'model':'m','previous_response_id':'resp_x'}|previous_response_id|previous_response_not_found",
        "/responses/compact|{'model':'m','input':[{'type':'compaction','encrypted_content':'x'}]}|input[0].encrypted_content|invalid_encrypted_content",
        "/responses|{'input':[{'type':'compaction'}]}|input[0].encrypted_content|missing_required_parameter",
        "/responses|{'input':[{'type':'compaction','encrypted_content':7}]}|input[0].encrypted_content|invalid_encrypted_content",
        "/responses|{'input':[{'type':'compaction','encrypted_content':'gAAAAA'}]}|input[0].encrypted_content|invalid_encrypted_content",
        "/responses|{'input':[{'type':'compaction','encrypted_content':'heddle1.e30'}]}|input[0].encrypted_content|invalid_encrypted_content",
        "/responses|{'input':[{'type':'compaction','encrypted_content':'heddle1.***'}]}|input[0].encrypted_content|invalid_encrypted_content",
        "/responses|{'input':'x','store':false,'context_management':{}}|context_management|invalid_type",
        "/responses|{'input':'x','context_management':[{'compact_threshold':2000}]}|context_management[0].type|missing_required_parameter",
        "/responses|{'input':'x','context_management':[{'type':'clear'}]}|context_management[0].type|unsupported_parameter",
        "/responses|{'input':'x','context_management':[{'type':'compaction','compact_threshold':999}]}|context_management[0].compact_threshold|integer_below_min_value"
      })
  void whatIsWrongIsNamed(String path, String body, String param, String code) {
    HttpResponse<String> refused = post(path, body);
    assertThat(refused.statusCode()).as(refused.body()).isEqualTo(400);
    JsonNode error = MAPPER.readTree(refused.body()).path("error");
    assertThat(error.path("param").asString()).isEqualTo(param);
    assertThat(error.path("code").asString()).isEqualTo(code);
  }

  @Test
  void aModelThatIsNotThereIsTold() {
    HttpResponse<String> refused = post("/responses/compact", "{'model':'nobody','input':'x'}");
    assertThat(refused.statusCode()).as(refused.body()).isIn(400, 404);
    assertThat(refused.body()).contains("nobody");
  }

  // ---- context_management

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aStoredThreadIsCompactedBeforeTheAnswer(boolean stream) {
    String conversation = conversation();
    for (String text : List.of(LONG, "small")) {
      ok(
          post(
              "/responses",
              "{'model':'m','conversation':'%s','input':'%s'}".formatted(conversation, text)));
    }
    HttpResponse<String> answered = ask(conversation, "the end", stream);
    JsonNode response;
    if (stream) {
      List<JsonNode> events = events(answered);
      assertThat(events.stream().map(event -> event.path("type").asString()))
          .startsWith(
              "response.created",
              "response.in_progress",
              "response.output_item.added",
              "response.output_item.done",
              "response.output_item.added");
      assertThat(IntStream.range(0, events.size()).boxed())
          .allMatch(i -> events.get(i).path("sequence_number").asInt() == i);
      assertThat(events.get(2).path("output_index").asInt()).isZero();
      assertThat(events.get(2).path("item")).isEqualTo(events.get(3).path("item"));
      response = events.getLast().path("response");
      assertThat(response.at("/output/0")).isEqualTo(events.get(3).path("item"));
    } else {
      response = ok(answered);
    }
    assertThat(types(response)).containsExactly("compaction", "message");
    assertThat(told("the end")).containsExactly(SUMMARY, "user the end");
    assertThat(requests("<conversation>"))
        .as("the summary is of all, so that a client may drop all")
        .anyMatch(body -> body.contains("small") && body.contains("the end"));
    // The same again, from the other replica, and as an item of the thread.
    JsonNode again = ok(get("/responses/" + response.path("id").asString()));
    assertThat(again.path("output")).isEqualTo(response.path("output"));
    JsonNode items = ok(get("/conversations/" + conversation + "/items?order=asc&limit=100"));
    List<String> types = new ArrayList<>();
    items.path("data").forEach(item -> types.add(item.path("type").asString()));
    assertThat(types)
        .containsExactly(
            "message", "message", "message", "message", "message", "compaction", "message");
    assertThat(items.at("/data/5")).isEqualTo(response.at("/output/0"));
    String id = response.at("/output/0/id").asString();
    assertThat(ok(get("/conversations/" + conversation + "/items/" + id)))
        .isEqualTo(response.at("/output/0"));
    // It is short now, and what the client sends back is there already.
    String back = response.path("output").toString();
    ok(
        postJson(
            "/responses",
            "{\"model\":\"m\",\"conversation\":\"%s\",\"context_management\":[{\"type\":\"compaction\",\"compact_threshold\":1000}],\"input\":%s,{\"role\":\"user\",\"content\":\"then\"}]}"
                .formatted(conversation, back.substring(0, back.length() - 1))));
    assertThat(told("then"))
        .containsExactly(SUMMARY, "user the end", "assistant Hello.", "user then");
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aClientThatKeepsTheConversationIsGivenTheItem(boolean stream) {
    String body =
        "{'model':'m','store':false,'stream':%s,'context_management':[{'type':'compaction','compact_threshold':1000}],"
                .formatted(stream)
            + "'input':[{'role':'user','content':'%s'},{'role':'assistant','content':'a'},{'role':'user','content':'why'}]}"
                .formatted(LONG);
    HttpResponse<String> answered = post("/responses", body);
    JsonNode response = stream ? events(answered).getLast().path("response") : ok(answered);
    assertThat(types(response)).containsExactly("compaction", "message");
    assertThat(told("why")).containsExactly(SUMMARY, "user why");
    // All before the item may be dropped.
    String output = response.path("output").toString();
    ok(
        postJson(
            "/responses",
            "{\"model\":\"m\",\"store\":false,\"input\":%s,{\"role\":\"user\",\"content\":\"so\"}]}"
                .formatted(output.substring(0, output.length() - 1))));
    assertThat(told("so")).containsExactly(SUMMARY, "assistant Hello.", "user so");
  }

  @Test
  void aShortPromptIsNotCompacted() {
    JsonNode response =
        ok(
            post(
                "/responses",
                "{'model':'m','input':'few','context_management':[{'type':'compaction','compact_threshold':1000}]}"));
    assertThat(types(response)).containsExactly("message");
  }

  // ---- natively

  @Test
  void aCompactedThreadIsGoneOnFromByItsResponses() {
    JsonNode first = ok(post("/responses", "{'model':'m','input':'begin'}"));
    JsonNode second =
        ok(
            post(
                "/responses",
                "{'model':'m','input':'middle','previous_response_id':'%s'}"
                    .formatted(first.path("id").asString())));
    String id = second.path("id").asString();
    String session = ResponseId.parse(id).session();
    HttpResponse<String> done = nativePost(session, "{'model':'tiny','keep':1}");
    assertThat(done.statusCode()).as(done.body()).isEqualTo(201);
    JsonNode made = MAPPER.readTree(done.body());
    assertThat(made.path("messages").asInt()).isEqualTo(2);
    assertThat(made.at("/summary/id").asString()).isEqualTo("cmp_1");
    assertThat(made.at("/summary/role").asString()).isEqualTo("user");
    assertThat(made.at("/summary/compaction/kept").asInt()).isEqualTo(2);
    assertThat(made.at("/usage/totalTokens").asInt()).isEqualTo(11);
    assertThat(done.headers().firstValue("ETag"))
        .contains("\"" + made.path("position").asString() + "\"");
    for (String store : List.of("false", "true")) {
      ok(
          post(
              "/responses",
              "{'model':'m','input':'end %s','store':%s,'previous_response_id':'%s'}"
                  .formatted(store, store, id)));
      assertThat(told("end " + store))
          .containsExactly(SUMMARY, "user middle", "assistant Hello.", "user end " + store);
    }
    // From the first response there is no summary.
    ok(
        post(
            "/responses",
            "{'model':'m','input':'otherwise','previous_response_id':'%s'}"
                .formatted(first.path("id").asString())));
    assertThat(told("otherwise"))
        .containsExactly("user begin", "assistant Hello.", "user otherwise");
  }

  @Test
  void aConversationThatWasCompactedIsForkedWithItsSummary() {
    String conversation = conversation();
    ok(
        post(
            "/responses",
            "{'model':'m','input':'begin','conversation':'%s'}".formatted(conversation)));
    JsonNode second =
        ok(
            post(
                "/responses",
                "{'model':'m','input':'middle','conversation':'%s'}".formatted(conversation)));
    assertThat(nativePost(conversation, "{'model':'m'}").statusCode()).isEqualTo(201);
    ok(
        post(
            "/responses",
            "{'model':'m','input':'fork','previous_response_id':'%s'}"
                .formatted(second.path("id").asString())));
    assertThat(told("fork"))
        .containsExactly(SUMMARY, "user middle", "assistant Hello.", "user fork");
  }

  @Test
  void withoutItsItemTheThreadIsToldAgain() {
    String conversation = conversation();
    for (String text : List.of("first", "second")) {
      ok(
          post(
              "/responses",
              "{'model':'m','input':'%s','conversation':'%s'}".formatted(text, conversation)));
    }
    JsonNode made = MAPPER.readTree(nativePost(conversation, "").body());
    assertThat(made.at("/summary/id").asString()).isEqualTo("cmp_1");
    JsonNode newest = ok(get("/conversations/" + conversation + "/items?limit=1"));
    String id = newest.path("first_id").asString();
    assertThat(id).startsWith("cmp_1_");
    JsonNode deleted =
        ok(send("DELETE", url() + "/conversations/" + conversation + "/items/" + id, ""));
    assertThat(deleted.path("object").asString()).isEqualTo("conversation");
    ok(
        post(
            "/responses",
            "{'model':'m','input':'uncovered','conversation':'%s'}".formatted(conversation)));
    assertThat(told("uncovered"))
        .containsExactly(
            "user first", "assistant Hello.", "user second", "assistant Hello.", "user uncovered");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'keep':-1}|400|keep",
        "{'keep':1001}|400|keep",
        "{'keep':'2'}|400|keep",
        "{'model':7}|400|model",
        "{'model':''}|400|model",
        "{'instructions':''}|400|instructions",
        "{'threshold':7}|400|threshold",
        "[]|400|"
      })
  void whatIsWrongNativelyIsNamed(String body, int status, String field) {
    HttpResponse<String> refused = nativePost(conversation(), body);
    assertThat(refused.statusCode()).as(refused.body()).isEqualTo(status);
    JsonNode problem = MAPPER.readTree(refused.body());
    assertThat(problem.path("field").asString(null)).isEqualTo(field);
  }

  @Test
  void nothingToCompactAndNoSession() {
    HttpResponse<String> nothing = nativePost(conversation(), "{}");
    assertThat(nothing.statusCode()).as(nothing.body()).isEqualTo(200);
    assertThat(nothing.body()).contains("\"messages\":0,\"summary\":null");
    HttpResponse<String> absent = nativePost("conv_" + UUID.randomUUID(), "{}");
    assertThat(absent.statusCode()).isEqualTo(404);
  }

  // ---- clients

  private String conversation() {
    return ok(post("/conversations", "{}")).path("id").asString();
  }

  private HttpResponse<String> ask(String conversation, String text, boolean stream) {
    return post(
        "/responses",
        "{'model':'m','conversation':'%s','input':'%s','stream':%s,'context_management':[{'type':'compaction','compact_threshold':1000}]}"
            .formatted(conversation, text, stream));
  }

  private HttpResponse<String> get(String path) {
    return send("GET", url() + path, "");
  }

  private HttpResponse<String> post(String path, String body) {
    return send("POST", url() + path, body.replace('\'', '"'));
  }

  private HttpResponse<String> postJson(String path, String body) {
    return send("POST", url() + path, body);
  }

  private HttpResponse<String> nativePost(String session, String body) {
    String base = url().replace("/openai/v1", "/v1/sessions/");
    return send("POST", base + session + "/compact", body.replace('\'', '"'));
  }

  /** The replicas in turn. */
  private String url() {
    return replicas.get(sent++ % 2).url();
  }

  private HttpResponse<String> send(String method, String url, String body) {
    try {
      return Replica.send(method, url, body, "Heddle-User", user);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static JsonNode ok(HttpResponse<String> response) {
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return MAPPER.readTree(response.body());
  }

  private static List<JsonNode> events(HttpResponse<String> response) {
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return response
        .body()
        .lines()
        .filter(line -> line.startsWith("data: {"))
        .map(line -> MAPPER.readTree(line.substring(6)))
        .toList();
  }

  private static List<String> types(JsonNode response) {
    List<String> types = new ArrayList<>();
    response.path("output").forEach(item -> types.add(item.path("type").asString()));
    return types;
  }

  // ---- the model

  private static List<String> requests(String part) {
    return model.requests().stream()
        .map(ScriptedModel.Request::body)
        .filter(body -> body.contains(part))
        .toList();
  }

  /** The last request whose last message says that, as role and text of its messages. */
  private static List<String> told(String last) {
    List<String> told = List.of();
    for (ScriptedModel.Request request : model.requests()) {
      List<String> messages = new ArrayList<>();
      MAPPER
          .readTree(request.body())
          .path("messages")
          .forEach(message ->
              messages.add(
                  message.path("role").asString() + " " + message.path("content").asString("")));
      told = messages.getLast().equals("user " + last) ? messages : told;
    }
    return told;
  }
}
