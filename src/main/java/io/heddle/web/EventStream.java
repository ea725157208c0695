package io.heddle.web;

import io.heddle.base.Problem;
import io.netty.channel.Channel;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.HttpVersion;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpRequestDecorator;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.netty.NettyPipeline;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;

/** An answer that goes on: server-sent events. */
public final class EventStream extends OpenResponse {

  private static final String NAME = "heddle.events";
  private static final String CONTENT_TYPE = "text/event-stream";

  /** Who compresses on the way holds events back until the stream ends, and so must not. */
  private static final String CACHE_CONTROL = "no-cache, no-transform";

  private static final String NO_BUFFERING = "no";

  private final Connections connections;
  private final StreamProtocol protocol;
  private final StreamForm form;
  private final HttpHeaders headers = new HttpHeaders();

  /** Whether the protocol was opened, or abandoned: one of both happens to it. */
  private final AtomicBoolean taken = new AtomicBoolean();

  public EventStream(Connections connections, StreamProtocol protocol) {
    this(connections, protocol, StreamForm.WATCH);
  }

  public EventStream(Connections connections, StreamProtocol protocol, StreamForm form) {
    this.connections = connections;
    this.protocol = protocol;
    this.form = form;
  }

  public EventStream header(String name, String value) {
    headers.set(name, value);
    return this;
  }

  /** Whether the request is one of a browser's {@code EventSource}, or like it. */
  public static boolean isAskedFor(ServerHttpRequest request) {
    return request.getHeaders().getOrEmpty(HttpHeaders.ACCEPT).stream()
        .flatMap(value -> Stream.of(value.split(",", -1)))
        .map(value -> value.split(";", 2)[0].strip())
        .anyMatch(CONTENT_TYPE::equalsIgnoreCase);
  }

  /**
   * What an {@code EventSource} is answered where another client would be told to try again: an
   * event stream that ends at once. It ends itself for good at any other status than 200.
   */
  public static BytesResponse comeBack(Problem problem) {
    String lines = RetryDelay.line() + ": " + problem.code().code() + "\n\n";
    return BytesResponse.of(
            HttpStatus.OK.value(), CONTENT_TYPE, lines.getBytes(StandardCharsets.US_ASCII))
        .header(HttpHeaders.CACHE_CONTROL, CACHE_CONTROL)
        .header(HeaderNames.ACCEL_BUFFERING, NO_BUFFERING)
        // On the same connection it would come back to this replica.
        .header(HttpHeaders.CONNECTION, "close");
  }

  @Override
  Mono<Void> open(ServerWebExchange exchange, HttpServerResponse response) {
    response
        .status(HttpStatus.OK.value())
        .header(HttpHeaders.CONTENT_TYPE, CONTENT_TYPE)
        .header(HttpHeaders.CACHE_CONTROL, CACHE_CONTROL)
        .header(HeaderNames.ACCEL_BUFFERING, NO_BUFFERING);
    headers.forEach((name, values) -> response.header(name, values.getFirst()));
    HttpServerRequest request = ServerHttpRequestDecorator.getNativeRequest(exchange.getRequest());
    boolean old = request.version().equals(HttpVersion.HTTP_1_0);
    if (old) {
      // It knows no chunks (RFC 9112, 6.1).
      response.chunkedTransfer(false).keepAlive(false);
    }
    WireForm wireForm = old ? WireForm.PLAIN_EVENTS : WireForm.EVENTS;
    return stream(response, wireForm)
        .onErrorResume(HangUps::isOne, _ -> Mono.empty())
        .doFinally(_ -> {
          if (taken.compareAndSet(false, true)) {
            protocol.abandoned();
          }
        });
  }

  /** The head is not waited for: it goes out with what the stream begins with. */
  private Mono<Void> stream(HttpServerResponse response, WireForm wireForm) {
    return Mono.create(sink ->
        response.withConnection(connection -> {
          Channel channel = connection.channel();
          GuardedConnection.delayFlush(channel);
          response
              .sendHeaders()
              .then()
              .subscribe(_ -> {}, error -> headFailed(channel, error, sink));
          if (channel.eventLoop().inEventLoop()) {
            begin(channel, wireForm, sink);
          } else {
            // After the head, which is written there too; and nothing closes the channel meanwhile.
            channel.eventLoop().execute(() -> begin(channel, wireForm, sink));
          }
        }));
  }

  /** What was written with the head fails after it, and must still find the stream in its place. */
  private static void headFailed(Channel channel, Throwable error, MonoSink<Void> sink) {
    if (HangUps.isOne(error)) {
      channel.close();
    } else {
      sink.error(error);
    }
  }

  private void begin(Channel channel, WireForm wireForm, MonoSink<Void> sink) {
    ChannelPipeline pipeline = channel.pipeline();
    if (!channel.isActive() || pipeline.context(NettyPipeline.ReactiveBridge) == null) {
      // Whoever asked has hung up, and its pipeline is empty or will be.
      sink.success();
      return;
    }
    if (!taken.compareAndSet(false, true)) {
      return;
    }
    StreamConnection stream =
        new StreamConnection(connections, wireForm, protocol, form, sink::success);
    pipeline.addBefore(NettyPipeline.ReactiveBridge, NAME, stream);
    // However it ends, the connection may take another request.
    sink.onDispose(() -> {
      if (pipeline.context(stream) != null) {
        pipeline.remove(stream);
      }
    });
  }

  @Override
  public HttpStatusCode statusCode() {
    return HttpStatus.OK;
  }

  @Override
  public HttpHeaders headers() {
    return headers;
  }
}
