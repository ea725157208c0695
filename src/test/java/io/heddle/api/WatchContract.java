package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.SocketClient;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import tools.jackson.databind.JsonNode;

/**
 * Watching over WebSockets and event streams, against two replicas; with an engine for one replica
 * both are the same.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class WatchContract {

  static final Map<String, String> SETTINGS = Map.of("heddle.live.max-watches", "100");

  private HttpContract.Server one;
  private HttpContract.Server two;
  private Http http;
  private String id;

  /** Starts a replica on a free port. */
  abstract HttpContract.Server start(Map<String, String> properties);

  /** Another one over the same data, or the same one. */
  abstract HttpContract.Server another(HttpContract.Server first, Map<String, String> properties);

  @BeforeAll
  void servers() {
    one = start(SETTINGS);
    two = another(one, SETTINGS);
    http = new Http(one.port());
  }

  @AfterAll
  void stop() {
    two.close();
    one.close();
  }

  @BeforeEach
  void names() {
    id = "w-" + UUID.randomUUID();
  }

  private String create(String... contents) {
    List<String> messages = new ArrayList<>();
    for (String content : contents) {
      messages.add("{'role':'user','content':'" + content + "'}");
    }
    Http.Reply made =
        http.post(
            "/v1/sessions", "{'id':'" + id + "','messages':[" + String.join(",", messages) + "]}");
    return made.json().path("position").asString();
  }

  private String append(String content) {
    return http.post(
            "/v1/sessions/" + id + "/messages", "{'role':'user','content':'" + content + "'}")
        .json()
        .path("position")
        .asString();
  }

  private SocketClient watch(String since) {
    return SocketClient.open(two.port(), "?watch=" + id + (since == null ? "" : "&since=" + since));
  }

  private static String content(JsonNode frame) {
    return frame.path("messages").path(0).path("content").asString();
  }

  @Test
  void aWatchBeginsWithASnapshotAndGoesOnWithEachChange() {
    String position = create("one", "two");
    try (SocketClient socket = watch(null)) {
      socket.expect("ack");
      JsonNode snapshot = socket.expect("snapshot");
      assertThat(snapshot.path("session").asString()).isEqualTo(id);
      assertThat(snapshot.path("position").asString()).isEqualTo(position);
      assertThat(snapshot.path("state").path("messages").size()).isEqualTo(2);
      for (int i = 0; i < 20; i++) {
        String at = append("m" + i);
        JsonNode frame = socket.expect("message.appended");
        assertThat(frame.path("position").asString()).isEqualTo(at);
        assertThat(content(frame)).isEqualTo("m" + i);
      }
      http.delete("/v1/sessions/" + id + "/messages");
      socket.expect("thread.cleared");
      http.patch("/v1/sessions/" + id, "{'title':'x'}");
      assertThat(socket.expect("session.updated").path("title").asString()).isEqualTo("x");
      http.delete("/v1/sessions/" + id);
      socket.expect("session.deleted");
    }
  }

  @Test
  void aMessageThatIsTooLargeToBePublishedComesInItsPlace() {
    create("one");
    try (SocketClient socket = watch(null)) {
      socket.expect("ack");
      socket.expect("snapshot");
      String large = "x".repeat(100_000);
      for (int i = 0; i < 10; i++) {
        append("small");
        append(large);
      }
      for (int i = 0; i < 10; i++) {
        assertThat(content(socket.expect("message.appended"))).isEqualTo("small");
        assertThat(content(socket.expect("message.appended"))).hasSize(100_000);
      }
    }
  }

  @Test
  void whoComesBackGetsWhatHappenedMeanwhileAndNothingTwice() {
    String seen = create("one");
    for (int i = 0; i < 600; i++) {
      append("m" + i);
    }
    try (SocketClient socket = watch(seen)) {
      socket.expect("ack");
      for (int i = 0; i < 600; i++) {
        assertThat(content(socket.expect("message.appended"))).isEqualTo("m" + i);
      }
      append("last");
      assertThat(content(socket.expect("message.appended"))).isEqualTo("last");
    }
  }

  @Test
  void aPositionOfNoHistoryIsAGapAndBeginsAnew() {
    String position = create("one");
    try (SocketClient socket = watch("1-zzzzzzzz")) {
      socket.expect("ack");
      assertThat(socket.expect("gap").path("since").asString()).isEqualTo("1-zzzzzzzz");
      assertThat(socket.expect("snapshot").path("position").asString()).isEqualTo(position);
      append("next");
      assertThat(content(socket.expect("message.appended"))).isEqualTo("next");
    }
  }

  @Test
  void aSessionThatIsNotThereOrEndedIsRefused() {
    try (SocketClient socket = SocketClient.open(one.port(), "?watch=" + id)) {
      JsonNode error = socket.expect("error");
      assertThat(error.path("problem").path("code").asString()).isEqualTo("session-not-found");
      String position = create("one");
      http.delete("/v1/sessions/" + id);
      socket.send(json("{'type':'watch','session':'" + id + "','ref':'a'}"));
      error = socket.expect("error");
      assertThat(error.path("ref").asString()).isEqualTo("a");
      assertThat(error.path("problem").path("code").asString()).isEqualTo("session-deleted");
      socket.send(json("{'type':'watch','session':'" + id + "','since':'" + position + "'}"));
      socket.expect("ack");
      socket.expect("session.deleted");
    }
  }

  @Test
  void anAppendOverTheSocketIsTheSameAsOverHttp() {
    create("one");
    try (SocketClient watcher = watch(null);
        SocketClient socket = SocketClient.open(one.port(), "")) {
      watcher.expect("ack");
      watcher.expect("snapshot");
      String append =
          json(
              "{'type':'append','session':'"
                  + id
                  + "','ref':'r1','key':'k1','message':{'role':'user','content':'über'}}");
      JsonNode ack = socket.send(append).expect("ack");
      assertThat(ack.path("ref").asString()).isEqualTo("r1");
      assertThat(ack.path("data").path(0).path("content").asString()).isEqualTo("über");
      JsonNode frame = watcher.expect("message.appended");
      assertThat(frame.path("position")).isEqualTo(ack.path("position"));
      assertThat(frame.path("messages")).isEqualTo(ack.path("data"));

      JsonNode again = socket.send(append).expect("ack");
      assertThat(again.path("position")).isEqualTo(ack.path("position"));
      assertThat(again.path("replayed").asBoolean()).isTrue();
      assertThat(
              socket
                  .send(append.replace("über", "other"))
                  .expect("error")
                  .path("problem")
                  .path("code")
                  .asString())
          .isEqualTo("key-reused");

      String more =
          json(
              "{'type':'append','session':'"
                  + id
                  + "','ifMatch':'1-aaaaaaaa','messages':[{'role':'user','content':'x'}]}");
      JsonNode error = socket.send(more).expect("error");
      assertThat(error.path("problem").path("code").asString()).isEqualTo("version-conflict");
      assertThat(error.path("problem").path("status").asInt()).isEqualTo(412);
    }
  }

  @Test
  void requestsAreDoneInTheirOrderHoweverManyWait() {
    create("one");
    try (SocketClient socket = SocketClient.open(one.port(), "")) {
      for (int i = 0; i < 500; i++) {
        socket.send(
            json(
                "{'type':'append','session':'"
                    + id
                    + "','ref':'"
                    + i
                    + "','message':{'role':'user','content':'"
                    + i
                    + "'}}"));
      }
      for (int i = 0; i < 500; i++) {
        JsonNode ack = socket.expect("ack");
        assertThat(ack.path("ref").asString()).isEqualTo(Integer.toString(i));
        assertThat(ack.path("data").path(0).path("seq").asInt()).isEqualTo(i + 2);
      }
    }
  }

  @Test
  void largeRequestsThatWaitAreHeldBackAndDoneInTheirOrder() {
    create("one");
    String content = "z".repeat(100_000);
    try (SocketClient socket = SocketClient.open(one.port(), "")) {
      for (int i = 0; i < 40; i++) {
        String append =
            "{'type':'append','session':'%s','ref':'%d','message':{'role':'user','content':'%s'}}";
        socket.send(json(append.formatted(id, i, content)));
      }
      for (int i = 0; i < 40; i++) {
        JsonNode ack = socket.expect("ack");
        assertThat(ack.path("ref").asString()).isEqualTo(Integer.toString(i));
        assertThat(ack.path("data").path(0).path("seq").asInt()).isEqualTo(i + 2);
      }
    }
  }

  @Test
  void whatIsWrongInARequestIsNamed() {
    try (SocketClient socket = SocketClient.open(one.port(), "")) {
      refused(
          socket, "{'type':'watch','session':'" + id + "','depth':1}", "unknown-field", "depth");
      refused(socket, "{'type':'watch','session':'a b'}", "invalid-request", "session");
      refused(socket, "{'type':'watch','session':'a','key':'k'}", "unknown-field", "key");
      refused(socket, "{'type':'watch','session':'a','since':'1'}", "invalid-request", "since");
      refused(socket, "{'type':'fly','session':'a'}", "invalid-request", "type");
      refused(socket, "{'type':'turn','session':'a'}", "invalid-request", "content");
      refused(socket, "{'type':'turn','session':'a','content':'x','n':2}", "unknown-field", "n");
      refused(
          socket,
          "{'type':'turn','session':'a','content':'x','parameters':{'n':2}}",
          "invalid-request",
          "parameters.n");
      refused(socket, "{'type':'cancel','session':'a'}", "invalid-request", "turn");
      refused(socket, "{'session':'a'}", "invalid-request", "type");
      refused(socket, "{'type':'watch'}", "invalid-request", "session");
      refused(socket, "{'type':'unwatch','session':'a'}", "invalid-request", "session");
      refused(socket, "{'type':'append','session':'a'}", "invalid-request", "messages");
      refused(
          socket,
          "{'type':'append','session':'a','message':{'role':'x','content':'a'}}",
          "invalid-request",
          "message.role");
      refused(
          socket,
          "{'type':'append','session':'a','messages':[{'role':'user','content':'a','x':1}]}",
          "unknown-field",
          "messages[0].x");
      assertThat(
              socket
                  .send(json("{'type':'fly','session':'a','ref':'here'}"))
                  .expect("error")
                  .path("ref")
                  .asString())
          .isEqualTo("here");
    }
  }

  private static void refused(SocketClient socket, String request, String code, String field) {
    JsonNode problem = socket.send(json(request)).expect("error").path("problem");
    assertThat(problem.path("code").asString()).as(request).isEqualTo(code);
    assertThat(problem.path("field").asString()).as(request).isEqualTo(field);
  }

  @Test
  void whatIsNoJsonObjectClosesTheSocket() {
    for (String text : List.of("hello", "[]", "1", "{", "{'a':1} x")) {
      try (SocketClient socket = SocketClient.open(one.port(), "")) {
        socket.send(json(text));
        assertThat(socket.closed().code()).as(text).isEqualTo(4400);
      }
    }
    try (SocketClient socket = SocketClient.open(one.port(), "")) {
      socket.sendBinary(new byte[] {1, 2});
      assertThat(socket.closed().code()).isEqualTo(1003);
    }
  }

  @Test
  void aLargeMessageMayComeInPieces() {
    create("one");
    try (SocketClient socket = SocketClient.open(one.port(), "")) {
      String text = "y".repeat(900_000);
      socket.send(
          json("{'type':'append','session':'" + id + "','message':{'role':'user','content':'"),
          false);
      for (int i = 0; i < 9; i++) {
        socket.send(text.substring(0, 100_000), false);
      }
      socket.send(json("'}}"), true);
      JsonNode ack = socket.expect("ack");
      assertThat(ack.path("data").path(0).path("content").asString()).isEqualTo(text);
    }
  }

  @Test
  void aHundredSessionsOnOneSocketAndNoMore() {
    List<String> ids = new ArrayList<>();
    try (SocketClient socket = SocketClient.open(two.port(), "")) {
      for (int i = 0; i < 100; i++) {
        id = "w-" + UUID.randomUUID();
        ids.add(id);
        create("m" + i);
        socket.send(json("{'type':'watch','session':'" + id + "'}"));
        socket.expect("ack");
        assertThat(socket.expect("snapshot").path("session").asString()).isEqualTo(id);
      }
      refused(socket, "{'type':'watch','session':'more'}", "invalid-request", "session");
      for (String each : ids) {
        id = each;
        append("to " + each);
        JsonNode frame = socket.expect("message.appended");
        assertThat(frame.path("session").asString()).isEqualTo(each);
      }
      socket.send(json("{'type':'unwatch','session':'" + ids.getFirst() + "'}"));
      socket.expect("ack");
      id = ids.getFirst();
      append("unseen");
      id = ids.getLast();
      append("seen");
      assertThat(content(socket.expect("message.appended"))).isEqualTo("seen");
    }
  }

  @Test
  void whoIsThereAndWhoTypes() {
    String session = json("{'id':'" + id + "'}");
    http.post("/v1/sessions", session);
    try (SocketClient ann = SocketClient.open(one.port(), "?watch=" + id, "X-Test", "1");
        SocketClient backend = SocketClient.open(two.port(), "?watch=" + id)) {
      ann.expect("ack");
      backend.expect("ack");
      http.delete("/v1/sessions/" + id);
      ann.next("session.deleted");
      backend.next("session.deleted");
    }
    id = "w-" + UUID.randomUUID();
    http.with("Heddle-User", "ann").post("/v1/sessions", json("{'id':'" + id + "'}"));
    try (SocketClient ann = SocketClient.open(one.port(), "?user=ann&watch=" + id)) {
      assertThat(users(ann.next("presence"))).containsExactly("ann");
      // Its question could be answered before its replica listened; nobody asked again for 10 s.
      try (SocketClient backend = SocketClient.open(two.port(), "?watch=" + id)) {
        assertThat(users(backend.next("presence"))).containsExactly("ann");
        backend.send(json("{'type':'typing','session':'" + id + "'}"));
        assertThat(backend.next("error").path("problem").path("field").asString())
            .isEqualTo("user");
        ann.send(json("{'type':'typing','session':'" + id + "','ref':'t'}"));
        assertThat(backend.next("typing").path("user").asString()).isEqualTo("ann");
        ann.close();
        assertThat(users(backend.next("presence"))).isEmpty();
      }
    }
  }

  private static List<String> users(JsonNode presence) {
    return presence.path("users").valueStream().map(JsonNode::asString).toList();
  }

  @Test
  void anotherUsersSessionIsNotThere() {
    http.with("Heddle-User", "ann").post("/v1/sessions", "{'id':'" + id + "'}");
    try (SocketClient bob = SocketClient.open(one.port(), "?watch=" + id, "Heddle-User", "bob")) {
      assertThat(bob.expect("error").path("problem").path("code").asString())
          .isEqualTo("session-not-found");
    }
    try (SocketClient ann = SocketClient.open(one.port(), "?user=ann&watch=" + id)) {
      ann.expect("ack");
      ann.expect("snapshot");
    }
  }

  @Test
  void anotherOriginIsSentAway() {
    try (SocketClient socket =
        SocketClient.open(one.port(), "", "Origin", "https://elsewhere.example")) {
      assertThat(socket.closed().code()).isEqualTo(4403);
    }
    create("one");
    try (SocketClient socket =
        SocketClient.open(one.port(), "?watch=" + id, "Origin", "http://127.0.0.1:" + one.port())) {
      socket.expect("ack");
    }
  }

  @Test
  void aPlainRequestToTheSocketsPathIsRefused() {
    Http.Reply reply = http.get("/v1/socket");
    assertThat(reply.status()).isEqualTo(400);
    assertThat(reply.json().path("field").asString()).isEqualTo("Upgrade");
  }

  // ---- turns

  private String turn(String echo) {
    return json(
        "{'type':'turn','session':'"
            + id
            + "','ref':'t','content':'a b c','parameters':{'echo':"
            + echo
            + "}}");
  }

  /** What a client shows of a turn once it has ended, and that nothing came twice or too late. */
  private static String shown(SocketClient socket, String turn, List<String> types) {
    String text = "";
    long seq = 0;
    while (true) {
      JsonNode frame = socket.next();
      String type = frame.path("type").asString();
      types.add(type);
      assertThat(frame.path("turn").asString()).as(frame.toString()).isEqualTo(turn);
      switch (type) {
        case "turn.text" -> {
          assertThat(frame.path("seq").asLong()).isGreaterThan(seq);
          seq = frame.path("seq").asLong();
          text = frame.path("text").asString();
        }
        case "turn.delta" -> {
          assertThat(frame.path("seq").asLong()).isEqualTo(++seq);
          assertThat(frame.has("position")).isFalse();
          text += frame.path("text").asString();
        }
        case "turn.started" -> assertThat(content(frame)).isEqualTo("a b c");
        default -> {
          assertThat(frame.path("position").asString()).isNotBlank();
          assertThat(content(frame)).isEqualTo(text);
          return text;
        }
      }
    }
  }

  @Test
  void aTurnOverASocketIsHeardByEveryWatcher() {
    create();
    try (SocketClient socket = SocketClient.open(one.port(), "?watch=" + id);
        SocketClient watcher = watch(null)) {
      socket.expect("ack");
      socket.expect("snapshot");
      watcher.expect("ack");
      watcher.expect("snapshot");
      socket.send(turn("{'tokens':20,'pace':'20ms'}"));
      JsonNode ack = socket.next("ack");
      assertThat(ack.path("ref").asString()).isEqualTo("t");
      assertThat(ack.path("status").asString()).isEqualTo("running");
      String turn = ack.path("turn").asString();
      List<String> types = new ArrayList<>();
      assertThat(shown(watcher, turn, types).split(" ")).hasSize(20);
      assertThat(types)
          .startsWith("turn.started")
          .contains("turn.delta")
          .endsWith("turn.completed");
      assertThat(http.get("/v1/sessions/" + id + "/turns/" + turn).text("status"))
          .isEqualTo("completed");
    }
  }

  @Test
  void whoComesWhileATurnRunsHearsAllOfIt() {
    String position = create();
    try (SocketClient socket = SocketClient.open(one.port(), "")) {
      String turn =
          socket.send(turn("{'tokens':40,'pace':'25ms'}")).expect("ack").path("turn").asString();
      Awaitility.await()
          .until(() -> {
            try (SocketClient early = watch(null)) {
              early.expect("ack");
              JsonNode state = early.expect("snapshot").path("state");
              assertThat(state.path("activeTurn").asString()).isEqualTo(turn);
              return early.next("turn.text").path("seq").asInt() > 2;
            }
          });
      try (SocketClient late = watch(null);
          SocketClient back = watch(position)) {
        late.expect("ack");
        late.expect("snapshot");
        back.expect("ack");
        List<String> types = new ArrayList<>();
        assertThat(shown(late, turn, types).split(" ")).hasSize(40);
        assertThat(types).startsWith("turn.text").containsOnlyOnce("turn.text");
        types.clear();
        assertThat(shown(back, turn, types).split(" ")).hasSize(40);
        assertThat(types).startsWith("turn.started", "turn.text").containsOnlyOnce("turn.text");
      }
    }
  }

  @Test
  void aTurnIsCancelledOverASocket() {
    create();
    try (SocketClient watcher = watch(null);
        SocketClient socket = SocketClient.open(one.port(), "")) {
      watcher.expect("ack");
      watcher.expect("snapshot");
      String turn = socket.send(turn("{'stall':'after:2'}")).expect("ack").path("turn").asString();
      String heard = "";
      while (!heard.equals("a b ")) {
        heard += watcher.next("turn.delta").path("text").asString();
      }
      String waiting = socket.send(turn("{}")).expect("ack").path("turn").asString();
      JsonNode queued = watcher.next("turn.queued");
      assertThat(queued.path("turn").asString()).isEqualTo(waiting);
      assertThat(queued.path("queuePosition").asInt()).isEqualTo(1);
      String cancel = "{'type':'cancel','session':'" + id + "','ref':'c','turn':'";
      JsonNode ack = socket.send(json(cancel + waiting + "'}")).expect("ack");
      assertThat(ack.path("ref").asString()).isEqualTo("c");
      assertThat(ack.path("status").asString()).isEqualTo("cancelled");
      assertThat(watcher.next("turn.cancelled").path("turn").asString()).isEqualTo(waiting);
      socket.send(json(cancel + turn + "'}")).expect("ack");
      JsonNode end = watcher.next("turn.cancelled");
      assertThat(end.path("turn").asString()).isEqualTo(turn);
      assertThat(content(end)).isEqualTo("a b ");
      JsonNode again = socket.send(json(cancel + turn + "'}")).expect("error");
      assertThat(again.path("problem").path("code").asString()).isEqualTo("turn-ended");
      JsonNode none = socket.send(json(cancel + "trn_x'}")).expect("error");
      assertThat(none.path("problem").path("code").asString()).isEqualTo("turn-not-found");
    }
  }

  @Test
  void aTurnOverASocketIsRepeatedAndRefusedAsOverHttp() {
    create();
    String path = "{'type':'turn','session':'" + id + "','content':'x',";
    try (SocketClient socket = SocketClient.open(one.port(), "")) {
      JsonNode first = socket.send(json(path + "'key':'k'}")).expect("ack");
      JsonNode again = socket.send(json(path + "'key':'k','ref':'2'}")).expect("ack");
      assertThat(again.path("turn")).isEqualTo(first.path("turn"));
      assertThat(again.path("position")).isEqualTo(first.path("position"));
      assertThat(again.path("replayed").asBoolean()).isTrue();
      assertThat(code(socket.send(json(path + "'key':'k','model':'m'}")))).isEqualTo("key-reused");
      assertThat(code(socket.send(json(path + "'ifMatch':'1-aaaaaaaa'}"))))
          .isEqualTo("version-conflict");
      assertThat(code(socket.send(json(path + "'lock':'l'}")))).isEqualTo("stale-fence");
      String none = path.replace(id, "none-" + id);
      assertThat(code(socket.send(json(none + "'ref':'1'}")))).isEqualTo("session-not-found");
      assertThat(
              socket.send(json(none + "'create':true}")).expect("ack").path("session").asString())
          .isEqualTo("none-" + id);
    }
  }

  private static String code(SocketClient socket) {
    return socket.expect("error").path("problem").path("code").asString();
  }

  /**
   * The page from the near cache must not say that a turn runs which has ended, or none that does.
   */
  @Test
  void aSessionThatIsRememberedTellsTheTurnThatRuns() {
    create();
    Http other = new Http(two.port());
    String path = "/v1/sessions/" + id;
    for (int i = 0; i < 5; i++) {
      assertThat(other.get(path + "?messages=10").json().path("activeTurn").isNull()).isTrue();
      String turn =
          http.post(
                  path + "/turns",
                  "{'content':'a','parameters':{'echo':{'stall':'before'}}}",
                  "Prefer",
                  "respond-async")
              .is(202)
              .text("id");
      Awaitility.await()
          .until(() -> other.get(path + "?messages=10").text("activeTurn").equals(turn));
      http.post(path + "/messages", "{'role':'user','content':'beside'}").is(201);
      assertThat(other.get(path + "?messages=10").text("activeTurn")).isEqualTo(turn);
      http.post(path + "/turns/" + turn + "/cancel", null).is(202);
      Awaitility.await()
          .until(() -> other.get(path + "?messages=10").json().path("activeTurn").isNull());
    }
  }

  @Test
  void nothingIsLeftOfSocketsThatHaveGone() {
    create("one");
    List<SocketClient> sockets = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      sockets.add(watch(null));
      sockets.getLast().expect("ack");
    }
    assertThat(two.bean(io.heddle.live.SessionHubs.class).watches()).isGreaterThanOrEqualTo(20);
    sockets.forEach(SocketClient::close);
    Awaitility.await()
        .untilAsserted(() -> {
          assertThat(two.bean(io.heddle.live.SessionHubs.class).watches()).isZero();
          assertThat(two.bean(io.heddle.live.SessionHubs.class).watchedSessions()).isZero();
          assertThat(two.bean(io.heddle.nearcache.Coherence.class).followed()).isZero();
          assertThat(two.bean(io.heddle.web.Connections.class).open()).isZero();
        });
  }

  static String json(String text) {
    return text.replace('\'', '"');
  }
}
