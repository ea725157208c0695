package io.heddle.web;

import io.netty.channel.ChannelPipeline;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.ResponseCookie;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpResponseDecorator;
import org.springframework.util.CollectionUtils;
import org.springframework.util.LinkedMultiValueMap;
import org.springframework.util.MultiValueMap;
import org.springframework.web.reactive.function.server.ServerResponse;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;
import reactor.netty.NettyPipeline;
import reactor.netty.http.server.HttpServerResponse;
import reactor.netty.http.server.WebsocketServerSpec;

/** The answer that makes a WebSocket of a request. */
public final class Upgrade implements ServerResponse {

  private static final String NAME = "heddle.socket";

  private final Connections connections;
  private final SocketProtocol protocol;
  private final int maxMessage;

  /**
   * @param maxMessage the most bytes that a message of the client may have
   */
  public Upgrade(Connections connections, SocketProtocol protocol, int maxMessage) {
    this.connections = connections;
    this.protocol = protocol;
    this.maxMessage = maxMessage;
  }

  /** Whether the request asks for a WebSocket. */
  public static boolean isAsked(ServerHttpRequest request) {
    HttpHeaders headers = request.getHeaders();
    return "websocket".equalsIgnoreCase(headers.getUpgrade())
        && headers.getConnection().stream().anyMatch("upgrade"::equalsIgnoreCase)
        && headers.getFirst("Sec-WebSocket-Key") != null
        && "13".equals(headers.getFirst("Sec-WebSocket-Version"));
  }

  @Override
  public Mono<Void> writeTo(ServerWebExchange exchange, Context context) {
    HttpServerResponse response =
        ServerHttpResponseDecorator.getNativeResponse(exchange.getResponse());
    WebsocketServerSpec spec =
        WebsocketServerSpec.builder().maxFramePayloadLength(maxMessage).handlePing(true).build();
    return response.sendWebsocket(
        (_, out) ->
            Mono.create(end ->
                out.withConnection(connection -> {
                  ChannelPipeline pipeline = connection.channel().pipeline();
                  connection.channel().closeFuture().addListener(_ -> end.success());
                  KeepAliveReads.leave(pipeline);
                  RequestRepair.leave(pipeline);
                  pipeline.addBefore(
                      NettyPipeline.ReactiveBridge,
                      NAME,
                      new SocketConnection(connections, protocol, maxMessage));
                })),
        spec);
  }

  @Override
  public HttpStatusCode statusCode() {
    return HttpStatus.SWITCHING_PROTOCOLS;
  }

  @Override
  public HttpHeaders headers() {
    return new HttpHeaders();
  }

  @Override
  public MultiValueMap<String, ResponseCookie> cookies() {
    return CollectionUtils.unmodifiableMultiValueMap(new LinkedMultiValueMap<>(0));
  }
}
