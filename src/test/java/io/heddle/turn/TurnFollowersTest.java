package io.heddle.turn;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Position;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.session.Change;
import io.heddle.session.ChangeFeed;
import io.heddle.session.LiveChannel;
import io.heddle.session.LiveMessage;
import io.heddle.session.LiveMessage.TurnFlushed;
import io.heddle.session.Turn;
import io.heddle.session.Turn.Cancel;
import io.heddle.session.Turn.Status;
import io.heddle.session.TurnAttempt;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.reactivestreams.Subscription;
import reactor.core.Disposable;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Mono;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Followers of one turn whose log, live channel and changes are turned by hand. */
class TurnFollowersTest {

  private static final SessionKey KEY = new SessionKey(Tenant.DEFAULT, "s");
  private static final String TURN = "trn_0123456789abcdef_s";

  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
  private final FakeTurnLog log = new FakeTurnLog();
  private final List<Consumer<LiveMessage>> channel = new ArrayList<>();
  private ChangeFeed.@Nullable Listener changes;

  private final TurnFollowers followers =
      new TurnFollowers(
          new TurnStore(null, null, null, log, new Channel(), this::listen, null),
          Replica.bind("heddle.turns", TurnProperties.class, Map.of()),
          new Timers(time, () -> time.now(TimeUnit.NANOSECONDS)),
          new TurnCounts());

  private final List<Client> clients = new ArrayList<>();
  private final Deque<TurnFlushed> live = new ArrayDeque<>();
  private int passed;

  TurnFollowersTest() {
    log.turn = turn(Status.RUNNING, 0);
    followers.start(_ -> null, _ -> {}, _ -> {});
  }

  @Test
  void whoIsFirstReadsOnceAndIsToldTheRest() {
    Client client = client(-1, Long.MAX_VALUE);
    says("a");
    answer();
    deliver();
    says("b");
    deliver();
    assertThat(client.events)
        .containsExactly(
            new TurnEvent.Started(log.turn),
            new TurnEvent.Delta(1, new ModelEvent.Text("a")),
            new TurnEvent.Delta(2, new ModelEvent.Text("b")));
    assertThat(log.reads).isEmpty();
  }

  @Test
  void aHoleIsReadFromTheLog() {
    Client client = client(0, Long.MAX_VALUE);
    answer();
    says("a");
    says("b");
    live.removeFirst();
    deliver();
    assertThat(client.text()).isEmpty();
    answer();
    assertThat(client.text()).isEqualTo("ab");
    says("c");
    live.clear();
    time.advanceTimeBy(TurnFollowers.TICK);
    answer();
    assertThat(client.text()).as("each second in any case").isEqualTo("abc");
  }

  @Test
  void aWaitingTurnTellsItsPlaceAndItsStart() {
    log.turn = turn(Status.QUEUED, 3);
    Client client = client(-1, Long.MAX_VALUE);
    answer();
    log.turn = turn(Status.QUEUED, 2);
    changed("{\"type\":\"turn.started\",\"turn\":\"another\"}");
    answer();
    changed("{\"type\":\"turn.queued\",\"turn\":\"another\"}");
    answer();
    log.turn = turn(Status.RUNNING, 0);
    changed("{\"type\":\"turn.started\"}");
    says("a");
    deliver();
    answer();
    assertThat(client.events)
        .containsExactly(
            new TurnEvent.Queued(3),
            new TurnEvent.Queued(2),
            new TurnEvent.Started(log.turn),
            new TurnEvent.Delta(1, new ModelEvent.Text("a")));
  }

  /** It has no room for what it does not take, and is given it from the log when it does. */
  @Test
  void aSlowFollowerHarmsNobody() {
    Client slow = client(0, 1);
    Client slowLate = client(-1, 1);
    Client quick = client(0, Long.MAX_VALUE);
    answer();
    int all = 5000;
    for (int i = 0; i < all; i++) {
      says("x");
      deliver();
    }
    assertThat(quick.text()).hasSize(all);
    assertThat(log.reads).isEmpty();
    slowLate.request(Long.MAX_VALUE);
    answer();
    assertThat(slowLate.text()).hasSize(all);
    assertThat(slowLate.events.size()).as("not bit by bit").isLessThan(TurnFollower.ROOM + 10);
    int reads = 0;
    slow.request(300);
    for (int i = 0; i < 100 && slow.text().length() < all; i++) {
      reads += log.reads.size();
      answer();
      slow.request(100);
    }
    assertThat(slow.text()).hasSize(all);
    assertThat(reads).isBetween(all / TurnFollower.ROOM - 2, all / TurnFollower.ROOM + 60);
    says("y");
    deliver();
    end();
    for (Client client : clients) {
      client.request(Long.MAX_VALUE);
      assertThat(client.over).isTrue();
      assertThat(client.text()).endsWith("y");
    }
  }

  /** What it had not read yet was lost by a failover: it asked for it each second, for ever. */
  @Test
  void aSlowFollowerOfALogThatLostItsEndIsToldTheEnd() {
    Client slow = client(0, 1);
    answer();
    for (int i = 0; i < 600; i++) {
      says("x");
      deliver();
    }
    log.events.subList(100, 600).clear();
    end();
    slow.request(Long.MAX_VALUE);
    answer();
    time.advanceTimeBy(TurnFollowers.TICK);
    answer();
    assertThat(slow.over).isTrue();
    assertThat(slow.events.getLast()).isInstanceOf(TurnEvent.Ended.class);
  }

  @Test
  void whoGoesLeavesNothingBehind() {
    Client one = client(0, 10);
    Client two = client(-1, 10);
    answer();
    assertThat(channel).hasSize(1);
    one.dispose();
    assertThat(channel).hasSize(1);
    two.dispose();
    assertThat(channel).isEmpty();
    time.advanceTimeBy(Duration.ofMinutes(1));
    assertThat(log.reads).isEmpty();
    client(0, 10);
    assertThat(log.reads).hasSize(1);
  }

  @Test
  void aStoreThatIsAwayIsToldToWhoComesAndWaitedForByOthers() {
    Client early = client(0, 10);
    answer();
    Client late = client(0, 10);
    assertThat(late.events).hasSize(1);
    time.advanceTimeBy(TurnFollowers.TICK);
    log.reads.removeFirst().fail(ProblemCode.STORE_UNAVAILABLE);
    says("a");
    live.clear();
    time.advanceTimeBy(TurnFollowers.TICK);
    answer();
    assertThat(early.text()).isEqualTo("a");
    assertThat(late.text()).isEqualTo("a");
    time.advanceTimeBy(TurnFollowers.TICK);
    log.reads.removeFirst().fail(ProblemCode.SESSION_DELETED);
    assertThat(early.failure).isInstanceOf(ProblemException.class);
    assertThat(late.failure).isInstanceOf(ProblemException.class);

    Client again = client(0, 10);
    log.reads.removeFirst().fail(ProblemCode.STORE_UNAVAILABLE);
    assertThat(again.failure).isInstanceOf(ProblemException.class);
  }

  static List<Long> seeds() {
    return IntStream.range(0, 400).mapToObj(Long::valueOf).toList();
  }

  /**
   * Whatever is lost, late, told twice or refused, whenever somebody comes and however slowly he
   * takes it: each follower has the log's text in the end, and no seq twice.
   */
  @ParameterizedTest
  @MethodSource("seeds")
  void everyFollowerHasTheLogsText(long seed) {
    Random random = new Random(seed);
    boolean local = seed % 3 == 0;
    boolean waits = seed % 5 == 0;
    if (waits) {
      log.turn = turn(Status.QUEUED, 2);
    }
    int steps = 50 + random.nextInt(400);
    for (int i = 0; i < steps; i++) {
      step(random, local);
    }
    if (log.turn.status() == Status.QUEUED) {
      log.turn = turn(Status.RUNNING, 0);
      says("z");
    }
    while (local && !live.isEmpty()) {
      deliver(true);
    }
    end();
    for (int i = 0; i < 20; i++) {
      clients.forEach(client -> client.request(1 + random.nextInt(2000)));
      time.advanceTimeBy(TurnFollowers.TICK);
      answer();
    }
    clients.forEach(client -> client.request(Long.MAX_VALUE));
    answer();

    String all =
        log.events.stream()
            .map(ModelEventCodec::decode)
            .map(TurnFollowersTest::text)
            .reduce("", String::concat);
    for (Client client : clients) {
      assertThat(client.failure).as("%s", client.after).isNull();
      assertThat(client.over).as("the end of %s after %s", client.events, client.after).isTrue();
      assertThat(client.text()).isEqualTo(all.substring((int) Math.max(0, client.after)));
      client.assertOrder();
    }
    assertThat(channel).isEmpty();
  }

  /** The turn goes on, so whoever waits for its end would wait for ever. */
  @Test
  void whoFollowsIsToldWhenTheStoreIsSilentForTenSeconds() {
    Client client = client(-1, Long.MAX_VALUE);
    says("a");
    answer();
    for (int i = 0; i < 30; i++) {
      // It says the same each second, and that is an answer.
      time.advanceTimeBy(Duration.ofSeconds(1));
      answer();
    }
    assertThat(client.failure).isNull();
    for (int i = 0; i < 12 && client.failure == null; i++) {
      assertThat(i).isLessThan(11);
      time.advanceTimeBy(Duration.ofSeconds(1));
      while (i % 2 == 0 && !log.reads.isEmpty()) {
        log.reads.removeFirst().fail(ProblemCode.STORE_UNAVAILABLE);
      }
      assertThat(client.failure == null || i >= 8).as("after %d s", i).isTrue();
    }
    assertThat(Turns.isSilence(client.failure)).isTrue();
    assertThat(ProblemException.codeOf(client.failure)).isEqualTo(ProblemCode.STORE_UNAVAILABLE);
  }

  private void step(Random random, boolean local) {
    boolean queued = log.turn.status() == Status.QUEUED;
    switch (random.nextInt(12)) {
      case 0, 1, 2 -> {
        if (!queued) {
          String[] texts = new String[1 + random.nextInt(random.nextInt(10) == 0 ? 300 : 3)];
          for (int i = 0; i < texts.length; i++) {
            texts[i] = String.valueOf((char) ('a' + random.nextInt(26)));
          }
          says(texts);
        }
      }
      case 3, 4 -> deliver(local);
      case 5 -> {
        if (!local && !live.isEmpty()) {
          if (random.nextBoolean()) {
            live.removeFirst();
          } else {
            TurnFlushed twice = live.peekFirst();
            deliver();
            tell(twice);
          }
        }
      }
      case 6, 7 -> {
        if (!log.reads.isEmpty()) {
          log.reads.remove(random.nextInt(log.reads.size())).answer();
        }
      }
      case 8 -> {
        if (clients.size() < 8) {
          long after = random.nextInt(3) - 1;
          if (after == 1) {
            after = random.nextInt(log.events.size() + 1);
          }
          client(after, random.nextBoolean() ? Long.MAX_VALUE : random.nextInt(5));
        }
      }
      case 9 -> {
        if (!clients.isEmpty()) {
          clients.get(random.nextInt(clients.size())).request(1 + random.nextInt(400));
        }
      }
      case 10 -> {
        time.advanceTimeBy(Duration.ofMillis(random.nextInt(1500)));
        if (++passed % 5 == 0) {
          // No store that is there takes longer.
          answer();
        }
      }
      default -> {
        if (queued) {
          log.turn = random.nextBoolean() ? turn(Status.RUNNING, 0) : turn(Status.QUEUED, 1);
          if (random.nextBoolean()) {
            changed("{\"type\":\"turn.started\"}");
          }
        } else if (random.nextInt(3) == 0) {
          changed("{\"type\":\"message.appended\",\"messages\":[]}");
        }
      }
    }
  }

  // ---- by hand

  /** The log takes it; that is told when the test says so. */
  private void says(String... texts) {
    List<Json> events =
        Stream.of(texts).map(text -> ModelEventCodec.encode(new ModelEvent.Text(text))).toList();
    live.add(new TurnFlushed(new TurnAttempt(TURN, 1), log.events.size() + 1, events));
    log.events.addAll(events);
  }

  private void deliver() {
    deliver(false);
  }

  private void deliver(boolean byRunner) {
    TurnFlushed next = live.pollFirst();
    if (next != null && byRunner) {
      followers.said(KEY, TURN, next.seq(), ModelEventCodec.decodeAll(next.events()));
    } else if (next != null) {
      tell(next);
    }
  }

  private void tell(LiveMessage message) {
    List.copyOf(channel).forEach(listener -> listener.accept(message));
  }

  private void end() {
    log.turn = turn(Status.COMPLETED, 0);
    changed("{\"type\":\"turn.completed\"}");
    answer();
  }

  private void answer() {
    while (!log.reads.isEmpty()) {
      log.reads.removeFirst().answer();
    }
  }

  private void changed(String body) {
    changes.changed(
        new Change.Published(
            KEY,
            1,
            "",
            new Position(1, "aaaaaaaa"),
            new Change.Counters(1, 1, 1, Instant.EPOCH, Instant.EPOCH),
            Json.of(body)));
  }

  private Disposable listen(ChangeFeed.Listener listener) {
    changes = listener;
    return () -> {};
  }

  private Client client(long after, long demand) {
    Client client = new Client(after, demand);
    clients.add(client);
    followers.follow(KEY, TURN, after).subscribe(client);
    return client;
  }

  private static Turn turn(Status status, int place) {
    boolean waits = status == Status.QUEUED;
    return new Turn(
        KEY,
        TURN,
        status,
        waits ? 0 : 1,
        null,
        Instant.EPOCH,
        waits ? null : Instant.EPOCH,
        status.isEnd() ? Instant.EPOCH : null,
        null,
        Cancel.NONE,
        List.of(),
        List.of(),
        Json.EMPTY_OBJECT,
        status.isEnd() ? Json.of("{\"finishReason\":\"stop\"}") : null,
        place);
  }

  private static String text(ModelEvent piece) {
    return ((ModelEvent.Text) piece).text();
  }

  private final class Channel implements LiveChannel {
    @Override
    public Mono<Void> publish(SessionKey key, LiveMessage message) {
      throw new AssertionError("not asked for here");
    }

    @Override
    public Disposable listen(SessionKey key, Consumer<LiveMessage> listener) {
      channel.add(listener);
      return () -> channel.remove(listener);
    }
  }

  /** Takes as many events as it asked for. */
  private static final class Client extends BaseSubscriber<TurnEvent> {
    final List<TurnEvent> events = new ArrayList<>();
    final long after;
    private final long demand;
    private long asked;
    boolean over;
    @Nullable Throwable failure;

    Client(long after, long demand) {
      this.after = after;
      this.demand = demand;
    }

    @Override
    protected void hookOnSubscribe(Subscription subscription) {
      if (demand > 0) {
        asked += demand;
        request(demand);
      }
    }

    @Override
    protected void hookOnNext(TurnEvent event) {
      events.add(event);
    }

    @Override
    protected void hookOnComplete() {
      over = true;
    }

    @Override
    protected void hookOnError(Throwable error) {
      failure = error;
    }

    String text() {
      StringBuilder text = new StringBuilder();
      for (TurnEvent event : events) {
        if (event instanceof TurnEvent.SoFar(long _, TurnEvent.Said said)) {
          text.setLength(0);
          text.append(said.text());
        } else if (event instanceof TurnEvent.Delta(long _, ModelEvent piece)) {
          text.append(TurnFollowersTest.text(piece));
        }
      }
      return text.toString();
    }

    void assertOrder() {
      long seq = Math.max(0, after);
      int started = 0;
      for (TurnEvent event : events) {
        switch (event) {
          case TurnEvent.SoFar(long at, TurnEvent.Said _) -> {
            assertThat(after).isNegative();
            assertThat(at).isGreaterThan(seq);
            seq = at;
          }
          case TurnEvent.Delta(long at, ModelEvent _) -> {
            assertThat(at).isEqualTo(seq + 1);
            assertThat(after > 0 || started == 1).isTrue();
            seq = at;
          }
          case TurnEvent.Started _ -> started++;
          case TurnEvent.Queued _ -> assertThat(started).isZero();
          case TurnEvent.Ended _ -> assertThat(event).isSameAs(events.getLast());
        }
      }
      assertThat(started).isEqualTo(after > 0 ? 0 : 1);
    }
  }
}
