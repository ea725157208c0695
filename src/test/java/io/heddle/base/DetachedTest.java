package io.heddle.base;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import reactor.core.Disposable;
import reactor.core.publisher.Hooks;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;

@Isolated("Reactor's hooks are the whole JVM's.")
class DetachedTest {

  @AfterEach
  void resetHooks() {
    Hooks.resetOnErrorDropped();
  }

  @Test
  void answersAsTheWorkDoes() {
    StepVerifier.create(Detached.of(Mono.just(1))).expectNext(1).verifyComplete();
    StepVerifier.create(Detached.of(Mono.empty())).verifyComplete();
    StepVerifier.create(Detached.of(Mono.error(new IllegalStateException("no"))))
        .verifyErrorMessage("no");
  }

  @Test
  void goesOnWhenItsSubscriberHasGone() {
    Sinks.One<Integer> first = Sinks.one();
    List<Integer> done = new ArrayList<>();
    Disposable subscriber = Detached.of(first.asMono().doOnNext(done::add)).subscribe();

    subscriber.dispose();
    first.tryEmitValue(1);

    assertThat(done).containsExactly(1);
  }

  /**
   * Callers that hung up while they stood in line for a lock left one logged error each, when the
   * line turned out to be too long: two thousand calls, hundreds of stack traces.
   */
  @Test
  void aFailureThatNobodyWaitsForIsNoError() {
    List<Throwable> dropped = new ArrayList<>();
    Hooks.onErrorDropped(dropped::add);
    Sinks.One<Integer> work = Sinks.one();
    Disposable subscriber = Detached.of(work.asMono()).subscribe();

    subscriber.dispose();
    work.tryEmitError(new IllegalStateException("too late"));

    assertThat(dropped).isEmpty();
  }
}
