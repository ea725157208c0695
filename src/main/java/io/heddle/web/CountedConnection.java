package io.heddle.web;

import java.util.function.UnaryOperator;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.ResponseCookie;
import org.springframework.http.server.reactive.ServerHttpResponseDecorator;
import org.springframework.util.MultiValueMap;
import org.springframework.web.reactive.function.server.ServerResponse;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerResponse;

/** An answer that stays open, and counts as long as it does. */
public final class CountedConnection implements ServerResponse {

  private final ServerResponse answer;
  private final UnaryOperator<Mono<Void>> counting;

  private CountedConnection(ServerResponse answer, UnaryOperator<Mono<Void>> counting) {
    this.answer = answer;
    this.counting = counting;
  }

  /**
   * Counts the answer, if it is a WebSocket or an event stream; any other is as it was.
   *
   * @param counting counts a subscription, until it ends
   */
  public static ServerResponse of(ServerResponse answer, UnaryOperator<Mono<Void>> counting) {
    return answer instanceof EventStream || answer instanceof Upgrade
        ? new CountedConnection(answer, counting)
        : answer;
  }

  @Override
  public Mono<Void> writeTo(ServerWebExchange exchange, Context context) {
    if (answer instanceof EventStream) {
      return counting.apply(Mono.defer(() -> answer.writeTo(exchange, context)));
    }
    // Its answer is over with the handshake; what it opens, with the connection.
    HttpServerResponse response =
        ServerHttpResponseDecorator.getNativeResponse(exchange.getResponse());
    response.withConnection(connection ->
        counting
            .apply(
                Mono.create(
                    end -> connection.channel().closeFuture().addListener(_ -> end.success())))
            .subscribe());
    return answer.writeTo(exchange, context);
  }

  @Override
  public HttpStatusCode statusCode() {
    return answer.statusCode();
  }

  @Override
  public HttpHeaders headers() {
    return answer.headers();
  }

  @Override
  public MultiValueMap<String, ResponseCookie> cookies() {
    return answer.cookies();
  }
}
