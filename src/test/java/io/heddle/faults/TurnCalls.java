package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.HttpConnection;
import io.heddle.testing.HttpConnection.Answer;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/** The calls about turns, to one replica. For one thread at a time. */
final class TurnCalls implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(40);

  private final HttpConnection connection;

  TurnCalls(int port) {
    connection = new HttpConnection(port, PATIENCE);
  }

  /** An order of a turn of the model echo; {@code 'tokens':9} and the like say how it speaks. */
  static String echo(String content, String how) {
    return "{\"content\":\"%s\",\"model\":\"echo\",\"parameters\":{\"echo\":{%s}}}"
        .formatted(content, how.replace('\'', '"'));
  }

  /** The same order as one of a stream. */
  static String streamed(String order) {
    return "{\"stream\":true," + order.substring(1);
  }

  /** The same order, when another turn runs. */
  static String onBusy(String order, String what) {
    return "{\"onBusy\":\"" + what + "\"," + order.substring(1);
  }

  static String path(String session) {
    return "/v1/sessions/" + session;
  }

  static String path(String session, String turn) {
    return path(session) + "/turns/" + turn;
  }

  Answer call(String method, String path, String body) throws IOException {
    return connection.call(method, path, body, Map.of());
  }

  void create(String session) throws IOException {
    ok(201, connection.post("/v1/sessions", "{\"id\":\"" + session + "\"}"));
  }

  /** Orders a turn and waits for whatever the answer is. */
  Answer order(String session, String body, Map<String, String> headers) throws IOException {
    return connection.call("POST", path(session) + "/turns", body, headers);
  }

  /** Orders a turn and does not wait for it; its id. */
  String begin(String session, String body) throws IOException {
    Answer answer = order(session, body, Map.of("Prefer", "respond-async"));
    ok(202, answer);
    return answer.json().path("id").asString();
  }

  JsonNode turn(String session, String turn) throws IOException {
    return get(path(session, turn));
  }

  JsonNode session(String session) throws IOException {
    return get(path(session));
  }

  /** Turns of the session in this status. */
  List<JsonNode> turns(String session, String status) throws IOException {
    return get(path(session) + "/turns?status=" + status).path("data").valueStream().toList();
  }

  List<JsonNode> thread(String session) throws IOException {
    JsonNode page = get(path(session) + "/messages?order=asc&limit=1000");
    assertThat(page.path("hasMore").asBoolean()).isFalse();
    return page.path("data").valueStream().toList();
  }

  /** The thread as {@code role:content}. */
  List<String> texts(String session) throws IOException {
    List<String> texts = new ArrayList<>();
    for (JsonNode message : thread(session)) {
      texts.add(message.path("role").asString() + ":" + message.path("content").asString(""));
    }
    return texts;
  }

  /** Thread, turn, and the events of its log, as they are stored, as one text. */
  String everything(String session, String turn) throws IOException {
    return get(path(session) + "/messages?order=asc&limit=1000").path("data")
        + stored(session, turn);
  }

  /** A turn that has ended and the events of its log, as they are stored, as one text. */
  String stored(String session, String turn) throws IOException {
    Answer log = connection.get(path(session, turn) + "/events?after=0");
    ok(200, log);
    // When to come back is another time for each answer.
    return get(path(session, turn)) + log.body().replaceAll("(?m)^retry: .*$", "");
  }

  private JsonNode get(String path) throws IOException {
    Answer answer = connection.get(path);
    ok(200, answer);
    return answer.json();
  }

  static void ok(int status, Answer answer) {
    assertThat(answer.status()).as(answer.body()).isEqualTo(status);
  }

  @Override
  public void close() {
    connection.close();
  }
}
