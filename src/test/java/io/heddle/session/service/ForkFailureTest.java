package io.heddle.session.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.heddle.base.Caller;
import io.heddle.base.IdSource;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.RandomIds;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.embedded.EmbeddedEngine;
import io.heddle.embedded.EmbeddedProperties;
import io.heddle.json.Json;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.NewMessage;
import io.heddle.session.Outcome;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.Session;
import io.heddle.session.SessionAttributes;
import io.heddle.session.SessionAttributes.Status;
import io.heddle.session.SessionProperties;
import io.heddle.session.Write;
import io.heddle.session.WriteContext;
import io.heddle.session.WritePreconditions;
import io.heddle.session.WriteResult;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import reactor.core.publisher.Mono;

/** A fork whose store fails at one of its steps, on an engine in RAM. */
class ForkFailureTest {

  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final Caller ANN = new Caller(Tenant.DEFAULT, "ann", "ann", false);
  private static final SessionKey SOURCE = new SessionKey(Tenant.DEFAULT, "source");
  private static final SessionKey TARGET = new SessionKey(Tenant.DEFAULT, "target");

  private final SessionProperties properties =
      new Binder(new MapConfigurationPropertySource())
          .bindOrCreate("heddle.session", Bindable.of(SessionProperties.class));
  private final IdSource ids = new RandomIds(InstantSource.system());
  private final EmbeddedEngine engine =
      EmbeddedEngine.open(
          EmbeddedProperties.at(""), properties.storeLimits(), InstantSource.system(), ids);
  private final AtomicReference<Class<? extends Write>> failing = new AtomicReference<>();
  private final SessionServices services =
      new SessionServices(
          engine.reader(),
          this::apply,
          engine.index(),
          engine.locks(),
          engine.records(),
          ids,
          InstantSource.system(),
          properties);
  private final WriteContext request =
      new WriteContext(
          ANN,
          SOURCE,
          WritePreconditions.NONE.withRetry(new IdempotentRequest("a".repeat(64), "b".repeat(64))),
          Duration.ZERO);

  @AfterEach
  void close() {
    engine.close();
  }

  /**
   * The repetition of a fork that had failed half way was told that its own target's id was taken,
   * and a client gave up on what would have worked a minute later.
   */
  @Test
  void whoRepeatsAForkThatFailedHalfWayIsToldToComeBack() {
    source();
    failing.set(Write.AppendToBuild.class);
    assertThat(refusal()).isEqualTo(ProblemCode.STORE_UNAVAILABLE);
    failing.set(null);

    assertThat(refusal()).isEqualTo(ProblemCode.KEY_IN_PROGRESS);
    assertThatThrownBy(() ->
            services.sessions().load(TARGET, ReadContext.ANY, PageRequest.NONE).block(PATIENCE))
        .hasMessageContaining("session-not-found");
  }

  @Test
  void whatFailedBeforeAnythingWasBegunCanBeRepeatedAtOnce() {
    source();
    failing.set(Write.StartBuild.class);
    assertThat(refusal()).isEqualTo(ProblemCode.STORE_FULL);
    failing.set(null);

    WriteResult<Session> fork = services.sessions().fork(request, TARGET, null).block(PATIENCE);

    assertThat(fork.replayed()).isFalse();
    assertThat(fork.value().head().messageCount()).isEqualTo(1);
  }

  /** Whether the session was published nobody knows, so nobody may try it a second time. */
  @Test
  void aLastStepWithoutAnAnswerIsToldAsSuch() {
    source();
    failing.set(Write.PublishBuild.class);
    assertThat(refusal()).isEqualTo(ProblemCode.OUTCOME_UNKNOWN);
    failing.set(null);

    assertThat(refusal()).isEqualTo(ProblemCode.KEY_IN_PROGRESS);
  }

  private Mono<Outcome> apply(SessionKey key, Write write, WritePreconditions conditions) {
    if (write.getClass() != failing.get()) {
      return engine.writer().apply(key, write, conditions);
    }
    ProblemCode code =
        write instanceof Write.StartBuild ? ProblemCode.STORE_FULL : ProblemCode.OUTCOME_UNKNOWN;
    return Mono.error(Problem.of(code, "the test says so").toException());
  }

  private ProblemCode refusal() {
    AtomicReference<ProblemCode> code = new AtomicReference<>();
    assertThatThrownBy(() -> services.sessions().fork(request, TARGET, null).block(PATIENCE))
        .isInstanceOfSatisfying(ProblemException.class, e -> code.set(e.problem().code()));
    return code.get();
  }

  private void source() {
    SessionAttributes description =
        new SessionAttributes(
            "ann", null, Json.EMPTY_OBJECT, null, null, Status.ACTIVE, Duration.ofHours(1));
    services
        .sessions()
        .create(
            new WriteContext(ANN, SOURCE, WritePreconditions.NONE, Duration.ZERO),
            description,
            List.of(new NewMessage(null, Json.of("{\"role\":\"user\",\"content\":\"hello\"}"))))
        .block(PATIENCE);
  }
}
