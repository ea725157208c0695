package io.heddle.openai;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What stock clients trip over, looked at below them. */
class WireIT {

  private static final JsonMapper MAPPER = new JsonMapper();
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  /** Of {@code ResponseResource} in the Open Responses schema. */
  private static final String[] REQUIRED = {
    "id",
    "object",
    "created_at",
    "completed_at",
    "status",
    "incomplete_details",
    "model",
    "previous_response_id",
    "instructions",
    "output",
    "error",
    "tools",
    "tool_choice",
    "truncation",
    "parallel_tool_calls",
    "text",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "top_logprobs",
    "temperature",
    "reasoning",
    "usage",
    "max_output_tokens",
    "max_tool_calls",
    "store",
    "background",
    "service_tier",
    "metadata",
    "safety_identifier",
    "prompt_cache_key"
  };

  private static Replica replica;

  @BeforeAll
  static void open() {
    replica =
        Replica.embedded(
            "--heddle.live.comment-every=1s",
            "--heddle.limits.rules.tokens.kind=tokens",
            "--heddle.limits.rules.tokens.limit=1000000",
            "--heddle.limits.rules.tokens.window=10m",
            "--heddle.limits.rules.few.kind=writes",
            "--heddle.limits.rules.few.limit=3",
            "--heddle.limits.rules.few.paths=/openai/v1/conversations",
            "--heddle.limits.rules.asks.kind=requests",
            "--heddle.limits.rules.asks.limit=2",
            "--heddle.limits.rules.asks.window=10m",
            "--heddle.limits.rules.asks.paths=/openai/v1/responses/input_tokens");
  }

  @AfterAll
  static void close() {
    replica.close();
  }

  // ---- streams

  /**
   * A Python decoder that has seen an {@code id:} line takes the empty line after a comment for an
   * event without data, and fails on it.
   */
  @Test
  void aStreamHasNothingThatClientsStumbleOver() throws Exception {
    String stream =
        raw(
            "{'model':'echo','input':'slow','stream':true,'echo':{'firstAfter':'2500ms','tokens':3}}");
    assertThat(stream).doesNotContain("\nid:").doesNotContain("retry:").contains(": ping\n");
    // A comment is one line; what follows it is an event and no empty line.
    assertThat(stream).doesNotContain(": ping\n\n").doesNotContain(":\n\n");
    assertThat(stream).endsWith("\n\n");
    List<JsonNode> events = events(stream);
    assertThat(events.getLast().get("type").asString()).isEqualTo("response.completed");
    assertThat(events).noneMatch(event -> event.has("error"));
  }

  @Test
  void chunksOfACompletionHaveNoEventLinesAndEndWithDone() throws Exception {
    HttpResponse<String> answer =
        post(
            "/chat/completions",
            "{'model':'echo','messages':[{'role':'user','content':'a b'}],'stream':true}");
    assertThat(answer.headers().firstValue("Content-Type")).hasValue("text/event-stream");
    assertThat(answer.body()).doesNotContain("event:").endsWith("data: [DONE]\n\n");
    // Nobody asked for it.
    assertThat(answer.body()).doesNotContain("usage");
  }

  @Test
  void anErrorAfterTheFirstWordIsAFrame() throws Exception {
    String body =
        post(
                "/chat/completions",
                "{'messages':[{'role':'user','content':'a b"
                    + " c'}],'stream':true,'echo':{'fail':'after:1'}}")
            .body();
    assertThat(body).doesNotContain("[DONE]");
    String last = body.strip().lines().filter(line -> !line.isEmpty()).toList().getLast();
    JsonNode error = MAPPER.readTree(last.substring("data: ".length())).get("error");
    assertThat(error.propertyNames()).containsExactly("message", "type", "param", "code");
    String stored =
        post("/responses", "{'input':'a b c','stream':true,'echo':{'fail':'after:1'}}").body();
    JsonNode failed = events(stored).getLast();
    assertThat(failed.get("type").asString()).isEqualTo("response.failed");
    assertThat(failed.at("/response/error/code").asString()).isEqualTo("server_error");
    assertThat(failed.at("/response/output/0/status").asString()).isEqualTo("incomplete");
  }

  /** What was said before a failure is in the thread, and the next turn works. */
  @Test
  void aFailedTurnLeavesAThreadThatGoesOn() throws Exception {
    String conversation = conversation();
    HttpResponse<String> failed =
        post(
            "/responses",
            "{'conversation':'" + conversation + "','input':'a b c','echo':{'fail':'after:1'}}");
    assertThat(failed.statusCode()).isEqualTo(502);
    assertThat(failed.headers().firstValue("x-should-retry")).hasValue("false");
    HttpResponse<String> next =
        post("/responses", "{'conversation':'" + conversation + "','input':'next'}");
    assertThat(next.statusCode()).as(next.body()).isEqualTo(200);
    assertThat(texts(conversation)).containsExactly("a b c", "a ", "next", "next");
  }

  // ---- headers, errors, limits

  @Test
  void everyAnswerSaysWhatClientsRead() throws Exception {
    HttpResponse<String> answer = get("/models");
    assertThat(answer.headers().firstValue("x-request-id").orElseThrow()).startsWith("req_");
    assertThat(answer.headers().firstValue("openai-processing-ms")).isPresent();
    assertThat(answer.headers().firstValue("x-ratelimit-limit-requests")).isPresent();
    assertThat(answer.headers().firstValue("x-ratelimit-remaining-requests")).isPresent();
    assertThat(answer.headers().firstValue("x-ratelimit-reset-requests").orElseThrow())
        .matches("(\\d+m)?\\d+(\\.\\d+)?(ms|s)");
  }

  @Test
  void aLimitIsToldAndARepetitionIsNotCounted() throws Exception {
    List<Integer> statuses = new ArrayList<>();
    HttpResponse<String> last = null;
    for (int i = 0; i < 3; i++) {
      last = post("/responses/input_tokens", "{'input':'x'}", "Heddle-User", "limited");
      statuses.add(last.statusCode());
    }
    assertThat(statuses).containsExactly(200, 200, 429);
    JsonNode error = json(last).get("error");
    assertThat(error.get("type").asString()).isEqualTo("requests");
    assertThat(error.get("code").asString()).isEqualTo("rate_limit_exceeded");
    assertThat(last.headers().firstValue("Retry-After")).isPresent();
    assertThat(last.headers().firstValue("retry-after-ms")).isPresent();

    // A second try under a key, and over the limit, is the first one's answer all the same.
    String first = null;
    for (int i = 0; i < 6; i++) {
      String key = i % 2 == 0 ? "k-one" : "k-two";
      HttpResponse<String> made =
          post("/conversations", "{}", "Heddle-User", "keyed", "Idempotency-Key", key);
      assertThat(made.statusCode()).as(made.body()).isEqualTo(200);
      first = i == 0 ? made.body() : first;
      if (i % 2 == 0) {
        assertThat(made.body()).isEqualTo(first);
      }
    }
    // Of two the first counts: a middleware of the client's may have put its own behind.
    HttpResponse<String> two =
        post(
            "/conversations",
            "{}",
            "Heddle-User",
            "keyed",
            "Idempotency-Key",
            "k-one",
            "Idempotency-Key",
            "k-other");
    assertThat(two.statusCode()).as(two.body()).isEqualTo(200);
    assertThat(two.body()).isEqualTo(first);
  }

  /** Clients slow down by these, and a limit of tokens is another than one of requests. */
  @ParameterizedTest
  @CsvSource({"/responses, max_output_tokens", "/chat/completions, max_tokens"})
  void whatIsLeftOfTokensIsTold(String path, String most) throws Exception {
    String asks =
        "{'model':'echo','input':'x','messages':[{'role':'user','content':'x'}],"
            + "'echo':{'tokens':300,'pace':'0ms'},'"
            + most
            + "':";
    String user = "tokens" + most;
    HttpResponse<String> first = post(path, asks + "600000,'stream':true}", "Heddle-User", user);
    assertThat(first.statusCode()).as(first.body()).isEqualTo(200);
    assertThat(first.headers().firstValue("x-ratelimit-limit-tokens")).hasValue("1000000");
    long left =
        Long.parseLong(first.headers().firstValue("x-ratelimit-remaining-tokens").orElseThrow());
    // What it may take is counted from its beginning.
    assertThat(left).isLessThan(400_000).isGreaterThan(399_000);
    assertThat(first.headers().firstValue("x-ratelimit-reset-tokens").orElseThrow())
        .matches("(\\d+m)?\\d+(\\.\\d+)?(ms|s)");

    HttpResponse<String> never = post(path, asks + "2000000}", "Heddle-User", user);
    assertThat(never.statusCode()).isEqualTo(429);
    assertThat(json(never).at("/error/type").asString()).isEqualTo("tokens");
    // No waiting helps: a library that repeats it would only wait for the same.
    assertThat(never.headers().firstValue("x-should-retry")).hasValue("false");
    assertThat(never.headers().firstValue("x-ratelimit-remaining-tokens")).isPresent();

    HttpResponse<String> later = post(path, asks + "999900}", "Heddle-User", user);
    assertThat(later.statusCode()).isEqualTo(429);
    assertThat(json(later).at("/error/type").asString()).isEqualTo("tokens");
    assertThat(later.headers().firstValue("retry-after-ms")).isPresent();
    assertThat(later.headers().firstValue("x-should-retry")).isEmpty();
    assertThat(get("/models").headers().firstValue("x-ratelimit-limit-tokens")).isEmpty();

    // What was refused has left no session behind.
    JsonNode sessions =
        json(send("GET", "/../../v1/sessions?user=" + user, "", "Heddle-User", user));
    assertThat(sessions.get("data").size()).isEqualTo(path.equals("/responses") ? 1 : 0);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "POST|/responses|{'input':|400|invalid_json",
        "POST|/responses|[]|400|invalid_type",
        "POST|/responses|{}|400|missing_required_parameter",
        "POST|/responses|{'input':'x','n':2}|400|unsupported_parameter",
        "POST|/responses|{'input':'x','logprobs':true}|400|unsupported_parameter",
        "POST|/responses|{'input':'x','functions':[{}]}|400|unsupported_parameter",
        "POST|/responses/compact|{'input':'x'}|400|missing_required_parameter",
        "GET|/responses||400|invalid_value",
        "GET|/responses/resp_x||404|",
        "GET|/responses/resp_0123456789abcdef_nobody||404|",
        "POST|/responses/resp_x/cancel||404|",
        "GET|/conversations/conv_x||404|",
        "GET|/conversations/a b||404|",
        "GET|/conversations/conv_x/items||404|",
        "POST|/conversations/conv_x|{'metadata':{}}|404|",
        "POST|/conversations/conv_x/items|{'items':[{'role':'user','content':'x'}]}|404|",
        "GET|/conversations?limit=0||400|integer_below_min_value",
        "GET|/conversations?limit=101||400|integer_above_max_value",
        "GET|/conversations?limit=many||400|invalid_type",
        "GET|/chat/completions||400|unsupported_parameter",
        "GET|/chat/completions/chatcmpl-1/messages||400|unsupported_parameter",
        "GET|/embeddings||404|unknown_url",
        "GET|/||404|unknown_url",
        // Also where the answer would be a stream, whose status would have been sent.
        "POST|/responses|{'input':'x','model':'nobody'}|404|model_not_found",
        "POST|/responses|{'input':'x','model':'nobody','stream':true}|404|model_not_found",
        "POST|/responses|{'input':'x','model':'nobody','background':true}|404|model_not_found",
        "POST|/responses|{'input':'x','model':'nobody','store':false,'stream':true}|404|model_not_found"
      })
  void errorsHaveTheFormOfThisWire(String method, String path, String body, int status, String code)
      throws Exception {
    HttpResponse<String> answer = send(method, path.replace(" ", "%20"), body == null ? "" : body);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    JsonNode error = json(answer).get("error");
    assertThat(error.propertyNames()).containsExactly("message", "type", "param", "code");
    assertThat(error.get("code").isNull() ? null : error.get("code").asString()).isEqualTo(code);
  }

  /** A message that was said before is not taken for a second try of what it said then. */
  @Test
  void theSameSaidAgainLaterIsNotARepetition() throws Exception {
    String conversation = conversation();
    String yes = "{'conversation':'" + conversation + "','input':'yes'}";
    String first =
        json(post("/responses", yes, "x-stainless-retry-count", "0")).get("id").asString();
    // Its answer was lost.
    assertThat(json(post("/responses", yes, "x-stainless-retry-count", "1")).get("id").asString())
        .isEqualTo(first);
    post("/responses", yes.replace("'yes'", "'more'"), "x-stainless-retry-count", "0");
    // The first try of this one was refused.
    assertThat(json(post("/responses", yes, "x-stainless-retry-count", "1")).get("id").asString())
        .isNotEqualTo(first);
    assertThat(texts(conversation)).containsExactly("yes", "yes", "more", "more", "yes", "yes");
  }

  // ---- whose they are

  @Test
  void whatIsAnothersIsNotThere() throws Exception {
    String conversation =
        json(post("/conversations", "{}", "Heddle-User", "ann")).get("id").asString();
    String response =
        json(post(
                "/responses",
                "{'input':'x','conversation':'" + conversation + "'}",
                "Heddle-User",
                "ann"))
            .get("id")
            .asString();
    for (String path :
        List.of(
            "/conversations/" + conversation,
            "/conversations/" + conversation + "/items",
            "/responses/" + response,
            "/responses/" + response + "?stream=true",
            "/responses/" + response + "/input_items")) {
      assertThat(send("GET", path, "", "Heddle-User", "bob").statusCode()).as(path).isEqualTo(404);
      assertThat(send("GET", path, "", "Heddle-User", "ann").statusCode()).as(path).isEqualTo(200);
    }
    HttpResponse<String> intruder =
        post(
            "/responses",
            "{'input':'x','previous_response_id':'" + response + "'}",
            "Heddle-User",
            "bob");
    assertThat(json(intruder).at("/error/code").asString())
        .isEqualTo("previous_response_not_found");
    assertThat(send("GET", "/conversations", "", "Heddle-User", "ann").body())
        .contains(conversation);
    assertThat(send("GET", "/conversations", "", "Heddle-User", "bob").body())
        .doesNotContain(conversation);
  }

  @Test
  void conversationsAreListedInPagesByMetadata() throws Exception {
    for (int i = 0; i < 3; i++) {
      assertThat(
              post("/conversations", "{'metadata':{'n':'" + i % 2 + "'}}", "Heddle-User", "lister")
                  .statusCode())
          .isEqualTo(200);
    }
    List<String> seen = new ArrayList<>();
    String after = "";
    do {
      JsonNode page =
          json(send("GET", "/conversations?limit=1&after=" + after, "", "Heddle-User", "lister"));
      page.get("data").forEach(one -> seen.add(one.get("id").asString()));
      after = page.get("has_more").asBoolean() ? page.get("last_id").asString() : "";
    } while (!after.isEmpty());
    assertThat(seen).hasSize(3).doesNotHaveDuplicates();
    // Some clients go on until a page is empty, whatever has_more says.
    List<String> walked = new ArrayList<>();
    for (int limit : List.of(1, 2, 3, 100)) {
      walked.clear();
      after = "";
      JsonNode page;
      do {
        page =
            json(
                send(
                    "GET",
                    "/conversations?limit=" + limit + "&after=" + after,
                    "",
                    "Heddle-User",
                    "lister"));
        page.get("data").forEach(one -> walked.add(one.get("id").asString()));
        after = page.get("last_id").asString();
      } while (!page.get("data").isEmpty());
      assertThat(walked).isEqualTo(seen);
    }
    // The id of one of them does as well, as with OpenAI's lists.
    JsonNode behind =
        json(
            send(
                "GET",
                "/conversations?limit=1&after=" + seen.getFirst(),
                "",
                "Heddle-User",
                "lister"));
    assertThat(behind.at("/data/0/id").asString()).isEqualTo(seen.get(1));
    assertThat(behind.get("has_more").asBoolean()).isTrue();
    HttpResponse<String> none =
        send("GET", "/conversations?after=conv_none", "", "Heddle-User", "lister");
    assertThat(none.statusCode()).isEqualTo(400);
    assertThat(json(none).at("/error/param").asString()).isEqualTo("after");
    JsonNode wanted =
        json(send("GET", "/conversations?metadata%5Bn%5D=0", "", "Heddle-User", "lister"));
    assertThat(wanted.get("data").size()).isEqualTo(2);
  }

  /**
   * Each response without a conversation showed up as one, and pushed the real ones off the page.
   */
  @Test
  void aSessionThatAResponseMadeForItselfIsNoConversation() throws Exception {
    String first = null;
    for (int i = 0; i < 12; i++) {
      JsonNode made =
          json(
              i % 4 == 0
                  ? post("/conversations", "{}", "Heddle-User", "mixed", "Idempotency-Key", "m" + i)
                  : post("/responses", "{'input':'x'}", "Heddle-User", "mixed"));
      first = i == 0 ? made.get("id").asString() : first;
      if (i == 1) {
        // From a conversation's response another one goes on in a session of its own.
        JsonNode inside =
            json(
                post(
                    "/responses",
                    "{'input':'x','conversation':'" + first + "'}",
                    "Heddle-User",
                    "mixed"));
        String previous = inside.get("id").asString();
        assertThat(
                post(
                        "/responses",
                        "{'input':'y','previous_response_id':'" + previous + "'}",
                        "Heddle-User",
                        "mixed")
                    .statusCode())
            .isEqualTo(200);
      }
    }
    JsonNode page = json(send("GET", "/conversations?limit=2", "", "Heddle-User", "mixed"));
    assertThat(page.get("data").size()).isEqualTo(2);
    assertThat(page.get("has_more").asBoolean()).isTrue();
    JsonNode rest =
        json(
            send(
                "GET",
                "/conversations?limit=2&after=" + page.get("last_id").asString(),
                "",
                "Heddle-User",
                "mixed"));
    assertThat(rest.get("data").size()).isEqualTo(1);
    HttpResponse<String> astray = send("GET", "/conversations?after=x", "", "Heddle-User", "mixed");
    assertThat(json(astray).at("/error/param").asString()).isEqualTo("after");
    assertThat(rest.at("/data/0/id").asString()).isEqualTo(first);
  }

  /** A response that is not kept, or not any more, is not the end of what it said. */
  @Test
  void aResponseThatIsNotKeptSaysWhereItsAnswerIs() throws Exception {
    String conversation = conversation();
    JsonNode made =
        json(
            post(
                "/responses", "{'input':'x','store':false,'conversation':'" + conversation + "'}"));
    HttpResponse<String> asked = get("/responses/" + made.get("id").asString());
    assertThat(asked.statusCode()).isEqualTo(404);
    assertThat(json(asked).at("/error/message").asString())
        .contains(made.at("/output/0/id").asString(), conversation);
    // But it can be deleted, so that nobody goes on from it.
    String id = made.get("id").asString();
    assertThat(send("DELETE", "/responses/" + id, "").statusCode()).isEqualTo(200);
    assertThat(get("/responses/" + id).body()).doesNotContain(conversation + "'.");
    assertThat(
            json(post("/responses", "{'previous_response_id':'" + id + "','input':'y'}"))
                .at("/error/code")
                .asString())
        .isEqualTo("previous_response_not_found");
    assertThat(texts(conversation)).containsExactly("x", "x");
  }

  // ---- items

  /**
   * An agent takes back what a run added, item by item from the end, and counts them. Deleting a
   * call took the thought before it along, so that the last of its deletions took what was said
   * before the run.
   */
  @Test
  void itemsOfOneAnswerAreTakenBackOneByOne() throws Exception {
    String conversation = conversation();
    String said =
        "{'conversation':'" + conversation + "','input':'before','echo':{'reasoning':'hm'}}";
    assertThat(post("/responses", said).statusCode()).isEqualTo(200);
    JsonNode called =
        json(
            post(
                "/responses",
                "{'conversation':'"
                    + conversation
                    + "','input':'weather','echo':{'reasoning':'well',"
                    + "'toolCall':{'name':'f','arguments':{}}}}"));
    assertThat(called.at("/output/1/type").asString()).isEqualTo("function_call");
    List<String> all = ids(conversation);
    assertThat(all).hasSize(6);
    for (int left = all.size() - 1; left >= 0; left--) {
      String path = "/conversations/" + conversation + "/items/" + all.get(left);
      HttpResponse<String> deleted = send("DELETE", path, "");
      assertThat(deleted.statusCode()).as(deleted.body()).isEqualTo(200);
      assertThat(json(deleted).get("object").asString()).isEqualTo("conversation");
      // What stays keeps its name.
      assertThat(ids(conversation)).isEqualTo(all.subList(0, left));
      assertThat(send("DELETE", path, "").statusCode()).isEqualTo(404);
      // A library that lost the first answer has got what it wanted.
      assertThat(send("DELETE", path, "", "x-stainless-retry-count", "1").statusCode())
          .isEqualTo(200);
    }
  }

  /** The rest of the answer is what the model is told, and where its response goes on. */
  @Test
  void anAnswerThatWasTakenBackInPartGoesOn() throws Exception {
    String conversation = conversation();
    JsonNode first =
        json(
            post(
                "/responses",
                "{'conversation':'"
                    + conversation
                    + "','input':'one','echo':{'reasoning':'well'}}"));
    String reasoning = first.at("/output/0/id").asString();
    String items = "/conversations/" + conversation + "/items/";
    assertThat(send("DELETE", items + reasoning, "").statusCode()).isEqualTo(200);
    HttpResponse<String> next =
        post(
            "/responses",
            "{'previous_response_id':'" + first.get("id").asString() + "','input':'two'}");
    assertThat(next.statusCode()).as(next.body()).isEqualTo(200);
    assertThat(texts(conversation)).containsExactly("one", "one");
    JsonNode kept = json(get(items + first.at("/output/1/id").asString()));
    assertThat(kept.at("/content/0/text").asString()).isEqualTo("one");
  }

  /** It was a 404 about some message, which no client connects with what it has sent. */
  @Test
  void aResponseWhoseAnswerWasDeletedGoesOnFromWhatIsLeft() throws Exception {
    String conversation = conversation();
    JsonNode first =
        json(post("/responses", "{'conversation':'" + conversation + "','input':'one'}"));
    String id = first.get("id").asString();
    String items = "/conversations/" + conversation + "/items/";
    assertThat(send("DELETE", items + first.at("/output/0/id").asString(), "").statusCode())
        .isEqualTo(200);
    for (String store : List.of("true", "false")) {
      HttpResponse<String> next =
          post(
              "/responses",
              "{'previous_response_id':'" + id + "','input':'two','store':" + store + "}");
      assertThat(next.statusCode()).as(next.body()).isEqualTo(200);
    }
    assertThat(send("DELETE", items + ids(conversation).getFirst(), "").statusCode())
        .isEqualTo(200);
    HttpResponse<String> nothing =
        post("/responses", "{'previous_response_id':'" + id + "','input':'two'}");
    assertThat(nothing.statusCode()).isEqualTo(400);
    assertThat(json(nothing).at("/error/code").asString()).isEqualTo("previous_response_not_found");
  }

  @Test
  void anAnswerOfSeveralItemsFurtherUpIsDeletedAsAWhole() throws Exception {
    String conversation = conversation();
    String messages = "/../../v1/sessions/" + conversation + "/messages";
    HttpResponse<String> made =
        send(
            "POST",
            messages,
            "{'messages':[{'role':'assistant','content':'text','toolCalls':["
                + "{'id':'c','type':'function','function':{'name':'f','arguments':'{}'}},"
                + "{'id':'d','type':'function','function':{'name':'f','arguments':'{}'}}]},"
                + "{'role':'user','content':'after'}]}");
    assertThat(made.statusCode()).as(made.body()).isEqualTo(201);
    List<String> items = ids(conversation);
    assertThat(items).hasSize(4);
    String base = "/conversations/" + conversation + "/items/";
    HttpResponse<String> half = send("DELETE", base + items.get(1), "");
    assertThat(half.statusCode()).isEqualTo(400);
    assertThat(half.body()).contains(items.get(0));
    assertThat(ids(conversation)).isEqualTo(items);
    assertThat(send("DELETE", base + items.get(3), "").statusCode()).isEqualTo(200);
    // The second call would be named as the first one was.
    HttpResponse<String> middle = send("DELETE", base + items.get(1), "");
    assertThat(middle.statusCode()).isEqualTo(400);
    assertThat(middle.body()).contains(items.get(2));
    assertThat(send("DELETE", base + items.get(2), "").statusCode()).isEqualTo(200);
    assertThat(texts(conversation)).containsExactly("text", "");
  }

  @Test
  void anItemIdIsTakenOnceInItsConversation() throws Exception {
    String item = "{'items':[{'id':'mine','role':'user','content':'x'}]}";
    String one = conversation();
    String two = conversation();
    assertThat(post("/conversations/" + one + "/items", item).statusCode()).isEqualTo(200);
    assertThat(post("/conversations/" + two + "/items", item).statusCode()).isEqualTo(200);
    HttpResponse<String> again = post("/conversations/" + one + "/items", item);
    assertThat(again.statusCode()).isEqualTo(400);
    assertThat(again.body()).contains("item_exists");
  }

  @Test
  void whatTheConversationHasIsNotAddedAgain() throws Exception {
    String conversation = conversation();
    JsonNode first =
        json(post("/responses", "{'conversation':'" + conversation + "','input':'one'}"));
    String answer = first.at("/output/0/id").asString();
    HttpResponse<String> second =
        post(
            "/responses",
            "{'conversation':'"
                + conversation
                + "','input':[{'type':'item_reference','id':'"
                + answer
                + "'},{'role':'user','content':'two'}]}");
    assertThat(second.statusCode()).as(second.body()).isEqualTo(200);
    assertThat(texts(conversation)).containsExactly("one", "one", "two", "two");
    HttpResponse<String> unknown =
        post(
            "/responses",
            "{'conversation':'"
                + conversation
                + "','input':[{'type':'item_reference','id':'msg_nope'}]}");
    assertThat(unknown.statusCode()).isEqualTo(404);
  }

  /** A session of an agent is written in one call, and not every client splits it. */
  @ParameterizedTest
  @CsvSource({"45, 200", "100, 200", "101, 400"})
  void manyItemsAreAddedAtOnce(int count, int status) throws Exception {
    String items =
        "{'items':["
            + String.join(
                ",", java.util.Collections.nCopies(count, "{'role':'user','content':'x'}"))
            + "]}";
    HttpResponse<String> added = post("/conversations/" + conversation() + "/items", items);
    HttpResponse<String> made = post("/conversations", items, "Heddle-User", "many" + count);
    for (HttpResponse<String> answer : List.of(added, made)) {
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
      if (status == 400) {
        assertThat(json(answer).at("/error/param").asString()).isEqualTo("items");
        assertThat(json(answer).at("/error/code").asString()).isEqualTo("array_above_max_length");
      }
    }
    if (status == 200) {
      assertThat(json(added).get("data").size()).isEqualTo(count);
    }
  }

  /** Of a response, whether it has ended or not, plain or in an event, stored or not. */
  @Test
  void aResponseHasEveryMemberThatTheOpenSchemaRequires() throws Exception {
    String body =
        "{'model':'echo','input':'x','reasoning':{'summary':'auto'},'echo':{'reasoning':'hm'},"
            + "'tools':[{'type':'function','name':'f'}],";
    List<JsonNode> all = new ArrayList<>();
    for (String how :
        List.of("'store':true", "'store':false", "'background':true", "'stream':true")) {
      String answer = post("/responses", body + how + "}").body();
      if (how.contains("stream")) {
        events(answer)
            .forEach(event -> {
              if (event.has("response")) {
                all.add(event.get("response"));
              }
            });
      } else {
        all.add(MAPPER.readTree(answer));
      }
    }
    assertThat(all).hasSize(6);
    for (JsonNode response : all) {
      assertThat(response.propertyNames()).contains(REQUIRED);
      for (String number :
          List.of("presence_penalty", "frequency_penalty", "temperature", "top_p")) {
        assertThat(response.get(number).isNumber()).as(number).isTrue();
      }
      assertThat(response.at("/tools/0").propertyNames())
          .contains("type", "name", "description", "parameters", "strict");
      for (JsonNode item : response.get("output")) {
        assertThat(item.propertyNames()).contains("id", "type", "status");
      }
      assertThat(response.get("service_tier").isString()).isTrue();
    }
  }

  // ----

  private static String conversation() throws Exception {
    return json(post("/conversations", "{}", "Heddle-User", "u" + System.nanoTime()))
        .get("id")
        .asString();
  }

  private static List<String> ids(String conversation) throws Exception {
    List<String> ids = new ArrayList<>();
    for (JsonNode item :
        json(get("/conversations/" + conversation + "/items?order=asc&limit=100")).get("data")) {
      ids.add(item.get("id").asString());
    }
    return ids;
  }

  private static List<String> texts(String conversation) throws Exception {
    List<String> texts = new ArrayList<>();
    for (JsonNode item :
        json(get("/conversations/" + conversation + "/items?order=asc&limit=100")).get("data")) {
      texts.add(item.at("/content/0/text").asString());
    }
    return texts;
  }

  /** The body of a streamed response as it comes over the connection, its chunks put together. */
  private static String raw(String body) throws IOException {
    byte[] json = body.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    try (Socket socket = new Socket("127.0.0.1", replica.port())) {
      socket.setSoTimeout((int) PATIENCE.toMillis());
      String head =
          "POST /openai/v1/responses HTTP/1.1\r\n"
              + "Host: localhost\r\n"
              + "Content-Type: application/json\r\n"
              + "Connection: close\r\n"
              + "Content-Length: "
              + json.length
              + "\r\n\r\n";
      socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
      socket.getOutputStream().write(json);
      String answer =
          new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
      StringBuilder stream = new StringBuilder();
      int at = answer.indexOf("\r\n\r\n") + 4;
      while (true) {
        int line = answer.indexOf("\r\n", at);
        int size = Integer.parseInt(answer.substring(at, line), 16);
        if (size == 0) {
          return stream.toString();
        }
        stream.append(answer, line + 2, line + 2 + size);
        at = line + 2 + size + 2;
      }
    }
  }

  private static List<JsonNode> events(String stream) {
    return stream
        .lines()
        .filter(line -> line.startsWith("data: "))
        .map(line -> MAPPER.readTree(line.substring("data: ".length())))
        .toList();
  }

  private static JsonNode json(HttpResponse<String> answer) {
    return MAPPER.readTree(answer.body());
  }

  private static HttpResponse<String> get(String path) throws Exception {
    return send("GET", path, "");
  }

  private static HttpResponse<String> post(String path, String body, String... headers)
      throws Exception {
    return send("POST", path, body, headers);
  }

  private static HttpResponse<String> send(
      String method, String path, String body, String... headers) throws Exception {
    String url =
        path.startsWith("/../..")
            ? replica.url().replace("/openai/v1", path.substring(6))
            : replica.url() + path;
    return Replica.send(method, url, body, headers);
  }
}
