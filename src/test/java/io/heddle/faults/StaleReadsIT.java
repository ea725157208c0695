package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Position;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.faults.CacheUse.Window;
import io.heddle.faults.Clients.Targets;
import io.heddle.faults.History.Read;
import io.heddle.redis.Scripts;
import io.heddle.testing.TcpProxy.Direction;
import io.heddle.testing.TcpProxy.Drop;
import io.heddle.testing.TcpProxy.Hold;
import io.heddle.testing.TcpProxy.Links;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * What a replica remembers while the way to Redis is bad: another replica writes, and no answer
 * shows less than what was acknowledged two seconds before it was asked for.
 *
 * <p>{@code -Dheddle.it.rounds} of what can be repeated.
 */
class StaleReadsIT {
  private static final int ROUNDS = Integer.getInteger("heddle.it.rounds", 3);
  private static final Duration DEAF = Duration.ofSeconds(4);

  /** For an event to come through two sockets of this machine, with much to do besides. */
  private static final Duration SOON = Duration.ofMillis(500);

  private static Pair pair;

  private final History history = new History();
  private final Clients clients = new Clients(history);
  private final Targets a = Targets.of(pair.a());
  private final Targets b = Targets.of(pair.b());

  @BeforeAll
  static void start() {
    pair = Pair.start();
  }

  @AfterAll
  static void end() {
    pair.close();
  }

  @AfterEach
  void heal() {
    clients.close();
    pair.b().proxy().delayReplies(Duration.ZERO, Links.PUSHES);
    pair.b().proxy().deliver();
    pair.b().proxy().accept();
    healed();
  }

  private static long healed() {
    long start = System.nanoTime();
    Pair.await("trust to come back").until(() -> pair.b().untrusted() == 0 && !pair.b().isRed());
    return (System.nanoTime() - start) / 1_000_000;
  }

  private void line(String test, Verdict verdict, Object more) {
    System.out.printf("%s: %s; %s%n", test, verdict, more);
    assertThat(verdict.clean()).as(verdict.toString()).isTrue();
  }

  /** At least nine in ten of the reads that could be answered from memory are. */
  private static void remembers(CacheUse use) {
    assertThat(use.repeated()).as(use.toString()).isGreaterThan(20);
    assertThat(use.rate()).as(use.toString()).isGreaterThanOrEqualTo(0.9);
  }

  /** A page that was read before a write, but arrives after it, must not be kept. */
  @Test
  void a1ReplyOfAReadIsLateWhileAnotherReplicaWrites() throws Exception {
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int round = 0; round < ROUNDS; round++) {
        String session = "a1-" + round;
        Position before = clients.create(a, session);
        Hold late =
            pair.b()
                .proxy()
                .hold(Direction.DOWNSTREAM, seen -> seen.argument().equals(Scripts.sha("load")));
        Future<Read> first = callers.submit(() -> clients.read(b, session, null));
        assertThat(late.await(Duration.ofSeconds(5))).as("the read is on its way").isTrue();
        long held = System.nanoTime();
        Position after = clients.append(a, session);
        Pair.pass(Duration.ofMillis(100));
        // Asked after the event: it must not be given what the first one is waiting for.
        Future<Read> second = callers.submit(() -> clients.read(b, session, before));
        Pair.pass(Duration.ofMillis(800).minusNanos(System.nanoTime() - held));
        late.release();

        assertThat(first.get(5, TimeUnit.SECONDS).status()).isEqualTo(200);
        Read asked = second.get(5, TimeUnit.SECONDS);
        assertThat(asked.status()).as("%s", asked).isEqualTo(200);
        assertThat(asked.shown()).as("asked after the write: %s", asked).isEqualTo(after);
        Read kept = clients.read(b, session, null);
        assertThat(kept.shown()).as("what was late is not kept: %s", kept).isEqualTo(after);
        for (int i = 0; i < 20; i++) {
          clients.read(b, session, after);
        }
      }
    }
    Pair.pass(History.FRESH);
    for (int round = 0; round < ROUNDS; round++) {
      clients.read(b, "a1-" + round, null);
    }
    CacheUse use = CacheUse.of(history);
    line("A1", history.verdict(), "rounds=" + ROUNDS + " deaf=0ms " + use);
    remembers(use);
  }

  /** A replica that has lost its links answered from memory as if nothing had happened. */
  @Test
  void a2LinksAreCutWhileOthersWrite() throws Exception {
    List<String> sessions = load("a2");
    Window all = closed(sessions, Links.ALL);
    Window pushes = closed(sessions, Links.PUSHES);
    Window silent = silent(sessions);
    clients.stop();
    CacheUse use = CacheUse.of(history, all, pushes, silent);
    line(
        "A2",
        history.verdict(),
        "refusedReads=%d deaf=%dms,%dms,%dms %s"
            .formatted(clients.refused(), millis(all), millis(pushes), millis(silent), use));
    remembers(use);
  }

  private static long millis(Window window) {
    return (window.to() - window.from()) / 1_000_000;
  }

  private List<String> load(String name) throws Exception {
    List<String> sessions = Pair.sessions(clients, a, name, 8);
    clients.writer(a, sessions, 20, 1);
    clients.reader(a, sessions, 100, 2);
    clients.reader(b, sessions, 200, 3);
    // Fewer changes than reads, so that there is something to remember.
    List<String> quiet = Pair.sessions(clients, a, name + "-quiet", 8);
    clients.reader(b, quiet, 100, 4);
    Pair.pass(Duration.ofSeconds(1));
    return sessions;
  }

  private Window closed(List<String> sessions, Links which) throws IOException {
    long from = System.nanoTime();
    pair.b().proxy().refuse();
    pair.b().proxy().cut(which);
    Pair.pass(Duration.ofMillis(2_500));
    long back = System.nanoTime();
    List<Read> deaf =
        history.reads().stream()
            .filter(read -> read.replica().equals("b"))
            // The disconnect has to be heard of first.
            .filter(read -> read.askedAt() - from > 50_000_000 && read.toldAt() < back)
            .toList();
    assertThat(deaf).as("reads meanwhile").hasSizeGreaterThan(20);
    assertThat(deaf).as("nothing from memory").noneMatch(read -> read.cache().equals("hit"));
    if (which == Links.PUSHES) {
      assertThat(deaf).as("the other links go on").allMatch(Read::ok);
    }
    pair.b().proxy().accept();
    newestAtTheFirstRead(sessions);
    healed();
    return new Window(from, System.nanoTime());
  }

  private Window silent(List<String> sessions) throws IOException {
    long from = System.nanoTime();
    pair.b().proxy().swallow(Direction.UPSTREAM);
    pair.b().proxy().swallow(Direction.DOWNSTREAM);
    Pair.pass(DEAF);
    pair.b().proxy().deliver();
    // What was lost on the way is never sent again: the other side knows nothing of these links.
    pair.b().proxy().cut();
    newestAtTheFirstRead(sessions);
    healed();
    return new Window(from, System.nanoTime());
  }

  private void newestAtTheFirstRead(List<String> sessions) {
    for (String session : sessions) {
      Position[] newest = new Position[1];
      Read[] first = new Read[1];
      Pair.await("an answer again")
          .ignoreExceptionsInstanceOf(IOException.class)
          .until(() -> {
            newest[0] = history.newestOf(session);
            first[0] = clients.read(b, session, null);
            return first[0].ok();
          });
      assertThat(first[0].shown()).isNotNull();
      assertThat(first[0].shown().version())
          .as("%s, at least %s", first[0], newest[0])
          .isGreaterThanOrEqualTo(newest[0].version());
    }
  }

  /** One message that is missing among others went unnoticed until the page ran out by itself. */
  @Test
  void a3OneMessageIsDropped() throws Exception {
    long slowestEvent = 0;
    long slowestComparison = 0;
    long noticed = pair.b().noticed();
    for (int round = 0; round < ROUNDS; round++) {
      String session = "a3-" + round;
      String neighbour = neighbour(session);
      clients.create(a, session);
      clients.create(a, neighbour);
      remembered(session);

      long lost = dropped(session);
      clients.append(a, neighbour);
      slowestEvent = Math.max(slowestEvent, seenAfter(session, System.nanoTime()));

      remembered(session);
      lost = dropped(session);
      slowestComparison = Math.max(slowestComparison, seenAfter(session, lost));
      remembered(session);
    }
    noticed = pair.b().noticed() - noticed;
    CacheUse use = CacheUse.of(history, new Window(0, Long.MAX_VALUE));
    line(
        "A3",
        history.verdict(),
        "dropped=%d noticed=%d byTheNextEvent<=%dms byTheComparison<=%dms bypasses=%d"
            .formatted(2 * ROUNDS, noticed, slowestEvent, slowestComparison, use.bypasses()));
    assertThat(noticed).as("each is noticed once").isEqualTo(2L * ROUNDS);
    assertThat(slowestEvent).as("at the next event").isLessThan(SOON.toMillis());
    assertThat(slowestComparison).as("within the comparison").isLessThan(2_000);
  }

  /** Another session of the same partition. */
  private static String neighbour(String session) {
    int partition = partition(session);
    int n = 0;
    while (partition("neighbour-" + session + "-" + n) != partition) {
      n++;
    }
    return "neighbour-" + session + "-" + n;
  }

  private static int partition(String session) {
    return new SessionKey(new Tenant("default"), session).partition();
  }

  /** Reads until the replica answers from memory. */
  private void remembered(String session) {
    Pair.await("b to remember " + session)
        .until(() -> clients.read(b, session, null).cache().equals("hit"));
    assertThat(history.reads().getLast().shown()).isEqualTo(history.newest(session));
  }

  /** Changes the session without b being told; returns when that was. */
  private long dropped(String session) throws Exception {
    Drop drop = pair.b().proxy().drop(push -> push.message().contains("/" + session + " "));
    clients.append(a, session);
    long at = System.nanoTime();
    assertThat(drop.await(Duration.ofSeconds(5))).isTrue();
    return at;
  }

  /** Milliseconds until b shows the newest. */
  private long seenAfter(String session, long since) {
    ToLongFunction<Position> version = Position::version;
    Pair.await("b to show the newest of " + session)
        .until(() -> {
          Read read = clients.read(b, session, null);
          return read.shown() != null
              && version.applyAsLong(read.shown())
                  >= version.applyAsLong(history.newestOf(session));
        });
    return (System.nanoTime() - since) / 1_000_000;
  }

  /** A link on which nothing comes any more looked like one on which nothing happens. */
  @Test
  void a4LinkIsDeafButAlive() throws Exception {
    load("a4");
    StringBuilder told = new StringBuilder();
    Window[] windows = new Window[3];
    int fault = 0;
    for (Direction direction : Direction.values()) {
      long from = System.nanoTime();
      pair.b().proxy().swallow(direction, Links.PUSHES);
      Pair.await("red health").until(() -> pair.b().isRed());
      long red = (System.nanoTime() - from) / 1_000_000;
      Pair.pass(DEAF.minusMillis(red));
      pair.b().proxy().deliver();
      long healed = healed();
      windows[fault++] = new Window(from, System.nanoTime());
      told.append("%s: red=%dms healed=%dms; ".formatted(direction, red, healed));
      assertThat(red).as("red within three seconds").isLessThanOrEqualTo(3_000);
      assertThat(healed).as("healed by itself").isLessThan(5_000);
    }
    // Late by more than an answer may be old, nothing proves anything.
    long from = System.nanoTime();
    pair.b().proxy().delayReplies(Duration.ofMillis(2_500), Links.PUSHES);
    Pair.pass(DEAF);
    pair.b().proxy().delayReplies(Duration.ofMillis(1_200), Links.PUSHES);
    Pair.pass(DEAF);
    pair.b().proxy().delayReplies(Duration.ZERO, Links.PUSHES);
    told.append("late by 1.2 to 2.5 s: healed=%dms; ".formatted(healed()));
    windows[fault] = new Window(from, System.nanoTime());
    Pair.pass(Duration.ofSeconds(1));
    clients.stop();
    CacheUse use = CacheUse.of(history, windows);
    line("A4", history.verdict(), told.toString() + use);
    remembers(use);
  }
}
