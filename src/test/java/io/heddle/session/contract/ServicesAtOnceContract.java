package io.heddle.session.contract;

import static io.heddle.session.contract.WriteFixtures.HOUR;
import static io.heddle.session.contract.WriteFixtures.append;
import static io.heddle.session.contract.WriteFixtures.described;
import static io.heddle.session.contract.WriteFixtures.says;
import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Caller;
import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.Appended;
import io.heddle.session.Filter;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.Message;
import io.heddle.session.MessagePlace;
import io.heddle.session.NewMessage;
import io.heddle.session.Outcome;
import io.heddle.session.ReadContext;
import io.heddle.session.Session;
import io.heddle.session.SessionAttributes;
import io.heddle.session.SessionLocks.Held;
import io.heddle.session.SessionProperties;
import io.heddle.session.Write;
import io.heddle.session.WriteContext;
import io.heddle.session.WritePreconditions;
import io.heddle.session.WriteResult;
import io.heddle.session.service.SessionServices;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** The services, called by many at once: over two replicas where the engine has two. */
abstract class ServicesAtOnceContract extends ContractSuite {

  private static final Duration SOON = Duration.ofSeconds(20);
  private static final SessionProperties PROPERTIES =
      new Binder(new MapConfigurationPropertySource(Map.of("heddle.session.index-every", "100ms")))
          .bindOrCreate("heddle.session", SessionProperties.class);

  private static final Outcome NOTHING =
      new Outcome.Replayed(new Position(1, "none0000"), List.of());

  private SessionServices services;
  private SessionServices others;

  @BeforeEach
  void openServices() {
    services = services(engine());
    others = services(engine().peer());
  }

  private static SessionServices services(EngineUnderTest engine) {
    return new SessionServices(
        engine.reader(),
        engine.writer(),
        engine.index(),
        engine.locks(),
        engine.records(),
        IDS,
        InstantSource.system(),
        PROPERTIES);
  }

  // Resume

  @Test
  void resumingTwiceAtOnceGivesOneSession() {
    for (int round = 0; round < 5; round++) {
      String user = "user" + round;
      List<WriteResult<Session>> resumed =
          atOnce(
              24,
              i ->
                  replica(i)
                      .sessions()
                      .resume(
                          caller(user),
                          IDS.sessionId(),
                          WritePreconditions.NONE,
                          described(user, HOUR),
                          List.of(says("hello"))));
      SessionKey key = resumed.getFirst().value().key();
      assertThat(resumed).extracting(one -> one.value().key()).containsOnly(key);
      assertThat(resumed).filteredOn(WriteResult::created).hasSize(1);
      assertThat(get(engine().index().current(tenant, user))).isEqualTo(key.id());
      assertThat(list(user, Filter.ALL)).containsExactly(key.id());
      assertThat(thread(key)).hasSize(1);
    }
  }

  @Test
  void doesNotResumeAnExpiredSession() {
    WriteResult<Session> first =
        get(
            services
                .sessions()
                .resume(
                    caller("ann"),
                    IDS.sessionId(),
                    WritePreconditions.NONE,
                    described("ann", Duration.ofSeconds(1)),
                    List.of()));
    pass(Duration.ofMillis(1100));
    WriteResult<Session> second = resume("ann");
    assertThat(second.created()).isTrue();
    assertThat(second.value().key()).isNotEqualTo(first.value().key());
  }

  @Test
  void resumingAtOnceAfterTheEndGivesOneNewSession() {
    SessionKey old = resume("ann").value().key();
    applied(old, new Write.Delete());
    List<WriteResult<Session>> resumed = atOnce(16, i -> resuming(replica(i), "ann"));
    assertThat(resumed)
        .extracting(one -> one.value().key())
        .containsOnly(resumed.getFirst().value().key());
    assertThat(resumed.getFirst().value().key()).isNotEqualTo(old);
    assertThat(resumed).filteredOn(WriteResult::created).hasSize(1);
  }

  // Making

  @Test
  void ofManyPutsAtOnceOneMakesTheSession() {
    SessionKey key = newKey();
    List<WriteResult<Session>> put =
        atOnce(
            20,
            i ->
                replica(i)
                    .sessions()
                    .put(request("ann", key), described("ann", HOUR), List.of(says("by " + i))));
    assertThat(put).filteredOn(WriteResult::created).hasSize(1);
    assertThat(put).extracting(WriteResult::position).containsOnly(position(key));
    assertThat(thread(key)).hasSize(1);

    WriteResult<Session> again =
        get(services.sessions().put(request("ann", key), described("ann", HOUR), List.of()));
    assertThat(again.created()).isFalse();
    assertThat(again.value()).isEqualTo(session(key));
    failed(
        services.sessions().put(request("bob", key), described("bob", HOUR), List.of()),
        ProblemCode.SESSION_EXISTS);
  }

  @Test
  void ofManyAppendsAtOnceToWhatIsNotThereOneMakesTheSession() {
    SessionKey key = newKey();
    List<WriteResult<Appended>> appended =
        atOnce(
            20,
            i ->
                replica(i)
                    .threads()
                    .append(request("ann", key), List.of(says("by " + i)), described("ann", HOUR)));
    assertThat(appended).filteredOn(WriteResult::created).hasSize(1);
    assertThat(thread(key)).hasSize(20);
    assertThat(position(key).version()).isEqualTo(20);
    for (WriteResult<Appended> one : appended) {
      Message message = one.value().messages().get(one.value().ids().getFirst());
      assertThat(thread(key)).contains(message);
    }

    applied(key, new Write.Delete());
    failed(
        services.threads().append(request("ann", key), List.of(says("x")), described("ann", HOUR)),
        ProblemCode.SESSION_DELETED);
    SessionKey theirs = newKey();
    create(theirs, "bob", HOUR);
    failed(
        services
            .threads()
            .append(request("ann", theirs), List.of(says("x")), described("ann", HOUR)),
        ProblemCode.SESSION_NOT_FOUND);
  }

  @Test
  void creatingIsReplayed() {
    SessionKey key = newKey();
    WriteContext once = request("ann", key, newRetry());
    List<WriteResult<Session>> made =
        atOnce(
            16,
            i ->
                replica(i)
                    .sessions()
                    .create(once, described("ann", HOUR), List.of(says("1"), says("2"))));
    assertThat(made).filteredOn(one -> !one.replayed()).hasSize(1);
    assertThat(made).extracting(WriteResult::position).containsOnly(position(key));
    assertThat(made).allMatch(WriteResult::created);
    assertThat(thread(key)).hasSize(2);
    assertThat(list("ann", Filter.ALL)).containsExactly(key.id());
  }

  // Waiting

  @Test
  void aWriteWaitsForALockAsLongAsItsCallerSays() {
    SessionKey key = newKey();
    create(key, "ann", HOUR);
    Held held = get(engine().clientLock().lock(key, null, Duration.ofMinutes(1), null));

    long sent = System.nanoTime();
    Problem locked =
        failed(
            services
                .threads()
                .append(
                    request("ann", key, null, Duration.ofMillis(300)), List.of(says("x")), null),
            ProblemCode.SESSION_LOCKED);
    assertThat(Duration.ofNanos(System.nanoTime() - sent))
        .isBetween(Duration.ofMillis(290), Duration.ofSeconds(3));
    assertThat(locked.members()).containsKeys("expiresAt", "retryAfter");
    for (Mono<?> update : updates(request("ann", key, null, Duration.ofMillis(100)))) {
      assertThat(failed(update, ProblemCode.SESSION_LOCKED).members())
          .containsKeys("expiresAt", "retryAfter");
    }

    List<CompletableFuture<?>> waiting = new ArrayList<>();
    WriteContext patient = request("ann", key, null, SOON);
    waiting.add(others.threads().append(patient, List.of(says("x")), null).toFuture());
    updates(patient).forEach(update -> waiting.add(update.toFuture()));
    pass(Duration.ofMillis(200));
    assertThat(waiting).noneMatch(CompletableFuture::isDone);
    run(engine().clientLock().release(key, null, held.token()));
    waiting.forEach(one -> get(Mono.fromFuture(one).thenReturn(true)));
    assertThat(thread(key)).hasSize(1);
  }

  /**
   * Whoever waited looked again after up to a quarter of a second: a chat that held its lock for
   * each answer stood still for longer than it worked.
   */
  @Test
  void whoWaitsForALockIsWokenByItsRelease() {
    List<SessionKey> keys = new ArrayList<>();
    List<Held> locks = new ArrayList<>();
    List<CompletableFuture<Long>> answered = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      SessionKey key = newKey();
      create(key, "ann", HOUR);
      keys.add(key);
      locks.add(get(engine().clientLock().lock(key, null, Duration.ofMinutes(1), null)));
      WriteContext patient = request("ann", key, null, SOON);
      Mono<?> write =
          switch (i % 3) {
            case 0 -> others.threads().append(patient, List.of(says("x")), null);
            case 1 -> others.sessions().patch(patient, description -> description);
            default -> others.locks().lock(patient, Duration.ofMinutes(1), null);
          };
      answered.add(write.map(_ -> System.nanoTime()).toFuture());
    }
    // Their pauses grow to 20 to 270 ms, the mean wait for the next look to 90 ms.
    pass(Duration.ofSeconds(1));
    assertThat(answered).noneMatch(CompletableFuture::isDone);
    List<Duration> waits = new ArrayList<>();
    for (int i = 0; i < keys.size(); i++) {
      long released = System.nanoTime();
      run(engine().clientLock().release(keys.get(i), null, locks.get(i).token()));
      long end = get(Mono.fromFuture(answered.get(i)));
      waits.add(Duration.ofNanos(end - released));
    }
    waits.sort(Comparator.naturalOrder());
    assertThat(waits.get(waits.size() / 2)).as(waits.toString()).isLessThan(Duration.ofMillis(35));
  }

  @Test
  void aLockIsWaitedForToo() {
    SessionKey key = newKey();
    create(key, "ann", HOUR);
    Held held =
        get(services.locks().lock(request("ann", key), Duration.ofMillis(400), "one")).held();
    failed(
        others.locks().lock(request("ann", key), Duration.ofMinutes(1), null),
        ProblemCode.SESSION_LOCKED);
    Held next =
        get(others.locks().lock(request("ann", key, null, SOON), Duration.ofMinutes(1), "two"))
            .held();
    assertThat(next.fence()).isGreaterThan(held.fence());
    WriteContext late = request("ann", key, null, Duration.ZERO, held.token());
    failed(services.locks().renew(late, Duration.ofMinutes(1)), ProblemCode.STALE_FENCE);
    failed(services.locks().release(late, false), ProblemCode.STALE_FENCE);
    failed(services.locks().release(request("ann", key), true), ProblemCode.FORBIDDEN);
    failed(services.locks().release(request("ann", key), false), ProblemCode.INVALID_REQUEST);
    get(
        services
            .locks()
            .release(new WriteContext(admin(), key, WritePreconditions.NONE, Duration.ZERO), true));
    assertThat(services.locks().holder(key, "ann").block(PATIENCE)).isNull();
  }

  // Updates of several steps

  @Test
  void patchesOfManyLoseNothing() {
    SessionKey key = newKey();
    create(key, "ann", HOUR);
    WriteContext patient = request("ann", key, null, SOON);
    List<Mono<?>> calls = new ArrayList<>();
    for (int i = 0; i < 32; i++) {
      calls.add(replica(i).sessions().patch(patient, ServicesAtOnceContract::longer));
      calls.add(replica(i).states().patch(patient, Json.of("{\"k" + i + "\":" + i + "}")));
      if (i % 4 == 0) {
        calls.add(replica(i).threads().append(patient, List.of(says("m" + i)), null));
      }
    }
    get(Flux.fromIterable(calls).flatMap(call -> call, calls.size()).collectList());

    assertThat(session(key).description().title()).hasSize(32);
    String state = get(engine().reader().state(key, ReadContext.ANY)).document().toString();
    for (int i = 0; i < 32; i++) {
      assertThat(state).contains("\"k" + i + "\":" + i);
    }
    assertThat(thread(key)).hasSize(8);
    assertThat(position(key).version()).isEqualTo(1 + 32 + 32 + 8);
    assertThat(engine().locks().holder(key, null).block(PATIENCE)).isNull();
  }

  @Test
  void patchesUnderAClientsLockLoseNothing() {
    SessionKey key = newKey();
    create(key, "ann", HOUR);
    Held held = get(services.locks().lock(request("ann", key), Duration.ofMinutes(1), null)).held();
    WriteContext holding = request("ann", key, null, SOON, held.token());
    get(
        Flux.range(0, 16)
            .flatMap(
                i ->
                    Flux.merge(
                        replica(i).sessions().patch(holding, ServicesAtOnceContract::longer),
                        // The holder's own write, which stands in no line, moves the session.
                        replica(i).threads().append(holding, List.of(says("m")), null)),
                16)
            .collectList());
    assertThat(session(key).description().title()).hasSize(16);
    assertThat(thread(key)).hasSize(16);
  }

  @Test
  void ofManyUpdatesUnderOneKeyOneHasAnEffect() {
    SessionKey key = newKey();
    create(key, "ann", HOUR);
    WriteContext once = request("ann", key, newRetry(), SOON);
    List<Object> answers =
        atOnce(
            24,
            i ->
                replica(i)
                    .sessions()
                    .patch(once, ServicesAtOnceContract::longer)
                    .<Object>map(written -> written)
                    .onErrorResume(ProblemException.class, error -> Mono.just(error.problem())));
    assertThat(answers)
        .filteredOn(answer -> answer instanceof WriteResult<?> written && !written.replayed())
        .hasSize(1);
    assertThat(answers)
        .filteredOn(Problem.class::isInstance)
        .extracting(answer -> ((Problem) answer).code())
        .allMatch(ProblemCode.KEY_IN_PROGRESS::equals);
    assertThat(session(key).description().title()).isEqualTo("+");
    assertThat(position(key).version()).isEqualTo(2);
  }

  /** Callers who hang up at random moments leave no lock, no holder and no mark of a key. */
  @Test
  void hungUpCallersLeaveNothing() {
    Random random = new Random(11);
    List<SessionKey> keys = new ArrayList<>();
    List<WriteContext> requests = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      SessionKey key = newKey();
      create(key, "ann", HOUR);
      keys.add(key);
    }
    for (int i = 0; i < 400; i++) {
      requests.add(request("ann", keys.get(i % keys.size()), newRetry(), Duration.ofSeconds(2)));
    }
    List<Integer> micros = random.ints(requests.size(), 0, 15_000).boxed().toList();
    Flux.range(0, requests.size())
        .flatMap(
            i -> {
              WriteContext request = requests.get(i);
              Mono<?> call =
                  i % 2 == 0
                      ? replica(i / 2).sessions().patch(request, ServicesAtOnceContract::longer)
                      : replica(i / 2).states().patch(request, Json.of("{\"k" + i + "\":1}"));
              return Mono.firstWithSignal(
                  Mono.delay(Duration.ofNanos(micros.get(i) * 1000L)).then(),
                  call.then()
                      .onErrorResume(
                          error ->
                              error instanceof ProblemException e
                                  && e.problem().code() == ProblemCode.SESSION_LOCKED,
                          error -> Mono.empty()));
            },
            32)
        .blockLast(PATIENCE);

    await()
        .atMost(Duration.ofSeconds(10))
        .during(Duration.ofMillis(200))
        .until(() ->
            keys.stream()
                .allMatch(key -> engine().locks().holder(key, null).block(PATIENCE) == null));
    int done = 0;
    for (WriteContext request : requests) {
      Outcome said =
          await()
              .atMost(Duration.ofSeconds(2))
              .until(
                  () ->
                      engine()
                          .records()
                          .find(request.key(), request.requested().retry())
                          .defaultIfEmpty(NOTHING)
                          .block(PATIENCE),
                  outcome -> outcome == NOTHING || outcome instanceof Outcome.Replayed);
      done += said == NOTHING ? 0 : 1;
    }
    long versions = keys.stream().mapToLong(key -> position(key).version() - 1).sum();
    assertThat(done).as("as many records as effects").isEqualTo((int) versions);
    for (SessionKey key : keys) {
      get(
          services
              .sessions()
              .patch(
                  request("ann", key, null, Duration.ofMillis(500)),
                  ServicesAtOnceContract::longer));
    }
  }

  // Fork

  @Test
  void aForkIsThePrefixAtOnePositionWhileAppendsGoOn() {
    SessionKey source = newKey();
    create(source, "ann", HOUR);
    for (int i = 0; i < 4; i++) {
      applied(source, new Write.Append(triples(i * 30, 30)));
    }
    AtomicBoolean stop = new AtomicBoolean();
    CompletableFuture<Long> appending =
        Flux.range(120, 2000)
            .concatMap(i ->
                engine()
                    .writer()
                    .apply(source, new Write.Append(triples(i, 1)), WritePreconditions.NONE))
            .takeUntil(outcome -> stop.get())
            .count()
            .subscribeOn(Schedulers.parallel())
            .toFuture();
    List<SessionKey> forks = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      SessionKey target = newKey();
      WriteResult<Session> fork =
          get(replica(i).sessions().fork(request("ann", source), target, null));
      assertThat(fork.created()).isTrue();
      assertThat(fork.value().key()).isEqualTo(target);
      assertThat(fork.value().position().version()).isEqualTo(1);
      forks.add(target);
    }
    stop.set(true);
    get(Mono.fromFuture(appending));

    List<Message> all = thread(source);
    for (SessionKey target : forks) {
      List<Message> copy = thread(target);
      Position position = position(target);
      assertThat(copy.size()).isGreaterThanOrEqualTo(360);
      assertThat(copy.size() % 3).as("whole appends, so one position").isZero();
      for (int i = 0; i < copy.size(); i++) {
        Message from = all.get(i);
        Message to = copy.get(i);
        assertThat(to.seq()).isEqualTo(i + 1L);
        assertThat(to.body()).isEqualTo(from.body());
        assertThat(to.createdAt()).isEqualTo(from.createdAt());
        assertThat(to.id())
            .isEqualTo(
                MessagePlace.parse(from.id()) == null
                    ? from.id()
                    : MessagePlace.of(target, position, i).id());
      }
      assertThat(session(target).description().user()).isEqualTo("ann");
      applied(target, append(says("on its own")));
    }
  }

  @Test
  void aForkIsReplayed() {
    SessionKey source = furnished();
    SessionKey target = newKey();
    WriteContext once = request("someone", source, newRetry());
    List<Object> answers =
        atOnce(
            8,
            i ->
                replica(i)
                    .sessions()
                    .fork(once, target, null)
                    .<Object>map(written -> written)
                    .onErrorResume(ProblemException.class, error -> Mono.just(error.problem())));
    assertThat(answers)
        .filteredOn(answer -> answer instanceof WriteResult<?> written && !written.replayed())
        .hasSize(1);
    assertThat(answers)
        .filteredOn(Problem.class::isInstance)
        .extracting(answer -> ((Problem) answer).code())
        .allMatch(ProblemCode.KEY_IN_PROGRESS::equals);
    WriteResult<Session> again = get(others.sessions().fork(once, target, null));
    assertThat(again.replayed()).isTrue();
    assertThat(again.position()).isEqualTo(position(target));
    assertThat(contents(target)).isEqualTo(contents(source));
    assertThat(position(target).version()).isEqualTo(1);
  }

  /** A fork goes on when its caller hangs up: the target is there as a whole or not at all. */
  @Test
  void aForkThatWasHungUpOnIsWholeOrNotThere() {
    SessionKey source = newKey();
    create(source, "ann", HOUR);
    for (int i = 0; i < 5; i++) {
      applied(source, new Write.Append(triples(i * 30, 30)));
    }
    List<SessionKey> targets = IntStream.range(0, 40).mapToObj(i -> newKey()).toList();
    Flux.range(0, targets.size())
        .flatMap(
            i ->
                Mono.firstWithSignal(
                    Mono.delay(Duration.ofMillis(i)).then(),
                    replica(i)
                        .sessions()
                        .fork(request("ann", source), targets.get(i), null)
                        .then()),
            8)
        .blockLast(PATIENCE);
    for (SessionKey target : targets) {
      AtomicBoolean there = new AtomicBoolean();
      await()
          .until(() -> {
            Outcome taken =
                write(
                    target,
                    new Write.Create(described("ann", HOUR), List.of()),
                    WritePreconditions.NONE);
            if (taken instanceof Outcome.Applied) {
              return true;
            }
            try {
              there.set(thread(target).size() == 450);
              return there.get();
            } catch (ProblemException building) {
              return false;
            }
          });
      if (!there.get()) {
        assertThat(thread(target)).isEmpty();
      }
    }
  }

  // Lists

  @Test
  void aWriteMovesItsSessionToTheHeadOfTheList() {
    SessionKey first = listed("ann");
    SessionKey second = listed("ann");
    assertThat(list("ann", Filter.ALL)).containsExactly(second.id(), first.id());
    pass(Duration.ofMillis(150));

    get(services.threads().append(request("ann", first), List.of(says("x")), null));

    await()
        .untilAsserted(
            () -> assertThat(list("ann", Filter.ALL)).containsExactly(first.id(), second.id()));
  }

  private List<Mono<?>> updates(WriteContext request) {
    return List.of(
        services.sessions().patch(request, ServicesAtOnceContract::longer),
        services.states().put(request, Json.of("{\"a\":1}")),
        others.states().patch(request, Json.of("{\"b\":1}")));
  }

  private WriteResult<Session> resume(String user) {
    return get(resuming(services, user));
  }

  private Mono<WriteResult<Session>> resuming(SessionServices replica, String user) {
    return replica
        .sessions()
        .resume(
            caller(user),
            IDS.sessionId(),
            WritePreconditions.NONE,
            described(user, HOUR),
            List.of());
  }

  /** Made through the service, so that the index knows it. */
  private SessionKey listed(String user) {
    SessionKey key = newKey();
    get(services.sessions().create(request(user, key), described(user, HOUR), List.of()));
    pass(Duration.ofMillis(3));
    return key;
  }

  private List<String> list(String user, Filter filter) {
    return get(services.sessions().list(caller(user), null, filter, 20, null)).sessions().stream()
        .map(session -> session.key().id())
        .toList();
  }

  private static SessionAttributes longer(SessionAttributes description) {
    String title = description.title() == null ? "" : description.title();
    return new SessionAttributes(
        description.user(),
        title + "+",
        description.metadata(),
        description.systemPrompt(),
        description.model(),
        description.status(),
        description.ttl());
  }

  private static List<NewMessage> triples(int from, int count) {
    List<NewMessage> messages = new ArrayList<>();
    for (int i = from; i < from + count; i++) {
      messages.add(says(i + "a"));
      messages.add(says("own-" + i, i + "b"));
      messages.add(says(i + "c"));
    }
    return messages;
  }

  private Caller caller(String user) {
    return new Caller(tenant, user, user, false);
  }

  private Caller admin() {
    return new Caller(tenant, null, "ip:127.0.0.1", true);
  }

  private WriteContext request(String user, SessionKey key) {
    return request(user, key, null);
  }

  private WriteContext request(String user, SessionKey key, @Nullable IdempotentRequest retry) {
    return request(user, key, retry, Duration.ZERO);
  }

  private WriteContext request(
      String user, SessionKey key, @Nullable IdempotentRequest retry, Duration wait) {
    return request(user, key, retry, wait, null);
  }

  private WriteContext request(
      String user,
      SessionKey key,
      @Nullable IdempotentRequest retry,
      Duration wait,
      @Nullable String token) {
    return new WriteContext(
        caller(user), key, new WritePreconditions(null, retry, token, List.of()), wait);
  }

  private SessionServices replica(int i) {
    return i % 2 == 0 ? services : others;
  }
}
