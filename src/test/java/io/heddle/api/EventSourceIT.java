package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.ProblemCode;
import io.heddle.testing.EventStream;
import io.heddle.testing.EventStream.Event;
import io.heddle.testing.HttpConnection;
import io.heddle.testing.HttpConnection.Answer;
import io.heddle.web.Connections;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.mock.http.server.reactive.MockServerHttpRequest;

/**
 * What a browser's {@code EventSource} needs, by WHATWG's word: it comes back after every stream
 * that ends, with the last id that it saw, and after the time that the stream named; and it ends
 * itself for good at any other status than 200. So one that met a 503 never came back, and one that
 * had followed a turn to its end came back for six hours, every two seconds.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EventSourceIT {

  private static final Map<String, String> SOURCE = Map.of("Accept", "text/event-stream");

  private Application server;
  private Http http;
  private String id;

  @BeforeAll
  void start() {
    server = Application.start(settings("heddle.limits.enabled", "false"));
    http = new Http(server.port());
  }

  @AfterAll
  void stop() {
    server.close();
  }

  @BeforeEach
  void session() {
    id = "e-" + UUID.randomUUID();
    http.post("/v1/sessions", "{'id':'" + id + "'}").is(201);
  }

  private static Map<String, String> settings(String... more) {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("heddle.engine", "embedded");
    settings.put("heddle.embedded.path", "");
    for (int i = 0; i < more.length; i += 2) {
      settings.put(more[i], more[i + 1]);
    }
    return settings;
  }

  private String path(String rest) {
    return "/v1/sessions/" + id + rest;
  }

  private EventStream events(String rest, String lastEventId) throws IOException {
    return new EventStream(server.port(), path(rest), lastEventId);
  }

  private String turn(String body) {
    return http.post(path("/turns"), body, "Prefer", "respond-async").is(202).text("id");
  }

  private static List<Event> rest(EventStream stream) throws IOException {
    List<Event> events = new ArrayList<>();
    for (Event event = stream.receive(); event != null; event = stream.receive()) {
      events.add(event);
    }
    return events;
  }

  // ---- the end of a turn ends the loop

  /** Each way in which a turn ends: what it asks for, what is done to it, what it is told. */
  enum End {
    COMPLETED("{'content':'a b'}", ""),
    WITHOUT_A_WORD("{'content':'a','parameters':{'echo':{'tokens':0}}}", ""),
    FAILED("{'content':'a','parameters':{'echo':{'fail':'after:1'}}}", ""),
    CANCELLED("{'content':'a b','parameters':{'echo':{'stall':'after:1'}}}", "cancel"),
    INTERRUPTED("{'content':'a b','parameters':{'echo':{'stall':'after:1'}}}", "interrupt"),
    ROLLED_BACK("{'content':'a b','parameters':{'echo':{'stall':'after:1'}}}", "rollback"),
    CANCELLED_IN_THE_QUEUE("{'content':'b'}", "dequeue");

    private final String body;
    private final String act;

    End(String body, String act) {
      this.body = body;
      this.act = act;
    }
  }

  @ParameterizedTest
  @EnumSource
  void whoHasSeenTheEndOfATurnIsToldToStayAway(End end) throws Exception {
    String before =
        end == End.CANCELLED_IN_THE_QUEUE
            ? turn("{'content':'a','parameters':{'echo':{'stall':'after:1'}}}")
            : "";
    String turn = turn(end.body);
    String last;
    try (EventStream stream = events("/turns/" + turn + "/events", "")) {
      assertThat(stream.status()).isEqualTo(200);
      act(end, turn);
      List<Event> events = rest(stream);
      Event told = events.getLast();
      assertThat(told.type()).startsWith("turn.").isNotEqualTo("turn.started");
      last = told.id();
      assertThat(last).as("the id of " + told).matches("\\d+");
      List<String> ids = events.stream().map(Event::id).toList();
      assertThat(ids).as("the end's id is its own").containsOnlyOnce(last);
    }
    comesBackInVain("/turns/" + turn + "/events", last);
    long seq = Long.parseLong(last);
    try (EventStream again = events("/turns/" + turn + "/events", Long.toString(seq - 1))) {
      assertThat(rest(again)).as("the end once more").extracting(Event::id).containsExactly(last);
    }
    if (!before.isEmpty()) {
      http.post(path("/turns/" + before + "/cancel"), null);
    }
  }

  private void act(End end, String turn) {
    switch (end.act) {
      case "cancel", "dequeue" -> http.post(path("/turns/" + turn + "/cancel"), null).is(202);
      case "interrupt", "rollback" ->
          http.post(path("/turns"), "{'content':'c','onBusy':'" + end.act + "'}").is(200);
      default -> {
        // It ends by itself.
      }
    }
  }

  @Test
  void aTurnWhoseSessionIsDeletedIsNotComeBackTo() throws Exception {
    String turn = turn("{'content':'a b','parameters':{'echo':{'stall':'after:1'}}}");
    String last;
    try (EventStream stream = events("/turns/" + turn + "/events", "")) {
      stream.receive();
      http.delete(path("")).is(204);
      List<Event> events = rest(stream);
      assertThat(events).isNotEmpty();
      last = events.getLast().id();
    }
    comesBackInVain("/turns/" + turn + "/events", last.isEmpty() ? "0" : last);
  }

  private void comesBackInVain(String rest, String last) throws IOException {
    try (HttpConnection connection = connect(server)) {
      Answer answer =
          connection.call(
              "GET",
              path(rest),
              null,
              Map.of("Accept", "text/event-stream", "Last-Event-ID", last));
      assertThat(answer.status()).as("with " + last).isEqualTo(204);
    }
  }

  // ---- the end of a session

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whoHasSeenTheEndOfASessionIsToldToStayAway(boolean there) throws Exception {
    String seen;
    try (EventStream stream = events("/events", "")) {
      seen = stream.receive().id();
      if (there) {
        http.delete(path("")).is(204);
        Event end = stream.receive();
        assertThat(end.type()).isEqualTo("session.deleted");
        assertThat(stream.receive()).isNull();
        seen = end.id();
      }
    }
    if (!there) {
      // It was away meanwhile, and is told all the same.
      http.delete(path("")).is(204);
      try (EventStream again = events("/events", seen)) {
        assertThat(again.status()).isEqualTo(200);
        List<Event> events = rest(again);
        assertThat(events).extracting(Event::type).containsExactly("session.deleted");
        seen = events.getFirst().id();
      }
    }
    comesBackInVain("/events", seen);
    // Who comes for the first time, or is no EventSource, is told the error.
    try (HttpConnection connection = connect(server)) {
      assertThat(connection.call("GET", path("/events"), null, SOURCE).status()).isEqualTo(410);
      assertThat(
              connection.call("GET", path("/events"), null, Map.of("Last-Event-ID", seen)).status())
          .isEqualTo(410);
    }
  }

  // ---- what may be tried again

  @Test
  void whatWillNotChangeIsToldAsItIs() throws Exception {
    String turn = turn("{'content':'a'}");
    Map<String, Integer> wrong = new LinkedHashMap<>();
    wrong.put("/v1/sessions/none/events", 404);
    wrong.put("/v1/sessions/" + id + "/events?x=1", 400);
    wrong.put("/v1/sessions/" + id + "/events?since=x", 400);
    wrong.put("/v1/sessions/" + id + "/events?user=ann", 404);
    wrong.put("/v1/sessions/" + id + "/turns/trn_0123456789abcdef_" + id + "/events", 404);
    wrong.put("/v1/sessions/" + id + "/turns/" + turn + "/events?after=x", 400);
    try (HttpConnection connection = connect(server)) {
      for (Map.Entry<String, Integer> call : wrong.entrySet()) {
        Answer answer = connection.call("GET", call.getKey(), null, SOURCE);
        assertThat(answer.status()).as(call.getKey()).isEqualTo(call.getValue());
        assertThat(answer.headers()).containsEntry("content-type", "application/problem+json");
      }
    }
  }

  /** Over a limit, and then too many connections: an EventSource goes on trying, curl is told. */
  @Test
  void whoIsRefusedForNowIsToldToComeBack() throws Exception {
    try (Application limited =
        Application.start(
            settings(
                "heddle.limits.rules.requests.kind", "requests",
                "heddle.limits.rules.requests.limit", "5",
                "heddle.limits.rules.requests.window", "1h",
                "heddle.live.max-connections", "1"))) {
      Http all = new Http(limited.port());
      all.with("Heddle-User", "ann").post("/v1/sessions", "{'id':'s'}").is(201);
      String turn =
          all.with("Heddle-User", "ann")
              .post("/v1/sessions/s/turns", "{'content':'a'}", "Prefer", "respond-async")
              .is(202)
              .text("id");
      List<String> streams =
          List.of(
              "/v1/sessions/s/events?user=ann",
              "/v1/sessions/s/turns/" + turn + "/events?user=ann");
      try (EventStream only = new EventStream(limited.port(), streams.getFirst(), "")) {
        only.receive();
        assertThat(limited.bean(Connections.class).isFull()).isTrue();
        comesBack(limited, streams.getFirst(), "rate-limited", 429);
      }
      Awaitility.await().until(() -> limited.bean(Connections.class).open() == 0);
      // Now nothing is left of the limit.
      for (String stream : streams) {
        comesBack(limited, stream, "rate-limited", 429);
      }
      Set<Long> delays = new TreeSet<>();
      for (int i = 0; i < 12; i++) {
        delays.add(comesBack(limited, streams.get(i % 2), "rate-limited", 429));
      }
      assertThat(delays).as("twelve do not come back together").hasSizeGreaterThan(6);
    }
  }

  /** The delay that it was told. */
  static long comesBack(Application server, String path, String code, int otherwise)
      throws IOException {
    try (HttpConnection connection = connect(server)) {
      Answer plain = connection.get(path);
      assertThat(plain.status()).as(plain.body()).isEqualTo(otherwise);
      assertThat(plain.code()).isEqualTo(code);
    }
    try (EventStream stream = new EventStream(server.port(), path, "")) {
      assertThat(stream.status()).isEqualTo(200);
      assertThat(stream.header("Content-Type")).isEqualTo("text/event-stream");
      assertThat(stream.receive()).as("it ends").isNull();
      assertThat(stream.retryMillis()).isBetween(1000L, 4000L);
      assertThat(stream.comments()).isEqualTo(1);
      return stream.retryMillis();
    }
  }

  @ParameterizedTest
  @EnumSource
  void everyProblemIsOneOrTheOther(ProblemCode code) {
    boolean passes = code.retryable() || code.status() >= 500 || code.status() == 429;
    int status =
        new NativeWire.OfEventSource()
            .refusal(io.heddle.base.Problem.of(code, "x"))
            .statusCode()
            .value();
    assertThat(status).isEqualTo(passes ? 200 : code.status());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"text/event-stream", "TEXT/event-stream;q=0.9", "text/html, text/event-stream"})
  void anEventSourceIsKnownByWhatItAccepts(String accept) {
    assertThat(isAskedFor(accept)).isTrue();
    assertThat(isAskedFor("*/*")).isFalse();
    assertThat(isAskedFor("text/event-stream2, application/json")).isFalse();
  }

  private static boolean isAskedFor(String accept) {
    return io.heddle.web.EventStream.isAskedFor(
        MockServerHttpRequest.get("/").header("Accept", accept).build());
  }

  // ---- proxies

  /** Compressed on the way, no event arrived before its stream had ended. */
  @Test
  void noStreamMayBeTransformedOrHeldBack() throws Exception {
    String turn = turn("{'content':'a'}");
    String response =
        http.post("/openai/v1/responses", "{'model':'echo','input':'a'}").is(200).text("id");
    Map<String, EventStream> streams = new LinkedHashMap<>();
    try {
      streams.put("session", events("/events", ""));
      streams.put("turn", events("/turns/" + turn + "/events", ""));
      streams.put(
          "new turn",
          EventStream.post(server.port(), path("/turns"), "{\"content\":\"a\",\"stream\":true}"));
      streams.put(
          "chat",
          EventStream.post(
              server.port(),
              "/openai/v1/chat/completions",
              "{\"model\":\"echo\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}"));
      streams.put(
          "response",
          EventStream.post(
              server.port(),
              "/openai/v1/responses",
              "{\"model\":\"echo\",\"stream\":true,\"input\":\"a\"}"));
      streams.put(
          "response without a session",
          EventStream.post(
              server.port(),
              "/openai/v1/responses",
              "{\"model\":\"echo\",\"stream\":true,\"store\":false,\"input\":\"a\"}"));
      streams.put(
          "response again",
          new EventStream(server.port(), "/openai/v1/responses/" + response + "?stream=true", ""));
      streams.forEach((name, stream) -> {
        assertThat(stream.status()).as(name).isEqualTo(200);
        assertThat(stream.header("Content-Type")).as(name).startsWith("text/event-stream");
        assertThat(stream.header("Cache-Control")).as(name).isEqualTo("no-cache, no-transform");
        assertThat(stream.header("X-Accel-Buffering")).as(name).isEqualTo("no");
      });
    } finally {
      streams.values().forEach(EventStream::close);
    }
  }

  private static HttpConnection connect(Application server) {
    return new HttpConnection(server.port(), Duration.ofSeconds(10));
  }
}
