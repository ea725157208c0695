package io.heddle.web;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Json;
import io.heddle.live.Frame;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.publisher.TestPublisher;

class FramesProtocolTest {

  private static final Frame FRAME = Frame.of("a", Json.EMPTY_OBJECT);

  /** A call of a model has begun before its stream is opened, and whoever asked has hung up. */
  @Test
  void whatHasBegunIsCancelledWhenItsStreamIsNeverOpened() {
    TestPublisher<Frame> source = TestPublisher.create();
    List<Flux<Frame>> begun = new ArrayList<>();
    source
        .flux()
        .<Flux<Frame>>switchOnFirst((_, all) -> Mono.just(all), false)
        .subscribe(begun::add);
    source.next(FRAME);
    assertThat(begun).hasSize(1);
    source.assertNotCancelled();
    Flux<Frame> told = Flux.defer(() -> Flux.just(FRAME, FRAME).concatWith(begun.getFirst()));
    new FramesProtocol(told).abandoned();
    source.assertCancelled();
  }
}
