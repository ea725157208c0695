package io.heddle.openai;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;

class FirstSignalTest {

  private static final Duration PATIENCE = Duration.ofSeconds(20);

  @Test
  void itBeginsWithTheFirst() {
    TestPublisher<String> source = TestPublisher.create();
    AtomicReference<Flux<String>> all = new AtomicReference<>();
    FirstSignal.of(source.flux()).subscribe(all::set);
    assertThat(all.get()).isNull();
    source.next("a");
    assertThat(all.get()).isNotNull();

    StepVerifier.create(all.get(), 0)
        .thenRequest(1)
        .expectNext("a")
        .then(source::assertNoRequestOverflow)
        .thenRequest(2)
        .then(() -> source.next("b", "c"))
        .expectNext("b", "c")
        .then(source::complete)
        .expectComplete()
        .verify(PATIENCE);
    source.assertNoRequestOverflow();
  }

  @Test
  void anErrorThatComesFirstIsTheAnswer() {
    StepVerifier.create(FirstSignal.of(Flux.error(new IllegalStateException("first"))))
        .expectErrorMessage("first")
        .verify(PATIENCE);
  }

  @Test
  void anErrorBehindTheFirstIsTheStreams() {
    Flux<String> source = Flux.just("a").concatWith(Flux.error(new IllegalStateException("then")));
    StepVerifier.create(FirstSignal.of(source).flatMapMany(all -> all))
        .expectNext("a")
        .expectErrorMessage("then")
        .verify(PATIENCE);
  }

  @Test
  void nothingIsAStreamToo() {
    StepVerifier.create(FirstSignal.of(Flux.<String>empty()).flatMapMany(all -> all))
        .verifyComplete();
  }

  @Test
  void whoeverHangsUpEndsIt() {
    TestPublisher<String> before = TestPublisher.create();
    FirstSignal.of(before.flux()).subscribe().dispose();
    before.assertCancelled();

    TestPublisher<String> between = TestPublisher.create();
    AtomicReference<Flux<String>> all = new AtomicReference<>();
    Disposable waiting = FirstSignal.of(between.flux()).subscribe(all::set);
    between.next("a");
    between.assertNotCancelled();
    // Whoever waited has it, and what he does with it is no longer his to end.
    waiting.dispose();
    all.get().subscribe().dispose();
    between.assertCancelled();
    StepVerifier.create(all.get()).expectError(IllegalStateException.class).verify(PATIENCE);
  }

  /** The end comes on one thread while another begins to read: nothing is lost, and it ends. */
  @Test
  void theEndMayComeAtAnyMoment() throws Exception {
    for (int round = 0; round < 2_000; round++) {
      List<Integer> numbers = IntStream.range(0, round % 5 + 1).boxed().toList();
      CountDownLatch end = new CountDownLatch(1);
      AtomicReference<List<Integer>> read = new AtomicReference<>();
      FirstSignal.of(Flux.fromIterable(numbers).publishOn(Schedulers.boundedElastic(), 1))
          .flatMapMany(all -> all.subscribeOn(Schedulers.boundedElastic()).limitRate(1))
          .collectList()
          .subscribe(all -> {
            read.set(all);
            end.countDown();
          });
      assertThat(end.await(20, TimeUnit.SECONDS)).isTrue();
      assertThat(read.get()).isEqualTo(numbers);
    }
  }
}
