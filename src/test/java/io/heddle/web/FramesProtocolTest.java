package io.heddle.web;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.json.Json;
import io.heddle.live.Frame;
import io.heddle.live.FrameSink;
import io.netty.channel.DefaultEventLoop;
import io.netty.channel.EventLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.publisher.TestPublisher;

class FramesProtocolTest {

  private static final Frame FRAME = Frame.of("a", Json.EMPTY_OBJECT);

  private final EventLoop loop = new DefaultEventLoop();
  private final Connection connection = new Connection();
  private final CountDownLatch end = new CountDownLatch(1);

  @AfterEach
  void close() {
    loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }

  /** Notes what it is given; fails what is not on its loop. */
  private final class Connection implements FrameSink {
    private final List<Frame> written = new ArrayList<>();
    private int room = Integer.MAX_VALUE;
    private int flushed;

    @Override
    public Executor loop() {
      return loop;
    }

    @Override
    public boolean isWritable() {
      return written.size() < room;
    }

    @Override
    public void write(Frame frame) {
      assertThat(loop.inEventLoop()).isTrue();
      written.add(frame);
    }

    @Override
    public void flush() {
      assertThat(loop.inEventLoop()).isTrue();
      flushed = written.size();
    }
  }

  private void onLoop(Runnable task) throws Exception {
    loop.submit(task).get(20, TimeUnit.SECONDS);
  }

  private FramesProtocol opened(Flux<Frame> frames, int ahead) throws Exception {
    FramesProtocol protocol = new FramesProtocol(frames, ahead);
    onLoop(() -> protocol.opened(connection, end::countDown));
    return protocol;
  }

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

  /** Frames change threads with the events that they come from; none overtakes another. */
  @Test
  void framesOfSeveralThreadsStayInOrder() throws Exception {
    List<Frame> frames =
        IntStream.range(0, 20_000).mapToObj(i -> Frame.of("n", Json.of("" + i))).toList();
    Flux<Frame> changing =
        Flux.fromIterable(frames)
            .window(7)
            .index()
            .concatMap(window ->
                window.getT1() % 2 == 0
                    ? window.getT2().publishOn(Schedulers.fromExecutor(loop))
                    : window.getT2().publishOn(Schedulers.boundedElastic()));
    opened(changing, FramesProtocol.AHEAD);

    assertThat(end.await(20, TimeUnit.SECONDS)).isTrue();
    onLoop(() -> assertThat(connection.written).isEqualTo(frames));
    onLoop(() -> assertThat(connection.flushed).isEqualTo(frames.size()));
  }

  @Test
  void noMoreIsAskedForThanTheConnectionTakes() throws Exception {
    TestPublisher<Frame> source = TestPublisher.create();
    connection.room = 2;
    FramesProtocol protocol = opened(source.flux(), 1);
    for (int i = 0; i < 2; i++) {
      onLoop(() -> source.next(FRAME));
      onLoop(() -> {});
    }
    onLoop(() -> source.next(FRAME));
    assertThat(connection.written).hasSize(2);
    source.assertNoRequestOverflow();

    source.complete();
    assertThat(end.getCount()).isEqualTo(1);
    onLoop(() -> {
      connection.room = 3;
      protocol.drained();
    });
    assertThat(end.await(20, TimeUnit.SECONDS)).isTrue();
    onLoop(() -> assertThat(connection.flushed).isEqualTo(3));
  }

  @Test
  void aClosedConnectionIsWrittenToNoMore() throws Exception {
    TestPublisher<Frame> source = TestPublisher.create();
    FramesProtocol protocol = opened(source.flux(), 4);
    onLoop(() -> source.next(FRAME));
    onLoop(() -> {});
    onLoop(protocol::closed);
    source.assertCancelled();
    onLoop(protocol::drained);
    onLoop(() -> assertThat(connection.written).hasSize(1));
    assertThat(end.getCount()).isEqualTo(1);
  }
}
