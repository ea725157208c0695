package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.SocketClient;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/**
 * What is asked over a socket counts as the same does over HTTP. Watching did not: under a limit of
 * 100 requests an hour somebody was sent 28 MB of snapshots in a second.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SocketLimitsIT {

  private static final int LIMIT = 20;
  private static final int WRITES = 12;

  private Application server;
  private Http http;

  @BeforeAll
  void start() {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("heddle.engine", "embedded");
    settings.put("heddle.embedded.path", "");
    settings.put("heddle.limits.rules.requests.kind", "requests");
    settings.put("heddle.limits.rules.requests.limit", Integer.toString(LIMIT));
    settings.put("heddle.limits.rules.requests.window", "1h");
    settings.put("heddle.limits.rules.writes.kind", "writes");
    settings.put("heddle.limits.rules.writes.limit", Integer.toString(WRITES));
    settings.put("heddle.limits.rules.writes.window", "1h");
    settings.put("heddle.limits.rules.watching.kind", "requests");
    settings.put("heddle.limits.rules.watching.limit", "3");
    settings.put("heddle.limits.rules.watching.window", "1h");
    settings.put("heddle.limits.rules.watching.paths", "/v1/sessions/rare-*/events");
    server = Application.start(settings);
    http = new Http(server.port());
  }

  @AfterAll
  void stop() {
    server.close();
  }

  private void create(String user, String id) {
    // By the backend, whose limits are others.
    http.post("/v1/sessions", "{'id':'" + id + "','user':'" + user + "'}").is(201);
  }

  private SocketClient open(String user) {
    return SocketClient.open(server.port(), "?user=" + user);
  }

  /** The answers with this ref, and how much was said to be left with each. */
  private static JsonNode answer(SocketClient socket, String ref, List<Long> left) {
    while (true) {
      JsonNode frame = socket.any();
      switch (frame.path("type").asString()) {
        case "limits" -> left.add(frame.path("limits").path(0).path("remaining").asLong());
        case "ack", "error" -> {
          assertThat(frame.path("ref").asString()).isEqualTo(ref);
          return frame;
        }
        default -> {
          // What is watched.
        }
      }
    }
  }

  /** Each kind of request, over and over: as many pass as the limit allows, the others are told. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          again   | {'type':'watch','session':'$s','ref':'$r'}                                       | 20
          none    | {'type':'watch','session':'none','ref':'$r'}                                     | 20
          unwatch | {'type':'unwatch','session':'none','ref':'$r'}                                   | 20
          typing  | {'type':'typing','session':'$s','ref':'$r'}                                      | 20
          wrong   | {'type':'watch','session':'$s','ref':'$r','more':1}                              | 20
          unknown | {'type':'shout','session':'$s','ref':'$r'}                                       | 20
          cancel  | {'type':'cancel','session':'$s','turn':'trn_0123456789abcdef_$s','ref':'$r'}     | 12
          append  | {'type':'append','session':'$s','message':{'role':'user','content':'x'},'ref':'$r'} | 12
          turn    | {'type':'turn','session':'$s','messages':[],'model':'none','ref':'$r'}           | 12
          """)
  void everyKindOfRequestIsCounted(String user, String request, int allowed) {
    String session = "of-" + user;
    create(user, session);
    List<String> codes = new ArrayList<>();
    List<Long> left = new ArrayList<>();
    try (SocketClient socket = open(user)) {
      for (int i = 0; i < LIMIT + 10; i++) {
        String ref = "r" + i;
        socket.send(request.replace("$s", session).replace("$r", ref).replace('\'', '"'));
        JsonNode answer = answer(socket, ref, left);
        String code = answer.path("problem").path("code").asString("ack");
        codes.add(code);
        if (code.equals("rate-limited")) {
          assertThat(answer.path("problem").path("retryAfter").asLong()).isBetween(3000L, 3600L);
          assertThat(answer.path("problem").path("status").asInt()).isEqualTo(429);
        }
      }
    }
    // The handshake was one too, for the rule of all requests.
    int passed = Math.min(allowed, LIMIT - 1);
    assertThat(codes.subList(0, passed)).doesNotContain("rate-limited");
    assertThat(codes.subList(passed, codes.size())).containsOnly("rate-limited");
    List<Long> first = left.subList(0, Math.min(left.size(), 8));
    assertThat(first)
        .as("what is left is told, and becomes less")
        .isSortedAccordingTo((a, b) -> Long.compare(b, a));
  }

  /** Watching and leaving off, which costs a snapshot each time. */
  @Test
  void watchingOverAndOverIsCounted() {
    create("over", "over");
    int snapshots = 0;
    try (SocketClient socket = open("over")) {
      for (int i = 0; i < 2 * LIMIT; i++) {
        socket.send("{\"type\":\"watch\",\"session\":\"over\",\"ref\":\"w\"}");
        JsonNode answer = answer(socket, "w", new ArrayList<>());
        if (answer.path("type").asString().equals("ack")) {
          socket.next("snapshot");
          snapshots++;
          socket.send("{\"type\":\"unwatch\",\"session\":\"over\",\"ref\":\"u\"}");
          // Nobody is refused to leave off.
          assertThat(answer(socket, "u", new ArrayList<>()).path("type").asString())
              .isEqualTo("ack");
        } else {
          assertThat(answer.path("problem").path("code").asString()).isEqualTo("rate-limited");
        }
      }
    }
    assertThat(snapshots).isEqualTo(LIMIT - 1);
  }

  /**
   * A rule for the paths of event streams is one for watching, also for what a handshake watches.
   */
  @Test
  void aRuleForEventsIsOneForWatching() {
    List<String> told = new ArrayList<>();
    create("rare", "rare-0");
    for (int i : IntStream.range(0, 5).toArray()) {
      try (SocketClient socket = SocketClient.open(server.port(), "?user=rare&watch=rare-0")) {
        JsonNode frame = socket.next();
        told.add(frame.path("problem").path("code").asString(frame.path("type").asString()));
      }
      assertThat(told).hasSize(i + 1);
    }
    assertThat(told).containsExactly("ack", "ack", "ack", "rate-limited", "rate-limited");
  }
}
