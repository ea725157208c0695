package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.EventStream;
import io.heddle.testing.EventStream.Event;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * All changes of one session in the order of its versions, as somebody who watches it sees them.
 */
final class ChangeStream implements AutoCloseable {
  private static final JsonMapper JSON = new JsonMapper();

  private final EventStream events;
  private final List<JsonNode> changes = new ArrayList<>();
  private final CountDownLatch watching = new CountDownLatch(1);

  /** Returns when it watches: whatever is done from now on is in it. */
  ChangeStream(int port, String session) throws IOException, InterruptedException {
    events = new EventStream(port, TurnCalls.path(session) + "/events", "");
    assertThat(events.status()).isEqualTo(200);
    Thread.ofVirtual().name("changes").start(this::run);
    assertThat(watching.await(10, TimeUnit.SECONDS)).isTrue();
  }

  private void run() {
    try {
      for (Event event = events.receive(); event != null; event = events.receive()) {
        JsonNode change = JSON.readTree(event.data());
        switch (event.type()) {
          // What is in no version of its own.
          case "turn.text", "turn.delta" -> {}
          case "snapshot" -> watching.countDown();
          default -> {
            synchronized (changes) {
              changes.add(change);
            }
          }
        }
      }
    } catch (IOException closed) {
      // What is missing then is missed by the test.
    }
  }

  List<JsonNode> changes() {
    synchronized (changes) {
      return List.copyOf(changes);
    }
  }

  static String type(JsonNode change) {
    return change.path("type").asString();
  }

  static boolean isEnd(JsonNode change) {
    return List.of("turn.completed", "turn.failed", "turn.cancelled", "turn.incomplete")
        .contains(type(change));
  }

  /** How many turns have ended. */
  long ends() {
    return changes().stream().filter(ChangeStream::isEnd).count();
  }

  /** The turns of the changes of one type, in order. */
  List<String> turns(String type) {
    return changes().stream()
        .filter(change -> type(change).equals(type))
        .map(change -> change.path("turn").asString())
        .toList();
  }

  /**
   * Goes through them as a client does and gives the thread that it shows then, as {@code
   * role:content}; fails where two turns run at once, or one ends that does not run.
   */
  List<String> thread() {
    String running = "";
    Map<String, String> thread = new java.util.LinkedHashMap<>();
    long version = -1;
    for (JsonNode change : changes()) {
      long next = Long.parseLong(change.path("position").asString().split("-", 2)[0]);
      assertThat(next).as("version after %s", version).isEqualTo(version < 0 ? next : version + 1);
      version = next;
      if (type(change).equals("turn.started")) {
        assertThat(running).as("running when %s starts", change).isEmpty();
        running = change.path("turn").asString();
      } else if (isEnd(change)) {
        assertThat(running)
            .as("running when %s ends", change)
            .isEqualTo(change.path("turn").asString());
        running = "";
      }
      for (JsonNode message : change.path("messages")) {
        thread.put(
            message.path("id").asString(),
            message.path("role").asString() + ":" + message.path("content").asString(""));
      }
      for (JsonNode removed : change.path("removed")) {
        thread.remove(removed.asString());
      }
    }
    assertThat(running).as("running at the end").isEmpty();
    return List.copyOf(thread.values());
  }

  @Override
  public void close() {
    events.close();
  }
}
