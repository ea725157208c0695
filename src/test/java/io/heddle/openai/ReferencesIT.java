package io.heddle.openai;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.ModelScript;
import io.heddle.testing.ScriptedModel;
import io.heddle.testing.TestRedis;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Items that clients send back by reference or under their own ids, over two replicas in turn: what
 * the model is told of them.
 */
class ReferencesIT {

  private static final JsonMapper MAPPER = new JsonMapper();

  private static final String TOOLS =
      "'tools':[{'type':'function','name':'look','parameters':{'type':'object'}}]";

  private static final AtomicInteger USERS = new AtomicInteger();

  private static ScriptedModel model;
  private static List<Replica> replicas;

  /** Whose requests they are; tests run side by side, and a model's requests are told by it. */
  private final String user = "u" + USERS.incrementAndGet();

  private int sent;

  @BeforeAll
  static void open() {
    model = ScriptedModel.start();
    model.answer(request -> isToCall(request.body()) ? calls() : ModelScript.say("Hello."));
    String[] settings = {
      "--heddle.upstreams.scripted.base-url=" + model.baseUrl(),
      "--heddle.upstreams.scripted.models=m"
    };
    String uri = TestRedis.uri(ReferencesIT.class);
    replicas = List.of(Replica.redis(uri, settings), Replica.redis(uri, settings));
  }

  private static boolean isToCall(String body) {
    JsonNode messages = MAPPER.readTree(body).get("messages");
    return text(messages.get(messages.size() - 1)).startsWith("CALL");
  }

  private static ModelScript calls() {
    return ModelScript.stream()
        .event(delta("{'reasoning_content':'Hm.'}"))
        .event(delta("{'content':'I look.'}"))
        .event(
            delta(
                "{'tool_calls':[{'index':0,'id':'c1','type':'function','function':"
                    + "{'name':'look','arguments':'{}'}},{'index':1,'id':'c2','type':'function',"
                    + "'function':{'name':'look','arguments':'{}'}}]}"))
        .finish("tool_calls")
        .done();
  }

  private static String delta(String delta) {
    return ("{'id':'x','object':'chat.completion.chunk','created':1,'model':'m','choices':[{'index':0,"
                + "'delta':"
            + delta
            + ",'finish_reason':null}]}")
        .replace('\'', '"');
  }

  @AfterAll
  static void close() {
    replicas.forEach(Replica::close);
    model.close();
  }

  // ---- what a stock client does: no conversation, no previous response, everything by reference

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aToolLoopByReference(boolean store) {
    JsonNode first = answer("{'model':'m','input':'CALL',%s}".formatted(TOOLS));
    List<String> ids = ids(first.get("output"));
    assertThat(ids).hasSize(4);
    String input =
        "[{'role':'user','content':'q'},%s,{'type':'function_call_output','call_id':'c1','output':'one'},"
                .formatted(references(ids))
            + "{'type':'function_call_output','call_id':'c2','output':'two'}]";
    JsonNode second =
        answer("{'model':'m','store':%s,'input':%s,%s}".formatted(store, input, TOOLS));
    assertThat(second.at("/output/0/content/0/text").asString()).isEqualTo("Hello.");
    assertThat(told("q"))
        .containsExactly("user q", "assistant I look. c1 c2", "tool c1", "tool c2");
    assertThat(tokens(input)).isGreaterThan(20);
    if (store) {
      // The copies are items of that response like any others.
      JsonNode items = get("/responses/" + second.get("id").asString() + "/input_items?order=asc");
      assertThat(ids(items.get("data"))).hasSize(7);
      String again = references(ids(items.get("data")));
      answer("{'model':'m','input':[{'role':'user','content':'once more'},%s]}".formatted(again));
      assertThat(told("once more"))
          .containsExactly(
              "user once more", "user q", "assistant I look. c1 c2", "tool c1", "tool c2");
    }
  }

  /** Whoever keeps a conversation by its items was refused what a response takes. */
  @Test
  void itemsOfAConversationMayBeReferences() {
    List<String> ids =
        ids(answer("{'model':'m','input':'CALL',%s}".formatted(TOOLS)).get("output"));
    String items = "{'items':[{'role':'user','content':'q'},%s]}".formatted(references(ids));
    String made = id(post("/conversations", items));
    String filled = id(post("/conversations", "{}"));
    JsonNode added = json(post("/conversations/" + filled + "/items", items));
    for (JsonNode list : List.of(added, get("/conversations/" + made + "/items?order=asc"))) {
      assertThat(list.get("data").valueStream().map(item -> item.get("type").asString()))
          .containsExactly("message", "reasoning", "message", "function_call", "function_call");
    }
    // What is there is not added, be it itself or a copy.
    for (List<String> there : List.of(ids, ids(added.get("data")))) {
      String again = "{'items':[" + references(there) + "]}";
      assertThat(json(post("/conversations/" + filled + "/items", again)).get("data")).isEmpty();
    }
    String more = "{'items':[%s,{'role':'user','content':'r'}]}".formatted(references(ids));
    assertThat(json(post("/conversations/" + filled + "/items", more)).get("data")).hasSize(1);
    assertThat(get("/conversations/" + filled + "/items").get("data")).hasSize(6);
    HttpResponse<String> none =
        post("/conversations", "{'items':[{'type':'item_reference','id':'msg_none'}]}");
    assertThat(none.statusCode()).isEqualTo(404);
    assertThat(json(none).at("/error/param").asString()).isEqualTo("items");
  }

  /** The answer was lost on its way; what came to who asked again was an empty list. */
  @Test
  void whatBroughtTheItemsIsAnsweredAgain() throws Exception {
    List<String> ids =
        ids(answer("{'model':'m','input':'CALL',%s}".formatted(TOOLS)).get("output"));
    String into = "/conversations/" + id(post("/conversations", "{}")) + "/items";
    String items = "{'items':[" + references(ids) + "]}";
    List<JsonNode> answers = new ArrayList<>();
    for (String key : List.of("one", "one", "two")) {
      String url = replicas.get(sent++ % 2).url() + into;
      answers.add(
          json(
              Replica.send(
                  "POST", url, items, "Heddle-User", user, "Idempotency-Key", user + key)));
    }
    assertThat(answers.getFirst().get("data")).hasSize(4);
    assertThat(answers.get(1)).isEqualTo(answers.getFirst());
    assertThat(answers.getLast().get("data")).isEmpty();
    assertThat(get(into).get("data")).hasSize(4);
  }

  @Test
  void aReferenceMayBeToEveryKindOfStoredItem() {
    String conversation = id(post("/conversations", "{}"));
    JsonNode made =
        json(
            post(
                "/conversations/" + conversation + "/items",
                "{'items':[{'role':'user','content':'placed'},{'id':'mine-1','role':'user','content':'own"
                    + " id'},{'type':'function_call','call_id':'k','name':'look','arguments':'{}'},"
                    + "{'type':'function_call_output','call_id':'k','output':'seen'},"
                    + "{'type':'web_search_call','id':'ws_1','status':'completed'}]}"));
    List<String> ids = ids(made.get("data"));
    JsonNode answer =
        answer("{'model':'m','conversation':'%s','input':'there'}".formatted(conversation));
    ids.addAll(ids(answer.get("output")));
    answer(
        "{'model':'m','input':[{'role':'user','content':'all of it'},%s]}"
            .formatted(references(ids)));
    assertThat(told("all of it"))
        .containsExactly(
            "user all of it",
            "user placed",
            "user own id",
            "assistant  k",
            "tool k",
            "assistant Hello.");
    // Where they are already they are not added again, in another conversation just once.
    String other = id(post("/conversations", "{}"));
    for (String where : List.of(conversation, other, other)) {
      answer(
          "{'model':'m','conversation':'%s','input':[%s,{'role':'user','content':'and'}]}"
              .formatted(where, references(ids)));
    }
    List<String> texts = new ArrayList<>();
    get("/conversations/" + other + "/items?order=asc&limit=100")
        .get("data")
        .forEach(item -> texts.add(item.at("/content/0/text").asString()));
    assertThat(texts)
        .containsExactly(
            "placed", "own id", "", "", "", "Hello.", "and", "Hello.", "and", "Hello.");
  }

  /** Only what is referred to, though one message has it all. */
  @Test
  void aReferenceIsToOneItem() {
    JsonNode first = answer("{'model':'m','input':'CALL',%s}".formatted(TOOLS));
    List<String> ids = ids(first.get("output"));
    answer(
        "{'model':'m','input':[{'role':'user','content':'one call'},%s,{'type':'function_call_output','call_id':'c2','output':'two'}]}"
            .formatted(references(List.of(ids.get(3)))));
    assertThat(told("one call")).containsExactly("user one call", "assistant  c2", "tool c2");
    answer(
        "{'model':'m','input':[{'role':'user','content':'text only'},%s,{'role':'user','content':'go'}]}"
            .formatted(references(List.of(ids.get(1)))));
    assertThat(told("text only")).containsExactly("user text only", "assistant I look.", "user go");
    // Twice is once, and the type may be left out.
    answer(
        "{'model':'m','input':[{'role':'user','content':'twice'},%s,%s,{'role':'user','content':'go'}]}"
            .formatted(references(List.of(ids.get(1))), "{'id':'" + ids.get(1) + "'}"));
    assertThat(told("twice")).containsExactly("user twice", "assistant I look.", "user go");
  }

  /** An item that comes back under its own id where the model is told it anyway. */
  @ParameterizedTest
  @ValueSource(strings = {"previous_response_id", "conversation"})
  void whatIsThereIsNotToldTwice(String by) {
    String conversation = id(post("/conversations", "{}"));
    String where = by.equals("conversation") ? "'conversation':'%s',".formatted(conversation) : "";
    JsonNode first = answer("{'model':'m',%s'input':'begin'}".formatted(where));
    String on =
        by.equals("conversation")
            ? where
            : "'previous_response_id':'%s',".formatted(first.get("id").asString());
    String item = first.at("/output/0").toString();
    String reference = references(ids(first.get("output")));
    for (String store : List.of("false", "true")) {
      for (String back : List.of(item, reference, item + "," + reference)) {
        String mark = by + store + back.length();
        answer(
            "{'model':'m','store':%s,%s'input':[%s,{'role':'user','content':'%s'}]}"
                .formatted(store, on, back, mark));
        List<String> told = told(mark);
        assertThat(told).startsWith("user begin", "assistant Hello.");
        // One for each that was asked, but for the last.
        assertThat(told.stream().filter(line -> line.equals("assistant Hello.")))
            .hasSize((int) told.stream().filter(line -> line.startsWith("user ")).count() - 1);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whatIsSaidTwiceIsToldTwice(boolean store) {
    answer(
        "{'model':'m','store':%s,'input':[{'role':'user','content':'more'},{'role':'assistant','content':'some'},{'role':'user','content':'more'},{'role':'assistant','content':'some'},{'role':'user','content':'again %s'}]}"
            .formatted(store, store));
    assertThat(told("again " + store))
        .containsExactly(
            "user more", "assistant some", "user more", "assistant some", "user again " + store);
  }

  /** The thread of an earlier response does not have what came later. */
  @Test
  void aReferenceToALaterItemIsAdded() {
    JsonNode first = answer("{'model':'m','input':'r1'}");
    String on = "'previous_response_id':'%s',".formatted(first.get("id").asString());
    JsonNode second = answer("{'model':'m',%s'input':'CALL later'}".formatted(on));
    String text = ids(second.get("output")).get(1);
    answer(
        "{'model':'m',%s'input':[%s,{'role':'user','content':'back'}]}"
            .formatted(on, references(List.of(text))));
    assertThat(told("back"))
        .containsExactly("user r1", "assistant Hello.", "assistant I look.", "user back");
  }

  /** As the AI SDK sends the steps of a loop in a conversation, and with store off. */
  @ParameterizedTest
  @ValueSource(strings = {"conversation", "previous_response_id", "store"})
  void theUsersMessageMayStandBeforeWhatTheToolsSaid(String by) {
    String conversation = id(post("/conversations", "{}"));
    String on = "'conversation':'" + conversation + "',";
    JsonNode first =
        answer(
            "{'model':'m',%s'input':[{'role':'user','content':'CALL'}],%s}".formatted(on, TOOLS));
    String then =
        switch (by) {
          case "conversation" -> on;
          case "store" ->
              "'store':false,'previous_response_id':'" + first.get("id").asString() + "',";
          default -> "'previous_response_id':'" + first.get("id").asString() + "',";
        };
    String outputs =
        "{'type':'function_call_output','call_id':'c1','output':'one'},{'type':'function_call_output','call_id':'c2','output':'two'}";
    answer(
        "{'model':'m',%s'input':[{'role':'user','content':'go %s'},%s],%s}"
            .formatted(then, by, outputs, TOOLS));
    assertThat(told("go " + by))
        .containsExactly(
            "user CALL", "assistant I look. c1 c2", "tool c1", "tool c2", "user go " + by);
    if (by.equals("conversation")) {
      // The next step of the loop sends the outputs of all steps.
      answer(
          "{'model':'m',%s'input':[{'role':'user','content':'next'},%s],%s}"
              .formatted(then, outputs, TOOLS));
      assertThat(get("/conversations/" + conversation + "/items?limit=100").get("data"))
          .hasSize(1 + 4 + 3 + 1 + 1 + 1);
      answer("{'model':'m',%s'input':'plain'}".formatted(then));
    }
    HttpResponse<String> none =
        post(
            "/responses",
            "{'model':'m','input':[{'type':'function_call_output','call_id':'c9','output':'x'}]}");
    assertThat(none.statusCode()).isEqualTo(400);
    assertThat(json(none).at("/error/param").asString()).isEqualTo("input");
  }

  @Test
  void whatIsAnothersIsAsNone() {
    JsonNode mine = answer("{'model':'m','input':'secret'}");
    String id = mine.at("/output/0/id").asString();
    String conversation = id(post("/conversations", "{}"));
    post(
        "/conversations/" + conversation + "/items",
        "{'items':[{'id':'own-secret','role':'user','content':'x'}]}");
    String none = id.substring(0, 4) + "0000000000000000" + id.substring(20);
    for (String of : List.of(id, "own-secret", none, "msg_nope", "rs_0123456789abcdef")) {
      for (String body :
          List.of(
              "{'model':'m','input':[%s]}",
              "{'model':'m','store':false,'input':[%s]}",
              "{'model':'m','input':[{'role':'user','content':'x'},%s]}")) {
        HttpResponse<String> refused =
            send("POST", "/responses", body.formatted(references(List.of(of))), "somebody-else");
        assertThat(refused.statusCode()).as(refused.body()).isEqualTo(404);
        JsonNode error = json(refused).get("error");
        assertThat(error.get("message").asString())
            .isEqualTo("Item with id '" + of + "' not found.");
        assertThat(error.get("param").asString()).isEqualTo("input");
      }
    }
    HttpResponse<String> counted =
        send(
            "POST",
            "/responses/input_tokens",
            "{'model':'m','input':[%s]}".formatted(references(List.of(id))),
            "somebody-else");
    assertThat(counted.statusCode()).isEqualTo(404);
    // Nothing is left of what was refused, and what is deleted is not there either.
    assertThat(send("DELETE", "/responses/" + mine.get("id").asString(), "", user).statusCode())
        .isEqualTo(200);
    HttpResponse<String> gone =
        post("/responses", "{'model':'m','input':[%s]}".formatted(references(List.of(id))));
    assertThat(gone.statusCode()).isEqualTo(404);
    HttpResponse<String> without =
        post("/responses", "{'model':'m','input':[{'type':'item_reference'}]}");
    assertThat(without.statusCode()).isEqualTo(400);
    assertThat(json(without).at("/error/param").asString()).isEqualTo("input[0].id");
  }

  /** Ids without their session, as they were given out before, where the session is known. */
  @Test
  void anOlderIdIsKnownInItsSession() {
    String conversation = id(post("/conversations", "{}"));
    JsonNode answer =
        answer(
            "{'model':'m','conversation':'%s','input':'CALL',%s}".formatted(conversation, TOOLS));
    String base = "/conversations/" + conversation + "/items";
    for (String id : ids(get(base).get("data"))) {
      String old = ItemIds.local(id);
      assertThat(old).isNotEqualTo(id);
      assertThat(get(base + "/" + old).get("id").asString()).isEqualTo(id);
      assertThat(get(base + "?after=" + old)).isEqualTo(get(base + "?after=" + id));
    }
    assertThat(ids(answer.get("output")))
        .isEqualTo(ids(get(base + "?order=asc").get("data")).subList(1, 5));
  }

  // ----

  /** The messages of the last request that has this as a message, in short. */
  private static List<String> told(String mark) {
    return model.requests().reversed().stream()
        .map(request -> MAPPER.readTree(request.body()).get("messages"))
        .filter(messages -> messages.valueStream().anyMatch(message -> text(message).equals(mark)))
        .findFirst()
        .orElseThrow()
        .valueStream()
        .map(message -> {
          StringBuilder line = new StringBuilder(message.get("role").asString()).append(' ');
          if (message.has("tool_call_id")) {
            return line + message.get("tool_call_id").asString();
          }
          line.append(text(message));
          message
              .path("tool_calls")
              .forEach(call -> line.append(' ').append(call.get("id").asString()));
          return line.toString();
        })
        .toList();
  }

  private static String text(JsonNode message) {
    JsonNode content = message.path("content");
    return content.isString() ? content.asString() : content.at("/0/text").asString("");
  }

  private long tokens(String input) {
    return json(post("/responses/input_tokens", "{'model':'m','input':" + input + "}"))
        .get("input_tokens")
        .asLong();
  }

  private static String references(List<String> ids) {
    return String.join(
        ",", ids.stream().map(id -> "{'type':'item_reference','id':'" + id + "'}").toList());
  }

  private static List<String> ids(JsonNode items) {
    List<String> ids = new ArrayList<>();
    items.forEach(item -> ids.add(item.get("id").asString()));
    return ids;
  }

  private static String id(HttpResponse<String> answer) {
    return json(answer).get("id").asString();
  }

  private JsonNode answer(String body) {
    HttpResponse<String> answer = post("/responses", body);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return json(answer);
  }

  private JsonNode get(String path) {
    HttpResponse<String> answer = send("GET", path, "", user);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return json(answer);
  }

  private HttpResponse<String> post(String path, String body) {
    return send("POST", path, body, user);
  }

  private static JsonNode json(HttpResponse<String> answer) {
    return MAPPER.readTree(answer.body());
  }

  private HttpResponse<String> send(String method, String path, String body, String as) {
    String url = replicas.get(sent++ % 2).url() + path;
    try {
      return Replica.send(method, url, body, "Heddle-User", as);
    } catch (java.io.IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
