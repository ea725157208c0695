package io.heddle.session.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.heddle.answercache.AnswerKey;
import io.heddle.answercache.AnswerKey.Kind;
import io.heddle.answercache.AnswerProperties;
import io.heddle.answercache.AnswerStore.Answer;
import io.heddle.answercache.Answers;
import io.heddle.answercache.Flight;
import io.heddle.answercache.NewAnswer;
import io.heddle.base.ProblemCode;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.util.unit.DataSize;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** One computes and the others wait, on two replicas. */
abstract class AnswersContract extends ContractSuite {

  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final Duration TEN = Duration.ofSeconds(10);

  /** Longer than any pause between two looks of another replica. */
  private static final Duration LOOKS = Duration.ofMillis(600);

  private final List<Answers> replicas = new ArrayList<>();

  @AfterEach
  void stop() {
    replicas.forEach(Answers::stopWaiting);
  }

  @Test
  void isKeptUntilItIsTooOld() {
    Answers here = here();
    AnswerKey key = key("k");
    assertThat(here.get(key, null).block(PATIENCE)).isNull();
    get(here.put(key, answer("a")));
    assertThat(text(get(there().get(key, null)))).isEqualTo("a");
    assertThat(text(get(here.get(key, MINUTE)))).isEqualTo("a");
    pass(Duration.ofMillis(50));
    assertThat(here.get(key, Duration.ofMillis(40)).block(PATIENCE)).isNull();
    assertThat(here.hits()).isEqualTo(1);
    assertThat(here.misses()).isEqualTo(2);
    assertThat(get(here.remove(key))).isTrue();
    assertThat(here.get(key, null).block(PATIENCE)).isNull();
  }

  @Test
  void spacesAreApart() {
    Answers here = here();
    List<AnswerKey> keys =
        List.of(
            new AnswerKey(tenant, Kind.CLIENT, null, "k"),
            new AnswerKey(tenant, Kind.MODEL, null, "k"),
            new AnswerKey(tenant, Kind.CLIENT, "ann", "k"),
            new AnswerKey(tenant, Kind.CLIENT, "an", "nk"),
            new AnswerKey(tenant, Kind.CLIENT, null, "annk"),
            new AnswerKey(tenant, Kind.MODEL, "ann", "k"));
    for (AnswerKey key : keys) {
      get(here.put(key, answer(key.toString())));
    }
    for (AnswerKey key : keys) {
      assertThat(text(get(here.get(key, null)))).isEqualTo(key.toString());
    }
    for (String bad : List.of("", "a\nb", "\u0000", "x".repeat(513), "\ud83e")) {
      assertThatThrownBy(() -> key(bad)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void anAnswerThatIsTooLargeIsRefused() {
    Answers here = here();
    byte[] large = new byte[(1 << 20) + 1];
    failed(
        here.put(key("k"), new NewAnswer("text/plain", large, MINUTE)), ProblemCode.BODY_TOO_LARGE);
    // It is its caller's all the same.
    Answer mine =
        get(
            here.getOrCompute(
                key("k"), null, () -> Mono.just(new NewAnswer("text/plain", large, MINUTE))));
    assertThat(mine.body()).hasSameSizeAs(large);
    assertThat(here.get(key("k"), null).block(PATIENCE)).isNull();
    assertThat(join(there(), "k", TEN)).as("nobody computes").isInstanceOf(Flight.Compute.class);
  }

  // ---- who computes

  @Test
  void ofManyWhoComeAtOnceOneComputes() {
    Answers here = here();
    Answers there = there();
    AtomicInteger computed = new AtomicInteger();
    List<String> answers =
        atOnce(
            50,
            i ->
                (i % 2 == 0 ? here : there)
                    .getOrCompute(
                        key("k"),
                        null,
                        () ->
                            Mono.delay(Duration.ofMillis(500))
                                .map(_ -> answer("by " + computed.incrementAndGet())))
                    .map(AnswersContract::text));
    assertThat(computed).hasValue(1);
    assertThat(answers).hasSize(50).containsOnly("by 1");
  }

  @Test
  void whoWaitsIsGivenTheAnswerSoon() {
    Answers here = here();
    Answers there = there();
    assertThat(join(here, "k", TEN)).isInstanceOf(Flight.Compute.class);
    CompletableFuture<Flight> near = joining(here, "k", TEN);
    CompletableFuture<Flight> far = joining(there, "k", TEN);
    pass(Duration.ofSeconds(1));
    assertThat(near).isNotDone();
    assertThat(far).isNotDone();

    get(here.put(key("k"), answer("a")));

    long put = System.nanoTime();
    assertThat(text(((Flight.Found) near.join()).answer())).isEqualTo("a");
    assertThat(text(((Flight.Found) far.join()).answer())).isEqualTo("a");
    assertThat(Duration.ofNanos(System.nanoTime() - put)).isLessThan(LOOKS.plusSeconds(2));
    assertThat(join(there, "k", TEN)).isInstanceOf(Flight.Found.class);
  }

  @Test
  void whoWaitsTooLongIsToldThatSomebodyComputes() {
    assertThat(join(here(), "k", TEN)).isInstanceOf(Flight.Compute.class);
    long start = System.nanoTime();
    Flight late = get(there().join(key("k"), null, Duration.ofMillis(700), MINUTE));
    assertThat(late).isInstanceOf(Flight.Busy.class);
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isBetween(Duration.ofMillis(695), Duration.ofSeconds(5));
  }

  @Test
  void whenTheLeaseEndsOneOfThoseWhoWaitComputes() {
    Answers here = here();
    Answers there = there();
    assertThat(get(here.join(key("k"), null, TEN, Duration.ofMillis(900))))
        .isInstanceOf(Flight.Compute.class);
    List<CompletableFuture<Flight>> waiting = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      waiting.add(joining(i % 2 == 0 ? here : there, "k", MINUTE));
    }
    await().until(() -> waiting.stream().anyMatch(CompletableFuture::isDone));
    pass(LOOKS);
    List<Flight> told =
        waiting.stream().filter(CompletableFuture::isDone).map(CompletableFuture::join).toList();
    assertThat(told).hasSize(1).hasOnlyElementsOfType(Flight.Compute.class);

    get(there.put(key("k"), answer("second")));
    assertThat(waiting.stream().map(CompletableFuture::join).toList())
        .filteredOn(flight -> flight instanceof Flight.Found)
        .hasSize(19);
  }

  @Test
  void whoRemovesLetsTheNextOneCompute() {
    Answers here = here();
    assertThat(join(here, "k", MINUTE)).isInstanceOf(Flight.Compute.class);
    CompletableFuture<Flight> next = joining(there(), "k", MINUTE);
    get(here.remove(key("k")));
    assertThat(next.orTimeout(20, TimeUnit.SECONDS).join()).isInstanceOf(Flight.Compute.class);
  }

  @Test
  void anAnswerThatIsTooOldForOneIsFreshForAnother() {
    Answers here = here();
    get(here.put(key("k"), answer("old")));
    pass(Duration.ofMillis(100));
    CompletableFuture<Flight> choosy =
        here.join(key("k"), Duration.ofMillis(50), TEN, TEN).toFuture();
    assertThat(choosy.join()).isInstanceOf(Flight.Compute.class);
    assertThat(join(here, "k", TEN)).isInstanceOf(Flight.Found.class);
    CompletableFuture<Flight> another =
        there().join(key("k"), Duration.ofMillis(50), TEN, TEN).toFuture();
    pass(LOOKS);
    assertThat(another).isNotDone();
  }

  @Test
  void whoHangsUpWhileWaitingIsNotGivenTheClaim() {
    Answers here = here();
    assertThat(join(here, "k", TEN)).isInstanceOf(Flight.Compute.class);
    Disposable gone = here.join(key("k"), null, MINUTE, MINUTE).subscribe();
    CompletableFuture<Flight> stays = joining(here, "k", MINUTE);
    gone.dispose();
    get(here.remove(key("k")));
    assertThat(stays.join()).isInstanceOf(Flight.Compute.class);
  }

  // ---- computing here

  @Test
  void aFailureIsItsOwnCallersAndTheNextOneComputes() {
    Answers here = here();
    Answers there = there();
    Sinks.One<NewAnswer> first = Sinks.one();
    AtomicBoolean computes = new AtomicBoolean();
    CompletableFuture<Answer> fails =
        here.getOrCompute(
                key("k"),
                null,
                () -> {
                  computes.set(true);
                  return first.asMono();
                })
            .toFuture();
    await().untilTrue(computes);
    CompletableFuture<Answer> waits =
        there.getOrCompute(key("k"), null, () -> Mono.just(answer("second"))).toFuture();
    pass(LOOKS);
    assertThat(waits).isNotDone();
    first.tryEmitError(new IllegalStateException("on purpose"));
    assertThatThrownBy(fails::join).hasMessageContaining("on purpose");
    assertThat(text(waits.join())).isEqualTo("second");
  }

  @Test
  void whatIsNotToBeKeptIsNotAndTheNextOneComputes() {
    Answers here = here();
    assertThat(here.getOrCompute(key("k"), null, Mono::empty).block(PATIENCE)).isNull();
    assertThat(text(get(there().getOrCompute(key("k"), null, () -> Mono.just(answer("a"))))))
        .isEqualTo("a");
  }

  @Test
  void cancellingLetsTheNextOneCompute() {
    Answers here = here();
    AtomicInteger cancelled = new AtomicInteger();
    AtomicBoolean computes = new AtomicBoolean();
    Disposable first =
        here.getOrCompute(
                key("k"),
                null,
                () -> {
                  computes.set(true);
                  return Mono.<NewAnswer>never().doOnCancel(cancelled::incrementAndGet);
                })
            .subscribe();
    // Two replicas have two connections: who is asked first need not be the first.
    await().untilTrue(computes);
    CompletableFuture<Answer> waits =
        there().getOrCompute(key("k"), null, () -> Mono.just(answer("second"))).toFuture();
    pass(LOOKS);
    assertThat(waits).isNotDone();
    first.dispose();
    assertThat(text(waits.join())).isEqualTo("second");
    assertThat(cancelled).hasValue(1);
  }

  /** It takes longer than a lease, which is renewed meanwhile. */
  @Test
  void whoComputesForLongIsWaitedFor() {
    Answers here = here();
    Sinks.One<NewAnswer> slow = Sinks.one();
    AtomicBoolean computes = new AtomicBoolean();
    CompletableFuture<Answer> first =
        here.getOrCompute(
                key("k"),
                null,
                () -> {
                  computes.set(true);
                  return slow.asMono();
                })
            .toFuture();
    await().untilTrue(computes);
    AtomicInteger second = new AtomicInteger();
    CompletableFuture<Answer> waits =
        there()
            .getOrCompute(
                key("k"),
                null,
                () -> {
                  second.incrementAndGet();
                  return Mono.just(answer("second"));
                })
            .toFuture();
    pass(Duration.ofMillis(7500));
    assertThat(waits).isNotDone();
    slow.tryEmitValue(answer("first"));
    assertThat(text(first.join())).isEqualTo("first");
    assertThat(text(waits.join())).isEqualTo("first");
    assertThat(second).hasValue(0);
  }

  /** A turn whose replica stops while it waits for another's answer must not fail for that. */
  @Test
  void whoMayNotWaitComputesForHimself() {
    Answers here = here();
    join(here, "k", MINUTE);
    Answers stops = there();
    CompletableFuture<Answer> waits =
        stops.getOrCompute(key("k"), null, () -> Mono.just(answer("mine"))).toFuture();
    pass(Duration.ofMillis(100));
    assertThat(waits).isNotDone();
    stops.stopWaiting();
    assertThat(text(waits.join())).isEqualTo("mine");
    assertThat(here.get(key("k"), null).block(PATIENCE)).isNull();
  }

  @Test
  void aReplicaThatStopsLetsNobodyWait() {
    Answers here = here();
    join(here, "k", MINUTE);
    Answers stops = there();
    CompletableFuture<Flight> waits = joining(stops, "k", MINUTE);
    pass(Duration.ofMillis(100));
    stops.stopWaiting();
    assertThatThrownBy(waits::join).hasMessageContaining("restarting");
    failed(stops.join(key("k"), null, MINUTE, MINUTE), ProblemCode.RESTARTING);
  }

  private Answers here() {
    return replica(engine());
  }

  private Answers there() {
    return replica(engine().peer());
  }

  private Answers replica(EngineUnderTest engine) {
    Answers replica =
        new Answers(
            engine.answers(),
            new AnswerProperties(DataSize.ofMegabytes(1), MINUTE, MINUTE, MINUTE),
            IDS,
            InstantSource.system());
    replicas.add(replica);
    return replica;
  }

  private AnswerKey key(String name) {
    return new AnswerKey(tenant, Kind.CLIENT, "ann", name);
  }

  private Flight join(Answers replica, String name, Duration lease) {
    return get(replica.join(key(name), null, TEN, lease));
  }

  private CompletableFuture<Flight> joining(Answers replica, String name, Duration lease) {
    return replica.join(key(name), null, Duration.ofSeconds(20), lease).toFuture();
  }

  private static NewAnswer answer(String text) {
    return new NewAnswer("text/plain", text.getBytes(StandardCharsets.UTF_8), MINUTE);
  }

  private static String text(Answer answer) {
    return new String(answer.body(), StandardCharsets.UTF_8);
  }
}
