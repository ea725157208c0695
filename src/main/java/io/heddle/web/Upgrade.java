package io.heddle.web;

import io.heddle.base.ByteBudget;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.HttpVersion;
import java.util.Base64;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpRequestDecorator;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.netty.Connection;
import reactor.netty.NettyPipeline;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;
import reactor.netty.http.server.WebsocketServerSpec;

/** The answer that makes a WebSocket of a request. */
public final class Upgrade extends OpenResponse {

  private static final String NAME = "heddle.socket";

  /** As Netty's handshaker names it. */
  private static final String DECODER = "wsdecoder";

  private static final String VERSION = "13";
  private static final int KEY_BYTES = 16;

  private final Connections connections;
  private final SocketProtocol protocol;
  private final ByteBudget.Holder holder;
  private final int maxMessage;

  /**
   * @param holder whose bytes unfinished messages are
   * @param maxMessage the most bytes that a message of the client may have
   */
  public Upgrade(
      Connections connections, SocketProtocol protocol, ByteBudget.Holder holder, int maxMessage) {
    this.connections = connections;
    this.protocol = protocol;
    this.holder = holder;
    this.maxMessage = maxMessage;
  }

  /** What is wrong with the handshake (RFC 6455, 4.2.1); null when nothing is. */
  public static @Nullable Problem refusal(ServerHttpRequest request) {
    HttpHeaders headers = request.getHeaders();
    HttpServerRequest http = ServerHttpRequestDecorator.getNativeRequest(request);
    if (!http.version().equals(HttpVersion.HTTP_1_1)) {
      return wrong("version", "of HTTP must be 1.1 for a WebSocket");
    }
    if (!hasToken(headers, HttpHeaders.UPGRADE, "websocket")) {
      return wrong(HttpHeaders.UPGRADE, "must be websocket");
    }
    if (!hasToken(headers, HttpHeaders.CONNECTION, "upgrade")) {
      return wrong(HttpHeaders.CONNECTION, "must have the token Upgrade");
    }
    // Its bytes would be taken for frames.
    if (headers.getContentLength() > 0 || headers.containsHeader(HttpHeaders.TRANSFER_ENCODING)) {
      return wrong("body", "must be empty for a WebSocket");
    }
    List<String> versions = headers.getOrEmpty(HeaderNames.WEBSOCKET_VERSION);
    if (versions.size() > 1) {
      return wrong(HeaderNames.WEBSOCKET_VERSION, "is there twice");
    }
    if (versions.isEmpty() || !versions.getFirst().equals(VERSION)) {
      return Problem.field(
          ProblemCode.UPGRADE_REQUIRED,
          HeaderNames.WEBSOCKET_VERSION,
          HeaderNames.WEBSOCKET_VERSION + " must be " + VERSION);
    }
    List<String> keys = headers.getOrEmpty(HeaderNames.WEBSOCKET_KEY);
    return keys.size() == 1 && isKey(keys.getFirst())
        ? null
        : wrong(HeaderNames.WEBSOCKET_KEY, "must be there once, 16 bytes in base64");
  }

  /** The problem, with the headers that tell a client what it may try. */
  public static BytesResponse refused(Problem problem) {
    return refused(problem, ProblemWriter.answer(problem));
  }

  /**
   * The same in the form of another wire.
   *
   * @param told the problem as that wire tells it
   */
  public static BytesResponse refused(Problem problem, BytesResponse told) {
    BytesResponse answer = told.header(HeaderNames.WEBSOCKET_VERSION, VERSION);
    return problem.code() == ProblemCode.UPGRADE_REQUIRED
        ? answer
            .header(HttpHeaders.UPGRADE, "websocket")
            .header(HttpHeaders.CONNECTION, HttpHeaders.UPGRADE)
        : answer;
  }

  private static Problem wrong(String field, String detail) {
    return Query.refuse(field, detail).problem();
  }

  private static boolean hasToken(HttpHeaders headers, String name, String token) {
    return headers.getOrEmpty(name).stream()
        .flatMap(value -> Stream.of(value.split(",", -1)))
        .anyMatch(value -> value.strip().equalsIgnoreCase(token));
  }

  private static boolean isKey(String key) {
    try {
      return key.endsWith("==") && Base64.getDecoder().decode(key).length == KEY_BYTES;
    } catch (IllegalArgumentException _) {
      return false;
    }
  }

  @Override
  Mono<Void> open(ServerWebExchange exchange, HttpServerResponse response) {
    if (response.hasSentHeaders()) {
      // The server could not decode what came behind the handshake, and has said so.
      return Mono.empty();
    }
    WebsocketServerSpec spec =
        WebsocketServerSpec.builder().maxFramePayloadLength(maxMessage).handlePing(true).build();
    // It may be one of a list, which Netty does not look through.
    ServerHttpRequestDecorator.<HttpServerRequest>getNativeRequest(exchange.getRequest())
        .requestHeaders()
        .set(HttpHeaders.UPGRADE, "websocket");
    // On its loop, where nothing comes between the handshake and the handler: what the client sends
    // right behind it would be read by Netty's, and nobody would hear it.
    return Mono.defer(() -> handshake(response, spec))
        .subscribeOn(loop(response))
        // Netty's handshake fails when whoever asked for it has gone.
        .onErrorResume(error -> HangUps.isOne(error) || isClosed(response), _ -> Mono.empty());
  }

  /** Its answer is over with the handshake; what it opens, with the connection. */
  @Override
  Mono<Void> count(
      HttpServerResponse response, Mono<Void> opened, UnaryOperator<Mono<Void>> counted) {
    response.withConnection(connection ->
        counted
            .apply(
                Mono.create(
                    end -> connection.channel().closeFuture().addListener(_ -> end.success())))
            .subscribe());
    return opened;
  }

  private Mono<Void> handshake(HttpServerResponse response, WebsocketServerSpec spec) {
    return response.sendWebsocket(
        (_, out) ->
            Mono.create(end ->
                out.withConnection(connection -> {
                  ChannelPipeline pipeline = connection.channel().pipeline();
                  connection.channel().closeFuture().addListener(_ -> end.success());
                  if (pipeline.context(NettyPipeline.ReactiveBridge) == null) {
                    // Whoever asked hung up within the handshake; its pipeline is empty.
                    return;
                  }
                  KeepAliveReads.leave(pipeline);
                  RequestTargetCheck.leave(pipeline);
                  pipeline.addBefore(
                      NettyPipeline.ReactiveBridge,
                      NAME,
                      new SocketConnection(connections, protocol, holder, maxMessage));
                  // Netty's takes what extensions would be allowed, and keeps a whole frame
                  // before anybody can count it. What it has read and not given yet goes to
                  // the one above.
                  pipeline.remove(DECODER);
                })),
        spec);
  }

  private static Scheduler loop(HttpServerResponse response) {
    return response instanceof Connection connection
        ? Schedulers.fromExecutor(connection.channel().eventLoop())
        : Schedulers.immediate();
  }

  private static boolean isClosed(HttpServerResponse response) {
    return response instanceof Connection connection && !connection.channel().isActive();
  }

  @Override
  public HttpStatusCode statusCode() {
    return HttpStatus.SWITCHING_PROTOCOLS;
  }

  @Override
  public HttpHeaders headers() {
    return new HttpHeaders();
  }
}
