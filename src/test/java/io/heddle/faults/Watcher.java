package io.heddle.faults;

import io.heddle.base.Position;
import io.heddle.faults.History.Frame;
import io.heddle.faults.History.Watched;
import io.heddle.testing.EventStream;
import io.heddle.testing.EventStream.Event;
import io.heddle.testing.WebSocketConnection;
import io.heddle.testing.WebSocketConnection.Closed;
import io.heddle.testing.WebSocketConnection.Text;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/**
 * A client that watches sessions as API.md tells clients to: it comes back when its connection
 * ends, gives back the position of the last frame it has processed, and waits as long as a server
 * that restarts told it to. Everything it is sent goes into the history.
 */
final class Watcher implements AutoCloseable {
  /** What it watches over. */
  enum Wire {
    WEB_SOCKET,
    EVENTS
  }

  /** How long it waits after a connection that broke, or was refused, on average. */
  private static final Duration AGAIN = Duration.ofMillis(100);

  private static final JsonFactory JSON = new JsonFactory();
  private static final Pattern DELAY = Pattern.compile("\"retryAfterMillis\":(\\d+)");
  private static final List<String> NOT_OF_A_SESSION =
      List.of("ack", "error", "limits", "typing", "presence");

  /** A session that has ended is not watched again: one of the same name would be another. */
  private static final List<String> ENDS = List.of("session.deleted", "session.expired");

  private final String name;
  private final Wire wire;
  private final Balancer balancer;
  private final String user;
  private final Map<String, Watched> sessions = new LinkedHashMap<>();
  private final AtomicInteger connects = new AtomicInteger();
  private final AtomicInteger failures = new AtomicInteger();
  private final ConcurrentLinkedQueue<Closed> closed = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<String> errors = new ConcurrentLinkedQueue<>();
  private volatile boolean ending;
  private volatile @Nullable AutoCloseable connection;
  private volatile @Nullable Thread thread;

  private Watcher(
      Wire wire,
      String name,
      History history,
      Balancer balancer,
      List<String> sessions,
      String user) {
    if (wire == Wire.EVENTS && sessions.size() != 1) {
      throw new IllegalArgumentException("One stream of events is of one session");
    }
    this.name = name;
    this.wire = wire;
    this.balancer = balancer;
    this.user = user;
    sessions.forEach(session -> this.sessions.put(session, history.watch(name, session)));
  }

  private Watcher start() {
    thread = Thread.ofVirtual().name(name).start(this::run);
    return this;
  }

  /** Begins to watch, one connection for all of them; events carry one session only. */
  static Watcher start(
      Wire wire, String name, History history, Balancer balancer, List<String> sessions) {
    return new Watcher(wire, name, history, balancer, sessions, "").start();
  }

  /** As this user, one session. */
  static Watcher startAs(
      String user, Wire wire, String name, History history, int port, String session) {
    return new Watcher(wire, name, history, Balancer.to(port), List.of(session), user).start();
  }

  /** One session, as somebody who comes back with this position. */
  static Watcher startFrom(
      Wire wire, String name, History history, int port, String session, Position since) {
    Watcher watcher = new Watcher(wire, name, history, Balancer.to(port), List.of(session), "");
    watcher.of(session).add(Frame.watch(since, System.nanoTime()));
    return watcher.start();
  }

  Watched of(String session) {
    return sessions.get(session);
  }

  /** Connections that were made, the first one too. */
  int connects() {
    return connects.get();
  }

  /** Attempts that were refused or failed. */
  int failures() {
    return failures.get();
  }

  /** How the server has closed its connections. */
  List<Closed> closed() {
    return List.copyOf(closed);
  }

  /** Frames of type {@code error}. */
  List<String> errors() {
    return List.copyOf(errors);
  }

  /** Whether the first frame of every session is there. */
  boolean isWatching() {
    return sessions.values().stream().allMatch(session -> session.newest() != null);
  }

  private void run() {
    while (!ending) {
      Duration pause = spread(AGAIN);
      try {
        pause = wire == Wire.EVENTS ? events() : frames();
      } catch (IOException broken) {
        failures.incrementAndGet();
      }
      if (!ending) {
        LockSupport.parkNanos(pause.toNanos());
      }
    }
  }

  private static Duration spread(Duration mean) {
    return Duration.ofNanos(ThreadLocalRandom.current().nextLong(2 * mean.toNanos()));
  }

  private Duration frames() throws IOException {
    boolean many = sessions.size() > 1;
    String session = sessions.keySet().iterator().next();
    String path =
        "/v1/socket?"
            + (many ? "" : "watch=" + session + since("&since=", session))
            + (user.isEmpty() ? "" : "&user=" + user);
    try (WebSocketConnection socket = new WebSocketConnection(balancer.port(), path, 0)) {
      connected(socket);
      for (String each : sessions.keySet()) {
        begin(each);
        if (many) {
          Position since = of(each).newest();
          socket.send(
              "{\"type\":\"watch\",\"session\":\"%s\"%s}"
                  .formatted(each, since == null ? "" : ",\"since\":\"" + since + "\""));
        }
      }
      while (true) {
        switch (socket.receive()) {
          case Text text -> take(text.text(), null);
          case Closed end -> {
            closed.add(end);
            return end.code() == 1012 ? delay(end.reason()) : spread(AGAIN);
          }
        }
      }
    }
  }

  private static Duration delay(String reason) {
    Matcher delay = DELAY.matcher(reason);
    if (!delay.find()) {
      throw new IllegalStateException("1012 without a delay: " + reason);
    }
    return Duration.ofMillis(Long.parseLong(delay.group(1)));
  }

  private Duration events() throws IOException {
    String session = sessions.keySet().iterator().next();
    String path = "/v1/sessions/" + session + "/events" + (user.isEmpty() ? "" : "?user=" + user);
    try (EventStream stream = new EventStream(balancer.port(), path, since("", session))) {
      if (stream.status() != 200) {
        throw new IOException("refused: " + stream.status());
      }
      connected(stream);
      begin(session);
      for (Event event = stream.receive(); event != null; event = stream.receive()) {
        take(event.data(), session);
      }
      long retry = stream.retryMillis();
      return retry < 0 ? spread(AGAIN) : Duration.ofMillis(retry);
    }
  }

  private void connected(AutoCloseable made) {
    connection = made;
    connects.incrementAndGet();
    if (ending) {
      close();
    }
  }

  private void begin(String session) {
    Watched watched = of(session);
    watched.add(Frame.watch(watched.newest(), System.nanoTime()));
  }

  private String since(String prefix, String session) {
    Position newest = of(session).newest();
    return newest == null ? "" : prefix + newest;
  }

  private void take(String json, @Nullable String session) throws IOException {
    long at = System.nanoTime();
    String type = "";
    String of = session;
    Position position = null;
    try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), json)) {
      parser.nextToken();
      for (String member = parser.nextName(); member != null; member = parser.nextName()) {
        JsonToken value = parser.nextToken();
        switch (member) {
          case "type" -> type = parser.getString();
          case "session" -> of = value == JsonToken.VALUE_STRING ? parser.getString() : of;
          case "position" -> position = Position.parse(parser.getString());
          default -> parser.skipChildren();
        }
      }
    }
    if (type.equals("error")) {
      errors.add(json);
      if (json.contains("\"retryAfter\"")) {
        // Its watch could not begin, and nothing more will come of it: it tries again.
        throw new IOException("refused: " + json);
      }
    }
    Watched watched = of == null ? null : sessions.get(of);
    if (watched != null && !NOT_OF_A_SESSION.contains(type)) {
      // A gap is no place to come back to: what it speaks of is not processed yet.
      watched.add(new Frame(type, type.equals("gap") ? null : position, at));
      ending |= wire == Wire.EVENTS && ENDS.contains(type);
    }
  }

  @Override
  public String toString() {
    return name;
  }

  /** Hangs up, for good; from now on nothing is missing that it does not see. */
  @Override
  public void close() {
    ending = true;
    sessions.values().forEach(Watched::leave);
    AutoCloseable open = connection;
    if (open != null) {
      try {
        open.close();
      } catch (Exception alreadyBroken) {
        // Nothing is left to be done with it.
      }
    }
    Thread running = thread;
    if (running != null) {
      LockSupport.unpark(running);
    }
  }
}
