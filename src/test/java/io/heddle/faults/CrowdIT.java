package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Position;
import io.heddle.faults.Clients.Targets;
import io.heddle.faults.History.Frame;
import io.heddle.faults.History.Watched;
import io.heddle.faults.History.Write;
import io.heddle.faults.Watcher.Wire;
import io.heddle.nearcache.Coherence;
import io.heddle.testing.EventStream;
import io.heddle.testing.WebSocketConnection;
import io.heddle.testing.WebSocketConnection.Closed;
import io.heddle.testing.WebSocketConnection.Received;
import io.netty.buffer.PooledByteBufAllocator;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/**
 * Very many watchers, one of whom stops reading, and very many who come and go.
 *
 * <p>{@code -Dheddle.it.crowd} watchers, {@code -Dheddle.it.visits}
 */
@Isolated("It counts the threads and bytes of this JVM.")
class CrowdIT {
  private static final int CROWD = Integer.getInteger("heddle.it.crowd", 1_000);
  private static final int VISITS = Integer.getInteger("heddle.it.visits", 20_000);
  private static final int VISITORS = 16;
  private static final Duration SLOW_AFTER = Duration.ofSeconds(3);
  private static final int BIG = 200_000;
  private static final int MUCH = 24_000_000;
  private static final long MEGABYTE = 1 << 20;

  private static Pair pair;
  private static RedisView redis;

  private final History history = new History();
  private final Clients clients = new Clients(history);
  private final List<Watcher> watchers = new ArrayList<>();
  private final Targets a = Targets.of(pair.a());

  @BeforeAll
  static void start() {
    // What is remembered of sessions is bounded elsewhere, and would hide here what is forgotten.
    pair =
        Pair.start(
            "heddle.live.slow-after=" + SLOW_AFTER.toSeconds() + "s", "heddle.cache.max-bytes=1MB");
    redis = new RedisView(pair.redis().uri());
  }

  @AfterAll
  static void end() {
    redis.close();
    pair.close();
  }

  @AfterEach
  void leave() {
    clients.close();
    watchers.forEach(Watcher::close);
    Pair.await("all to be gone")
        .until(() -> pair.both().stream().allMatch(here -> here.connections() == 0));
  }

  /** What one reader did not take was kept for it in memory, and the others waited behind it. */
  @Test
  void a9AReaderStopsReadingAmongManyOthers() throws Exception {
    String crowded = "a9-crowded";
    clients.create(a, crowded);
    for (int i = 0; i < CROWD; i++) {
      Balancer there = Balancer.to(pair.b().port());
      watchers.add(
          Watcher.start(Wire.WEB_SOCKET, "of the crowd " + i, history, there, List.of(crowded)));
    }
    Pair.await("the crowd to watch").until(() -> watchers.stream().allMatch(Watcher::isWatching));
    clients.writer(a, List.of(crowded), 5, 1);
    Pair.pass(Duration.ofSeconds(3));
    long stopped = System.nanoTime();
    long before = Memory.pinned();
    long most = before;
    long slow = (long) pair.b().meter("heddle.live.slow");
    List<String> big = Pair.sessions(clients, a, "a9-big", 2);
    String path = "/v1/socket?watch=" + big.getFirst();
    String text = "x".repeat(BIG);
    int sent = 0;
    long closedAfter;
    Received last;
    try (WebSocketConnection reader = new WebSocketConnection(pair.b().port(), path, 64 * 1024)) {
      reader.send("{\"type\":\"watch\",\"session\":\"" + big.getLast() + "\"}");
      Pair.await("it to watch").until(() -> pair.b().meter("heddle.live.watches") == CROWD + 2);
      // On a busy machine it is closed before the last write, and who then goes on without reading
      // is cut off before it sees why.
      while (sent < MUCH && pair.b().meter("heddle.live.slow") == slow) {
        clients.append(a, big.get(sent / BIG % 2), text);
        most = Math.max(most, Memory.pinned());
        sent += BIG;
      }
      long written = System.nanoTime();
      Pair.await("it to be closed").until(() -> pair.b().meter("heddle.live.slow") == slow + 1);
      closedAfter = (System.nanoTime() - written) / 1_000_000;
      most = Math.max(most, Memory.pinned());
      do {
        last = reader.receive();
      } while (!(last instanceof Closed));
    }
    Pair.pass(Duration.ofSeconds(1));
    clients.stop();
    history.awaitWatchers(Duration.ofSeconds(20));
    Verdict verdict = history.verdict();
    List<Long> calm = delays(crowded, Long.MIN_VALUE, stopped);
    List<Long> meanwhile = delays(crowded, stopped, Long.MAX_VALUE);
    int reconnects = watchers.stream().mapToInt(Watcher::connects).sum() - CROWD;
    System.out.printf(
        "A9: %s; watchers=%d notRead=%dMB buffersGrewBy=%dKB closed=%d %dms after"
            + " the last write; the others: reconnects=%d p50/p99 before %d/%d ms, meanwhile"
            + " %d/%d ms%n",
        verdict,
        CROWD + 1,
        sent / MEGABYTE,
        (most - before) / 1024,
        ((Closed) last).code(),
        closedAfter,
        reconnects,
        at(calm, 50),
        at(calm, 99),
        at(meanwhile, 50),
        at(meanwhile, 99));
    assertThat(((Closed) last).code()).as("too slow").isEqualTo(4408);
    // Its bound of 256 KB, one read of the log of 1 MB, and what the machine's own buffers take.
    assertThat(most - before).isLessThan(4 * MEGABYTE);
    assertThat(reconnects).isZero();
    assertThat(verdict.clean()).as(verdict.toString()).isTrue();
    // Whoever waits behind it waits until it is closed.
    assertThat(at(meanwhile, 99)).isLessThan(3 * at(calm, 99) + SLOW_AFTER.toMillis() / 2);
  }

  /** Used memory that cannot be collected, and bytes in buffers outside of the heap. */
  private record Memory(long heap, long buffers) {
    static Memory now() {
      System.gc();
      return new Memory(
          ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed(), pinned());
    }

    /** The buffers alone: nothing stops for it, so it may be asked while times are measured. */
    static long pinned() {
      return PooledByteBufAllocator.DEFAULT.pinnedDirectMemory()
          + PooledByteBufAllocator.DEFAULT.pinnedHeapMemory();
    }
  }

  /** Milliseconds from the sending of a write to its frame, of every watcher, sorted. */
  private List<Long> delays(String session, long from, long to) {
    Map<Position, Write> writes = new HashMap<>();
    history.writes().forEach(write -> writes.put(write.position(), write));
    List<Long> delays = new ArrayList<>();
    for (Watched one : history.watched()) {
      for (Frame frame : one.frames()) {
        Write write = writes.get(frame.position());
        boolean pushed = write != null && frame.type().equals("message.appended");
        if (pushed
            && write.session().equals(session)
            && write.sentAt() > from
            && write.sentAt() < to) {
          delays.add((frame.at() - write.sentAt()) / 1_000_000);
        }
      }
    }
    Collections.sort(delays);
    return delays;
  }

  private static long at(List<Long> sorted, int percent) {
    assertThat(sorted).isNotEmpty();
    return sorted.get((int) ((sorted.size() - 1L) * percent / 100));
  }

  /** Whoever left in an odd moment left something behind, and after some days it was too much. */
  @Test
  void a10ManyComeWatchAndLeave() throws Exception {
    List<String> sessions = Pair.sessions(clients, a, "a10", 200);
    clients.writer(a, sessions, 20, 1);
    visits(sessions, VISITS / 5);
    Left before = left();
    long start = System.nanoTime();
    long frames = visits(sessions, VISITS);
    long seconds = Math.max(1, (System.nanoTime() - start) / 1_000_000_000);
    clients.stop();
    Left after = left();
    System.out.printf(
        "A10: visits=%d frames=%d visits/s=%d; left behind: before %s, after %s%n",
        VISITS, frames, VISITS / seconds, before, after);
    assertThat(after.watches()).isZero();
    assertThat(after.channels()).isZero();
    assertThat(after.subscriptions()).isEqualTo(before.subscriptions());
    assertThat(after.threads()).isLessThanOrEqualTo(before.threads() + 2);
    assertThat(after.buffers()).isLessThanOrEqualTo(before.buffers() + 64 * 1024);
    // What warms up takes some megabytes once; a visit that is not forgotten keeps more than this.
    assertThat(after.heap()).isLessThan(before.heap() + 16 * MEGABYTE);
  }

  /**
   * What is there when everybody has gone.
   *
   * @param watches of every map of ours: connections, watches, watched sessions, followers
   * @param channels live channels that somebody subscribes to
   * @param subscriptions of all connections to Redis
   */
  private record Left(
      long watches, long channels, long subscriptions, int threads, long heap, long buffers) {}

  private static Left left() {
    Pair.await("all to be gone").until(() -> watches() == 0 && redis.liveChannels() == 0);
    // Timers of those who have gone run out.
    Pair.pass(Duration.ofMillis(2_500));
    // What the proxies have counted is the test's own.
    pair.both().forEach(here -> here.proxy().forgetRequests());
    Memory memory = Memory.now();
    return new Left(
        watches(),
        redis.liveChannels(),
        redis.subscriptions(),
        ManagementFactory.getThreadMXBean().getThreadCount(),
        memory.heap(),
        memory.buffers());
  }

  private static long watches() {
    long sum = 0;
    for (Here here : pair.both()) {
      sum += here.connections() + here.bean(Coherence.class).followed();
      sum += (long) (here.meter("heddle.live.watches") + here.meter("heddle.live.hubs"));
    }
    return sum;
  }

  /** So many come and go; how many frames they saw. */
  private static long visits(List<String> sessions, int visits) throws Exception {
    AtomicInteger next = new AtomicInteger();
    AtomicLong frames = new AtomicLong();
    try (ExecutorService visitors = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> running = new ArrayList<>();
      for (int i = 0; i < VISITORS; i++) {
        Random random = new Random(i);
        running.add(
            visitors.submit(() -> {
              while (next.getAndIncrement() < visits) {
                frames.addAndGet(visit(sessions, random));
              }
              return null;
            }));
      }
      for (Future<?> visitor : running) {
        visitor.get(10, TimeUnit.MINUTES);
      }
    }
    return frames.get();
  }

  private static int visit(List<String> sessions, Random random) throws IOException {
    String session = sessions.get(random.nextInt(sessions.size()));
    int port = pair.both().get(random.nextInt(2)).port();
    int way = random.nextInt(6);
    if (way == 5) {
      String path = "/v1/sessions/" + session + "/events";
      try (EventStream stream = new EventStream(port, path, "")) {
        return random.nextBoolean() && stream.receive() != null ? 1 : 0;
      }
    }
    String query = way == 4 ? "" : "?watch=" + session;
    try (WebSocketConnection socket = new WebSocketConnection(port, "/v1/socket" + query, 0)) {
      switch (way) {
        case 0 -> {
          return untilClosed(socket, true);
        }
        case 1 -> {
          return untilClosed(socket, false);
        }
        case 2 -> socket.reset();
        case 3 -> {
          socket.receive();
          socket.send("{\"type\":\"typing\",\"session\":\"" + session + "\"}");
          socket.reset();
          return 1;
        }
        default -> {
          for (int i = 0; i < 3; i++) {
            String other = sessions.get(random.nextInt(sessions.size()));
            socket.send("{\"type\":\"watch\",\"session\":\"" + other + "\"}");
            if (random.nextBoolean()) {
              socket.send("{\"type\":\"unwatch\",\"session\":\"" + other + "\"}");
            }
          }
          socket.receive();
          return 1;
        }
      }
      return 0;
    }
  }

  private static int untilClosed(WebSocketConnection socket, boolean afterAFrame)
      throws IOException {
    int frames = 0;
    if (afterAFrame) {
      socket.receive();
      frames++;
    }
    socket.sayGoodbye();
    while (!(socket.receive() instanceof Closed)) {
      frames++;
    }
    return frames;
  }
}
