package io.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Caller;
import io.heddle.base.Position;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.RandomIds;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.NewMessage;
import io.heddle.session.NewTurn;
import io.heddle.session.OnBusy;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.SessionAttributes;
import io.heddle.session.SessionProperties;
import io.heddle.session.StateView;
import io.heddle.session.ThreadPage;
import io.heddle.session.TurnId;
import io.heddle.session.Write;
import io.heddle.session.WriteContext;
import io.heddle.session.WritePreconditions;
import io.heddle.session.service.SessionServices;
import io.heddle.testing.RedisCluster;
import io.lettuce.core.cluster.SlotHash;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * One slot of a Cluster in every state of its move: no key moved, each kind of key alone, all but
 * that kind, all. Every read answers as before the move; every write is done, or refused and then
 * not done, not in part and not later; both in time.
 */
@Isolated("Hundreds of writes at once must be answered within the timeout of Redis.")
class MovingSlotIT {

  private static final Duration TIMEOUT = Duration.ofSeconds(6);
  private static final Duration WAIT = Duration.ofMillis(500);
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  /** The first of those that are moved; they belong to the first node. */
  private static final int PARTITION = 17;

  private static final int SLOT = slot(PARTITION);
  private static final RandomIds IDS = new RandomIds(InstantSource.system());
  private static final Caller CALLER = new Caller(Tenant.DEFAULT, null, "ip:127.0.0.1", true);
  private static final SessionProperties PROPERTIES =
      new Binder(new MapConfigurationPropertySource())
          .bindOrCreate("heddle.session", Bindable.of(SessionProperties.class));

  private final RedisCluster cluster = RedisCluster.start();
  private final AtomicInteger made = new AtomicInteger();
  private EngineFixture engine;
  private SessionServices services;
  private int from;
  private int to;

  @BeforeEach
  void start() {
    engine = EngineFixture.impatient(cluster.uris(), TIMEOUT);
    RedisEngine redis = engine.engine();
    services =
        new SessionServices(
            redis.reader(),
            redis.writer(),
            redis.index(),
            redis.locks(),
            redis.records(),
            IDS,
            InstantSource.system(),
            PROPERTIES);
    from = cluster.owner(SLOT);
    to = (from + 1) % cluster.nodes().size();
  }

  @AfterEach
  void stop() {
    engine.close();
    cluster.close();
  }

  /** One write in one state of a move, on a session of its own. */
  private final class Case {
    private final String state;
    private final String write;
    private final SessionKey key;
    private Seen before = new Seen("", List.of(), List.of(), List.of(), 0);
    private volatile String answer = "";

    Case(String state, String write, SessionKey key) {
      this.state = state;
      this.write = write;
      this.key = key;
    }

    Mono<?> write() {
      return answer(writes().get(write).apply(key)).doOnNext(told -> answer = told);
    }

    @Override
    public String toString() {
      return write + " with " + state + " moved";
    }
  }

  /** What is told of a session: all that its readers can see. */
  private record Seen(
      String session,
      List<String> thread,
      List<String> state,
      List<String> checkpoints,
      long version) {}

  /** A write of each kind, on a session of its own. */
  private Map<String, Function<SessionKey, Mono<?>>> writes() {
    Map<String, Function<SessionKey, Mono<?>>> writes = new LinkedHashMap<>();
    writes.put("patch", key -> services.sessions().patch(request(key), MovingSlotIT::retitled));
    writes.put(
        "patch with a key",
        key -> services.sessions().patch(request(key, once()), MovingSlotIT::retitled));
    writes.put(
        "append", key -> services.threads().append(request(key), List.of(message(null)), null));
    writes.put(
        "append with a key",
        key -> services.threads().append(request(key, once()), List.of(message("c2")), null));
    writes.put("put state", key -> services.states().put(request(key), Json.of("{\"a\":2}")));
    writes.put("patch state", key -> services.states().patch(request(key), Json.of("{\"b\":1}")));
    writes.put("restore", key -> services.states().restore(request(key), "latest"));
    writes.put("delete message", key -> services.threads().deleteMessage(request(key), "c1"));
    writes.put("clear", key -> services.threads().cut(request(key), null));
    writes.put("cut", key -> services.threads().cut(request(key), "c1"));
    writes.put("delete", key -> services.sessions().delete(request(key)));
    writes.put(
        "turn",
        key ->
            services.write(
                key,
                new Write.BeginTurn(turn(key), OnBusy.ENQUEUE, 4),
                WritePreconditions.NONE,
                WAIT));
    return writes;
  }

  @Test
  void everyKindOfKeyHasItsStateOfTheMove() {
    Map<String, Predicate<String>> moved = new LinkedHashMap<>();
    moved.put("none", _ -> false);
    for (String kind : List.of("s:", "m:", "c:", "i:", "d:", "k:", "due", "p")) {
      moved.put("only " + kind, kind::equals);
      moved.put("all but " + kind, Predicate.not(kind::equals));
    }
    moved.put("all", _ -> true);

    // A slot for each state, so that all are tried at once; some keys exist only while others use
    // them.
    List<Case> cases = new ArrayList<>();
    int partitions = 0;
    for (String state : moved.keySet()) {
      int partition = PARTITION + partitions++;
      assertThat(cluster.owner(slot(partition))).as("the owner of one more slot").isEqualTo(from);
      SessionKey busy = session(partition);
      get(create(busy));
      get(begin(busy));
      make(partition).forEach((write, key) -> cases.add(new Case(state, write, key)));
    }
    cases.forEach(one -> one.before = see(one + ", before", one.key));
    List<Integer> slots = cases.stream().map(one -> slot(one.key.partition())).distinct().toList();
    slots.forEach(slot -> cluster.beginMove(slot, from, to));
    int at = 0;
    for (Predicate<String> kinds : moved.values()) {
      move(slots.get(at++), kinds);
    }
    List<String> wrong = new ArrayList<>();
    for (Case one : cases) {
      Seen now = see(one + ", read before", one.key);
      if (!now.equals(one.before)) {
        wrong.add("%s: read %s, was %s".formatted(one, now, one.before));
      }
    }
    long began = System.nanoTime();
    get(Flux.fromIterable(cases).flatMap(Case::write, cases.size()).then(Mono.just(true)));
    Duration took = Duration.ofNanos(System.nanoTime() - began);
    assertThat(took).as("all writes at once").isLessThan(Duration.ofSeconds(20));
    slots.forEach(slot -> cluster.moveBack(slot, from, to));
    int done = 0;
    int unknown = 0;
    for (Case one : cases) {
      Seen after = see(one + ", after " + one.answer, one.key);
      if (one.answer.equals("done")) {
        done++;
        if (after.version() != one.before.version() + 1) {
          wrong.add("%s was done: %s, was %s".formatted(one, after, one.before));
        }
      } else if (one.answer.equals("outcome-unknown")
          && after.version() == one.before.version() + 1) {
        // A machine that is too busy to answer in time does not know, and says so: it was done.
        unknown++;
      } else if (one.answer.equals("outcome-unknown") && after.equals(one.before)) {
        unknown++;
      } else if (!one.answer.equals("store-unavailable") || !after.equals(one.before)) {
        wrong.add("%s is %s: %s, was %s".formatted(one, one.answer, after, one.before));
      }
    }
    slots.forEach(slot -> {
      move(slot, _ -> true);
      cluster.endMove(slot, from, to);
    });
    // Nothing comes later, and everything works there.
    make(PARTITION)
        .forEach((name, key) ->
            assertThat(get(answer(writes().get(name).apply(key)))).as(name).isEqualTo("done"));
    System.out.printf(
        "MovingSlotIT: states=%d writes=%d done=%d refused=%d unknown=%d wrong=%d%n",
        moved.size(), cases.size(), done, cases.size() - done - unknown, unknown, wrong.size());
    assertThat(wrong).isEmpty();
    assertThat(done).as("writes that were done").isPositive();
    assertThat(unknown).as("writes of which nobody knows").isLessThan(cases.size() / 20);
  }

  /** A thread that is more than a page may have is read message by message. */
  @Test
  void aLongThreadIsReadThough() {
    SessionKey key = session(PARTITION);
    get(create(key));
    Json body = Json.of("{\"role\":\"user\",\"content\":\"" + "x".repeat(20_000) + "\"}");
    List<NewMessage> some = Collections.nCopies(25, new NewMessage(null, body));
    get(
        Flux.range(0, 16)
            .concatMap(_ -> services.threads().append(request(key), some, null))
            .then(Mono.just(true)));
    List<PageRequest> pages =
        List.of(
            PageRequest.forward(200, null),
            PageRequest.backward(200, null),
            PageRequest.forward(10, "c1"),
            PageRequest.backward(300, "c3"));
    List<String> before = pages.stream().map(page -> page(key, page)).toList();
    cluster.beginMove(SLOT, from, to);
    move(SLOT, "m:"::equals);
    assertThat(pages.stream().map(page -> page(key, page)).toList()).isEqualTo(before);
  }

  private String page(SessionKey key, PageRequest page) {
    return new String(
        get(services.threads().page(key, ReadContext.ANY, page)).json(), StandardCharsets.UTF_8);
  }

  /** The way of the lock is another driver's: it went round between two nodes without an end. */
  @Test
  void anUpdateIsAnsweredInTimeAndLeavesNoStorm() {
    SessionKey key = session(PARTITION);
    get(create(key));
    cluster.beginMove(SLOT, from, to);
    Seen before = see("before", key);
    long quiet = commandsWithin(Mono.empty());
    long began = System.nanoTime();
    List<String> answers = new ArrayList<>();
    AtomicLong took = new AtomicLong();
    long busy =
        commandsWithin(
            Flux.range(0, 8)
                .flatMap(_ -> answer(services.sessions().patch(request(key), d -> retitled(d))), 8)
                .doOnNext(answers::add)
                .doOnComplete(() -> took.set((System.nanoTime() - began) / 1_000_000))
                .then());
    System.out.printf(
        "MovingSlotIT: updates=8 took=%d ms, commands=%d, %d of them besides%n",
        took.get(), busy, quiet);
    assertThat(answers).hasSize(8).containsOnly("store-unavailable", "session-locked");
    assertThat(Duration.ofMillis(took.get())).isLessThan(WAIT.plus(TIMEOUT).plus(TIMEOUT));
    // Each asks for the lock a few times, and ten times for a claim that takes two nodes.
    assertThat(busy - quiet).as("commands").isLessThan(8 * 80);
    cluster.abandonMove(SLOT, from, to);
    Mono.delay(Duration.ofSeconds(1)).block();
    assertThat(see("after", key)).isEqualTo(before);
    // An update's lock may stand at the target only; with the move given up it is nobody's.
    assertThat(get(answer(services.sessions().patch(request(key), d -> retitled(d)))))
        .isEqualTo("done");
  }

  /** What the nodes are asked in three seconds, in which this is done. */
  private long commandsWithin(Mono<Void> work) {
    long before = cluster.commands();
    get(Mono.when(work, Mono.delay(Duration.ofSeconds(3))).thenReturn(true));
    return cluster.commands() - before;
  }

  private static int slot(int partition) {
    return SlotHash.getSlot(Partitions.tag(partition));
  }

  private Map<String, SessionKey> make(int partition) {
    Map<String, SessionKey> mine = new LinkedHashMap<>();
    writes().keySet().forEach(write -> mine.put(write, session(partition)));
    get(
        Flux.fromIterable(mine.values())
            .flatMap(
                key ->
                    create(key)
                        .then(services.states().put(request(key), Json.of("{\"a\":1}")))
                        .then(),
                16)
            .then(Mono.just(true)));
    return mine;
  }

  private Mono<?> create(SessionKey key) {
    SessionAttributes description =
        new SessionAttributes(
            null,
            "one",
            Json.EMPTY_OBJECT,
            null,
            null,
            SessionAttributes.Status.ACTIVE,
            Duration.ofHours(1));
    return services
        .sessions()
        .create(request(key), description, List.of(message("c1"), message(null), message("c3")));
  }

  private SessionKey session(int partition) {
    while (true) {
      SessionKey key = new SessionKey(Tenant.DEFAULT, "s-" + made.incrementAndGet());
      if (key.partition() == partition) {
        return key;
      }
    }
  }

  /** Moves the keys of those kinds. */
  private void move(int slot, Predicate<String> kind) {
    List<byte[]> keys =
        cluster.node(from).clusterGetKeysInSlot(slot, 100_000).stream()
            .filter(name -> kind.test(kind(name)))
            .toList();
    cluster.moveKeys(keys, from, to);
  }

  private static String kind(byte[] name) {
    String rest = new String(name, StandardCharsets.ISO_8859_1).split("}:", 2)[1];
    int end = rest.indexOf(':');
    return end < 0 ? rest : rest.substring(0, end + 1);
  }

  private Seen see(String when, SessionKey key) {
    return see(when, key, 5);
  }

  /**
   * @param tries a connection may end when the driver looks at the Cluster anew: what was read on
   *     it is refused, and read again
   */
  private Seen see(String when, SessionKey key, int tries) {
    try {
      return get(seen(key));
    } catch (ProblemException e) {
      if (e.problem().code() == ProblemCode.STORE_UNAVAILABLE && tries > 1) {
        return see(when, key, tries - 1);
      }
      if (e.problem().code() == ProblemCode.SESSION_DELETED) {
        byte[] version = cluster.node(from).hget(RedisKeys.of(key).session(), RedisKeys.ascii("v"));
        return new Seen(
            "deleted",
            List.of(),
            List.of(),
            List.of(),
            Long.parseLong(new String(version, StandardCharsets.US_ASCII)));
      }
      throw new AssertionError(when + ": " + e.problem(), e);
    }
  }

  private Mono<Seen> seen(SessionKey key) {
    RedisEngine redis = engine.engine();
    Mono<ThreadPage> page =
        services
            .sessions()
            .load(key, ReadContext.ANY, PageRequest.forward(100, null))
            .flatMap(all ->
                // At its position, from the end, and after a client's id: other keys are asked.
                services
                    .threads()
                    .page(
                        key,
                        new ReadContext(null, all.session().position()),
                        PageRequest.backward(10, null))
                    .thenReturn(all));
    Mono<List<String>> checkpoints =
        redis
            .reader()
            .checkpoints(key, ReadContext.ANY, 10, null)
            .map(found -> found.checkpoints().stream().map(c -> c.toString()).toList());
    Mono<StateView> state = services.states().get(key, ReadContext.ANY);
    Mono<?> log = redis.changeLog().after(key, null, new Position(1, "aaaaaaaa"), 10);
    return Mono.zip(page, state, checkpoints, log)
        .flatMap(all -> {
          ThreadPage thread = all.getT1();
          List<String> texts =
              thread.messages().stream().map(m -> m.id() + " " + m.body()).toList();
          Mono<?> one =
              thread.messages().isEmpty()
                  ? Mono.just(true)
                  : services
                      .threads()
                      .message(key, ReadContext.ANY, thread.messages().getLast().id());
          assertThat(thread.session().head().messageCount()).isEqualTo(texts.size());
          return one.thenReturn(
              new Seen(
                  new String(thread.bareSessionJson(), StandardCharsets.UTF_8)
                      .replaceAll("\"(expires|updated)At\":[^,]*,", ""),
                  texts,
                  List.of(all.getT2().document().toString()),
                  all.getT3(),
                  thread.session().position().version()));
        });
  }

  private static Mono<String> answer(Mono<?> call) {
    return call.map(_ -> "done")
        .onErrorResume(ProblemException.class, e -> Mono.just(e.problem().code().code()));
  }

  private Mono<?> begin(SessionKey key) {
    return services.write(
        key, new Write.BeginTurn(turn(key), OnBusy.ENQUEUE, 4), WritePreconditions.NONE, WAIT);
  }

  private static NewTurn turn(SessionKey key) {
    return new NewTurn(
        TurnId.next(IDS, key).toString(),
        null,
        Json.EMPTY_OBJECT,
        List.of(message(null)),
        Duration.ofMinutes(1),
        Duration.ofHours(1));
  }

  private static SessionAttributes retitled(SessionAttributes d) {
    return new SessionAttributes(
        d.user(), "two", d.metadata(), d.systemPrompt(), d.model(), d.status(), d.ttl());
  }

  private static NewMessage message(@Nullable String id) {
    return new NewMessage(id, Json.of("{\"role\":\"user\",\"content\":\"hi\"}"));
  }

  private static WritePreconditions once() {
    return WritePreconditions.NONE.withRetry(
        new IdempotentRequest(IDS.token() + IDS.token(), "0".repeat(64)));
  }

  private static WriteContext request(SessionKey key) {
    return request(key, WritePreconditions.NONE);
  }

  private static WriteContext request(SessionKey key, WritePreconditions conditions) {
    return new WriteContext(CALLER, key, conditions, WAIT);
  }

  private static <T> T get(Mono<T> mono) {
    return mono.block(PATIENCE);
  }
}
