package io.heddle.turn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.heddle.base.Caller;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.session.Message;
import io.heddle.session.NewMessage;
import io.heddle.session.OnBusy;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.SessionAttributes;
import io.heddle.session.Turn;
import io.heddle.session.WriteContext;
import io.heddle.session.WritePreconditions;
import io.heddle.session.WriteResult;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import reactor.core.publisher.Mono;
import tools.jackson.databind.json.JsonMapper;

/** Replicas over one store, a model that the tests speak for, and short words for both. */
abstract class TurnsSuite {

  static final Duration PATIENCE = Duration.ofSeconds(30);

  /** Used once before an event loop uses it: its first use takes a lock. */
  private static final JsonMapper MAPPER = JsonMapper.shared();

  static {
    MAPPER.readTree("{}");
  }

  final FakeModel model = new FakeModel();
  final Map<String, String> settings =
      new HashMap<>(
          Map.of(
              "heddle.turns.lease", "1s",
              "heddle.turns.renew-every", "300ms",
              "heddle.turns.reap-every", "100ms"));
  final List<Replica> replicas = new CopyOnWriteArrayList<>();
  final String user = "user-" + UUID.randomUUID();
  final Caller caller = new Caller(Tenant.DEFAULT, user, user, false);
  final Caller backend = new Caller(Tenant.DEFAULT, null, "ip:1", true);
  final SessionKey key = new SessionKey(Tenant.DEFAULT, "t-" + UUID.randomUUID());

  final Set<SessionKey> sessions = ConcurrentHashMap.newKeySet();

  /** The ports of one more replica on the store; the same for an engine that can have one only. */
  abstract Replica.Ports ports();

  Replica replica() {
    Replica replica = new Replica(ports(), model, settings);
    replicas.add(replica);
    return replica;
  }

  /** Without the sessions, whose turns another test's replicas would look after. */
  @AfterEach
  void close() {
    Replica last = replica();
    for (SessionKey session : sessions) {
      last.services
          .sessions()
          .delete(new WriteContext(backend, session, WritePreconditions.NONE, Duration.ZERO))
          .block(PATIENCE);
    }
    replicas.forEach(Replica::close);
  }

  Replica limited(int tokens) {
    Replica replica =
        new Replica(
            ports(),
            model,
            settings,
            Map.of(
                "heddle.limits.rules.tokens.kind", "tokens",
                "heddle.limits.rules.tokens.limit", String.valueOf(tokens),
                "heddle.limits.rules.tokens.window", "10m"));
    replicas.add(replica);
    return replica;
  }

  long left(Replica replica) {
    return get(replica.limits.look(caller)).getFirst().remaining();
  }

  /** Looks more often than it would by itself: it looks again and again in these tests. */
  static ConditionFactory await() {
    return Awaitility.await().pollInterval(Duration.ofMillis(10));
  }

  /** A follower that writes down what it is told. */
  final class Tape {
    final List<TurnEvent> events = new CopyOnWriteArrayList<>();
    private volatile @Nullable Throwable failure;
    private volatile boolean over;

    Tape(Replica replica, String turn, long after) {
      replica
          .turns
          .follow(key, ReadContext.ANY, turn, after)
          .subscribe(events::add, error -> failure = error, () -> over = true);
    }

    boolean isOver() {
      return over;
    }

    /** What a client has, that replaces and appends as it is told. */
    String text() {
      StringBuilder text = new StringBuilder();
      long seq = -1;
      for (TurnEvent event : events) {
        switch (event) {
          case TurnEvent.SoFar(long at, TurnEvent.Said said) -> {
            text.setLength(0);
            text.append(said.text());
            seq = at;
          }
          case TurnEvent.Delta(long at, ModelEvent piece) -> {
            assertThat(seq < 0 || at == seq + 1).as("%s after %s", at, seq).isTrue();
            seq = at;
            if (piece instanceof ModelEvent.Text(String more)) {
              text.append(more);
            }
          }
          default -> {}
        }
      }
      return text.toString();
    }

    TurnEvent.Ended end() {
      await().atMost(PATIENCE).until(() -> over || failure != null);
      assertThat(failure).isNull();
      return (TurnEvent.Ended) events.getLast();
    }
  }

  WriteResult<Turn> begin(Replica replica, TurnSpec order) {
    return get(replica.turns.begin(request(caller), order));
  }

  WriteContext request(Caller who) {
    return new WriteContext(who, key, WritePreconditions.NONE, Duration.ofSeconds(1));
  }

  void create(Replica replica, NewMessage... messages) {
    create(replica, key, messages);
  }

  void create(Replica replica, SessionKey session, NewMessage... messages) {
    sessions.add(session);
    get(
        replica
            .services
            .sessions()
            .create(
                new WriteContext(caller, session, WritePreconditions.NONE, Duration.ZERO),
                description(user),
                List.of(messages)));
  }

  static SessionAttributes description(String user) {
    return new SessionAttributes(
        user,
        null,
        Json.EMPTY_OBJECT,
        "be brief",
        null,
        SessionAttributes.Status.ACTIVE,
        Duration.ofHours(1));
  }

  static TurnSpec order(String text) {
    return order(List.of(said("user", text)), OnBusy.ENQUEUE);
  }

  static TurnSpec order(List<NewMessage> input, OnBusy onBusy) {
    return new TurnSpec(
        input, null, null, Json.of("{\"temperature\":0}"), onBusy, null, Json.EMPTY_OBJECT);
  }

  static TurnSpec cached(String text) {
    return new TurnSpec(
        List.of(said("user", text)),
        null,
        null,
        Json.EMPTY_OBJECT,
        OnBusy.ENQUEUE,
        Duration.ofMinutes(1),
        Json.EMPTY_OBJECT);
  }

  static NewMessage said(String role, String text) {
    return new NewMessage(
        null, Json.of("{\"role\":\"" + role + "\",\"content\":\"" + text + "\"}"));
  }

  static List<String> texts(ModelCall call) {
    return call.messages().stream().map(TurnsContract::content).toList();
  }

  List<Message> thread(Replica replica) {
    return get(replica.services.threads().page(key, ReadContext.ANY, PageRequest.last(1000)))
        .messages();
  }

  List<String> contents(Replica replica) {
    return thread(replica).stream()
        .map(message -> content(message.body()))
        .collect(Collectors.toList());
  }

  static String content(Json body) {
    return MAPPER.readTree(body.utf8()).path("content").asString("");
  }

  static <T> T get(Mono<T> mono) {
    T value = mono.block(PATIENCE);
    assertThat(value).isNotNull();
    return value;
  }

  static void refused(ThrowingCallable call, ProblemCode code) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            ProblemException.class, e -> assertThat(e.problem().code()).isEqualTo(code));
  }
}
