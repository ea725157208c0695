package io.heddle.live;

import io.heddle.base.Caller;
import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.nearcache.Coherence;
import io.heddle.session.Change;
import io.heddle.session.ChangeFeed.Loss;
import io.heddle.session.ChangeLog;
import io.heddle.session.CheckpointPage;
import io.heddle.session.Head;
import io.heddle.session.LiveChannel;
import io.heddle.session.LiveMessage;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.Session;
import io.heddle.session.SessionAttributes;
import io.heddle.session.SessionReader;
import io.heddle.session.StateView;
import io.heddle.session.ThreadPage;
import io.heddle.session.Turn;
import io.heddle.session.TurnAttempt;
import io.heddle.session.TurnLog;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.Binder;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * One session in a store that a test turns by hand: what is published, when the log answers, how
 * much room a connection has. Everything is on the test's thread.
 */
final class LiveFixture implements ChangeLog, TurnLog, SessionReader, LiveChannel, AutoCloseable {

  static final SessionKey KEY = new SessionKey(Tenant.DEFAULT, "s");
  static final Caller BACKEND = new Caller(Tenant.DEFAULT, null, "ip:1", true);

  final Coherence coherence = new Coherence();
  final LiveProperties properties = new Binder().bindOrCreate("heddle.live", LiveProperties.class);

  /** It ticks when the test says so. */
  final SessionHubs hubs =
      new SessionHubs(coherence, this, this, this, this, properties, Duration.ofHours(1));

  final List<Logged> changes = new ArrayList<>();
  final List<LiveMessage> published = new ArrayList<>();
  final List<Consumer<LiveMessage>> listeners = new CopyOnWriteArrayList<>();
  final Queue<Runnable> answers = new ArrayDeque<>();

  /** Whether the log and the reader answer only when the test says so. */
  boolean answersWait;

  /** Whether what waits is not even read before it answers. */
  boolean readsWait;

  boolean unavailable;
  @Nullable Change ended;
  int logReads;
  int turnReads;
  int headReads;

  /** The running turn, and what each one has said. */
  @Nullable String turn;

  final Map<String, List<Json>> said = new HashMap<>();
  private long seq;
  private int firstKept;
  private String history = "a";

  LiveFixture() {
    coherence.compared(KEY.partition(), 0, System.nanoTime());
  }

  // ---- the store

  Position now() {
    return changes.getLast().position();
  }

  /** Writes and publishes. */
  Position write(String content) {
    Position position = silently(content);
    publish(changes.getLast(), true);
    return position;
  }

  /** Writes; the change is published without its body. */
  Position writeLarge(String content) {
    Position position = silently(content);
    publish(changes.getLast(), false);
    return position;
  }

  /** Writes, and nobody is told. */
  Position silently(String content) {
    String json =
        "{\"type\":\"message.appended\",\"messages\":[{\"content\":\"" + content + "\"}]}";
    return add(Json.of(json));
  }

  private Position add(Json body) {
    long version = changes.isEmpty() ? 1 : now().version() + 1;
    String before = changes.isEmpty() ? "" : now().tag();
    String tag = String.format(Locale.ROOT, "%s%07d", history, version);
    changes.add(new Logged(new Position(version, tag), before, body));
    return now();
  }

  /** The counter goes on where what was not told of left it. */
  void lose() {
    seq++;
  }

  void publish(Logged change, boolean withBody) {
    coherence.changed(
        new Change.Published(
            KEY,
            ++seq,
            change.previousTag(),
            change.position(),
            new Change.Counters(1, 1, 1, Instant.EPOCH, Instant.EPOCH),
            withBody ? change.body() : null));
  }

  // ---- turns

  Position start(String id) {
    turn = id;
    said.put(id, new ArrayList<>());
    return change(new Change.TurnStarted(id, List.of()));
  }

  Position end(String id) {
    turn = id.equals(turn) ? null : turn;
    return change(
        new Change.TurnEnded(
            id, Turn.Status.COMPLETED, Json.of("{\"usage\":null}"), List.of(), List.of()));
  }

  /** It ends, and nobody is told. */
  Position silentlyEnd(String id) {
    turn = null;
    return add(
        new Change.TurnEnded(
                id, Turn.Status.COMPLETED, Json.of("{\"usage\":null}"), List.of(), List.of())
            .toJson());
  }

  Position change(Change change) {
    Position position = add(change.toJson());
    publish(changes.getLast(), true);
    return position;
  }

  /** The turn says something, and everybody hears it. */
  void say(String id, String... texts) {
    hear(message(id, texts));
  }

  /** The turn says something; what the live channel brings then, if it does. */
  Json message(String id, String... texts) {
    List<Json> events =
        Stream.of(texts).map(text -> Json.of("{\"text\":\"" + text + "\"}")).toList();
    return message(id, events);
  }

  Json message(String id, List<Json> events) {
    List<Json> log = said.get(id);
    int first = log.size() + 1;
    log.addAll(events);
    return Json.of(
        "{\"turn\":\"" + id + "\",\"attempt\":1,\"seq\":" + first + ",\"events\":" + events + "}");
  }

  void hear(Json bytes) {
    LiveMessage message = LiveMessage.parse(bytes.utf8());
    if (message != null) {
      listeners.forEach(listener -> listener.accept(message));
    }
  }

  @Override
  public Mono<Recorded> read(
      SessionKey key, @Nullable String owner, String id, long after, int most) {
    turnReads++;
    return later(() -> {
      List<Json> log = said.get(id);
      int to = (int) Math.min(log.size(), after + most);
      return new Recorded(record(id), List.copyOf(log.subList((int) after, to)), log.size());
    });
  }

  private Turn record(String id) {
    boolean runs = id.equals(turn);
    return new Turn(
        KEY,
        id,
        runs ? Turn.Status.RUNNING : Turn.Status.COMPLETED,
        1,
        null,
        Instant.EPOCH,
        Instant.EPOCH,
        runs ? null : Instant.EPOCH,
        null,
        Turn.Cancel.NONE,
        List.of(),
        List.of(),
        Json.EMPTY_OBJECT,
        null,
        0);
  }

  @Override
  public Mono<Flushed> flush(
      SessionKey key, TurnAttempt attempt, long after, List<Json> events, Duration lease) {
    throw new AssertionError("nobody here has a turn");
  }

  @Override
  public Mono<List<Turn>> list(SessionKey key, @Nullable String owner) {
    throw new AssertionError("nobody asks for the turns");
  }

  @Override
  public Mono<Open> open(SessionKey key) {
    throw new AssertionError("nobody asks for the open ones");
  }

  @Override
  public Flux<SessionKey> due(Duration proven) {
    throw new AssertionError("nobody asks what is due");
  }

  void delete() {
    ended = new Change.SessionDeleted();
    add(ended.toJson());
    publish(changes.getLast(), true);
  }

  /** Another history, as after data were lost: the old positions are none of it. */
  void restore(int versions) {
    history = "b";
    changes.clear();
    for (int i = 0; i < versions; i++) {
      silently("restored " + i);
    }
    coherence.lost(KEY.partition(), Loss.MOVED);
  }

  void compare() {
    coherence.compared(KEY.partition(), seq, System.nanoTime());
  }

  /** What is before these cannot be told any more. */
  void trim(int kept) {
    firstKept = changes.size() - kept;
  }

  void answer() {
    for (Runnable next = answers.poll(); next != null; next = answers.poll()) {
      next.run();
    }
  }

  void answerOne() {
    Runnable next = answers.poll();
    if (next != null) {
      next.run();
    }
  }

  private <T> Mono<T> later(java.util.function.Supplier<T> answer) {
    return Mono.create(sink -> {
      if (unavailable) {
        sink.error(Problem.of(ProblemCode.STORE_UNAVAILABLE, "away").toException());
        return;
      }
      if (readsWait) {
        answers.add(() -> sink.success(answer.get()));
        return;
      }
      // It is read now, and arrives later.
      T read = answer.get();
      if (answersWait) {
        answers.add(() -> sink.success(read));
      } else {
        sink.success(read);
      }
    });
  }

  @Override
  public Mono<Replay> after(SessionKey key, @Nullable String owner, Position since, int most) {
    logReads++;
    return later(() -> replay(since, most));
  }

  private Replay replay(Position since, int most) {
    if (ended != null) {
      return new Replay.Ended(now(), ended);
    }
    int from = -1;
    for (int i = 0; i < changes.size(); i++) {
      if (changes.get(i).position().equals(since)) {
        from = i + 1;
      }
    }
    if (from < 0 || from < firstKept) {
      return new Replay.Gap(now());
    }
    int to = Math.min(changes.size(), from + most);
    return new Replay.Followed(List.copyOf(changes.subList(from, to)), now());
  }

  @Override
  public Mono<ThreadPage> load(SessionKey key, ReadContext view, PageRequest page) {
    if (changes.isEmpty()) {
      return Mono.error(Problem.of(ProblemCode.SESSION_NOT_FOUND, "none").toException());
    }
    headReads += page.limit() == 0 ? 1 : 0;
    return later(() -> {
      SessionAttributes description =
          new SessionAttributes(
              null,
              null,
              Json.EMPTY_OBJECT,
              null,
              null,
              SessionAttributes.Status.ACTIVE,
              Duration.ofHours(1));
      Instant then = Instant.EPOCH;
      Head head = new Head(now(), 0, 0, 0, then, then, then, turn);
      return new ThreadPage(new Session(KEY, description, head), List.of(), false, 0);
    });
  }

  @Override
  public Mono<ThreadPage> message(SessionKey key, ReadContext view, String message) {
    throw new AssertionError("nobody asks for a message");
  }

  @Override
  public Mono<StateView> state(SessionKey key, ReadContext view) {
    throw new AssertionError("nobody asks for the state");
  }

  @Override
  public Mono<CheckpointPage> checkpoints(
      SessionKey key, ReadContext view, int limit, @Nullable String before) {
    throw new AssertionError("nobody asks for checkpoints");
  }

  @Override
  public Mono<StateView> checkpoint(SessionKey key, ReadContext view, String checkpoint) {
    throw new AssertionError("nobody asks for a checkpoint");
  }

  @Override
  public Mono<Void> publish(SessionKey key, LiveMessage message) {
    return Mono.fromRunnable(() -> {
      published.add(message);
      listeners.forEach(listener -> listener.accept(message));
    });
  }

  @Override
  public Disposable listen(SessionKey key, Consumer<LiveMessage> listener) {
    listeners.add(listener);
    return () -> listeners.remove(listener);
  }

  // ---- the watchers

  /** A connection that keeps what it is given. */
  final class Tap implements FrameSink, Watch.Listener {
    final List<Frame> frames = new ArrayList<>();
    final Loop loop;
    boolean writable = true;

    /** How often it says that it is full before it says how it is. */
    int fullFor;

    int flushes;
    boolean started;
    boolean ended;
    @Nullable Problem refused;
    Watch watch;

    Tap(Loop loop) {
      this.loop = loop;
    }

    @Override
    public Executor loop() {
      return loop;
    }

    @Override
    public boolean isWritable() {
      return fullFor > 0 ? fullFor-- < 0 : writable;
    }

    @Override
    public void write(Frame frame) {
      frames.add(frame);
    }

    @Override
    public void flush() {
      flushes++;
    }

    @Override
    public void started() {
      started = true;
    }

    @Override
    public void refused(Problem problem) {
      refused = problem;
    }

    @Override
    public void ended() {
      ended = true;
    }

    List<String> types() {
      return frames.stream().map(Frame::type).toList();
    }

    /** The versions of the changes, in the order in which they came. */
    List<Long> versions() {
      return frames.stream()
          .filter(frame -> frame.type().equals("message.appended"))
          .map(frame -> frame.position().version())
          .toList();
    }
  }

  /** The thread of some connections; it runs when the test says so. */
  static final class Loop implements Executor {
    final Queue<Runnable> tasks = new ArrayDeque<>();

    @Override
    public void execute(Runnable task) {
      tasks.add(task);
    }

    void run() {
      for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
        task.run();
      }
    }

    void runOne() {
      Runnable task = tasks.poll();
      if (task != null) {
        task.run();
      }
    }
  }

  Tap watch(Loop loop, @Nullable Position since) {
    return watch(loop, BACKEND, since);
  }

  Tap watch(Loop loop, Caller caller, @Nullable Position since) {
    Tap tap = new Tap(loop);
    tap.watch = hubs.watch(KEY, caller, since, tap, tap);
    return tap;
  }

  @Override
  public void close() {
    hubs.close();
  }
}
