package io.heddle.session.contract;

import static io.heddle.session.contract.WriteFixtures.HOUR;
import static io.heddle.session.contract.WriteFixtures.described;
import static io.heddle.session.contract.WriteFixtures.says;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.heddle.base.Json;
import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.RandomIds;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.session.CheckpointPage;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.Message;
import io.heddle.session.NewMessage;
import io.heddle.session.Outcome;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.Session;
import io.heddle.session.ThreadPage;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import java.util.function.IntFunction;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * What the suites share: a tenant of the test's own, and short words for writing and reading. Tests
 * run side by side: most of them wait for something to end.
 */
@Execution(ExecutionMode.CONCURRENT)
@ExtendWith(ContractSuite.EnclosingEngine.class)
abstract class ContractSuite {

  static final Duration PATIENCE = Duration.ofSeconds(30);

  static final RandomIds IDS = new RandomIds(InstantSource.system());

  /** New with every test, so that tests may share a store. */
  final Tenant tenant = new Tenant("t" + IDS.tag());

  private @Nullable EngineUnderTest engine;

  /** The enclosing class's, for a suite that stands in an {@link EngineContract}. */
  EngineUnderTest engine() {
    return Objects.requireNonNull(engine);
  }

  /** Gives a suite the engine of the class that it stands in. */
  static final class EnclosingEngine implements BeforeEachCallback {
    @Override
    public void beforeEach(ExtensionContext context) {
      List<Object> instances = context.getRequiredTestInstances().getAllInstances();
      if (instances.getFirst() instanceof EngineContract enclosing
          && instances.getLast() instanceof ContractSuite suite) {
        suite.engine = enclosing.engine();
      }
    }
  }

  SessionKey newKey() {
    return new SessionKey(tenant, IDS.sessionId());
  }

  static IdempotentRequest newRetry() {
    return new IdempotentRequest(hash(IDS.token()), hash(IDS.token()));
  }

  static String hash(String text) {
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(sha256.digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  static WritePreconditions ownedBy(@Nullable String owner) {
    return WritePreconditions.NONE.withOwner(owner);
  }

  static <T> T get(Mono<T> mono) {
    T value = mono.block(PATIENCE);
    assertThat(value).as("an answer").isNotNull();
    return value;
  }

  static void run(Mono<Void> mono) {
    mono.block(PATIENCE);
  }

  static ConditionFactory await() {
    return Awaitility.await()
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(10))
        .pollDelay(Duration.ZERO);
  }

  /** Waits until the condition holds and answers how long after {@code startNanos} that was. */
  static Duration elapsedUntil(long startNanos, BooleanSupplier condition) {
    await().pollInterval(Duration.ofMillis(2)).until(condition::getAsBoolean);
    return Duration.ofNanos(System.nanoTime() - startNanos);
  }

  /** Lets time pass where the passing itself is what is tested. */
  static void pass(Duration time) {
    long end = System.nanoTime() + time.toNanos();
    await().pollInterval(Duration.ofMillis(5)).until(() -> System.nanoTime() - end >= 0);
  }

  /** What the calls answer, in their order, all of them under way at the same time. */
  static <T> List<T> atOnce(int count, IntFunction<Mono<T>> call) {
    return get(Flux.range(0, count).flatMapSequential(call::apply, count).collectList());
  }

  Outcome write(SessionKey key, Write write, WritePreconditions conditions) {
    return get(engine().writer().apply(key, write, conditions));
  }

  Outcome.Applied applied(SessionKey key, Write write) {
    return applied(key, write, WritePreconditions.NONE);
  }

  Outcome.Applied applied(SessionKey key, Write write, WritePreconditions conditions) {
    return assertApplied(write(key, write, conditions));
  }

  static Outcome.Applied assertApplied(Outcome outcome) {
    assertThat(outcome).isInstanceOf(Outcome.Applied.class);
    return (Outcome.Applied) outcome;
  }

  Problem refused(SessionKey key, Write write, WritePreconditions conditions, ProblemCode code) {
    return assertRefused(write(key, write, conditions), code);
  }

  static Problem assertRefused(Outcome outcome, ProblemCode code) {
    assertThat(outcome).isInstanceOf(Outcome.Refused.class);
    Problem problem = ((Outcome.Refused) outcome).problem();
    assertThat(problem.code()).as(problem.toString()).isEqualTo(code);
    assertThat(problem.detail()).isNotBlank();
    return problem;
  }

  static Problem failed(Mono<?> mono, ProblemCode code) {
    Throwable thrown = catchThrowable(() -> mono.block(PATIENCE));
    assertThat(thrown).isInstanceOf(ProblemException.class);
    Problem problem = ((ProblemException) thrown).problem();
    assertThat(problem.code()).as(problem.toString()).isEqualTo(code);
    assertThat(problem.detail()).isNotBlank();
    return problem;
  }

  Outcome.Applied create(SessionKey key, NewMessage... messages) {
    return create(key, null, HOUR, messages);
  }

  Outcome.Applied create(
      SessionKey key, @Nullable String user, Duration ttl, NewMessage... messages) {
    return applied(key, new Write.Create(described(user, ttl), List.of(messages)));
  }

  /** A session of {@code someone} at version 2: messages first, second and third, and a state. */
  SessionKey furnished() {
    return furnished(HOUR);
  }

  SessionKey furnished(Duration ttl) {
    SessionKey key = newKey();
    create(key, "someone", ttl, says("first", "1"), says("second", "2"), says("third", "3"));
    applied(key, new Write.SaveState(Json.of("{\"step\":1}")));
    return key;
  }

  Session session(SessionKey key) {
    return get(engine().reader().load(key, ReadContext.ANY, PageRequest.NONE)).session();
  }

  Position position(SessionKey key) {
    return session(key).position();
  }

  ThreadPage page(SessionKey key, PageRequest request) {
    return get(engine().reader().load(key, ReadContext.ANY, request));
  }

  /** The whole thread, read forward in pages. */
  List<Message> thread(SessionKey key) {
    List<Message> all = new ArrayList<>();
    String after = null;
    while (true) {
      ThreadPage page = page(key, PageRequest.forward(200, after));
      all.addAll(page.messages());
      if (!page.hasMore()) {
        return all;
      }
      after = page.messages().getLast().id();
    }
  }

  List<String> contents(SessionKey key) {
    return thread(key).stream().map(message -> message.body().toString()).toList();
  }

  List<String> ids(SessionKey key) {
    return thread(key).stream().map(Message::id).toList();
  }

  static String body(String text) {
    return says(text).body().toString();
  }

  Everything everything(SessionKey key) {
    return new Everything(
        session(key),
        thread(key),
        get(engine().reader().checkpoints(key, ReadContext.ANY, 100, null)));
  }

  /** All that can be read of a session, to show that a refusal changed nothing. */
  record Everything(Session session, List<Message> thread, CheckpointPage checkpoints) {}
}
