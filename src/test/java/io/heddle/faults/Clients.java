package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Position;
import io.heddle.faults.History.Read;
import io.heddle.faults.History.Write;
import io.heddle.testing.HttpConnection;
import io.heddle.testing.HttpConnection.Answer;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Clients that write and read over HTTP until they are told to stop, and put down in the history
 * what they are told. A write that is not answered is sent again with its key, until it is.
 */
final class Clients implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final History history;
  private final AtomicLong keys = new AtomicLong();
  private final LongAdder retries = new LongAdder();
  private final LongAdder refused = new LongAdder();
  private final ConcurrentLinkedQueue<Throwable> broken = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<Thread> running = new ConcurrentLinkedQueue<>();
  private final CountDownLatch stop = new CountDownLatch(1);

  Clients(History history) {
    this.history = history;
  }

  /** Where a connection goes to, with the name that reads are put down under. */
  record Target(String replica, int port) {}

  /** Says where the next connection goes to. */
  interface Targets {
    Target next();

    static Targets of(String replica, int port) {
      Target target = new Target(replica, port);
      return () -> target;
    }

    static Targets of(Here replica) {
      return of(replica.name(), replica.port());
    }
  }

  /** Makes the session; its first position is the first write. */
  Position create(Targets targets, String session, String members) throws IOException {
    String body = "{\"id\":\"" + session + "\"" + members + "}";
    return write(targets, "POST", "/v1/sessions", body, session, null);
  }

  Position create(Targets targets, String session) throws IOException {
    return create(targets, session, "");
  }

  /** Appends a message that is like no other. */
  Position append(Targets targets, String session) throws IOException {
    return append(targets, session, "");
  }

  /** As the other one, with this at the end. */
  Position append(Targets targets, String session, String more) throws IOException {
    String text = session + " " + keys.incrementAndGet() + more;
    return write(
        targets,
        "POST",
        "/v1/sessions/" + session + "/messages",
        "{\"role\":\"user\",\"content\":\"" + text + "\"}",
        session,
        text);
  }

  Position patch(Targets targets, String session, String title) throws IOException {
    return write(
        targets,
        "PATCH",
        "/v1/sessions/" + session,
        "{\"title\":\"" + title + "\"}",
        session,
        null);
  }

  /** Sends a title with this If-Match, once; the answer's status and code. */
  String patchIf(Targets targets, String session, Position condition) throws IOException {
    try (Connection connection = new Connection(targets)) {
      Answer answer =
          connection
              .open()
              .call(
                  "PATCH",
                  "/v1/sessions/" + session,
                  "{\"title\":\"of another history\"}",
                  Map.of("If-Match", "\"" + condition + "\""));
      return answer.status() + " " + answer.code();
    }
  }

  private Position write(
      Targets targets,
      String method,
      String path,
      String body,
      String session,
      @Nullable String text)
      throws IOException {
    try (Connection connection = new Connection(targets)) {
      return write(connection, method, path, body, session, text);
    }
  }

  private Position write(
      Connection connection,
      String method,
      String path,
      String body,
      String session,
      @Nullable String text)
      throws IOException {
    Map<String, String> key = Map.of("Idempotency-Key", "clients-" + keys.incrementAndGet());
    long sentAt = System.nanoTime();
    while (true) {
      try {
        Answer answer = connection.open().call(method, path, body, key);
        if (answer.ok()) {
          Position position = position(answer);
          history.acknowledged(new Write(session, position, text, sentAt, System.nanoTime()));
          return position;
        }
        assertThat(answer.status()).as(answer.body()).isIn(409, 423, 503);
      } catch (IOException gone) {
        connection.close();
      }
      retries.increment();
      if (System.nanoTime() - sentAt > PATIENCE.toNanos()) {
        throw new IOException(method + " " + path + " was not answered in " + PATIENCE);
      }
      LockSupport.parkNanos(Duration.ofMillis(20).toNanos());
    }
  }

  private static Position position(Answer answer) {
    Position position = Position.parse(answer.position());
    if (position == null) {
      position = Position.parse(answer.json().path("position").asString(""));
    }
    return Objects.requireNonNull(position, "no position in an acknowledgement");
  }

  /** Reads the end of the thread once. */
  Read read(Targets targets, String session, @Nullable Position condition) throws IOException {
    try (Connection connection = new Connection(targets)) {
      return read(connection, session, condition);
    }
  }

  private Read read(Connection connection, String session, @Nullable Position condition)
      throws IOException {
    HttpConnection open = connection.open();
    String replica = connection.target().replica();
    Map<String, String> headers =
        condition == null ? Map.of() : Map.of("If-None-Match", "\"" + condition + "\"");
    long askedAt = System.nanoTime();
    Answer answer =
        open.call("GET", "/v1/sessions/" + session + "/messages?limit=3", null, headers);
    long toldAt = System.nanoTime();
    String text = null;
    if (answer.status() == 200) {
      JsonNode data = answer.json().path("data");
      text = data.isEmpty() ? null : data.path(data.size() - 1).path("content").asString();
    }
    Read read =
        new Read(
            replica,
            session,
            answer.status(),
            condition,
            answer.ok() || answer.status() == 304 ? Position.parse(answer.position()) : null,
            text,
            answer.headers().getOrDefault("heddle-cache", ""),
            askedAt,
            toldAt);
    history.read(read);
    return read;
  }

  /**
   * Starts somebody who appends to these sessions in turn, so many times a second, and changes the
   * title at every tenth.
   */
  void writer(Targets targets, List<String> sessions, double perSecond, int seed) {
    start(
        "writer-" + seed,
        targets,
        perSecond,
        new Random(seed),
        (connection, random, n) -> {
          String session = sessions.get(random.nextInt(sessions.size()));
          String text = session + " " + keys.incrementAndGet();
          if (random.nextInt(10) == 0) {
            String body = "{\"title\":\"" + text + "\"}";
            write(connection, "PATCH", "/v1/sessions/" + session, body, session, null);
          } else {
            String body = "{\"role\":\"user\",\"content\":\"" + text + "\"}";
            write(connection, "POST", "/v1/sessions/" + session + "/messages", body, session, text);
          }
        });
  }

  /** Starts somebody who reads these sessions, half of the time with what it knows already. */
  void reader(Targets targets, List<String> sessions, double perSecond, int seed) {
    Map<String, Position> known = new HashMap<>();
    start(
        "reader-" + seed,
        targets,
        perSecond,
        new Random(seed),
        (connection, random, n) -> {
          String session = sessions.get(random.nextInt(sessions.size()));
          try {
            Read read = read(connection, session, random.nextBoolean() ? known.get(session) : null);
            if (read.shown() != null) {
              known.put(session, read.shown());
            }
            if (!read.ok()) {
              refused.increment();
            }
          } catch (IOException gone) {
            refused.increment();
            connection.close();
          }
        });
  }

  private interface Step {
    void run(Connection connection, Random random, long n) throws IOException;
  }

  private void start(String name, Targets targets, double perSecond, Random random, Step step) {
    running.add(
        Thread.ofVirtual()
            .name(name)
            .start(() -> {
              long start = System.nanoTime();
              try (Connection connection = new Connection(targets)) {
                for (long n = 0; stop.getCount() > 0; n++) {
                  step.run(connection, random, n);
                  long due = start + (long) (n * 1e9 / perSecond);
                  LockSupport.parkNanos(due - System.nanoTime());
                }
              } catch (IOException | RuntimeException | Error e) {
                broken.add(e);
              }
            }));
  }

  long retries() {
    return retries.sum();
  }

  /** Reads that were answered with a problem, or not at all. */
  long refused() {
    return refused.sum();
  }

  /** Lets everybody finish what it is doing; throws what anybody could not cope with. */
  void stop() throws InterruptedException {
    stop.countDown();
    for (Thread thread : running) {
      thread.join(PATIENCE.plusSeconds(10));
    }
    assertThat(broken).isEmpty();
  }

  @Override
  public void close() {
    stop.countDown();
  }

  /** A connection that is made when it is needed, to where it should go then. */
  private static final class Connection implements AutoCloseable {
    private final Targets targets;
    private @Nullable Target target;
    private @Nullable HttpConnection connection;

    Connection(Targets targets) {
      this.targets = targets;
    }

    HttpConnection open() {
      if (connection == null) {
        target = targets.next();
        connection = new HttpConnection(target.port(), Duration.ofSeconds(20));
      }
      return connection;
    }

    Target target() {
      return Objects.requireNonNull(target);
    }

    @Override
    public void close() {
      if (connection != null) {
        connection.close();
        connection = null;
      }
    }
  }
}
