package io.heddle.openai;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.HttpConnection;
import io.heddle.testing.ModelScript;
import io.heddle.testing.ScriptedModel;
import io.heddle.testing.SocketClient;
import io.heddle.testing.TestRedis;
import io.heddle.web.Backlog;
import io.heddle.web.Connections;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Responses over a WebSocket, at two replicas: what clients are told, and what the model is. */
class ResponsesSocketIT {

  private static final JsonMapper MAPPER = new JsonMapper();
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final String PATH = "/openai/v1/responses";
  private static final int WRITES = 40;

  private static final String TOOLS =
      "'tools':[{'type':'function','name':'look','parameters':{'type':'object'}}]";

  private static final AtomicInteger USERS = new AtomicInteger();

  private static ScriptedModel model;

  /** Says something for ever to whoever asks. */
  private static ScriptedModel endless;

  private static Replica one;
  private static Replica other;

  /** Whose sockets they are. */
  private final String user = "s" + USERS.incrementAndGet();

  @BeforeAll
  static void open() {
    model = ScriptedModel.start();
    model.answer(request -> answerTo(MAPPER.readTree(request.body()).get("messages")));
    endless = ScriptedModel.start();
    endless.answer(ModelScript.stream().text("so ").forever("on ", Duration.ofMillis(20)));
    String[] settings = {
      "--heddle.upstreams.scripted.base-url=" + model.baseUrl(),
      "--heddle.upstreams.scripted.models=m",
      "--heddle.upstreams.endless.base-url=" + endless.baseUrl(),
      "--heddle.upstreams.endless.models=endless",
      "--heddle.limits.rules.sockets.kind=writes",
      "--heddle.limits.rules.sockets.limit=" + WRITES,
      "--heddle.limits.rules.sockets.window=24h",
      "--heddle.limits.rules.sockets.paths=" + PATH
    };
    String uri = TestRedis.uri(ResponsesSocketIT.class);
    one = Replica.redis(uri, settings);
    other = Replica.redis(uri, settings);
  }

  private static ModelScript answerTo(JsonNode messages) {
    JsonNode last = messages.get(messages.size() - 1);
    String said = last.get("content").asString();
    if (said.startsWith("CALL")) {
      return ModelScript.stream()
          .delta(
              "{'tool_calls':[{'index':0,'id':'c1','type':'function','function':{'name':'look','arguments':'{}'}}]}"
                  .replace('\'', '"'))
          .finish("tool_calls")
          .done();
    }
    if (said.startsWith("FAIL")) {
      return ModelScript.stream().text("It ").cut();
    }
    return ModelScript.say("You said ", said, ".");
  }

  @AfterAll
  static void close() {
    one.close();
    other.close();
    model.close();
    endless.close();
  }

  // ---- what clients do

  private SocketClient connect(Replica replica) {
    return SocketClient.at(replica.port(), PATH, "Heddle-User", user);
  }

  private static void create(SocketClient socket, String body) {
    socket.send("{'type':'response.create',%s}".formatted(body).replace('\'', '"'));
  }

  /** The events of the response that is told next, or the error. */
  private static List<JsonNode> turn(SocketClient socket) {
    List<JsonNode> events = new ArrayList<>();
    while (true) {
      JsonNode event = socket.any();
      events.add(event);
      switch (event.get("type").asString()) {
        case "response.completed", "response.failed", "response.incomplete", "error" -> {
          return events;
        }
        default -> {
          // Not the end yet.
        }
      }
    }
  }

  private static JsonNode last(SocketClient socket) {
    return turn(socket).getLast();
  }

  private static JsonNode completed(SocketClient socket, String body) {
    create(socket, body);
    JsonNode event = last(socket);
    assertThat(event.get("type").asString()).as(event.toString()).isEqualTo("response.completed");
    return event.get("response");
  }

  private static String error(SocketClient socket, String body) {
    create(socket, body);
    JsonNode event = last(socket);
    assertThat(event.get("type").asString()).as(event.toString()).isEqualTo("error");
    return event.at("/error/code").asString();
  }

  private static String id(JsonNode response) {
    return response.get("id").asString();
  }

  private static String text(JsonNode response) {
    return response.at("/output/0/content/0/text").asString();
  }

  private HttpResponse<String> http(Replica replica, String method, String path, String body) {
    try {
      return Replica.send(method, replica.url() + path, body, "Heddle-User", user);
    } catch (IOException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private JsonNode get(Replica replica, String path) {
    HttpResponse<String> answer = http(replica, "GET", path, "");
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return MAPPER.readTree(answer.body());
  }

  /** What the model was told last that ends like this. */
  private static List<String> told(String end) {
    List<List<String>> all =
        model.requests().stream()
            .map(request -> MAPPER.readTree(request.body()).get("messages"))
            .map(messages ->
                messages
                    .valueStream()
                    .map(message ->
                        message.get("role").asString() + " " + message.path("content").asString(""))
                    .toList())
            .filter(messages -> messages.getLast().endsWith(" " + end))
            .toList();
    return all.getLast();
  }

  private static List<String> types(Stream<JsonNode> events) {
    return events.map(event -> event.get("type").asString()).toList();
  }

  // ---- events

  @ParameterizedTest
  @ValueSource(strings = {"'model':'m','input':'hello'", "'model':'m','input':'CALL'," + TOOLS})
  void theEventsAreThoseOfTheStream(String body) {
    String stored = body + ",'store':%s";
    for (boolean store : new boolean[] {true, false}) {
      String asked = stored.formatted(store);
      List<String> streamed =
          http(one, "POST", "/responses", "{" + asked + ",'stream':true}")
              .body()
              .lines()
              .filter(line -> line.startsWith("event: "))
              .map(line -> line.substring(7))
              .toList();
      try (SocketClient socket = connect(one)) {
        create(socket, asked);
        List<JsonNode> events = turn(socket);
        assertThat(types(events.stream())).isEqualTo(streamed);
        for (int i = 0; i < events.size(); i++) {
          assertThat(events.get(i).get("sequence_number").asInt()).isEqualTo(i);
          assertThat(events.get(i).has("stream_id")).isFalse();
        }
        // Wrapped, and with what only a stream of HTTP has.
        socket.send(
            "{'type':'response.create','response':{%s,'stream':true}}"
                .formatted(asked)
                .replace('\'', '"'));
        assertThat(types(turn(socket).stream())).isEqualTo(streamed);
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          nonsense                                                                       | 400 | invalid_json                | ~
          [1]                                                                            | 400 | invalid_type                | ~
          {'type':'response.cancel'}                                                     | 400 | invalid_value               | type
          {'input':'x'}                                                                  | 400 | invalid_value               | type
          {'type':'response.create','model':'m'}                                         | 400 | missing_required_parameter  | input
          {'type':'response.create','model':'none','store':false,'input':'x'}            | 404 | model_not_found             | model
          {'type':'response.create','model':'m','input':7}                               | 400 | invalid_type                | input
          {'type':'response.create','model':'m','input':'x','background':true}           | 400 | unsupported_parameter       | background
          {'type':'response.create','model':'m','input':'x','temperature':9}             | 400 | decimal_above_max_value     | temperature
          {'type':'response.create','model':'m','input':'x','conversation':'conv_none'}  | 404 | invalid_request_error       | ~
          {'type':'response.create','model':'m','input':'x','generate':false,'conversation':'c'} | 400 | invalid_value       | generate
          {'type':'response.create','model':'m','input':'x','stream_id':''}              | 400 | invalid_stream_id           | stream_id
          {'type':'response.create','model':'m','input':'x','stream_id':'a b'}           | 400 | invalid_stream_id           | stream_id
          {'type':'response.create','model':'m','input':'x','previous_response_id':'resp_none'}               | 400 | previous_response_not_found | previous_response_id
          {'type':'response.create','model':'m','input':'x','store':false,'previous_response_id':'resp_none'} | 400 | previous_response_not_found | previous_response_id
          {'type':'response.create','model':'m','store':false,'input':[{'type':'function_call_output','call_id':'no','output':''}]} | 400 | invalid_request_error | input
          """)
  void whatIsWrongIsToldAndTheSocketGoesOn(String message, int status, String code, String param) {
    try (SocketClient socket = connect(one)) {
      socket.send(message.replace('\'', '"'));
      JsonNode event = socket.any();
      assertThat(event.get("type").asString()).isEqualTo("error");
      assertThat(event.get("status").asInt()).as(event.toString()).isEqualTo(status);
      assertThat(event.at("/error/code").asString()).isEqualTo(code);
      assertThat(event.at("/error/param").asString("~")).as(event.toString()).isEqualTo(param);
      assertThat(event.at("/error/message").asString()).isNotEmpty();
      assertThat(text(completed(socket, "'model':'m','input':'on'"))).isEqualTo("You said on.");
    }
  }

  // ---- responses that are not stored

  @Test
  void aResponseThatIsNotStoredIsGoneOnFromOnItsSocket() {
    try (SocketClient socket = connect(one)) {
      JsonNode first = completed(socket, "'model':'m','store':false,'input':'blue'");
      JsonNode second =
          completed(
              socket,
              "'model':'m','store':false,'previous_response_id':'%s','input':'red'"
                  .formatted(id(first)));
      String past = "'model':'m','store':false,'previous_response_id':'%s','input':'%s'";
      assertThat(told("red")).containsExactly("user blue", "assistant You said blue.", "user red");
      completed(socket, past.formatted(id(second), "green"));
      assertThat(told("green"))
          .containsExactly(
              "user blue",
              "assistant You said blue.",
              "user red",
              "assistant You said red.",
              "user green");
      // The last one of each lane.
      assertThat(error(socket, past.formatted(id(first), "late")))
          .isEqualTo("previous_response_not_found");
      assertThat(http(one, "GET", "/responses/" + id(second), "").statusCode()).isEqualTo(404);
      try (SocketClient another = connect(one)) {
        assertThat(error(another, past.formatted(id(second), "late")))
            .isEqualTo("previous_response_not_found");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aToolLoop(boolean store) {
    String body = "'model':'m','store':%s,%s".formatted(store, TOOLS);
    try (SocketClient socket = connect(one)) {
      JsonNode call = completed(socket, body + ",'input':'CALL it'");
      assertThat(call.at("/output/0/call_id").asString()).isEqualTo("c1");
      String previous = ",'previous_response_id':'" + id(call) + "'";
      completed(
          socket,
          body
              + previous
              + ",'input':[{'type':'function_call_output','call_id':'c1','output':'seen %s'}]"
                  .formatted(user));
      assertThat(told("seen " + user))
          .containsExactly("user CALL it", "assistant ", "tool seen " + user);
    }
  }

  /** What was not stored can be gone on from by one that is. */
  @Test
  void aStoredResponseGoesOnFromOneThatIsNot() {
    String ids;
    try (SocketClient socket = connect(one)) {
      JsonNode first = completed(socket, "'model':'m','store':false,'input':'north'");
      ids =
          id(
              completed(
                  socket,
                  "'model':'m','previous_response_id':'%s','input':'south'".formatted(id(first))));
    }
    try (SocketClient socket = connect(other)) {
      completed(socket, "'model':'m','previous_response_id':'%s','input':'east'".formatted(ids));
      assertThat(told("east"))
          .containsExactly(
              "user north",
              "assistant You said north.",
              "user south",
              "assistant You said south.",
              "user east");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "'input':'FAIL'",
        "'input':[{'type':'function_call_output','call_id':'no','output':'x'}]"
      })
  void whatFailedIsNotGoneOnFrom(String fails) {
    try (SocketClient socket = connect(one)) {
      JsonNode first = completed(socket, "'model':'m','store':false,'input':'base'");
      String past = "'model':'m','store':false,'previous_response_id':'" + id(first) + "',";
      // On another lane it takes nothing from this one.
      create(socket, past + "'stream_id':'fork'," + fails);
      assertThat(last(socket).get("type").asString()).isIn("error", "response.failed");
      create(socket, past + fails);
      assertThat(last(socket).get("type").asString()).isIn("error", "response.failed");
      assertThat(error(socket, past + "'input':'again'")).isEqualTo("previous_response_not_found");
    }
  }

  /** Who goes on from a summarised response is not summarised anew. */
  @Test
  void aSummaryGoesOnWithItsChain() {
    String past = "'model':'m','store':false,'previous_response_id':'%s','input':'%s'%s";
    try (SocketClient socket = connect(one)) {
      String much = "loom ".repeat(3000);
      JsonNode first = completed(socket, "'model':'m','store':false,'input':'" + much + "'");
      JsonNode second =
          completed(
              socket,
              past.formatted(
                  id(first),
                  "shorter",
                  ",'context_management':[{'type':'compaction','compact_threshold':1000}]"));
      assertThat(second.at("/output/0/type").asString()).isEqualTo("compaction");
      completed(socket, past.formatted(id(second), "third", ""));
      assertThat(told("third"))
          .hasSize(4)
          .noneMatch(message -> message.startsWith("user loom"))
          .contains("user shorter", "assistant You said shorter.", "user third");
    }
  }

  // ---- a request that only prepares

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aWarmUpAsksNoModel(boolean store) {
    String body = "'model':'m','store':" + store;
    try (SocketClient socket = connect(one)) {
      int before = model.requests().size();
      create(socket, body + ",'generate':false,'input':'prepare %s'".formatted(user));
      List<JsonNode> events = turn(socket);
      assertThat(types(events.stream()))
          .containsExactly("response.created", "response.in_progress", "response.completed");
      JsonNode warm = events.getLast().get("response");
      assertThat(warm.get("output")).isEmpty();
      assertThat(warm.at("/usage/total_tokens").asInt()).isZero();
      assertThat(model.requests().subList(before, model.requests().size()))
          .noneMatch(request -> request.body().contains("prepare " + user));
      String previous = ",'previous_response_id':'" + id(warm) + "'";
      JsonNode first = completed(socket, body + previous + ",'input':[]");
      assertThat(text(first)).isEqualTo("You said prepare " + user + ".");
    }
    try (SocketClient socket = connect(one)) {
      create(socket, body + ",'generate':false");
      String previous = ",'previous_response_id':'" + id(last(socket).get("response")) + "'";
      assertThat(text(completed(socket, body + previous + ",'input':'now'")))
          .isEqualTo("You said now.");
      assertThat(told("now")).containsExactly("user now");
    }
  }

  // ---- lanes

  @Test
  void lanesAreToldSideBySide() {
    try (SocketClient socket = connect(one)) {
      create(socket, "'model':'endless','stream_id':'a','store':false,'input':'x'");
      assertThat(socket.next("response.output_text.delta").get("stream_id").asString())
          .isEqualTo("a");
      create(socket, "'model':'m','stream_id':'b','store':false,'input':'beside'");
      List<JsonNode> events = new ArrayList<>();
      while (events.isEmpty()
          || !events.getLast().get("type").asString().equals("response.completed")) {
        JsonNode event = socket.any();
        if (event.get("stream_id").asString().equals("b")) {
          events.add(event);
        }
      }
      String past = events.getLast().at("/response/id").asString();
      assertThat(types(events.stream())).startsWith("response.created");
      // A fork of it.
      create(
          socket,
          "'model':'m','stream_id':'c','store':false,'previous_response_id':'%s','input':'fork'"
              .formatted(past));
      Awaitility.await()
          .atMost(PATIENCE)
          .until(() -> socket.next("response.completed").get("stream_id").asString().equals("c"));
      assertThat(told("fork"))
          .containsExactly("user beside", "assistant You said beside.", "user fork");
    }
    // Who has hung up wants nothing of it any more.
    Awaitility.await().atMost(PATIENCE).until(() -> endless.openConnections() == 0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "'stream_id':'lane',"})
  void oneLaneGivesOneResponseAfterTheOther(String lane) {
    try (SocketClient socket = connect(one)) {
      create(socket, lane + "'model':'endless','input':'x'");
      String running = socket.next("response.created").at("/response/id").asString();
      create(socket, lane + "'model':'m','input':'second'");
      create(socket, lane + "'model':'m','input':'third'");
      socket.next("response.output_text.delta");
      assertThat(http(other, "POST", "/responses/" + running + "/cancel", "").statusCode())
          .isEqualTo(200);
      assertThat(socket.next("response.incomplete").at("/response/status").asString())
          .isEqualTo("cancelled");
      for (String said : List.of("second", "third")) {
        assertThat(text(last(socket).get("response"))).isEqualTo("You said " + said + ".");
      }
    }
  }

  /** More than may wait: the socket is not read meanwhile, and nothing is lost. */
  @Test
  void manyThatWaitAreAnsweredInTheirOrder() {
    int many = Backlog.MOST + 40;
    try (SocketClient socket =
        SocketClient.at(one.port(), PATH, "Heddle-User", user + " of many")) {
      create(socket, "'model':'endless','input':'x'");
      String running = socket.next("response.created").at("/response/id").asString();
      for (int i = 0; i < many; i++) {
        create(socket, "'model':'m','input':%d".formatted(i));
      }
      socket.next("response.output_text.delta");
      HttpResponse<String> cancelled =
          send(other, "/responses/" + running + "/cancel", user + " of many");
      assertThat(cancelled.statusCode()).isEqualTo(200);
      socket.next("response.incomplete");
      for (int i = 0; i < many; i++) {
        assertThat(last(socket).get("type").asString()).isEqualTo("error");
      }
    }
  }

  private static HttpResponse<String> send(Replica replica, String path, String user) {
    try {
      return Replica.send("POST", replica.url() + path, "", "Heddle-User", user);
    } catch (IOException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @Test
  void namesOfLanesAreBounded() {
    try (SocketClient socket = connect(one)) {
      for (int i = 0; i < ResponsesSocket.MOST_LANES; i++) {
        create(socket, "'stream_id':'l%d','model':'m'".formatted(i));
        assertThat(last(socket).get("stream_id").asString()).isEqualTo("l" + i);
      }
      create(socket, "'stream_id':'more','model':'m','input':'x'");
      JsonNode event = last(socket);
      assertThat(event.at("/error/code").asString()).isEqualTo("websocket_stream_limit_reached");
      assertThat(event.get("stream_id").asString()).isEqualTo("more");
      completed(socket, "'stream_id':'l0','model':'m','input':'known'");
      completed(socket, "'model':'m','input':'none'");
    }
  }

  // ---- hang-ups

  @Test
  void whoHangsUpWhileTheModelBeginsLeavesNoCallBehind() {
    for (int i = 0; i < 20; i++) {
      int before = endless.requests().size();
      try (SocketClient socket = connect(one)) {
        create(socket, "'model':'endless','store':false,'input':'x'");
        Awaitility.await().atMost(PATIENCE).until(() -> endless.requests().size() > before);
      }
    }
    Awaitility.await().atMost(PATIENCE).until(() -> endless.openConnections() == 0);
  }

  @Test
  void aStoredResponseOutlivesItsSocketAndIsGoneOnFromAtAnotherReplica() {
    String running;
    long seen;
    try (SocketClient socket = connect(one)) {
      create(socket, "'model':'endless','input':'x'");
      running = socket.next("response.created").at("/response/id").asString();
      seen = socket.next("response.output_text.delta").get("sequence_number").asLong();
    }
    assertThat(get(other, "/responses/" + running).get("status").asString())
        .isEqualTo("in_progress");
    assertThat(http(other, "POST", "/responses/" + running + "/cancel", "").statusCode())
        .isEqualTo(200);
    String rest =
        http(other, "GET", "/responses/" + running + "?stream=true&starting_after=" + seen, "")
            .body();
    assertThat(rest).contains("\"sequence_number\":" + (seen + 1) + ",");
    assertThat(rest).contains("event: response.incomplete");
    String done;
    try (SocketClient socket = connect(one)) {
      done = id(completed(socket, "'model':'m','input':'stay'"));
    }
    try (SocketClient socket = connect(other)) {
      completed(socket, "'model':'m','previous_response_id':'%s','input':'go'".formatted(done));
      assertThat(told("go")).containsExactly("user stay", "assistant You said stay.", "user go");
    }
  }

  @Test
  void aConversationGoesOnOverSocketsAndWithoutThem() {
    String conversation =
        MAPPER.readTree(http(one, "POST", "/conversations", "{}").body()).get("id").asString();
    for (Replica replica : List.of(one, other)) {
      try (SocketClient socket = connect(replica)) {
        completed(
            socket,
            "'model':'m','store':false,'conversation':'%s','input':'more'".formatted(conversation));
      }
    }
    assertThat(get(one, "/conversations/" + conversation + "/items").get("data")).hasSize(4);
  }

  /** A handshake that was answered by another thread than its connection's lost it. */
  @Test
  void whatIsSentRightBehindTheHandshakeIsHeard() {
    for (int i = 0; i < Integer.getInteger("heddle.it.handshakes", 20); i++) {
      try (SocketClient socket =
          SocketClient.at(
              i % 2 == 0 ? one.port() : other.port(), PATH, "Heddle-User", user + "-" + i)) {
        socket.send("{}");
        assertThat(socket.any().get("type").asString()).isEqualTo("error");
      }
    }
  }

  // ---- limits

  /** As many as may be posted. */
  @Test
  void messagesCountAsTheCallsThatTheyStandFor() {
    try (SocketClient socket = connect(one)) {
      assertThat(http(one, "POST", "/responses", "{'model':'m'}").statusCode()).isEqualTo(400);
      for (int i = 1; i < WRITES; i++) {
        create(socket, "'model':'m'");
        assertThat(last(socket).get("status").asInt()).isEqualTo(400);
      }
      create(socket, "'model':'m','input':'x'");
      JsonNode event = last(socket);
      assertThat(event.get("status").asInt()).isEqualTo(429);
      assertThat(event.at("/error/code").asString()).isEqualTo("rate_limit_exceeded");
      assertThat(event.at("/headers/retry-after").asString()).isNotEmpty();
      assertThat(http(one, "POST", "/responses", "{'model':'m'}").statusCode()).isEqualTo(429);
    }
  }

  @Test
  void aMessageIsAsLargeAsABodyMayBe() {
    try (SocketClient socket = connect(one)) {
      String much = "x".repeat(1 << 19);
      completed(
          socket,
          "'model':'m','store':false,'input':[{'role':'user','content':'%s'},{'role':'user','content':'end'}]"
              .formatted(much));
      for (int i = 0; i < 128; i++) {
        try {
          socket.send(much, false);
        } catch (RuntimeException _) {
          // It is closed already.
          break;
        }
      }
      assertThat(socket.closed().code()).isEqualTo(1009);
    }
  }

  @ParameterizedTest
  @CsvSource({"Origin, https://evil.example, 403", "Sec-WebSocket-Version, 8, 426"})
  void theHandshakeIsRefused(String header, String value, int status) {
    HttpConnection.Answer answer = handshake(one, Map.of(header, value));
    assertThat(answer.status()).isEqualTo(status);
    assertThat(answer.body()).startsWith("{\"error\":");
    assertThat(http(one, "GET", "/responses", "").statusCode()).isEqualTo(400);
  }

  private static HttpConnection.Answer handshake(Replica replica, Map<String, String> more) {
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put("Upgrade", "websocket");
    headers.put("Connection", "Upgrade");
    headers.put("Sec-WebSocket-Version", "13");
    headers.put("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    headers.putAll(more);
    try (HttpConnection connection = new HttpConnection(replica.port(), PATIENCE)) {
      return connection.call("GET", PATH, null, headers);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  // ---- replicas that stop

  @Test
  void aReplicaThatStopsLetsWhatItGivesComeToItsEnd() {
    try (Replica leaving =
        Replica.embedded(
            "--heddle.upstreams.endless.base-url=" + endless.baseUrl(),
            "--heddle.upstreams.endless.models=endless")) {
      try (SocketClient idle = connect(leaving);
          SocketClient busy = connect(leaving)) {
        error(idle, "'model':'endless'");
        create(busy, "'model':'endless','input':'x'");
        String running = busy.next("response.created").at("/response/id").asString();
        create(busy, "'model':'endless','input':'is not begun'");
        leaving.bean(Connections.class).drain().subscribe();
        SocketClient.Closed closed = idle.closed();
        assertThat(closed.code()).isEqualTo(1012);
        assertThat(closed.reason()).contains("retryAfterMillis");
        assertThat(handshake(leaving, Map.of()).status()).isEqualTo(503);
        busy.next("response.output_text.delta");
        http(leaving, "POST", "/responses/" + running + "/cancel", "");
        busy.next("response.incomplete");
        assertThat(busy.closed().code()).isEqualTo(1012);
        assertThat(busy.size()).isZero();
      }
    }
  }

  // ---- what an old socket is told, and one that remembers nothing

  @Test
  void anOldSocketIsClosedWhenNothingRunsOnIt() throws Exception {
    try (Replica old =
        Replica.embedded(
            "--heddle.openai.socket-max-age=1s",
            "--heddle.openai.socket-memory=0",
            "--heddle.upstreams.endless.base-url=" + endless.baseUrl(),
            "--heddle.upstreams.endless.models=endless")) {
      try (SocketClient idle = connect(old)) {
        assertThat(idle.any().at("/error/code").asString())
            .isEqualTo("websocket_connection_limit_reached");
        assertThat(idle.closed().code()).isEqualTo(1001);
      }
      SocketClient begun = null;
      JsonNode created = null;
      while (created == null || created.get("type").asString().equals("error")) {
        // On a slow machine a socket may be old before its request is read, or sent.
        begun = connect(old);
        try {
          create(begun, "'model':'endless','input':'x'");
        } catch (CompletionException _) {
          // The error came first.
        }
        created = begun.any();
      }
      try (SocketClient busy = begun) {
        String running = created.at("/response/id").asString();
        busy.next("response.output_text.delta");
        http(old, "POST", "/responses/" + running + "/cancel", "");
        busy.next("response.incomplete");
        assertThat(busy.any().at("/error/code").asString())
            .isEqualTo("websocket_connection_limit_reached");
        assertThat(busy.closed().code()).isEqualTo(1001);
      }
    }
  }
}
