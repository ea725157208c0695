package io.heddle.faults;

import io.heddle.testing.EventStream;
import io.heddle.testing.HttpConnection;
import io.heddle.testing.HttpConnection.Answer;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Clients that order turns and do to them what clients do: hang up and come back elsewhere, repeat
 * the order under its key, cancel from another replica, or only wait. What each saw is put down.
 */
final class TurnClients {
  static final int WORDS = 24;

  private static final JsonMapper JSON = new JsonMapper();
  private static final Duration PATIENCE = Duration.ofSeconds(40);
  private static final long GIVE_UP = Duration.ofSeconds(120).toNanos();

  private final IntSupplier ports;
  final ConcurrentLinkedQueue<Seen> seen = new ConcurrentLinkedQueue<>();
  final LongAdder retries = new LongAdder();
  final LongAdder replays = new LongAdder();
  final LongAdder resumes = new LongAdder();
  final LongAdder hangUps = new LongAdder();
  final LongAdder cancels = new LongAdder();

  /**
   * @param nonce the input's, which no other turn has
   * @param followed text that was put together from the events; null when nobody followed
   * @param told the assistant's text that came with the end
   */
  record Seen(
      String session,
      String nonce,
      String turn,
      String status,
      @Nullable String followed,
      String told) {}

  /**
   * @param ports of replicas, another one each time
   */
  TurnClients(IntSupplier ports) {
    this.ports = ports;
  }

  /** Orders one turn and stays with it until its end is known. */
  void turn(String session, String nonce, Random chance) throws IOException {
    Order order = new Order(session, nonce, chance);
    long end = System.nanoTime() + GIVE_UP;
    while (!order.ended()) {
      if (System.nanoTime() > end) {
        throw new IOException(nonce + ": no end of turn " + order.turn + " after two minutes");
      }
      try {
        order.step();
      } catch (IOException cut) {
        retries.increment();
        LockSupport.parkNanos(Duration.ofMillis(20 + chance.nextInt(200)).toNanos());
      }
    }
    seen.add(order.result());
  }

  /** One turn as its client knows it. */
  private final class Order {
    private final String session;
    private final String nonce;
    private final Random chance;
    private final String body;
    private final boolean follows;
    private boolean cancels;
    private @Nullable String turn;
    private @Nullable JsonNode end;
    private String lastId = "";
    private final StringBuilder text = new StringBuilder();
    private int eventsLeft;

    Order(String session, String nonce, Random chance) {
      this.session = session;
      this.nonce = nonce;
      this.chance = chance;
      this.follows = chance.nextInt(4) != 0;
      this.cancels = chance.nextInt(7) == 0;
      String onBusy = chance.nextInt(8) == 0 ? ",\"onBusy\":\"interrupt\"" : "";
      this.body =
          "{\"content\":\"%s\"%s,\"stream\":%s,\"parameters\":{\"echo\":{\"function\":\"sha256\",\"tokens\":%d,\"pace\":\"%dms\"}}}"
              .formatted(nonce, onBusy, follows, WORDS, 2 + chance.nextInt(25));
    }

    boolean ended() {
      return end != null;
    }

    /** One connection, for as long as it lasts. */
    void step() throws IOException {
      eventsLeft = chance.nextInt(3) == 0 ? 1 + chance.nextInt(12) : Integer.MAX_VALUE;
      if (turn == null || chance.nextInt(6) == 0) {
        order();
      } else if (follows) {
        resumes.increment();
        String from = chance.nextBoolean() ? lastId : "";
        try (EventStream events = new EventStream(ports.getAsInt(), path() + "/events", from)) {
          read(events);
        }
      } else {
        look();
      }
    }

    private void order() throws IOException {
      String path = "/v1/sessions/" + session + "/turns?create=true";
      if (follows) {
        try (EventStream events =
            EventStream.post(ports.getAsInt(), path, body, "Idempotency-Key", nonce)) {
          if (events.status() == 200) {
            // A repetition begins with the first event again.
            text.setLength(0);
            lastId = "";
            if (events.header("Idempotency-Replayed") != null) {
              replays.increment();
            }
          }
          read(events);
        }
      } else {
        try (HttpConnection connection = new HttpConnection(ports.getAsInt(), PATIENCE)) {
          Answer answer = connection.call("POST", path, body, Map.of("Idempotency-Key", nonce));
          if (answer.headers().containsKey("idempotency-replayed")) {
            replays.increment();
          }
          take(answer);
        }
      }
    }

    private void look() throws IOException {
      try (HttpConnection connection = new HttpConnection(ports.getAsInt(), PATIENCE)) {
        JsonNode now = connection.get(path()).json();
        if (List.of("queued", "running").contains(now.path("status").asString())) {
          cancelPerhaps();
          LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
        } else {
          order();
        }
      }
    }

    private void take(Answer answer) throws IOException {
      if (answer.status() != 200) {
        throw new IOException(answer.status() + " " + answer.body());
      }
      JsonNode ended = answer.json();
      turn = ended.path("id").asString();
      end = ended;
    }

    private void read(EventStream events) throws IOException {
      if (events.status() != 200) {
        throw new IOException("status " + events.status());
      }
      while (true) {
        EventStream.Event event = events.receive();
        if (event == null) {
          throw new IOException("the stream ended before the turn");
        }
        JsonNode data = JSON.readTree(event.data());
        turn = data.path("turn").asString();
        lastId = event.id();
        switch (event.type()) {
          case "turn.text" -> {
            text.setLength(0);
            text.append(data.path("text").asString());
          }
          case "turn.delta" -> text.append(data.path("text").asString());
          case "turn.queued", "turn.started" -> {}
          case "turn.completed", "turn.failed", "turn.cancelled", "turn.incomplete" -> {
            end = data;
            return;
          }
          default -> throw new IllegalStateException("unexpected event " + event);
        }
        if (text.length() > 100) {
          cancelPerhaps();
        }
        if (--eventsLeft <= 0) {
          hangUps.increment();
          return;
        }
      }
    }

    private void cancelPerhaps() throws IOException {
      if (cancels) {
        cancels = false;
        cancelsSent();
      }
    }

    private void cancelsSent() throws IOException {
      try (HttpConnection connection = new HttpConnection(ports.getAsInt(), PATIENCE)) {
        TurnClients.this.cancels.increment();
        Answer answer = connection.post(path() + "/cancel", "");
        if (answer.status() != 202 && !answer.code().equals("turn-ended")) {
          throw new IOException(answer.status() + " " + answer.body());
        }
      }
    }

    private String path() {
      return "/v1/sessions/" + session + "/turns/" + turn;
    }

    Seen result() {
      JsonNode over = java.util.Objects.requireNonNull(end);
      StringBuilder told = new StringBuilder();
      for (JsonNode message : over.path("messages")) {
        if (message.path("role").asString().equals("assistant")) {
          told.append(message.path("content").asString(""));
        }
      }
      String status =
          over.has("status")
              ? over.path("status").asString()
              : over.path("type").asString().substring("turn.".length());
      return new Seen(
          session,
          nonce,
          java.util.Objects.requireNonNull(turn),
          status,
          follows ? text.toString() : null,
          told.toString());
    }
  }
}
