package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.EventStream;
import io.heddle.testing.EventStream.Event;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A client that follows one turn over one connection and does not come back: what it sees it sees
 * without having had to.
 */
final class TurnFollower implements AutoCloseable {
  private static final JsonMapper JSON = new JsonMapper();

  private final EventStream events;
  private final StringBuilder text;
  private final CompletableFuture<String> turn = new CompletableFuture<>();
  private final CompletableFuture<JsonNode> end = new CompletableFuture<>();
  private long seq;
  private long endedAt;
  private @Nullable String hole;

  private TurnFollower(EventStream events, String before, long seq) {
    this.events = events;
    this.text = new StringBuilder(before);
    this.seq = seq;
    assertThat(events.status()).isEqualTo(200);
    Thread.ofVirtual().name("follower").start(this::run);
  }

  /** Orders a turn as a stream. */
  static TurnFollower order(int port, String session, String body, String... headers)
      throws IOException {
    String path = TurnCalls.path(session) + "/turns";
    return new TurnFollower(EventStream.post(port, path, TurnCalls.streamed(body), headers), "", 0);
  }

  /** Comes to a turn that somebody else ordered. */
  static TurnFollower of(int port, String session, String turn) throws IOException {
    return again(port, session, turn, "", 0);
  }

  /** Comes back to a turn, with what it had of it. */
  static TurnFollower again(int port, String session, String turn, String text, long seq)
      throws IOException {
    String path = TurnCalls.path(session, turn) + "/events";
    return new TurnFollower(
        new EventStream(port, path, seq == 0 ? "" : Long.toString(seq)), text, seq);
  }

  private void run() {
    try {
      for (Event event = events.receive(); event != null; event = events.receive()) {
        JsonNode data = JSON.readTree(event.data());
        turn.complete(data.path("turn").asString());
        if (take(event.type(), data)) {
          endedAt = System.nanoTime();
          end.complete(data);
          return;
        }
      }
      throw new IOException("the stream ended before the turn");
    } catch (IOException | RuntimeException e) {
      turn.completeExceptionally(e);
      end.completeExceptionally(e);
    }
  }

  private synchronized boolean take(String type, JsonNode data) {
    switch (type) {
      case "turn.text" -> {
        text.setLength(0);
        text.append(data.path("text").asString());
        seq = data.path("seq").asLong();
      }
      case "turn.delta" -> {
        text.append(data.path("text").asString());
        if (data.path("seq").asLong() != seq + 1) {
          hole = "event " + data.path("seq") + " came after " + seq;
        }
        seq = data.path("seq").asLong();
      }
      case "turn.queued", "turn.started" -> {}
      default -> {
        return true;
      }
    }
    return false;
  }

  /** Which turn it follows, once it was told anything of it. */
  String turn() {
    return turn.join();
  }

  /** What it shows now. */
  synchronized String text() {
    return text.toString();
  }

  synchronized long seq() {
    return seq;
  }

  boolean isOver() {
    return end.isDone();
  }

  /** When it was told of the end. */
  long endedAt() {
    return endedAt;
  }

  /** The event that ended the turn. Whatever it was told until then had no hole. */
  JsonNode end(Duration most) throws IOException, InterruptedException {
    try {
      JsonNode told = end.get(most.toMillis(), TimeUnit.MILLISECONDS);
      synchronized (this) {
        assertThat(hole).as("hole in the events").isNull();
      }
      return told;
    } catch (ExecutionException e) {
      throw new IOException("following a turn", e.getCause());
    } catch (TimeoutException e) {
      throw new IOException("no end after " + most + ", but: " + text(), e);
    }
  }

  /** What the assistant said, of the messages that came with the end. */
  static String answer(JsonNode end) {
    StringBuilder said = new StringBuilder();
    for (JsonNode message : end.path("messages")) {
      if (message.path("role").asString().equals("assistant")) {
        said.append(message.path("content").asString(""));
      }
    }
    return said.toString();
  }

  @Override
  public void close() {
    events.close();
  }
}
