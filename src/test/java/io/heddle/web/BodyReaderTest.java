package io.heddle.web;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.ProblemException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.NettyDataBufferFactory;
import org.springframework.http.MediaType;
import org.springframework.mock.http.server.reactive.MockServerHttpRequest;
import org.springframework.mock.web.server.MockServerWebExchange;
import reactor.core.publisher.Flux;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;

class BodyReaderTest {

  private final BodyReader reader = new BodyReader(10, Duration.ofMillis(200));
  private final NettyDataBufferFactory buffers =
      new NettyDataBufferFactory(PooledByteBufAllocator.DEFAULT);
  private final List<ByteBuf> made = new ArrayList<>();

  @AfterEach
  void everyBufferIsReleased() {
    reader.close();
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
    StepVerifier.create(reader.json(exchange))
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

  private DataBuffer chunk(String text) {
    DataBuffer buffer = buffers.allocateBuffer(16);
    buffer.write(text, StandardCharsets.UTF_8);
    made.add(NettyDataBufferFactory.toByteBuf(buffer));
    return buffer;
  }

  private static MockServerWebExchange exchange(Flux<DataBuffer> body, long length) {
    MockServerHttpRequest.BodyBuilder request =
        MockServerHttpRequest.post("/v1/x").contentType(MediaType.APPLICATION_JSON);
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
