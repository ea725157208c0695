package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.api.Http.Reply;
import io.heddle.testing.EventStream;
import io.heddle.testing.EventStream.Event;
import io.heddle.web.Connections;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.LongStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.http.HttpMethod;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Turns over HTTP, against two replicas and the built-in model; with an engine for one replica both
 * are the same.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class TurnsContract {

  private static final JsonMapper JSON = new JsonMapper();
  private static final Map<String, String> SETTINGS =
      Map.of(
          "heddle.limits.enabled",
          "false",
          "heddle.live.buffer",
          "64KB",
          "heddle.echo.pace",
          "0ms");

  private HttpContract.Server one;
  private HttpContract.Server two;
  private final List<HttpContract.Server> more = new ArrayList<>();
  private Http http;
  private Http other;
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
    other = new Http(two.port());
  }

  @AfterAll
  void stop() {
    more.forEach(HttpContract.Server::close);
    two.close();
    one.close();
  }

  @BeforeEach
  void session() {
    id = "t-" + UUID.randomUUID();
    http.post("/v1/sessions", "{'id':'" + id + "'}").is(201);
  }

  private String session(String path) {
    return "/v1/sessions/" + id + path;
  }

  private Reply turn(String body, String... headers) {
    return http.post(session("/turns"), body, headers);
  }

  private EventStream stream(String body, String... headers) throws IOException {
    String json = json("{'stream':true," + body.substring(1));
    EventStream stream = EventStream.post(one.port(), session("/turns"), json, headers);
    assertThat(stream.status()).isEqualTo(200);
    assertThat(stream.header("Content-Type")).isEqualTo("text/event-stream");
    return stream;
  }

  /** What another replica tells of it, from an event on; all that was said so far without one. */
  private EventStream follow(String turn, String lastEventId) throws IOException {
    return new EventStream(two.port(), session("/turns/" + turn + "/events"), lastEventId);
  }

  private String begin(String body) {
    Reply begun = turn(body, "Prefer", "respond-async").is(202);
    return begun.text("id");
  }

  private JsonNode ended(String turn) {
    String path = session("/turns/" + turn);
    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> !List.of("queued", "running").contains(other.get(path).text("status")));
    return other.get(path).is(200).json();
  }

  private static String json(String text) {
    return text.replace('\'', '"');
  }

  private static JsonNode data(Event event) {
    return JSON.readTree(event.data());
  }

  private static List<Event> rest(EventStream stream) throws IOException {
    List<Event> events = new ArrayList<>();
    for (Event event = stream.receive(); event != null; event = stream.receive()) {
      events.add(event);
    }
    return events;
  }

  /** What a client shows after these: deltas are put behind what it has, a text replaces it. */
  private static String shown(String before, List<Event> events) {
    String text = before;
    for (Event event : events) {
      text =
          switch (event.type()) {
            case "turn.delta" -> text + data(event).path("text").asString();
            case "turn.text" -> data(event).path("text").asString();
            default -> text;
          };
    }
    return text;
  }

  private static List<String> types(List<Event> events) {
    return events.stream().map(Event::type).toList();
  }

  private static List<Long> seqs(List<Event> events) {
    return events.stream()
        .map(TurnsContract::data)
        .filter(data -> data.has("seq"))
        .map(data -> data.path("seq").asLong())
        .toList();
  }

  private static List<Long> range(long from, long to) {
    return LongStream.rangeClosed(from, to).boxed().toList();
  }

  private List<String> thread() {
    return other
        .get(session("/messages"))
        .json()
        .path("data")
        .valueStream()
        .map(m -> m.path("role").asString() + ":" + m.path("content").asString())
        .toList();
  }

  // ---- waiting for it

  @Test
  void aTurnIsWaitedFor() {
    Reply reply = turn("{'content':'say it again, please'}").is(200);
    JsonNode turn = reply.json();
    assertThat(turn.path("status").asString()).isEqualTo("completed");
    assertThat(turn.path("session").asString()).isEqualTo(id);
    assertThat(turn.path("model").asString()).isEqualTo("echo");
    assertThat(turn.path("finishReason").asString()).isEqualTo("stop");
    assertThat(turn.path("usage").path("outputTokens").asInt()).isPositive();
    assertThat(turn.path("input").size()).isEqualTo(1);
    JsonNode answer = turn.path("messages").path(0);
    assertThat(answer.path("content").asString()).isEqualTo("say it again, please");
    assertThat(answer.path("id")).isEqualTo(turn.path("output").path(0));
    assertThat(answer.path("turn")).isEqualTo(turn.path("id"));
    assertThat(answer.path("seq").asInt()).isEqualTo(2);
    assertThat(thread())
        .containsExactly("user:say it again, please", "assistant:say it again, please");
    assertThat(reply.header("Location")).isEqualTo(session("/turns/" + turn.path("id").asString()));
    JsonNode looked = other.get(reply.header("Location")).is(200).json();
    assertThat(looked.path("output")).isEqualTo(turn.path("output"));
    assertThat(looked.path("usage")).isEqualTo(turn.path("usage"));
    assertThat(looked.has("messages")).isFalse();
    assertThat(other.get(session("")).json().path("activeTurn").isNull()).isTrue();
  }

  @Test
  void theThreadIsAnsweredAsItIs() {
    http.post(session("/messages"), "{'role':'user','content':'from before'}").is(201);
    JsonNode turn = turn("{'messages':[]}").is(200).json();
    assertThat(turn.path("input").size()).isZero();
    assertThat(thread()).containsExactly("user:from before", "assistant:from before");
  }

  @Test
  void aTurnThatFailsIsAnAnswerToo() {
    JsonNode turn =
        turn("{'content':'one two three four','parameters':{'echo':{'fail':'after:2',"
                + "'error':'model-timeout'}}}")
            .is(200)
            .json();
    assertThat(turn.path("status").asString()).isEqualTo("failed");
    assertThat(turn.path("error").path("code").asString()).isEqualTo("model-timeout");
    assertThat(turn.path("messages").path(0).path("status").asString()).isEqualTo("incomplete");
    assertThat(turn("{'content':'and on'}").is(200).text("status")).isEqualTo("completed");
  }

  @Test
  void aModelThatNobodyHasIsTheEndOfTheTurn() {
    JsonNode turn = turn("{'content':'x','model':'no-such'}").is(200).json();
    assertThat(turn.path("status").asString()).isEqualTo("failed");
    assertThat(turn.path("error").path("code").asString()).isEqualTo("model-not-found");
    assertThat(turn.path("model").asString()).isEqualTo("no-such");
  }

  @Test
  void whoDoesNotWaitIsToldWhereItIs() {
    Reply begun =
        turn(
                "{'content':'later','parameters':{'echo':{'firstAfter':'300ms'}}}",
                "Prefer",
                "respond-async, wait=1")
            .is(202);
    assertThat(begun.header("Preference-Applied")).isEqualTo("respond-async");
    assertThat(begun.text("status")).isEqualTo("running");
    assertThat(begun.position()).isNotBlank();
    assertThat(begun.header("Location")).isEqualTo(session("/turns/" + begun.text("id")));
    assertThat(other.get(session("")).text("activeTurn")).isEqualTo(begun.text("id"));
    assertThat(ended(begun.text("id")).path("status").asString()).isEqualTo("completed");
    assertThat(thread()).containsExactly("user:later", "assistant:later");
  }

  // ---- its events

  @Test
  void theEventsOfATurn() throws Exception {
    try (EventStream stream = stream("{'content':'one two three'}")) {
      List<Event> events = rest(stream);
      assertThat(types(events))
          .startsWith("turn.started", "turn.delta")
          .endsWith("turn.completed")
          .doesNotContain("turn.text");
      String turn = data(events.getFirst()).path("turn").asString();
      assertThat(stream.header("Location")).isEqualTo(session("/turns/" + turn));
      assertThat(stream.header("ETag")).matches("\"\\d+-[0-9a-z]{8}\"");
      assertThat(data(events.getFirst()).path("input").size()).isEqualTo(1);
      assertThat(seqs(events)).isEqualTo(range(1, seqs(events).size()));
      assertThat(events.get(1).id()).isEqualTo("1");
      assertThat(shown("", events)).isEqualTo("one two three");
      JsonNode end = data(events.getLast());
      assertThat(end.path("messages").path(0).path("content").asString())
          .isEqualTo("one two three");
      assertThat(end.path("removed").size()).isZero();
      assertThat(end.path("finishReason").asString()).isEqualTo("stop");
      assertThat(stream.retryMillis()).isEqualTo(-1);
    }
  }

  @Test
  void eachKindOfBitHasItsEvent() throws Exception {
    try (EventStream stream =
        stream(
            "{'content':'x','parameters':{'echo':{'reasoning':'let me think','toolCall':"
                + "{'name':'f','arguments':'{\\\"city\\\":\\\"Ulm\\\"}'}}}}")) {
      List<Event> events = rest(stream);
      assertThat(types(events))
          .startsWith("turn.started", "turn.reasoning")
          .contains("turn.toolCall")
          .endsWith("turn.completed");
      StringBuilder arguments = new StringBuilder();
      events.stream()
          .filter(event -> event.type().equals("turn.toolCall"))
          .forEach(event -> arguments.append(data(event).path("arguments").asString()));
      assertThat(arguments).hasToString("{\"city\":\"Ulm\"}");
      JsonNode call = data(events.getLast()).path("messages").path(0).path("toolCalls").path(0);
      assertThat(call.path("function").path("name").asString()).isEqualTo("f");
      assertThat(call.path("function").path("arguments").asString())
          .isEqualTo("{\"city\":\"Ulm\"}");
    }
  }

  @Test
  void whoHangsUpComesBackElsewhereAndMissesNothing() throws Exception {
    String turn;
    List<Event> seen = new ArrayList<>();
    try (EventStream stream =
        stream("{'content':'a b c','parameters':{'echo':{'tokens':60,'pace':'30ms'}}}")) {
      for (int i = 0; i < 11; i++) {
        seen.add(stream.receive());
      }
      turn = data(seen.getFirst()).path("turn").asString();
    }
    String last = seen.getLast().id();
    assertThat(last).isEqualTo("10");
    try (EventStream again = follow(turn, last)) {
      assertThat(again.status()).isEqualTo(200);
      List<Event> more = rest(again);
      assertThat(seqs(more)).isEqualTo(range(11, 10 + seqs(more).size()));
      assertThat(types(more)).doesNotContain("turn.text").endsWith("turn.completed");
      String saved = data(more.getLast()).path("messages").path(0).path("content").asString();
      assertThat(shown(shown("", seen), more)).isEqualTo(saved);
      assertThat(saved.split(" ")).hasSize(60);
    }
  }

  @Test
  void whoComesLateBeginsWithAllThatWasSaid() throws Exception {
    String turn = begin("{'content':'a b c','parameters':{'echo':{'tokens':60,'pace':'30ms'}}}");
    Awaitility.await()
        .until(() -> {
          try (EventStream early = follow(turn, "")) {
            early.receive();
            return data(early.receive()).path("seq").asInt() > 3;
          }
        });
    try (EventStream late = follow(turn, "")) {
      assertThat(late.retryMillis()).isEqualTo(-1);
      List<Event> events = rest(late);
      assertThat(late.retryMillis()).isBetween(1000L, 4000L);
      assertThat(types(events)).startsWith("turn.started", "turn.text").endsWith("turn.completed");
      assertThat(types(events)).containsOnlyOnce("turn.text");
      long from = seqs(events).getFirst();
      assertThat(from).isGreaterThan(3);
      assertThat(seqs(events)).isEqualTo(range(from, from - 1 + seqs(events).size()));
      assertThat(shown("", events))
          .isEqualTo(data(events.getLast()).path("messages").path(0).path("content").asString());
    }
  }

  @Test
  void theEventsOfATurnThatHasEndedAreStillThere() throws Exception {
    String turn = turn("{'content':'one two three'}").is(200).text("id");
    try (EventStream whole =
            new EventStream(two.port(), session("/turns/" + turn + "/events?after=0"), "");
        EventStream text = follow(turn, "")) {
      List<Event> all = rest(whole);
      assertThat(types(all)).startsWith("turn.started", "turn.delta").endsWith("turn.completed");
      assertThat(shown("", all)).isEqualTo("one two three");
      assertThat(types(rest(text))).containsExactly("turn.started", "turn.text", "turn.completed");
      long last = seqs(all).getLast();
      try (EventStream nothing = follow(turn, Long.toString(last))) {
        assertThat(types(rest(nothing))).containsExactly("turn.completed");
      }
      try (EventStream one = follow(turn, Long.toString(last - 1))) {
        assertThat(seqs(rest(one))).containsExactly(last);
      }
    }
  }

  /** A decoder of a stock client takes an empty line after a comment for an event. */
  @Test
  void inSilenceAOneLineCommentComesEveryFiveSeconds() throws Exception {
    try (EventStream stream =
        stream("{'content':'a b','parameters':{'echo':{'firstAfter':'6500ms'}}}")) {
      stream.receive();
      assertThat(stream.receive().type()).isEqualTo("turn.delta");
      assertThat(stream.comments()).isEqualTo(1);
    }
  }

  /** What waits for a client that reads nothing waits in the log; it gets all of it in the end. */
  @Test
  void aSlowClientGetsEveryEventOnceAndInOrder() throws Exception {
    String content = "x".repeat(199);
    try (EventStream stream =
        stream("{'content':'" + content + "','parameters':{'echo':{'tokens':4000}}}")) {
      String turn = data(stream.receive()).path("turn").asString();
      assertThat(ended(turn).path("status").asString()).isEqualTo("completed");
      List<Event> events = rest(stream);
      assertThat(seqs(events)).isEqualTo(range(1, seqs(events).size()));
      assertThat(types(events)).doesNotContain("turn.text").endsWith("turn.completed");
      assertThat(shown("", events))
          .isEqualTo(data(events.getLast()).path("messages").path(0).path("content").asString());
    }
  }

  // ---- cancelling

  @Test
  void aTurnIsCancelledFromAnyReplica() throws Exception {
    try (EventStream stream =
        stream("{'content':'a b c d','parameters':{'echo':{'stall':'after:2'}}}")) {
      List<Event> first = List.of(stream.receive(), stream.receive(), stream.receive());
      String turn = data(first.getFirst()).path("turn").asString();
      String cancel = session("/turns/" + turn + "/cancel");
      Reply asked = other.post(cancel, null, "Idempotency-Key", "stop").is(202);
      assertThat(asked.text("id")).isEqualTo(turn);
      List<Event> end = rest(stream);
      assertThat(types(end)).containsExactly("turn.cancelled");
      JsonNode saved = data(end.getFirst()).path("messages").path(0);
      assertThat(saved.path("content").asString()).isEqualTo("a b ");
      assertThat(saved.path("status").asString()).isEqualTo("incomplete");
      assertThat(ended(turn).path("status").asString()).isEqualTo("cancelled");
      other.post(session("/turns/" + turn + "/cancel"), null).problem(409, "turn-ended", null);
    }
    assertThat(turn("{'content':'next'}").is(200).text("status")).isEqualTo("completed");
  }

  // ---- retries

  @Test
  void theSameRequestGetsTheSameTurnWhileItRunsAndAfter() throws Exception {
    String[] key = {"Idempotency-Key", "k1"};
    String body = "{'content':'a b c','parameters':{'echo':{'pace':'100ms'}}}";
    try (EventStream first = stream(body, key)) {
      String turn = data(first.receive()).path("turn").asString();
      first.receive();
      try (EventStream again = stream(body, key)) {
        assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
        List<Event> events = rest(again);
        assertThat(data(events.getFirst()).path("turn").asString()).isEqualTo(turn);
        assertThat(types(events)).startsWith("turn.started").doesNotContain("turn.text");
        assertThat(seqs(events)).startsWith(1L);
        assertThat(shown("", events)).isEqualTo("a b c");
      }
      assertThat(types(rest(first))).endsWith("turn.completed");
      try (EventStream after = stream(body, key)) {
        List<Event> events = rest(after);
        assertThat(types(events))
            .startsWith("turn.started", "turn.delta")
            .endsWith("turn.completed");
        assertThat(shown("", events)).isEqualTo("a b c");
      }
    }
    assertThat(thread()).hasSize(2);
    turn("{'content':'another'}", key).problem(422, "key-reused", null);
  }

  @Test
  void aRepetitionIsNotCounted() {
    more.add(
        start(
            Map.of(
                "heddle.echo.pace", "0ms",
                "heddle.limits.rules.requests.kind", "requests",
                "heddle.limits.rules.requests.limit", "100",
                "heddle.limits.rules.writes.kind", "writes",
                "heddle.limits.rules.writes.limit", "3")));
    Http client = new Http(more.getLast().port()).with("Heddle-User", "u-" + UUID.randomUUID());
    String path = "/v1/sessions/r-" + id + "/turns?create=true";
    String[] key = {"Idempotency-Key", "k1"};
    JsonNode first = client.post(path, "{'content':'x'}", key).is(200).json();
    for (int i = 0; i < 5; i++) {
      Reply again = client.post(path, "{'content':'x'}", key).is(200);
      assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
      assertThat(again.json()).isEqualTo(first);
    }
    client.post(path, "{'content':'x'}").is(200);
    client.post(path, "{'content':'x'}").is(200);
    client.post(path, "{'content':'x'}").problem(429, "rate-limited", null);
    client.post(path, "{'content':'x'}", "Idempotency-Key", "k2").is(429);
    assertThat(client.post(path, "{'content':'x'}", key).is(200).json()).isEqualTo(first);
  }

  // ---- when another one runs

  private static final String STALLS =
      "{'content':'a b c','parameters':{'echo':{'stall':'after:1'}}}";

  @Test
  void turnsWaitForEachOther() throws Exception {
    String first = begin(STALLS);
    try (EventStream second = stream("{'content':'second'}");
        EventStream third = stream("{'content':'third'}")) {
      Event queued = second.receive();
      assertThat(queued.type()).isEqualTo("turn.queued");
      assertThat(data(queued).path("queuePosition").asInt()).isEqualTo(1);
      assertThat(data(third.receive()).path("queuePosition").asInt()).isEqualTo(2);
      JsonNode all = other.get(session("/turns")).is(200).json().path("data");
      assertThat(all.valueStream().map(turn -> turn.path("status").asString()))
          .containsExactly("running", "queued", "queued");
      assertThat(all.path(2).path("queuePosition").asInt()).isEqualTo(2);
      JsonNode waiting = other.get(session("/turns?status=queued")).json().path("data");
      assertThat(waiting.size()).isEqualTo(2);
      assertThat(other.get(session("/turns/" + first)).text("status")).isEqualTo("running");

      other.post(session("/turns/" + first + "/cancel"), null).is(202);
      assertThat(types(rest(second)))
          .containsExactly("turn.started", "turn.delta", "turn.completed");
      List<Event> last = rest(third);
      assertThat(types(last))
          .startsWith("turn.queued")
          .endsWith("turn.started", "turn.delta", "turn.completed");
      assertThat(data(last.getFirst()).path("queuePosition").asInt()).isEqualTo(1);
    }
    assertThat(thread())
        .containsExactly(
            "user:a b c",
            "assistant:a ",
            "user:second",
            "assistant:second",
            "user:third",
            "assistant:third");
  }

  @Test
  void aTurnThatWaitsIsCancelled() throws Exception {
    String first = begin(STALLS);
    try (EventStream second = stream("{'content':'second'}")) {
      String turn = data(second.receive()).path("turn").asString();
      Reply asked = other.post(session("/turns/" + turn + "/cancel"), null).is(202);
      assertThat(asked.text("status")).isEqualTo("cancelled");
      List<Event> end = rest(second);
      assertThat(types(end)).containsExactly("turn.cancelled");
      assertThat(data(end.getFirst()).path("messages").size()).isZero();
    }
    assertThat(other.get(session("/turns/" + first)).text("status")).isEqualTo("running");
    other.post(session("/turns/" + first + "/cancel"), null).is(202);
    ended(first);
    assertThat(thread()).containsExactly("user:a b c", "assistant:a ");
  }

  @Test
  void aTurnIsRefusedWhileAnotherOneRuns() {
    String first = begin(STALLS);
    turn("{'content':'second','onBusy':'reject'}").problem(409, "turn-running", null);
    http.delete(session("/messages")).problem(409, "turn-running", null);
    http.post(session("/messages"), "{'role':'user','content':'beside'}").is(201);
    other.post(session("/turns/" + first + "/cancel"), null).is(202);
    ended(first);
    assertThat(thread()).containsExactly("user:a b c", "user:beside", "assistant:a ");
  }

  @Test
  void aTurnInterruptsAnother() throws Exception {
    try (EventStream first = stream(STALLS)) {
      first.receive();
      first.receive();
      assertThat(turn("{'content':'second','onBusy':'interrupt'}").is(200).text("status"))
          .isEqualTo("completed");
      List<Event> end = rest(first);
      assertThat(types(end)).containsExactly("turn.cancelled");
      assertThat(data(end.getFirst()).path("removed").size()).isZero();
    }
    assertThat(thread())
        .containsExactly("user:a b c", "assistant:a ", "user:second", "assistant:second");
  }

  @Test
  void aTurnTakesThePlaceOfAnother() throws Exception {
    try (EventStream first = stream(STALLS)) {
      JsonNode started = data(first.receive());
      first.receive();
      assertThat(turn("{'content':'second','onBusy':'rollback'}").is(200).text("status"))
          .isEqualTo("completed");
      List<Event> end = rest(first);
      assertThat(types(end)).containsExactly("turn.cancelled");
      assertThat(data(end.getFirst()).path("removed")).isEqualTo(started.path("input"));
      assertThat(data(end.getFirst()).path("messages").size()).isZero();
      try (EventStream late = follow(started.path("turn").asString(), "1")) {
        assertThat(data(rest(late).getLast()).path("removed")).isEqualTo(started.path("input"));
      }
    }
    assertThat(thread()).containsExactly("user:second", "assistant:second");
  }

  // ---- on what terms

  @Test
  void aTurnMakesItsSessionWhenItIsAskedTo() {
    String made = "/v1/sessions/m-" + id;
    http.post(made + "/turns", "{'content':'x'}").problem(404, "session-not-found", null);
    Http ann = http.with("Heddle-User", "ann");
    ann.post(made + "/turns?create=true", "{'content':'x'}").is(200);
    assertThat(other.get(made).is(200).text("user")).isEqualTo("ann");
    ann.post(made + "/turns?create=true", "{'content':'y'}").is(200);
    assertThat(other.get(made).json().path("messageCount").asInt()).isEqualTo(4);
    http.with("Heddle-User", "bob")
        .post(made + "/turns?create=true", "{'content':'z'}")
        .problem(404, "session-not-found", null);
    http.delete(made);
    ann.post(made + "/turns?create=true", "{'content':'x'}").problem(410, "session-deleted", null);
  }

  @Test
  void aTurnObeysPositionAndLock() {
    turn("{'content':'x'}", "If-Match", "\"1-aaaaaaaa\"").problem(412, "version-conflict", null);
    String position = http.get(session("")).position();
    String token =
        http.post(session("/lock"), "{'ttlSeconds':30,'waitSeconds':0}").is(200).text("lock");
    turn("{'content':'x'}", "Heddle-Wait", "0").problem(423, "session-locked", null);
    turn("{'content':'x'}", "Heddle-Lock", "other").problem(412, "stale-fence", null);
    turn("{'content':'x'}", "Heddle-Lock", token, "If-Match", "\"" + position + "\"").is(200);
    http.delete(session("/lock"), "Heddle-Lock", token);
    http.patch(session(""), "{'status':'complete'}").is(200);
    turn("{'content':'x'}").problem(409, "session-complete", null);
  }

  @Test
  void othersTurnsAreNotThere() {
    String made = "/v1/sessions/o-" + id;
    Http ann = http.with("Heddle-User", "ann");
    Http bob = http.with("Heddle-User", "bob");
    String turn = ann.post(made + "/turns?create=true", "{'content':'x'}").is(200).text("id");
    String path = made + "/turns/" + turn;
    ann.get(path).is(200);
    bob.get(path).problem(404, "session-not-found", null);
    bob.get(path + "/events").problem(404, "session-not-found", null);
    bob.get(made + "/turns").problem(404, "session-not-found", null);
    bob.post(path + "/cancel", null).problem(404, "session-not-found", null);
    bob.post(made + "/turns", "{'content':'x'}").problem(404, "session-not-found", null);
    bob.get(path + "/events?user=ann").problem(400, "invalid-request", "user");
    assertThat(http.get(path + "/events?user=ann").status()).isEqualTo(200);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "GET|/turns/trn_0123456789abcdef_SESSION||404|turn-not-found|",
        "GET|/turns/trn_0123456789abcdef_other||404|turn-not-found|",
        "GET|/turns/none||404|turn-not-found|",
        "GET|/turns/none/events||404|turn-not-found|",
        "GET|/turns/trn_0123456789abcdef_SESSION/events||404|turn-not-found|",
        "GET|/turns/trn_0123456789abcdef_SESSION/events?after=x||400|invalid-request|after",
        "GET|/turns/trn_0123456789abcdef_SESSION/events?after=-1||400|invalid-request|after",
        "GET|/turns/trn_0123456789abcdef_SESSION/events?since=1||400|unknown-field|since",
        "POST|/turns/trn_0123456789abcdef_SESSION/cancel||404|turn-not-found|",
        "POST|/turns/none/cancel||404|turn-not-found|",
        "GET|/turns?status=done||400|invalid-request|status",
        "GET|/turns?limit=1||400|unknown-field|limit",
        "POST|/turns|{}|400|invalid-request|content",
        "POST|/turns|{'content':'x','depth':1}|400|unknown-field|depth",
        "POST|/turns?stream=true|{'content':'x'}|400|unknown-field|stream",
        "POST|/turns|{'content':|400|invalid-json|",
        "DELETE|/turns||405|method-not-allowed|",
        "PUT|/turns/none||405|method-not-allowed|"
      })
  void whatIsWrongIsNamed(
      String method, String path, String body, int status, String code, String field) {
    http.send(HttpMethod.valueOf(method), session(path.replace("SESSION", id)), body)
        .problem(status, code, field);
  }

  @Test
  void aLastEventIdThatIsNoneIsNamed() throws Exception {
    String turn = turn("{'content':'x'}").is(200).text("id");
    http.get(session("/turns/" + turn + "/events"), "Last-Event-ID", "7-k3jd82ma")
        .problem(400, "invalid-request", "Last-Event-ID");
    turn("{'content':'x'}", "Cache-Control", "max-age=soon")
        .problem(400, "invalid-request", "Cache-Control");
  }

  @Test
  void anAnswerMayBeAnOlderOne() {
    String body = "{'content':'the same " + id + "'}";
    assertThat(turn(body).json().has("cached")).isFalse();
    assertThat(turn(body, "Cache-Control", "max-age=60").json().has("cached")).isFalse();
    String fresh = "/v1/sessions/c-" + id + "/turns?create=true";
    assertThat(http.post(fresh, body, "Cache-Control", "max-age=60").json().has("cached"))
        .isFalse();
    String cached = "/v1/sessions/d-" + id + "/turns?create=true";
    JsonNode again = other.post(cached, body, "Cache-Control", "max-age=60").is(200).json();
    assertThat(again.path("cached").asBoolean()).isTrue();
    assertThat(again.path("messages").path(0).path("content").asString())
        .isEqualTo("the same " + id);
    String asked = "/v1/sessions/e-" + id + "/turns?create=true";
    assertThat(http.post(asked, body, "Cache-Control", "no-store").json().has("cached")).isFalse();
  }

  @Test
  void aReplicaThatStopsBeginsNoMore() {
    HttpContract.Server stopping = start(SETTINGS);
    more.add(stopping);
    Http client = new Http(stopping.port());
    String path = "/v1/sessions/s-" + id;
    String turn = client.post(path + "/turns?create=true", "{'content':'x'}").text("id");
    stopping.bean(Connections.class).drain().subscribe();
    Reply refused =
        client.post(path + "/turns", "{'content':'x'}").problem(503, "restarting", null);
    assertThat(refused.header("Retry-After")).isNotBlank();
    client.get(path + "/turns/" + turn + "/events").problem(503, "restarting", null);
    client.get(path + "/turns/" + turn).is(200);
  }
}
