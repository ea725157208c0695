package io.heddle.web;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.ByteBudget;
import io.heddle.base.ProblemException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.NettyDataBufferFactory;
import org.springframework.http.MediaType;
import org.springframework.mock.http.server.reactive.MockServerHttpRequest;
import org.springframework.mock.web.server.MockServerWebExchange;
import reactor.core.publisher.Flux;
import reactor.core.publisher.SignalType;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;

class BodyReaderTest {

  private final BodyReader reader =
      new BodyReader(10, Duration.ofMillis(200), ByteBudget.unbounded());
  private final BodyReader patient =
      new BodyReader(10, Duration.ofMinutes(1), ByteBudget.unbounded());
  private final NettyDataBufferFactory buffers =
      new NettyDataBufferFactory(PooledByteBufAllocator.DEFAULT);
  private final List<ByteBuf> made = new ArrayList<>();

  @AfterEach
  void everyBufferIsReleased() {
    reader.close();
    patient.close();
    assertThat(made).allMatch(buffer -> buffer.refCnt() == 0);
  }

  @Test
  void chunksAreJoined() {
    StepVerifier.create(reader.json(exchange(Flux.just(chunk("ab"), chunk("cde"), chunk("f")), -1)))
        .assertNext(body -> assertThat(body).asString().isEqualTo("abcdef"))
        .verifyComplete();
  }

  @Test
  void aBodyOfExactlyTheLimitIsRead() {
    StepVerifier.create(reader.json(exchange(Flux.just(chunk("0123456789")), 10)))
        .assertNext(body -> assertThat(body).hasSize(10))
        .verifyComplete();
  }

  @Test
  void oneByteMoreIsRefused() {
    MockServerWebExchange chunked =
        exchange(Flux.just(chunk("01234"), chunk("56789"), chunk("x"), chunk("y")), -1);
    StepVerifier.create(reader.json(chunked)).verifyErrorSatisfies(e -> is(e, "body-too-large"));
    MockServerWebExchange declared = exchange(Flux.just(chunk("0123456789"), chunk("x")), 11);
    StepVerifier.create(reader.json(declared)).verifyErrorSatisfies(e -> is(e, "body-too-large"));
  }

  /** Clients that wrote five megabytes before they read saw a reset connection and no problem. */
  @Test
  void tooLargeABodyIsReadToItsEndBeforeItIsRefused() {
    TestPublisher<DataBuffer> body = TestPublisher.create();
    MockServerWebExchange exchange = exchange(body.flux(), 12);
    StepVerifier.create(patient.json(exchange))
        .then(() -> body.next(chunk("0123456789"), chunk("x")))
        .expectNoEvent(Duration.ofMillis(50))
        .then(() -> body.next(chunk("y")).complete())
        .expectErrorSatisfies(e -> is(e, "body-too-large"))
        .verify(Duration.ofSeconds(10));
    assertThat(exchange.getResponse().getHeaders().getFirst("Connection")).isNull();
  }

  @Test
  void tooLargeABodyIsNotReadForEver() {
    MockServerWebExchange huge = exchange(Flux.never(), 1L << 40);
    StepVerifier.create(reader.json(huge)).verifyErrorSatisfies(e -> is(e, "body-too-large"));
    assertThat(huge.getResponse().getHeaders().getFirst("Connection")).isEqualTo("close");
    MockServerWebExchange slow = exchange(Flux.never(), 11);
    StepVerifier.create(reader.json(slow)).verifyErrorSatisfies(e -> is(e, "body-too-large"));
    assertThat(slow.getResponse().getHeaders().getFirst("Connection")).isEqualTo("close");
    MockServerWebExchange asking =
        MockServerWebExchange.from(
            MockServerHttpRequest.post("/v1/x")
                .contentType(MediaType.APPLICATION_JSON)
                .header("Expect", "100-continue")
                .contentLength(11)
                .body(Flux.never()));
    StepVerifier.create(reader.json(asking)).verifyErrorSatisfies(e -> is(e, "body-too-large"));
  }

  @Test
  void aBodyThatStopsIsGivenUp() {
    TestPublisher<DataBuffer> slow = TestPublisher.create();
    MockServerWebExchange exchange = exchange(slow.flux(), 10);
    StepVerifier.create(reader.json(exchange))
        .then(() -> slow.next(chunk("ab")))
        .expectErrorSatisfies(e -> is(e, "request-timeout"))
        .verify(Duration.ofSeconds(10));
    slow.assertCancelled();
    assertThat(exchange.getResponse().getHeaders().getFirst("Connection")).isEqualTo("close");
  }

  @Test
  void aCancelIsPassedOn() {
    TestPublisher<DataBuffer> body = TestPublisher.create();
    StepVerifier.create(reader.json(exchange(body.flux(), 10)))
        .then(() -> body.next(chunk("ab")))
        .thenCancel()
        .verify(Duration.ofSeconds(10));
    body.assertCancelled();
  }

  @Test
  void aBrokenConnectionIsToldOnce() {
    TestPublisher<DataBuffer> body = TestPublisher.create();
    StepVerifier.create(reader.json(exchange(body.flux(), 10)))
        .then(() -> body.error(new java.io.IOException("reset")))
        .verifyError(java.io.IOException.class);
  }

  @Test
  void noBodyIsNoBytesWhereThatIsAllowed() {
    MockServerWebExchange none =
        MockServerWebExchange.from(MockServerHttpRequest.post("/v1/x").build());
    StepVerifier.create(reader.jsonOrNothing(none))
        .assertNext(body -> assertThat(body).isEmpty())
        .verifyComplete();
    StepVerifier.create(reader.json(none))
        .verifyErrorSatisfies(e -> is(e, "unsupported-media-type"));
  }

  @Test
  void aMergePatchIsReadOnlyAsOne() {
    MockServerWebExchange patch =
        MockServerWebExchange.from(
            MockServerHttpRequest.patch("/v1/x")
                .contentType(MediaType.parseMediaType("application/merge-patch+json"))
                .body(Flux.just(chunk("{}"))));
    StepVerifier.create(reader.mergePatch(patch)).expectNextCount(1).verifyComplete();
    StepVerifier.create(reader.json(patch))
        .verifyErrorSatisfies(e -> is(e, "unsupported-media-type"));
  }

  // ---- the bytes in flight

  private final ByteBudget budget = new ByteBudget(120, 60, 60);
  private final BodyReader counting = new BodyReader(20, Duration.ofMillis(500), budget);

  @AfterEach
  void nothingIsHeldAnyMore() {
    counting.close();
    Awaitility.await().until(() -> budget.used() == 0 && budget.holders() == 0);
  }

  /** With its copies, from before its first byte until it is answered. */
  @Test
  void aBodyIsCountedUntilItsRequestIsAnswered() {
    TestPublisher<DataBuffer> body = TestPublisher.create();
    MockServerWebExchange exchange = exchange(body.flux(), 10);
    StepVerifier.create(counting.json(exchange))
        .then(() -> assertThat(budget.used()).isEqualTo(30))
        .then(() -> body.next(chunk("0123456789")).complete())
        .expectNextCount(1)
        .verifyComplete();

    assertThat(budget.used()).isEqualTo(30);
    BodyReader.release(exchange, SignalType.ON_COMPLETE);
    assertThat(budget.used()).isZero();
  }

  @Test
  void aBodyOfUnknownLengthIsCountedAsItGrows() {
    TestPublisher<DataBuffer> body = TestPublisher.create();
    MockServerWebExchange exchange = exchange(body.flux(), -1);
    StepVerifier.create(counting.json(exchange))
        .then(() -> assertThat(budget.used()).isZero())
        .then(() -> body.next(chunk("01234")))
        .then(() -> assertThat(budget.used()).isEqualTo(15))
        .then(() -> body.next(chunk("5")))
        .then(() -> assertThat(budget.used()).isEqualTo(30))
        .thenCancel()
        .verify(Duration.ofSeconds(10));

    assertThat(budget.used()).isZero();
  }

  @Test
  void theNewestIsRefusedAndNothingOfItIsKept() {
    TestPublisher<DataBuffer> first = TestPublisher.create();
    TestPublisher<DataBuffer> second = TestPublisher.create();
    MockServerWebExchange answered = exchange(first.flux(), 20);
    StepVerifier.create(counting.json(answered))
        .then(() ->
            StepVerifier.create(counting.json(exchange(second.flux(), 10)))
                .then(() -> second.next(chunk("01234")))
                .then(() -> assertThat(budget.used()).isEqualTo(60))
                .then(() -> second.next(chunk("56789")).complete())
                .expectErrorSatisfies(e -> is(e, "overloaded"))
                .verify(Duration.ofSeconds(10)))
        .then(() -> first.next(chunk("0123456789"), chunk("0123456789")).complete())
        .expectNextCount(1)
        .verifyComplete();
    BodyReader.release(answered, SignalType.ON_COMPLETE);
  }

  /** Whoever has used up its share must not have the server throw bodies away for ever. */
  @Test
  void aRefusedBodyIsReadForAMomentOnly() {
    // Itself with a minute of time, so that only the refusal can end what the others wait for.
    BodyReader patient = new BodyReader(20, Duration.ofMinutes(1), budget);
    TestPublisher<DataBuffer> first = TestPublisher.create();
    StepVerifier.create(patient.json(exchange(first.flux(), 20)))
        .then(() -> {
          MockServerWebExchange stuck = exchange(Flux.never(), 10);
          StepVerifier.create(patient.json(stuck))
              .expectErrorSatisfies(e -> is(e, "overloaded"))
              .verify(Duration.ofSeconds(10));
          assertThat(stuck.getResponse().getHeaders().getFirst("Connection")).isEqualTo("close");
          MockServerWebExchange endless =
              exchange(Flux.generate(sink -> sink.next(chunk("0123456789"))), -1);
          StepVerifier.create(patient.json(endless))
              .expectErrorSatisfies(e -> is(e, "overloaded"))
              .verify(Duration.ofSeconds(10));
          MockServerWebExchange asking =
              MockServerWebExchange.from(
                  MockServerHttpRequest.post("/v1/x")
                      .contentType(MediaType.APPLICATION_JSON)
                      .header("Heddle-User", "ann")
                      .header("Expect", "100-continue")
                      .contentLength(10)
                      .body(Flux.never()));
          StepVerifier.create(patient.json(asking))
              .expectErrorSatisfies(e -> is(e, "overloaded"))
              .verify(Duration.ofSeconds(5));
          patient.close();
        })
        .thenCancel()
        .verify(Duration.ofSeconds(30));
  }

  @Test
  void whateverEndsABodyGivesItBack() {
    TestPublisher<DataBuffer> broken = TestPublisher.create();
    StepVerifier.create(counting.json(exchange(broken.flux(), 20)))
        .then(() -> broken.error(new java.io.IOException("reset")))
        .verifyError(java.io.IOException.class);
    assertThat(budget.used()).isZero();
    StepVerifier.create(counting.json(exchange(Flux.never(), 20)))
        .verifyErrorSatisfies(e -> is(e, "request-timeout"));
    assertThat(budget.used()).isZero();
    StepVerifier.create(
            counting.json(
                exchange(Flux.just(chunk("0123456789"), chunk("0123456789"), chunk("x")), -1)))
        .verifyErrorSatisfies(e -> is(e, "body-too-large"));
    assertThat(budget.used()).isZero();
  }

  /** What was begun for it may go on for a while, with its bytes. */
  @Test
  void whoHangsUpAfterItsBodyHoldsItForAMoment() {
    MockServerWebExchange exchange = exchange(Flux.just(chunk("0123456789")), 10);
    StepVerifier.create(counting.json(exchange)).expectNextCount(1).verifyComplete();

    BodyReader.release(exchange, SignalType.CANCEL);
    assertThat(budget.used()).isEqualTo(30);
    Awaitility.await().until(() -> budget.used() == 0);
  }

  private DataBuffer chunk(String text) {
    DataBuffer buffer = buffers.allocateBuffer(16);
    buffer.write(text, StandardCharsets.UTF_8);
    made.add(NettyDataBufferFactory.toByteBuf(buffer));
    return buffer;
  }

  private static MockServerWebExchange exchange(Flux<DataBuffer> body, long length) {
    MockServerHttpRequest.BodyBuilder request =
        MockServerHttpRequest.post("/v1/x")
            .header("Heddle-User", "ann")
            .contentType(MediaType.APPLICATION_JSON);
    if (length >= 0) {
      request.contentLength(length);
    }
    return MockServerWebExchange.from(request.body(body));
  }

  private static void is(Throwable error, String code) {
    assertThat(error).isInstanceOf(ProblemException.class);
    assertThat(((ProblemException) error).problem().code().code()).isEqualTo(code);
  }
}
