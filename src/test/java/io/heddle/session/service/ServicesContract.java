package io.heddle.session.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.heddle.base.Caller;
import io.heddle.base.IdSource;
import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.RandomIds;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.session.Appended;
import io.heddle.session.Checkpoint;
import io.heddle.session.Filter;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.Message;
import io.heddle.session.NewMessage;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.Session;
import io.heddle.session.SessionAttributes;
import io.heddle.session.SessionAttributes.Status;
import io.heddle.session.SessionIndex;
import io.heddle.session.SessionLocks;
import io.heddle.session.SessionPage;
import io.heddle.session.SessionProperties;
import io.heddle.session.WriteContext;
import io.heddle.session.WritePreconditions;
import io.heddle.session.WriteResult;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** What the services promise over any engine: everything that takes more than one step. */
abstract class ServicesContract {

  protected static final SessionProperties PROPERTIES =
      new Binder(new MapConfigurationPropertySource())
          .bindOrCreate("heddle.session", Bindable.of(SessionProperties.class));
  protected static final IdSource IDS = new RandomIds(InstantSource.system());

  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Duration WAIT = Duration.ofSeconds(10);

  private final String name = UUID.randomUUID().toString();
  private final String user = "user-" + name;
  private final Caller caller = new Caller(Tenant.DEFAULT, user, user, false);
  private final Caller backend = new Caller(Tenant.DEFAULT, null, "ip:127.0.0.1", true);
  private final SessionKey key = new SessionKey(Tenant.DEFAULT, "s-" + name);

  /** The services of one replica, on an engine that all tests of the class share. */
  protected abstract SessionServices services();

  protected abstract SessionIndex index();

  // Making and finding

  @Test
  void aCreatedSessionIsItsUsersCurrentOne() {
    create(key);

    WriteResult<Session> resumed = get(resume(IDS.sessionId()));

    assertThat(resumed.value().key()).isEqualTo(key);
    assertThat(resumed.created()).isFalse();
  }

  @Test
  void whoResumesAtOnceGetsOneSession() {
    List<WriteResult<Session>> all =
        get(Flux.range(0, 20).flatMap(i -> resume(IDS.sessionId()), 20).collectList());

    assertThat(all.stream().map(written -> written.value().key()).distinct()).hasSize(1);
    assertThat(all.stream().filter(WriteResult::created)).hasSize(1);
  }

  @Test
  void resumeMakesAnotherWhenTheCurrentOneIsOver() {
    SessionKey first = get(resume(IDS.sessionId())).value().key();
    get(services().sessions().patch(request(first), d -> with(d, Status.COMPLETE)));
    WriteResult<Session> second = get(resume(IDS.sessionId()));
    assertThat(second.created()).isTrue();
    assertThat(second.value().key()).isNotEqualTo(first);

    get(services().sessions().delete(request(second.value().key())));
    WriteResult<Session> third = get(resume(IDS.sessionId()));
    assertThat(third.created()).isTrue();
    assertThat(third.value().key()).isNotIn(first, second.value().key());
    assertThat(get(resume(IDS.sessionId())).value().key()).isEqualTo(third.value().key());
  }

  /**
   * Somebody named an id to be the current session and died before making it: nobody could resume
   * anything until an operator removed the name.
   */
  @Test
  void aCurrentSessionThatWasNeverMadeIsMadeByTheNextWhoAsks() {
    String named = IDS.sessionId();
    get(index().compareAndSetCurrent(Tenant.DEFAULT, user, null, named));

    WriteResult<Session> resumed = get(resume(IDS.sessionId()));

    assertThat(resumed.created()).isTrue();
    assertThat(resumed.value().key().id()).isEqualTo(named);
  }

  @Test
  void aResumeIsReplayedWhenItMadeASession() {
    String id = IDS.sessionId();
    WritePreconditions terms = WritePreconditions.NONE.withRetry(retry());
    WriteResult<Session> first =
        get(services().sessions().resume(caller, id, terms, description(), List.of()));
    append(first.value().key(), "a");

    WriteResult<Session> again =
        get(services().sessions().resume(caller, id, terms, description(), List.of()));

    assertThat(again.replayed()).isTrue();
    assertThat(again.created()).isTrue();
    assertThat(again.position()).isEqualTo(first.position());
    assertThat(again.value().key()).isEqualTo(first.value().key());
  }

  @Test
  void putMakesOnceAndFindsAfterwards() {
    List<WriteResult<Session>> all =
        get(
            Flux.range(0, 10)
                .flatMap(i -> services().sessions().put(request(key), description(), List.of()), 10)
                .collectList());

    assertThat(all.stream().filter(WriteResult::created)).hasSize(1);
    assertThat(all.stream().map(WriteResult::position).distinct()).hasSize(1);
  }

  @Test
  void putTellsOnlyThatAnothersIdIsTaken() {
    create(key);
    Caller other = new Caller(Tenant.DEFAULT, "other-" + name, "other", false);

    refused(
        ProblemCode.SESSION_EXISTS,
        () ->
            get(
                services()
                    .sessions()
                    .put(
                        new WriteContext(other, key, WritePreconditions.NONE, WAIT),
                        description(),
                        List.of())));
  }

  @Test
  void aCreateIsReplayedWithItsFirstPosition() {
    WriteContext request = request(key, WritePreconditions.NONE.withRetry(retry()));
    WriteResult<Session> first =
        get(services().sessions().create(request, description(), list("a")));
    append(key, "b");

    WriteResult<Session> again =
        get(services().sessions().create(request, description(), list("a")));

    assertThat(again.replayed()).isTrue();
    assertThat(again.position()).isEqualTo(first.position());
    assertThat(again.value().head().messageCount()).isEqualTo(2);
  }

  // Appending

  @Test
  void anAppendTellsEveryMessageAsItIsRead() {
    create(key);
    WriteResult<Appended> written =
        get(
            services()
                .threads()
                .append(
                    request(key),
                    List.of(message("a"), new NewMessage("mine-1", body("b")), message("c")),
                    null));

    List<Message> read = thread(key);
    assertThat(written.value().ids()).isEqualTo(read.stream().map(Message::id).toList());
    assertThat(read).allSatisfy(m -> assertThat(written.value().messages()).containsValue(m));
  }

  @Test
  void aReplayedAppendTellsWhatIsLeftOfIt() {
    create(key);
    append(key, "before");
    WriteContext request = request(key, WritePreconditions.NONE.withRetry(retry()));
    List<NewMessage> messages =
        List.of(message("a"), new NewMessage("mine-1", body("b")), message("c"));
    WriteResult<Appended> first = get(services().threads().append(request, messages, null));
    append(key, "after");
    get(services().threads().deleteMessage(request(key), first.value().ids().getFirst()));

    WriteResult<Appended> again = get(services().threads().append(request, messages, null));

    assertThat(again.replayed()).isTrue();
    assertThat(again.position()).isEqualTo(first.position());
    assertThat(again.value().ids()).isEqualTo(first.value().ids());
    assertThat(again.value().messages().keySet())
        .containsExactlyInAnyOrder("mine-1", first.value().ids().getLast());
    assertThat(again.value().messages().get("mine-1"))
        .isEqualTo(first.value().messages().get("mine-1"));

    get(services().sessions().delete(request(key)));
    WriteResult<Appended> gone = get(services().threads().append(request, messages, null));
    assertThat(gone.replayed()).isTrue();
    assertThat(gone.value().ids()).isEqualTo(first.value().ids());
    assertThat(gone.value().messages()).isEmpty();
  }

  @Test
  void appendsThatMakeTheSessionMakeItOnce() {
    List<WriteResult<Appended>> all =
        get(
            Flux.range(0, 20)
                .flatMap(
                    i -> services().threads().append(request(key), list("m" + i), description()),
                    20)
                .collectList());

    assertThat(all.stream().filter(WriteResult::created)).hasSize(1);
    assertThat(thread(key)).hasSize(20);
  }

  @Test
  void appendsMakeNoSessionOverATombstoneOrAnothers() {
    create(key);
    Caller other = new Caller(Tenant.DEFAULT, "other-" + name, "other", false);
    refused(
        ProblemCode.SESSION_NOT_FOUND,
        () ->
            get(
                services()
                    .threads()
                    .append(
                        new WriteContext(other, key, WritePreconditions.NONE, WAIT),
                        list("x"),
                        description())));

    get(services().sessions().delete(request(key)));
    refused(
        ProblemCode.SESSION_DELETED,
        () -> get(services().threads().append(request(key), list("x"), description())));
  }

  // Updates of several steps

  @Test
  void noPatchIsLost() {
    create(key);

    get(
        Flux.range(0, 40)
            .flatMap(
                i ->
                    services()
                        .sessions()
                        .patch(
                            request(key),
                            d ->
                                with(
                                    d,
                                    Integer.toString(
                                        d.title() == null ? 1 : Integer.parseInt(d.title()) + 1))),
                40)
            .collectList());

    assertThat(load(key).description().title()).isEqualTo("40");
    assertThat(load(key).position().version()).isEqualTo(41);
  }

  @Test
  void noStatePatchIsLostAmongAppends() {
    create(key);

    Mono<?> patches =
        Flux.range(0, 20)
            .flatMap(
                i -> services().states().patch(request(key), Json.of("{\"k" + i + "\":1.0}")), 20)
            .collectList();
    Mono<?> appends =
        Flux.range(0, 50)
            .flatMap(i -> services().threads().append(request(key), list("m" + i), null), 4)
            .collectList();
    get(Mono.when(patches, appends).thenReturn(true));

    String document = get(services().states().get(key, ReadContext.ANY)).document().toString();
    IntStream.range(0, 20).forEach(i -> assertThat(document).contains("\"k" + i + "\":1.0"));
    assertThat(thread(key)).hasSize(50);
    assertThat(load(key).position().version()).isEqualTo(71);
  }

  @Test
  void aPatchWithAKeyHappensOnce() {
    create(key);
    WriteContext request = request(key, WritePreconditions.NONE.withRetry(retry()));

    List<Object> answers =
        get(
            Flux.range(0, 10)
                .flatMap(
                    i ->
                        services()
                            .sessions()
                            .patch(request, d -> with(d, "once"))
                            .cast(Object.class)
                            .onErrorResume(ProblemException.class, e -> Mono.just(e.problem())),
                    10)
                .collectList());

    assertThat(answers)
        .allSatisfy(answer -> {
          if (answer instanceof Problem problem) {
            assertThat(problem.code()).isEqualTo(ProblemCode.KEY_IN_PROGRESS);
          }
        });
    WriteResult<Session> again = get(services().sessions().patch(request, d -> with(d, "once")));
    assertThat(again.replayed()).isTrue();
    assertThat(load(key).position().version()).isEqualTo(2);
    assertThat(again.position()).isEqualTo(load(key).position());

    WriteContext other =
        request(
            key,
            WritePreconditions.NONE.withRetry(
                new IdempotentRequest(request.requested().retry().key(), "f".repeat(64))));
    refused(
        ProblemCode.KEY_REUSED,
        () -> get(services().sessions().patch(other, d -> with(d, "twice"))));
  }

  @Test
  void aRefusedPatchGivesItsKeyBack() {
    create(key);
    WriteContext request = request(key, WritePreconditions.NONE.withRetry(retry()));
    refused(
        ProblemCode.INVALID_REQUEST,
        () ->
            get(
                services()
                    .sessions()
                    .patch(
                        request,
                        d -> {
                          throw Problem.of(ProblemCode.INVALID_REQUEST, "no").toException();
                        })));

    WriteResult<Session> done = get(services().sessions().patch(request, d -> with(d, "yes")));

    assertThat(done.replayed()).isFalse();
    assertThat(load(key).position().version()).isEqualTo(2);
  }

  @Test
  void ifMatchHoldsForAPatch() {
    Position made = create(key).position();
    append(key, "a");

    assertThatThrownBy(() ->
            get(
                services()
                    .sessions()
                    .patch(
                        request(key, WritePreconditions.NONE.withPositions(List.of(made))),
                        d -> with(d, "x"))))
        .isInstanceOfSatisfying(
            ProblemException.class,
            e -> {
              assertThat(e.problem().code()).isEqualTo(ProblemCode.VERSION_CONFLICT);
              assertThat(e.problem().members())
                  .containsEntry("position", load(key).position().toString());
            });
    Position now = load(key).position();
    get(
        services()
            .sessions()
            .patch(
                request(key, WritePreconditions.NONE.withPositions(List.of(made, now))),
                d -> with(d, "x")));
    assertThat(load(key).description().title()).isEqualTo("x");
  }

  @Test
  void updatesObeyAClientsLock() {
    create(key);
    SessionLocks.Held held =
        get(services().locks().lock(request(key), Duration.ofMinutes(1), "test")).held();
    Duration brief = Duration.ofMillis(100);
    WriteContext without = new WriteContext(caller, key, WritePreconditions.NONE, brief);
    WriteContext with =
        new WriteContext(caller, key, WritePreconditions.NONE.withLock(held.token()), brief);
    WriteContext wrong =
        new WriteContext(caller, key, WritePreconditions.NONE.withLock("x".repeat(26)), brief);

    refused(
        ProblemCode.SESSION_LOCKED,
        () -> get(services().sessions().patch(without, d -> with(d, "x"))));
    refused(ProblemCode.SESSION_LOCKED, () -> get(services().states().put(without, Json.of("{}"))));
    refused(
        ProblemCode.SESSION_LOCKED,
        () -> get(services().threads().append(without, list("x"), null)));
    refused(
        ProblemCode.STALE_FENCE, () -> get(services().sessions().patch(wrong, d -> with(d, "x"))));

    get(services().sessions().patch(with, d -> with(d, "held")));
    get(services().states().patch(with, Json.of("{\"a\":1}")));
    assertThat(load(key).description().title()).isEqualTo("held");
    assertThat(get(services().locks().holder(key, user)).client()).isTrue();
    release(with);
    get(services().sessions().patch(without, d -> with(d, "free")));
  }

  @Test
  void aWriteWaitsForTheLockToEnd() {
    create(key);
    SessionLocks.Held held =
        get(services().locks().lock(request(key), Duration.ofMinutes(1), null)).held();
    WriteContext holder = request(key, WritePreconditions.NONE.withLock(held.token()));

    Mono<WriteResult<Appended>> waiting =
        services().threads().append(request(key), list("a"), null);
    var appended = waiting.toFuture();
    Mono.delay(Duration.ofMillis(300)).block(PATIENCE);
    assertThat(appended).isNotDone();
    release(holder);

    await().atMost(Duration.ofSeconds(3)).until(appended::isDone);
    assertThat(thread(key)).hasSize(1);
  }

  @Test
  void callsHungUpAtAnyMomentLeaveNeitherLockNorMark() {
    create(key);
    List<IdempotentRequest> retries = new ArrayList<>();
    AtomicInteger ended = new AtomicInteger();
    for (int i = 0; i < 300; i++) {
      IdempotentRequest retry = i % 2 == 0 ? retry() : null;
      if (retry != null) {
        retries.add(retry);
      }
      WriteContext request =
          new WriteContext(
              caller, key, WritePreconditions.NONE.withRetry(retry), Duration.ofSeconds(1));
      String title = "t" + i;
      Mono<?> call =
          i % 3 == 0
              ? services().states().patch(request, Json.of("{\"a\":" + i + "}"))
              : services().sessions().patch(request, d -> with(d, title));
      Disposable running =
          call.doFinally(signal -> ended.incrementAndGet()).subscribe(done -> {}, refused -> {});
      Mono.delay(Duration.ofMillis(ThreadLocalRandom.current().nextInt(1, 8)))
          .subscribe(tick -> running.dispose());
    }
    await().atMost(PATIENCE).until(() -> ended.get() == 300);

    await()
        .atMost(Duration.ofSeconds(5))
        .untilAsserted(
            () -> assertThat(services().locks().holder(key, user).block(PATIENCE)).isNull());
    for (IdempotentRequest retry : retries) {
      await()
          .atMost(Duration.ofSeconds(5))
          .until(() ->
              get(
                  services()
                      .sessions()
                      .patch(
                          request(key, WritePreconditions.NONE.withRetry(retry)), d -> with(d, "e"))
                      .map(done -> true)
                      .onErrorResume(
                          e -> ProblemException.is(e, ProblemCode.KEY_IN_PROGRESS),
                          e -> Mono.just(false))));
    }
  }

  // State

  @Test
  void stateIsSavedReplayedAndRestored() {
    create(key);
    WriteContext request = request(key, WritePreconditions.NONE.withRetry(retry()));
    WriteResult<Checkpoint> first = get(services().states().put(request, Json.of("{\"a\":1.0}")));
    get(services().states().put(request(key), Json.of("{\"b\":2}")));

    WriteResult<Checkpoint> again = get(services().states().put(request, Json.of("{\"a\":1.0}")));
    assertThat(again.replayed()).isTrue();
    assertThat(again.position()).isEqualTo(first.position());
    assertThat(again.value()).isEqualTo(first.value());

    WriteResult<Checkpoint> restored =
        get(services().states().restore(request(key), first.value().id()));
    assertThat(restored.value().document()).isEqualTo(first.value().document());
    assertThat(restored.value().id()).isNotEqualTo(first.value().id());
    assertThat(get(services().states().get(key, ReadContext.ANY)).checkpoint())
        .isEqualTo(restored.value());
    refused(
        ProblemCode.CHECKPOINT_NOT_FOUND,
        () -> get(services().states().restore(request(key), "cp_99-aaaaaaaa")));
  }

  @Test
  void aStateThatGrowsTooLargeIsRefused() {
    create(key);
    String half = "\"" + "x".repeat(600_000) + "\"";
    get(services().states().put(request(key), Json.of("{\"a\":" + half + "}")));

    refused(
        ProblemCode.SESSION_TOO_LARGE,
        () -> get(services().states().patch(request(key), Json.of("{\"b\":" + half + "}"))));

    assertThat(load(key).position().version()).isEqualTo(2);
  }

  // Forks

  @Test
  void aForkHasTheThreadUpToAMessage() {
    create(key);
    for (int i = 0; i < 450; i += 90) {
      append(key, IntStream.range(i, i + 90).mapToObj(n -> "m" + n).toArray(String[]::new));
    }
    get(
        services()
            .threads()
            .append(request(key), List.of(new NewMessage("mine", body("own"))), null));
    append(key, "not taken");
    List<Message> source = thread(key);
    get(services().threads().deleteMessage(request(key), source.get(3).id()));
    SessionKey target = new SessionKey(Tenant.DEFAULT, "fork-" + name);

    WriteResult<Session> fork = get(services().sessions().fork(request(key), target, "mine"));

    assertThat(fork.created()).isTrue();
    assertThat(fork.value().description()).isEqualTo(load(key).description());
    List<Message> copy = thread(target);
    List<Message> expected = thread(key).stream().filter(message -> message.seq() <= 451).toList();
    assertThat(copy.stream().map(Message::body))
        .isEqualTo(expected.stream().map(Message::body).toList());
    assertThat(copy.stream().map(Message::createdAt))
        .isEqualTo(expected.stream().map(Message::createdAt).toList());
    assertThat(copy.stream().map(Message::seq))
        .isEqualTo(IntStream.rangeClosed(1, 450).mapToObj(Long::valueOf).toList());
    assertThat(copy.getLast().id()).isEqualTo("mine");
    assertThat(copy.getFirst().id()).isNotEqualTo(expected.getFirst().id());
    assertThat(thread(key)).hasSize(451);
  }

  @Test
  void aForkIsReplayedAndATakenTargetRefused() {
    create(key);
    append(key, "a", "b");
    SessionKey target = new SessionKey(Tenant.DEFAULT, "fork-" + name);
    WriteContext request = request(key, WritePreconditions.NONE.withRetry(retry()));

    WriteResult<Session> first = get(services().sessions().fork(request, target, null));
    append(target, "c");
    WriteResult<Session> again = get(services().sessions().fork(request, target, null));

    assertThat(again.replayed()).isTrue();
    assertThat(again.position()).isEqualTo(first.position());
    assertThat(again.value().head().messageCount()).isEqualTo(3);
    refused(
        ProblemCode.SESSION_EXISTS,
        () -> get(services().sessions().fork(request(key), target, null)));
    refused(
        ProblemCode.MESSAGE_NOT_FOUND,
        () ->
            get(
                services()
                    .sessions()
                    .fork(request(key), new SessionKey(Tenant.DEFAULT, "x-" + name), "none")));
  }

  @Test
  void aForkAmongAppendsIsAPrefix() {
    create(key);
    var appends =
        Flux.range(0, 300)
            .flatMap(i -> services().threads().append(request(key), list("m" + i), null), 8)
            .then()
            .toFuture();
    List<SessionKey> targets = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      SessionKey target = new SessionKey(Tenant.DEFAULT, "fork-" + i + "-" + name);
      get(services().sessions().fork(request(key), target, null));
      targets.add(target);
    }
    appends.join();

    List<Json> whole = thread(key).stream().map(Message::body).toList();
    for (SessionKey target : targets) {
      List<Json> copy = thread(target).stream().map(Message::body).toList();
      assertThat(copy).isEqualTo(whole.subList(0, copy.size()));
    }
  }

  @Test
  void anothersSessionCannotBeForked() {
    create(key);
    Caller other = new Caller(Tenant.DEFAULT, "other-" + name, "other", false);

    refused(
        ProblemCode.SESSION_NOT_FOUND,
        () ->
            get(
                services()
                    .sessions()
                    .fork(
                        new WriteContext(other, key, WritePreconditions.NONE, WAIT),
                        new SessionKey(Tenant.DEFAULT, "stolen-" + name),
                        null)));
  }

  // Lists

  @Test
  void aUsersSessionsAreListedNewestFirstAndFiltered() {
    for (int i = 0; i < 5; i++) {
      SessionKey one = new SessionKey(Tenant.DEFAULT, "l" + i + "-" + name);
      create(one, with(description(), Json.of("{\"n\":\"" + i % 2 + "\"}")));
      // Activity counts in milliseconds.
      Mono.delay(Duration.ofMillis(5)).block(PATIENCE);
    }

    assertThat(ids(Filter.ALL)).containsExactly("l4", "l3", "l2", "l1", "l0");
    assertThat(ids(new Filter(null, Map.of("n", "1")))).containsExactly("l3", "l1");
    assertThat(ids(new Filter(Status.COMPLETE, Map.of()))).isEmpty();
  }

  @Test
  void aListGoesOnFromItsCursor() {
    for (int i = 0; i < 5; i++) {
      create(new SessionKey(Tenant.DEFAULT, "l" + i + "-" + name));
    }
    List<String> seen = new ArrayList<>();
    String cursor = null;
    do {
      SessionPage page = get(services().sessions().list(caller, null, Filter.ALL, 2, cursor));
      page.sessions().forEach(session -> seen.add(session.key().id().substring(0, 2)));
      cursor = page.next();
    } while (cursor != null);

    assertThat(seen).containsExactlyInAnyOrder("l0", "l1", "l2", "l3", "l4");
  }

  @Test
  void deletedSessionsLeaveTheListAndThoseMadeAgainAreInIt() {
    create(key);
    get(services().sessions().delete(request(key)));
    assertThat(get(services().sessions().list(caller, user, Filter.ALL, 10, null)).sessions())
        .isEmpty();

    for (int i = 0; i < 10; i++) {
      create(key);
      assertThat(get(services().sessions().list(caller, user, Filter.ALL, 10, null)).sessions())
          .as("round %d", i)
          .hasSize(1);
      get(services().sessions().delete(request(key)));
      get(services().sessions().list(caller, user, Filter.ALL, 10, null));
    }
  }

  @Test
  void onlyAnAdminListsWithoutAUserOrAnothersSessions() {
    create(key);

    refused(
        ProblemCode.FORBIDDEN,
        () -> get(services().sessions().list(caller, "somebody", Filter.ALL, 10, null)));
    Caller nobody = new Caller(Tenant.DEFAULT, null, "ip:127.0.0.1", false);
    refused(
        ProblemCode.FORBIDDEN,
        () -> get(services().sessions().list(nobody, null, Filter.ALL, 10, null)));
    assertThat(get(services().sessions().list(backend, user, Filter.ALL, 10, null)).sessions())
        .hasSize(1);
  }

  private List<String> ids(Filter filter) {
    return get(services().sessions().list(caller, user, filter, 100, null)).sessions().stream()
        .map(session -> session.key().id().substring(0, 2))
        .toList();
  }

  private Mono<WriteResult<Session>> resume(String newId) {
    return services()
        .sessions()
        .resume(caller, newId, WritePreconditions.NONE, description(), List.of());
  }

  private Session create(SessionKey one) {
    return create(one, description());
  }

  private Session create(SessionKey one, SessionAttributes description) {
    return get(services().sessions().create(request(one), description, List.of())).value();
  }

  private void append(SessionKey one, String... texts) {
    get(services().threads().append(request(one), list(texts), null));
  }

  private void release(WriteContext holder) {
    services().locks().release(holder, false).block(PATIENCE);
  }

  private Session load(SessionKey one) {
    return get(services().sessions().load(one, ReadContext.ANY, PageRequest.NONE)).session();
  }

  private List<Message> thread(SessionKey one) {
    return get(services().threads().page(one, ReadContext.ANY, PageRequest.forward(10_000, null)))
        .messages();
  }

  private WriteContext request(SessionKey one) {
    return request(one, WritePreconditions.NONE);
  }

  private WriteContext request(SessionKey one, WritePreconditions conditions) {
    return new WriteContext(caller, one, conditions, WAIT);
  }

  private SessionAttributes description() {
    return new SessionAttributes(
        user, null, Json.EMPTY_OBJECT, null, null, Status.ACTIVE, Duration.ofHours(1));
  }

  private static IdempotentRequest retry() {
    String digest = (UUID.randomUUID() + "" + UUID.randomUUID()).replace("-", "");
    return new IdempotentRequest(digest, "0".repeat(64));
  }

  private static SessionAttributes with(SessionAttributes d, String title) {
    return new SessionAttributes(
        d.user(), title, d.metadata(), d.systemPrompt(), d.model(), d.status(), d.ttl());
  }

  private static SessionAttributes with(SessionAttributes d, Status status) {
    return new SessionAttributes(
        d.user(), d.title(), d.metadata(), d.systemPrompt(), d.model(), status, d.ttl());
  }

  private static SessionAttributes with(SessionAttributes d, Json metadata) {
    return new SessionAttributes(
        d.user(), d.title(), metadata, d.systemPrompt(), d.model(), d.status(), d.ttl());
  }

  private static List<NewMessage> list(String... texts) {
    return java.util.Arrays.stream(texts).map(ServicesContract::message).toList();
  }

  private static NewMessage message(String text) {
    return new NewMessage(null, body(text));
  }

  private static Json body(String text) {
    return Json.of("{\"role\":\"user\",\"content\":\"" + text + "\",\"status\":\"completed\"}");
  }

  private static void refused(ProblemCode code, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            ProblemException.class, e -> assertThat(e.problem().code()).isEqualTo(code));
  }

  private static <T> T get(Mono<T> mono) {
    return mono.block(PATIENCE);
  }
}
