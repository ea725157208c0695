package io.heddle.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.ByteBudget;
import io.heddle.base.ByteShare;
import io.heddle.turn.ModelCall;
import io.heddle.turn.ModelEvent;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.SignalType;
import reactor.core.scheduler.Schedulers;
import reactor.test.publisher.TestPublisher;

/** What an operator owes its neighbours, and a request the rest of the process. */
class ExchangeTest {

  private static final ModelCall CALL = Calls.call("m", "Hello");

  private static final String FINISHED =
      "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";

  private static final UpstreamProperties.Server SERVER = server("1m");

  /** A busy machine stands still for longer than that: for the test of silence alone. */
  private static final UpstreamProperties.Server HASTY = server("200ms");

  private final ByteBudget budget = ByteBudget.unbounded();
  private final Watchdog watchdog = new Watchdog();
  private final Breaker breaker = new Breaker("test", SERVER.breaker());

  @AfterEach
  void close() {
    watchdog.close();
  }

  /** Says what it is told, and notes it. */
  private static final class Asker extends BaseSubscriber<List<ModelEvent>> {
    private final List<ModelEvent> heard = new ArrayList<>();
    private final AtomicInteger ends = new AtomicInteger();
    private final CountDownLatch end = new CountDownLatch(1);
    private Throwable error;

    @Override
    protected void hookOnSubscribe(Subscription subscription) {}

    @Override
    protected void hookOnNext(List<ModelEvent> pieces) {
      heard.addAll(pieces);
    }

    @Override
    protected void hookOnError(Throwable error) {
      this.error = error;
    }

    @Override
    protected void hookFinally(SignalType type) {
      ends.incrementAndGet();
      end.countDown();
    }

    private void awaitEnd() throws InterruptedException {
      assertThat(end.await(20, TimeUnit.SECONDS)).as("an end").isTrue();
    }
  }

  private static UpstreamProperties.Server server(String firstToken) {
    return Objects.requireNonNull(
        Calls.properties(
                "upstreams.test.base-url=http://127.0.0.1:1/v1",
                "upstreams.test.first-token-timeout=" + firstToken)
            .upstreams()
            .get("test"));
  }

  private Exchange exchange(TestPublisher<ByteBuf> content) {
    return exchange(SERVER, content);
  }

  private Exchange exchange(UpstreamProperties.Server server, TestPublisher<ByteBuf> content) {
    FailureMapper faults = new FailureMapper("test", List.of());
    ResponseTimeouts patience =
        new ResponseTimeouts(server, faults, System.nanoTime() + TimeUnit.MINUTES.toNanos(1), true);
    Protocol protocol = server.kind().protocol("test", server);
    ResponseReader reader =
        new ResponseReader(
            server,
            answer -> protocol.reader("m", CALL, answer),
            faults,
            patience,
            new ByteShare(budget, ByteBudget.Holder.NOBODY));
    ResponseHead head = new ResponseHead(200, "event-stream", null, null, "");
    Breaker.Request judge = Objects.requireNonNull(breaker.begin(null));
    return new Exchange(reader.read(head, content.flux()), reader, patience, watchdog, judge);
  }

  private static ByteBuf bytes(String text) {
    return Unpooled.wrappedBuffer(text.getBytes(StandardCharsets.UTF_8));
  }

  private static ByteBuf word(String word) {
    return bytes(
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + word + "\"}}]}\n\n");
  }

  @Test
  void onePartIsAskedForAtATimeAndOnlyForWhoAsks() {
    TestPublisher<ByteBuf> content = TestPublisher.create();
    Asker asker = new Asker();
    exchange(content).subscribe(asker);
    content.assertWasNotRequested();

    asker.request(1);
    // What says nothing is not what was asked for.
    content.next(bytes(": still there\n\n"));
    content.next(word("one"));
    assertThat(Calls.text(asker.heard)).isEqualTo("one");
    // The publisher fails when it is made to say more than it was asked for.
    content.assertNotCancelled();
    asker.request(2);
    content.next(word("two"));
    content.next(word("three"));
    assertThat(Calls.text(asker.heard)).isEqualTo("onetwothree");
    content.assertNoRequestOverflow();
  }

  @Test
  void theLastWordsWaitUntilTheyAreAskedFor() throws Exception {
    TestPublisher<ByteBuf> content = TestPublisher.create();
    Asker asker = new Asker();
    exchange(content).subscribe(asker);
    asker.request(1);
    content.next(word("one"));
    asker.request(1);
    // The line has no end, so that it is read with the end of the bytes.
    content.next(bytes(FINISHED.strip()));
    content.complete();
    asker.request(1);

    asker.awaitEnd();
    assertThat(asker.error).isNull();
    assertThat(asker.heard.getLast()).isInstanceOf(ModelEvent.Finish.class);
    assertThat(asker.heard).hasSize(2);
  }

  @Test
  void whatWasSaidBeforeSomethingUnreadableIsTold() throws Exception {
    TestPublisher<ByteBuf> content = TestPublisher.create();
    Asker asker = new Asker();
    exchange(content).subscribe(asker);
    asker.requestUnbounded();
    content.next(
        bytes(
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one\"}}]}\n\n"
                + "data: {\"choices\":\n\n"));

    asker.awaitEnd();
    content.assertCancelled();
    assertThat(Calls.text(asker.heard)).isEqualTo("one");
    assertThat(asker.error).isInstanceOf(CallFailure.class);
  }

  @Test
  void aBreakBehindTheReasonIsAnEnd() throws Exception {
    TestPublisher<ByteBuf> content = TestPublisher.create();
    Asker asker = new Asker();
    exchange(content).subscribe(asker);
    asker.requestUnbounded();
    content.next(word("one"));
    content.next(bytes(FINISHED));
    content.error(new IOException("reset"));

    asker.awaitEnd();
    assertThat(asker.error).isNull();
    assertThat(asker.heard.getLast()).isInstanceOf(ModelEvent.Finish.class);
  }

  @Test
  void aSilentServerIsGivenUp() throws Exception {
    TestPublisher<ByteBuf> content = TestPublisher.create();
    Asker asker = new Asker();
    exchange(HASTY, content).subscribe(asker);
    asker.requestUnbounded();

    asker.awaitEnd();
    content.assertCancelled();
    assertThat(asker.error).isInstanceOf(CallFailure.class).hasMessageContaining("said nothing");
  }

  /**
   * Part, end, error, silence and hang-up come from different threads: whatever comes first, there
   * is one end, nothing is told after it, and nothing is kept.
   */
  @Test
  void whoeverIsFirstThereIsOneEnd() throws Exception {
    for (int round = 0; round < 2_000; round++) {
      TestPublisher<ByteBuf> content =
          TestPublisher.createNoncompliant(TestPublisher.Violation.REQUEST_OVERFLOW);
      Asker asker = new Asker();
      exchange(content).subscribe(asker);
      asker.requestUnbounded();
      int kind = round % 3;
      CountDownLatch both = new CountDownLatch(2);
      Schedulers.boundedElastic()
          .schedule(() -> {
            spin();
            content.next(word("one"));
            content.next(word("two"));
            if (kind == 0) {
              content.next(bytes(FINISHED + "data: [DONE]\n\n"));
              content.complete();
            } else if (kind == 1) {
              content.error(new IOException("reset"));
            }
            both.countDown();
          });
      Schedulers.boundedElastic()
          .schedule(() -> {
            spin();
            asker.cancel();
            both.countDown();
          });
      assertThat(both.await(20, TimeUnit.SECONDS)).isTrue();
      asker.awaitEnd();
      assertThat(asker.ends).hasValue(1);
      assertThat(Calls.text(asker.heard)).isIn("", "one", "onetwo");
      assertThat(budget.used()).isZero();
    }
  }

  /**
   * Whoever reads asks for more on a thread of his own while the last part and the end come: the
   * end was told first, and the part was lost.
   */
  @Test
  void nothingIsLostBesideAnEndThatComesAtOnce() throws Exception {
    for (int round = 0; round < 5_000; round++) {
      TestPublisher<ByteBuf> content =
          TestPublisher.createNoncompliant(TestPublisher.Violation.REQUEST_OVERFLOW);
      Asker asker = new Asker();
      exchange(content).subscribe(asker);
      asker.request(1);
      CountDownLatch asking = new CountDownLatch(1);
      Schedulers.boundedElastic()
          .schedule(() -> {
            asking.countDown();
            while (asker.end.getCount() > 0) {
              asker.request(1);
            }
          });
      assertThat(asking.await(20, TimeUnit.SECONDS)).isTrue();
      content.next(word("one"));
      content.complete();
      asker.awaitEnd();
      assertThat(Calls.text(asker.heard)).isEqualTo("one");
    }
  }

  private static void spin() {
    int turns = ThreadLocalRandom.current().nextInt(2_000);
    for (int i = 0; i < turns; i++) {
      Thread.onSpinWait();
    }
  }
}
